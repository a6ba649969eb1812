"""Callers that may: the targets of one request, in their own order."""

from hashlib import sha256
from typing import Final

from hotswap.testing.serving import chat, pair
from hotswap.testing.step import Step

ACCESS: Final = {
    "keys": [
        {"id": "ops", "sha256": sha256(b"hs-ops").hexdigest(), "scopes": ["order"]},
        {"id": "app", "sha256": sha256(b"hs-app").hexdigest()},
    ]
}
OPS: Final = {"authorization": "Bearer hs-ops"}
APP: Final = {"authorization": "Bearer hs-app"}


async def test_the_caller_says_who_is_asked_first() -> None:
    async with pair() as p:
        answer = await p.gateway.post(chat("assist"), headers={"x-hotswap-order": "two/m, one/m"})

        assert answer.headers["x-hotswap-target"] == "two/m"
        assert p.one.requests == 0


async def test_the_order_counts_whatever_balances_the_chain() -> None:
    async with pair(balance="least_busy", sticky=True) as p:
        for _ in range(6):
            answer = await p.gateway.post(
                chat("assist"), headers={"x-hotswap-order": "two/m,one/m"}
            )

            assert answer.headers["x-hotswap-target"] == "two/m"


async def test_the_next_of_the_order_stands_in() -> None:
    async with pair(second=Step(status=500)) as p:
        answer = await p.gateway.post(chat("assist"), headers={"x-hotswap-order": "two/m,one/m"})

        assert answer.headers["x-hotswap-target"] == "one/m"
        assert answer.headers["x-hotswap-attempts"] == "2"


async def test_what_the_order_leaves_out_is_not_asked_even_in_need() -> None:
    async with pair(Step(status=500), on_exhausted={"wait_s": 0.1}) as p:
        for _ in range(7):
            answer = await p.gateway.post(chat("assist"), headers={"x-hotswap-order": "one/m"})

            assert answer.status == 503
        assert p.two.requests == 0


async def test_a_key_needs_the_scope() -> None:
    async with pair(access=ACCESS) as p:
        order = {"x-hotswap-order": "two/m"}
        allowed = await p.gateway.post(chat("assist"), headers={**OPS, **order})
        refused = await p.gateway.post(chat("assist"), headers={**APP, **order})

        assert allowed.headers["x-hotswap-target"] == "two/m"
        assert refused.status == 403
        assert refused.error()["code"] == "order_not_allowed"
        assert p.one.requests == 0


async def test_a_name_that_is_no_target_is_refused_with_those_that_are() -> None:
    async with pair() as p:
        answer = await p.gateway.post(chat("assist"), headers={"x-hotswap-order": "two/m, three/m"})

        assert answer.status == 400
        assert answer.error()["message"] == (
            "The header x-hotswap-order names 'three/m', which is no target of 'assist':"
            " one/m, two/m."
        )
        assert p.two.requests == 0


async def test_an_order_without_names_is_refused() -> None:
    async with pair() as p:
        answer = await p.gateway.post(chat("assist"), headers={"x-hotswap-order": "two/m,,"})

        assert (answer.status, answer.error()["code"]) == (400, "invalid_header")


async def test_the_refusal_is_in_the_callers_dialect() -> None:
    body = {"model": "assist", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
    headers = {"x-api-key": "hs-app", "x-hotswap-order": "two/m"}
    async with pair(access=ACCESS) as p:
        answer = await p.gateway.post(body, path="/v1/messages", headers=headers)

        assert (answer.status, answer.error()["type"]) == (403, "permission_error")

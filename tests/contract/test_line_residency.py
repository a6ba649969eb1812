"""A caller's data never leaves its zones, whatever else is down."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Final

import pytest
from msgspec import Struct

from hotswap.testing.provider import HEALTHY, ScriptedProvider
from hotswap.testing.serving import Answer, Serving, chat, serving
from hotswap.testing.step import Cut, Step

KEYS: Final = {
    "europe": {"zones": ["eu"], "scopes": ["order"]},
    "states": {"zones": ["us", "ca"]},
    "nowhere": {"zones": ["cn"]},
    "anywhere": {},
}
EVERY_FAULT = pytest.mark.parametrize(
    "fault",
    [
        Step(status=500),
        Step(status=429),
        Step(status=401),
        Step(status=402),
        Step(status=404),
        Step(drop=Cut.RESET),
        Step(text=""),
    ],
    ids=["500", "429", "401", "402", "404", "reset", "empty"],
)
BOTH_MODES = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


class World(Struct, frozen=True):
    """The same model in Europe, in the States, somewhere, and at an unknown place."""

    eu: ScriptedProvider
    us: ScriptedProvider
    anywhere: ScriptedProvider
    unknown: ScriptedProvider
    gateway: Serving

    async def ask(
        self, key: str = "europe", model: str = "assist", *, stream: bool = False, **headers: str
    ) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.gateway.post(
            chat(model, stream=stream), headers={"authorization": f"Bearer {key}", **named}
        )

    def abroad(self) -> int:
        """Count the requests that were made outside of Europe."""
        return self.us.requests + self.anywhere.requests + self.unknown.requests


@asynccontextmanager
async def world(
    eu: Step = HEALTHY, health: object = None, **settings: object
) -> AsyncGenerator[World]:
    async with (
        ScriptedProvider("eu", eu) as one,
        ScriptedProvider("us") as two,
        ScriptedProvider("anywhere") as three,
        ScriptedProvider("unknown") as four,
    ):
        zones = {"us": "us", "anywhere": "global", "unknown": "", "eu": "eu"}
        providers: Mapping[str, ScriptedProvider] = {p.name: p for p in (two, three, four, one)}
        config = {
            "providers": {
                name: {
                    "base_url": p.base_url,
                    "allow_private": True,
                    "zone": zones[name],
                    "region": f"{name}-1",
                    "vendor": "same",
                    "keys": [{"id": "main", "secret": "sk-test"}],
                }
                for name, p in providers.items()
            },
            "fallback": {
                "chains": [
                    {
                        "name": "assist",
                        "models": [{"provider": name, "model": "m"} for name in providers],
                        "retry": {"max_attempts": 1},
                        **settings,
                    }
                ],
                "health": health,
            },
            "access": {
                "keys": [
                    {"id": id_, "sha256": sha256(id_.encode()).hexdigest(), **what}
                    for id_, what in KEYS.items()
                ]
            },
        }
        async with serving(config) as gateway:
            yield World(one, two, three, four, gateway)


@BOTH_MODES
async def test_the_first_target_inside_the_zones_answers(*, stream: bool) -> None:
    async with world() as w:
        answer = await w.ask("europe", stream=stream)

        assert answer.headers["x-hotswap-target"] == "eu/m"
        assert w.abroad() == 0


async def test_a_key_without_zones_goes_as_the_chain_says() -> None:
    async with world() as w:
        assert (await w.ask("anywhere")).headers["x-hotswap-target"] == "us/m"


@EVERY_FAULT
@BOTH_MODES
async def test_with_everything_down_at_home_nothing_goes_abroad(
    fault: Step, *, stream: bool
) -> None:
    async with world(fault) as w:
        answers = [await w.ask(stream=stream) for _ in range(8)]

        assert {answer.status for answer in answers} <= {429, 503}
        assert w.eu.requests > 0
        assert w.abroad() == 0


@pytest.mark.parametrize("policy", ["least_bad", {"wait_s": 0.1}], ids=["least_bad", "wait"])
async def test_neither_panic_nor_waiting_leads_abroad(policy: object) -> None:
    async with world(Step(status=500), on_exhausted=policy) as w:
        for _ in range(8):
            assert (await w.ask()).status == 503

        assert w.abroad() == 0


async def test_a_splice_stays_at_home() -> None:
    broken = Step(text=("The three", " largest"), cut=Cut.EOF, cut_after=3)
    async with world(broken) as w:
        answer = await w.ask(stream=True)

        assert not answer.whole
        assert w.abroad() == 0


async def test_a_hedge_stays_at_home() -> None:
    async with world(Step(first_byte_s=0.1), hedge={"after": 0.01, "max_share": 1.0}) as w:
        assert (await w.ask()).headers["x-hotswap-target"] == "eu/m"

        assert w.abroad() == 0


@pytest.mark.parametrize("target", ["us/m", "anywhere/m", "unknown/m"])
async def test_a_target_abroad_cannot_be_named(target: str) -> None:
    async with world() as w:
        answer = await w.ask(model=target)

        assert (answer.status, answer.error()["code"]) == (503, "residency")
        assert w.abroad() == 0


async def test_not_even_the_callers_own_order_leads_abroad() -> None:
    async with world(Step(status=500)) as w:
        answer = await w.ask(x_hotswap_order="us/m, eu/m, anywhere/m")

        assert answer.status == 503
        assert (
            answer.headers["x-hotswap-reason"]
            == "eu/m 500 server_error; us/m zone us; anywhere/m zone global"
        )
        assert w.abroad() == 0


async def test_an_order_that_leads_abroad_only_is_refused_as_the_callers_own_wish() -> None:
    async with world() as w:
        answer = await w.ask(x_hotswap_order="us/m, anywhere/m")

        assert (answer.status, answer.error()["code"]) == (403, "residency")
        assert "none of the targets that x-hotswap-order names is there: us/m (zone us)" in str(
            answer.error()["message"]
        )
        assert w.eu.requests + w.abroad() == 0


async def test_with_no_target_inside_the_refusal_says_so_and_is_recorded() -> None:
    async with world() as w:
        answer = await w.ask("nowhere")

        assert answer.status == 503
        assert answer.headers["x-should-retry"] == "false"
        assert answer.error()["code"] == "residency"
        assert answer.error()["message"] == (
            "The key 'nowhere' is served in the zones cn only, and no target of 'assist' is there:"
            " us/m (zone us), anywhere/m (zone global), unknown/m (no zone), eu/m (zone eu)."
        )
        (record,) = w.gateway.attempts
        assert (record.detail, record.answered, record.caller) == ("residency", False, "nowhere")
        assert record.skipped == (
            "us/m: zone us",
            "anywhere/m: zone global",
            "unknown/m: no zone",
            "eu/m: zone eu",
        )
        assert w.eu.requests + w.abroad() == 0


async def test_it_is_said_in_the_callers_own_dialect() -> None:
    body = {"model": "assist", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
    async with world() as w:
        answer = await w.gateway.post(body, path="/v1/messages", headers={"x-api-key": "nowhere"})

        assert answer.status == 503
        assert answer.error()["type"] == "overloaded_error"


async def test_vectors_stay_at_home_too() -> None:
    async with world(Step(status=500)) as w:
        answer = await w.gateway.post(
            {"model": "assist", "input": "one"},
            path="/v1/embeddings",
            headers={"authorization": "Bearer europe"},
        )

        assert answer.status == 503
        assert w.abroad() == 0


async def test_several_zones_may_be_allowed() -> None:
    async with world() as w:
        assert (await w.ask("states")).headers["x-hotswap-target"] == "us/m"


async def test_the_advised_pause_is_that_of_the_targets_inside_the_zones() -> None:
    limited = Step(status=429, headers={"retry-after": "30"})
    async with world(limited) as w:
        answer = await w.ask("europe")

        assert 30 <= int(answer.headers["retry-after"]) <= 34

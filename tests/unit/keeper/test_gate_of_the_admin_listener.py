import json
from collections.abc import Mapping, MutableMapping

import pytest
from msgspec import convert
from starlette.types import Receive, Scope, Send

from hotswap.keeper.gate import Gate

KEY = "hs-admin-of-the-tests"


async def inside(_: Scope, __: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"inside"})


async def ask(headers: Mapping[str, str]) -> tuple[int, bytes, dict[str, str]]:
    """Return status, body and headers of the gate's answer."""
    sent: list[MutableMapping[str, object]] = []

    async def send(message: MutableMapping[str, object]) -> None:
        sent.append(message)

    async def receive() -> MutableMapping[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope: dict[str, object] = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers.items()],
    }
    await Gate(inside, key=KEY, host="admin.internal")(scope, receive, send)
    start, body = sent
    headers_out = convert(start["headers"], list[tuple[bytes, bytes]])
    return (
        convert(start["status"], int),
        convert(body["body"], bytes),
        {name.decode(): value.decode() for name, value in headers_out},
    )


async def test_the_right_key_to_the_right_name_is_let_through() -> None:
    status, body, _ = await ask({"host": "localhost", "authorization": f"Bearer {KEY}"})

    assert (status, body) == (200, b"inside")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": KEY},
        {"authorization": "Bearer"},
        {"authorization": f"Bearer {KEY[:-1]}"},
        {"authorization": f"Bearer {KEY}s"},
        {"authorization": f"Bearer {KEY} {KEY}"},
        {"authorization": "Bearer \xfc"},
        {"authorization": f"Basic {KEY}"},
        {"x-api-key": KEY},
        {"cookie": f"key={KEY}"},
    ],
)
async def test_any_other_key_is_refused_in_json(headers: dict[str, str]) -> None:
    status, body, answered = await ask({"host": "localhost"} | headers)

    assert status == 401
    assert json.loads(body)["error"]["code"] == "no_admin_key"
    assert answered["content-type"] == "application/json"
    assert answered["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LocalHost:8101",
        "127.0.0.1:8101",
        "[::1]:8101",
        "10.1.2.3",
        "admin.internal:8101",
    ],
)
async def test_addresses_loopback_and_the_configured_name_are_ours(host: str) -> None:
    status, _, _ = await ask({"host": host, "authorization": f"Bearer {KEY}"})

    assert status == 200


@pytest.mark.parametrize(
    "host", ["", "evil.example", "localhost.evil.example:8101", "127.0.0.1.nip.io", "[x]", ":8101"]
)
async def test_a_foreign_name_is_refused_even_with_the_key(host: str) -> None:
    """A page of another site whose name resolves to this machine gets nothing."""
    status, body, _ = await ask({"host": host, "authorization": f"Bearer {KEY}"})

    assert status == 421
    assert b"inside" not in body


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "", "http://localhost:8102", "http://localhost"]
)
async def test_pages_of_other_sites_are_refused_even_with_the_key(origin: str) -> None:
    status, body, answered = await ask(
        {"host": "localhost:8101", "authorization": f"Bearer {KEY}", "origin": origin}
    )

    assert status == 403
    assert json.loads(body)["error"]["code"] == "cross_origin"
    assert not any(name.startswith("access-control") for name in answered)


async def test_our_own_page_is_answered() -> None:
    status, _, answered = await ask(
        {
            "host": "LocalHost:8101",
            "authorization": f"Bearer {KEY}",
            "origin": "http://localhost:8101",
        }
    )

    assert status == 200
    assert not any(name.startswith("access-control") for name in answered)


async def test_a_browser_that_asks_for_leave_gets_none() -> None:
    """A preflight carries no key, and a cross-origin request with our header needs one."""
    status, _, answered = await ask(
        {
            "host": "localhost:8101",
            "origin": "https://evil.example",
            "access-control-request-headers": "authorization",
        }
    )

    assert status == 403
    assert not any(name.startswith("access-control") for name in answered)


async def test_a_nearly_right_key_is_told_nothing_more_than_a_wrong_one() -> None:
    wrong = await ask({"host": "localhost", "authorization": "Bearer x"})
    near = await ask({"host": "localhost", "authorization": f"Bearer {KEY[:-1]}"})

    assert wrong == near


def test_there_is_no_gate_without_a_key() -> None:
    with pytest.raises(ValueError, match="needs a key"):
        Gate(inside, key="", host="localhost")

"""What callers do to a gateway: leave, read slowly, send nonsense, present keys."""

# ruff: noqa: N802 - some names begin with the row of the list of what must pass

import asyncio
import json
import socket
import struct
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from hashlib import sha256

import pytest

from hotswap.clock import SystemClock
from hotswap.testing.provider import ScriptedProvider
from hotswap.testing.serving import (
    Answer,
    Serving,
    chain_of,
    chat,
    exchange,
    pair,
    serving,
    written,
)
from hotswap.testing.step import Step

BOTH_MODES = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize(
    ("step", "stream"),
    [
        (Step(hang=True), False),
        (Step(hang=True), True),
        (Step(silent_after=0), False),
        (Step(silent_after=1), True),
        (Step(text=("a ", "b "), silent_after=2), True),
    ],
    ids=["hang", "hang_streamed", "no_body", "before_content", "after_content"],
)
async def test_T12_a_caller_that_leaves_is_noticed_while_the_upstream_is_silent(
    step: Step, *, stream: bool, reset: bool
) -> None:
    async with pair(step) as p:
        reader, writer = await asyncio.open_connection("127.0.0.1", p.gateway.port)
        writer.write(written(chat("assist", stream=stream)))
        await p.one.wait_for(lambda one: one.in_flight == 1)
        if step.text:
            await reader.readuntil(b'"a "')
        left_at = SystemClock().now()
        if reset:
            sock: socket.socket = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.close()

        assert await p.one.wait_closed_early() - left_at < 0.1
        assert p.two.requests == 0


async def test_T12_a_caller_that_leaves_in_the_second_attempt_closes_that_one() -> None:
    async with pair(Step(status=500), Step(hang=True)) as p:
        _, writer = await asyncio.open_connection("127.0.0.1", p.gateway.port)
        writer.write(written(chat("assist")))
        await p.two.wait_for(lambda two: two.in_flight == 1)
        left_at = SystemClock().now()
        writer.close()

        assert await p.two.wait_closed_early() - left_at < 0.1


EVENT = (
    b"data: %b\n\n"
    % json.dumps(
        {"id": "c", "choices": [{"index": 0, "delta": {"content": "x" * 16_000}}]}
    ).encode()
)
LAST = b'data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
LIMITS = {"silence_s": 0.2}
"""Shorter than the pause that a slow caller causes: that is not the provider's silence."""
EVENTS = 4096
"""64 MiB in all."""


class Flood:
    """A provider that streams as fast as it can, and knows how much it could send."""

    def __init__(self) -> None:
        self.sent = 0
        self.stalled = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"}]")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
        for _ in range(EVENTS):
            writer.write(EVENT)
            self.sent += len(EVENT)
            waiting = asyncio.get_running_loop().call_later(0.5, self.stalled.set)
            await writer.drain()
            waiting.cancel()
        writer.write(LAST)
        writer.close()


@asynccontextmanager
async def flooded() -> AsyncGenerator[tuple[Flood, Serving], None]:
    flood = Flood()
    server = await asyncio.start_server(flood.serve, "127.0.0.1", 0)
    one = ScriptedProvider("one", port=server.sockets[0].getsockname()[1])
    async with server, serving(chain_of(one, server={"warm": 0}, timeouts=LIMITS)) as gateway:
        yield flood, gateway


@pytest.mark.slow
async def test_a_caller_that_does_not_read_holds_the_provider_back() -> None:
    """The kernel's buffers on both sides and ours fill up, and then nothing more is taken."""
    async with flooded() as (flood, gateway):
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        sock.setblocking(False)  # noqa: FBT003 - the standard library's signature
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", gateway.port))
        reader, writer = await asyncio.open_connection(sock=sock, limit=65536)
        writer.write(written(chat("assist", stream=True)))
        async with asyncio.timeout(10):
            await flood.stalled.wait()

        assert flood.sent < 16 * 1024 * 1024

        received = 0
        while data := await reader.read(1 << 20):
            received += len(data)
        writer.close()
        assert received > EVENTS * len(EVENT)
        await gateway.until(lambda g: bool(g.attempts))
        assert gateway.attempts[0].answered


BAD_REQUESTS: Mapping[str, tuple[bytes, int, str]] = {
    "no_json": (b"{", 400, "invalid_request"),
    "empty": (b"", 400, "invalid_request"),
    "no_object": (b"[]", 400, "invalid_request"),
    "no_model": (b'{"messages":[]}', 400, "missing_required_parameter"),
    "model_no_text": (b'{"model":7,"messages":[]}', 400, "invalid_type"),
    "unknown_model": (b'{"model":"gpt-9","messages":[]}', 404, "model_not_found"),
    "stream_no_bool": (b'{"model":"assist","messages":[],"stream":"yes"}', 400, "invalid_type"),
    "no_utf8": (b'{"model":"\xff","messages":[]}', 400, "invalid_type"),
    "deep": (b"[" * 100_000, 400, "invalid_request"),
}


@pytest.mark.parametrize("name", list(BAD_REQUESTS))
async def test_a_body_that_is_no_request_is_refused_in_openais_form(name: str) -> None:
    body, status, code = BAD_REQUESTS[name]
    async with pair() as p:
        answer = await p.gateway.post(body)

        assert answer.status == status
        assert_openai_error(answer)
        assert answer.error()["code"] == code
        assert answer.headers["x-should-retry"] == "false"
        assert p.one.requests == 0


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({"x-hotswap-deadline-ms": "soon"}, "x-hotswap-deadline-ms"),
        ({"x-hotswap-deadline-ms": "0"}, "x-hotswap-deadline-ms"),
        ({"x-hotswap-fallback": "maybe"}, "x-hotswap-fallback"),
    ],
)
async def test_a_wish_that_is_not_understood_is_refused_by_name(
    headers: Mapping[str, str], words: str
) -> None:
    async with pair() as p:
        answer = await p.gateway.post(chat("assist"), headers=headers)

        assert answer.status == 400
        assert_openai_error(answer)
        assert words in str(answer.error()["message"])


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/chat/completions", 405),
        ("PUT", "/v1/embeddings", 405),
        ("POST", "/v1/models", 405),
        ("GET", "/v1/nothing", 404),
        ("POST", "/", 404),
    ],
)
async def test_a_wrong_method_or_path_is_told_apart(method: str, path: str, status: int) -> None:
    async with pair() as p:
        answer = await p.gateway.get(path, method=method)

        assert answer.status == status
        assert_openai_error(answer)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"content-length: 5\r\ntransfer-encoding: chunked\r\n", 400),
        (b"content-length: 5\r\ncontent-length: 6\r\n", 400),
        (b"content-length: -1\r\n", 400),
        (b"bad header: 1\r\n", 400),
        (b"x-long: %b\r\n" % (b"a" * 70_000), 431),
        (b"content-length: 41943040\r\n", 413),
    ],
    ids=["both_framings", "two_lengths", "negative", "space_in_name", "too_long", "too_large"],
)
async def test_a_malformed_or_oversized_request_is_answered_and_closed(
    head: bytes, status: int
) -> None:
    async with pair() as p:
        request = b"POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\n%b\r\n" % head
        answer = await exchange(p.gateway.port, request)

        assert answer.status == status
        assert_openai_error(answer)


def assert_openai_error(answer: Answer) -> None:
    error = answer.error()
    assert isinstance(error["message"], str)
    assert error["message"]
    assert isinstance(error["type"], str)
    assert {"param", "code"} <= error.keys()


ACCESS = {"keys": [{"id": "app", "sha256": sha256(b"hs-secret").hexdigest()}]}


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("", {"authorization": "Bearer hs-secret"}, 200),
        ("", {"authorization": "bearer hs-secret"}, 200),
        ("", {"x-api-key": "hs-secret"}, 200),
        ("", {"x-goog-api-key": "hs-secret"}, 200),
        ("", {"api-key": "hs-secret"}, 200),
        ("?key=hs-secret", {}, 200),
        ("", {}, 401),
        ("", {"authorization": "Bearer hs-wrong"}, 401),
        ("", {"authorization": "Basic hs-secret"}, 401),
        ("", {"authorization": "Bearer hs-wrong", "x-api-key": "hs-secret"}, 401),
        ("?key=", {}, 401),
    ],
)
async def test_a_callers_key_is_known_in_every_form(
    path: str, headers: Mapping[str, str], status: int
) -> None:
    async with pair(access=ACCESS) as p:
        answer = await p.gateway.post(
            chat("assist"), path="/v1/chat/completions" + path, headers=headers
        )

        assert answer.status == status
        if status == 200:
            assert p.gateway.attempts[0].caller == "app"
            assert p.one.seen[0].key == "sk-test"
            assert "hs-secret" not in str(p.one.seen[0])
        else:
            assert_openai_error(answer)
            assert p.one.requests == 0


async def test_without_access_keys_every_credential_is_taken() -> None:
    async with pair() as p:
        for headers in ({}, {"authorization": "Bearer whatever"}, {"x-api-key": "anything"}):
            assert (await p.gateway.post(chat("assist"), headers=headers)).status == 200

        assert [s.key for s in p.one.seen] == ["sk-test"] * 3

"""Providers that send what nobody should: a classified failure, and the next target answers."""

import json
from collections.abc import Mapping
from typing import Final

import pytest
from msgspec import Struct

from hotswap.testing.serving import chat, pair
from hotswap.testing.step import Cut, Step

pytestmark = pytest.mark.slow

BY_TWO: Final = "This answer was written by two."
BOTH_MODES: Final = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
OK: Final = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
EVENTS: Final = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
CHUNKED: Final = OK + b"transfer-encoding: chunked\r\n\r\n"
SOUND: Final = json.dumps(
    {"choices": [{"index": 0, "message": {"content": "by one"}, "finish_reason": "stop"}]}
).encode()


class Shape(Struct, frozen=True):
    """What a provider sends before it closes, and what it is taken for."""

    raw: bytes
    detail: str
    """Empty: it depends on what was asked for."""


SHAPES: Final[Mapping[str, Shape]] = {
    "nothing": Shape(b"", "closed"),
    "an endless status line": Shape(b"HTTP/1.1 200 " + b"a" * 70_000, "too_large"),
    "an endless header": Shape(OK + b"x: " + b"a" * 70_000, "too_large"),
    "endless headers": Shape(OK + b"x: a\r\n" * 12_000, "too_large"),
    "a head beyond the limit": Shape(OK + b"x: a\r\n" * 12_000 + b"\r\n", "too_large"),
    "a flood of 1xx": Shape(b"HTTP/1.1 100 Continue\r\n\r\n" * 3_000, "too_large"),
    "a switch of protocols": Shape(
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n",
        "protocol",
    ),
    "HTTP/2": Shape(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00", "protocol"),
    "TLS": Shape(b"\x15\x03\x03\x00\x02\x02\x50", "protocol"),
    "SSH": Shape(b"SSH-2.0-OpenSSH_9.6\r\n", "protocol"),
    "HTTP/0.9": Shape(b"<html>hello</html>\r\n", "protocol"),
    "another version": Shape(b"HTTP/3.0 200 OK\r\ncontent-length: 0\r\n\r\n", "protocol"),
    "both lengths": Shape(
        OK + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", "protocol"
    ),
    "two lengths": Shape(OK + b"content-length: 2\r\ncontent-length: 3\r\n\r\n{}", "protocol"),
    "a negative length": Shape(OK + b"content-length: -1\r\n\r\n", "protocol"),
    "a length beyond 64 bits": Shape(
        OK + b"content-length: 99999999999999999999\r\n\r\n{}", "protocol"
    ),
    "a length that is too long": Shape(OK + b"content-length: 500\r\n\r\n" + SOUND, "closed"),
    "a length that is too short": Shape(OK + b"content-length: 9\r\n\r\n" + SOUND, "malformed"),
    "no chunk size": Shape(CHUNKED + b"\r\n", "protocol"),
    "a negative chunk": Shape(CHUNKED + b"-2\r\n{}\r\n", "protocol"),
    "a chunk in 0x": Shape(CHUNKED + b"0x2\r\n{}\r\n", "protocol"),
    "a chunk beyond 64 bits": Shape(CHUNKED + b"fffffffffffffffff\r\n{}", "protocol"),
    "a chunk that goes on": Shape(CHUNKED + b"2\r\n{}{}\r\n0\r\n\r\n", "protocol"),
    "a chunk that never ends": Shape(CHUNKED + b"ffffff\r\n" + SOUND, "closed"),
    "no last chunk": Shape(CHUNKED + b"%x\r\n%b\r\n" % (len(SOUND), SOUND), "closed"),
    "a trailer that is none": Shape(
        CHUNKED + b"%x\r\n%b\r\n0\r\nno colon\r\n\r\n" % (len(SOUND), SOUND), "protocol"
    ),
    "an endless extension": Shape(CHUNKED + b"1;" + b"a" * 200_000, "closed"),
    "endless trailers": Shape(CHUNKED + b"0\r\n" + b"a: b\r\n" * 50_000, "closed"),
    "gzip": Shape(
        OK + b"content-encoding: gzip\r\ncontent-length: 3\r\n\r\n\x1f\x8b\x08", "protocol"
    ),
    "a bare CR in a header": Shape(OK + b"x: a\rset-cookie: b\r\n\r\n", "protocol"),
    "a NUL in a header": Shape(OK + b"x: a\0b\r\ncontent-length: 2\r\n\r\n{}", "protocol"),
    "a folded header": Shape(OK + b"x: a\r\n b\r\ncontent-length: 2\r\n\r\n{}", "protocol"),
    "bare LF": Shape(b"HTTP/1.1 200 OK\ncontent-length: 2\n\n{}", "protocol"),
    "204 with a body": Shape(b"HTTP/1.1 204 No\r\ncontent-length: 2\r\n\r\n{}", ""),
    "304 with a body": Shape(b"HTTP/1.1 304 No\r\ncontent-length: 2\r\n\r\n{}", "server_error"),
    "a redirect": Shape(
        b"HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n",
        "server_error",
    ),
    "half of a body up to the end": Shape(OK + b"\r\n" + SOUND[:-2], "malformed"),
    "JSON of depth 100,000": Shape(OK + b"\r\n" + b"[" * 100_000, "malformed"),
    "a body that is no UTF-8": Shape(OK + b'\r\n{"choices":[{"message":{"content":"\xff"}}]}', ""),
    "an event of depth 100,000": Shape(EVENTS + b"data: " + b"[" * 100_000 + b"\n\n", "malformed"),
    "an event without an end": Shape(EVENTS + b'data: {"choices":[{"delta":', ""),
}


@pytest.mark.parametrize("shape", list(SHAPES.values()), ids=list(SHAPES))
@BOTH_MODES
async def test_a_malformed_answer_is_classified_and_healed(shape: Shape, *, stream: bool) -> None:
    step = Step(raw=shape.raw, cut=Cut.EOF)
    async with pair(step, timeouts={"first_content_s": 2, "silence_s": 2}) as p:
        answer = await p.gateway.post(chat("assist", stream=stream))

        assert (answer.status, answer.text(), answer.whole) == (200, BY_TWO, True)
        first, second = p.gateway.attempts
        assert (first.cause, second.answered) == ("hard", True)
        assert shape.detail in {"", first.detail}

"""Callers that send a byte a second: their requests end in a refusal, and those of others do not.

In real time these tests would take hours.
"""

import asyncio
from collections.abc import Iterable, Mapping
from itertools import repeat
from typing import Final

import pytest

from hotswap.core.settings import ServerSettings
from hotswap.server.api import Exchange
from hotswap.testing.clock import VirtualClock
from hotswap.testing.loop import run_virtual
from hotswap.testing.site import Answer, Site

POST: Final = b"POST / HTTP/1.1\r\nHost: x\r\n"
BODY: Final = POST + b"Content-Length: 30000000\r\n\r\n"
CHUNKS: Final = POST + b"Transfer-Encoding: chunked\r\n\r\n"
CHUNK: Final = b"4000\r\n%b\r\n" % bytes(16_384)


async def count(exchange: Exchange) -> None:
    exchange.answer(200, b"", b"%d" % len(exchange.incoming.body))


def drip(start: bytes, pieces: Iterable[bytes], pause_s: float) -> tuple[Answer, int]:
    """Send `start`, then each piece after a pause; return the answer and the seconds it took."""
    clock = VirtualClock()

    async def main() -> tuple[Answer, int]:
        site = Site(count, ServerSettings(), clock)
        await site.open()
        caller = await site.caller()
        await caller.send_raw(start)

        async def send() -> None:
            for piece in pieces:
                await asyncio.sleep(pause_s)
                await caller.send_raw(piece)

        sending = asyncio.get_running_loop().create_task(send())
        answer = await caller.answer()
        seconds = round(clock.now())
        sending.cancel()
        await site.close()
        return answer, seconds

    return run_virtual(main(), clock)


SLOW: Final[Mapping[str, tuple[bytes, bytes, float, int]]] = {
    "a request line": (b"GET /", b"a", 1.0, 10),
    "headers": (POST, b"A: b\r\n", 1.0, 10),
    "empty lines before a request": (b"\r\n", b"\r", 30.0, 10),
    "a body of bytes": (BODY, b"a", 1.0, 60),
    "a body of kilobytes": (BODY, b"a" * 1_000, 10.0, 60),
    "chunks of bytes": (CHUNKS, b"1\r\na\r\n", 1.0, 60),
    "an extension": (CHUNKS + b"1;", b"a", 1.0, 60),
    "trailers": (CHUNKS + b"0\r\n", b"a: b\r\n", 1.0, 60),
}


@pytest.mark.parametrize("name", list(SLOW))
def test_what_comes_byte_by_byte_is_refused_in_time(name: str) -> None:
    start, piece, pause_s, expected_s = SLOW[name]

    answer, seconds = drip(start, repeat(piece), pause_s)

    assert (answer.status, seconds) == (408, expected_s)
    assert answer.headers[b"connection"] == b"close"


@pytest.mark.parametrize(
    ("start", "pieces"),
    [
        (POST + b"Content-Length: 163840\r\n\r\n", [bytes(16_384)] * 10),
        (CHUNKS, [CHUNK] * 9 + [CHUNK + b"0\r\n\r\n"]),
    ],
    ids=["length", "chunks"],
)
def test_a_body_that_makes_progress_may_take_its_time(start: bytes, pieces: list[bytes]) -> None:
    answer, seconds = drip(start, pieces, 59.0)

    assert (answer.status, answer.body, seconds) == (200, b"163840", 590)


def test_a_caller_that_is_never_silent_for_long_has_no_more_time() -> None:
    answer, seconds = drip(POST + b"A: ", repeat(b"a"), 0.01)

    assert (answer.status, seconds) == (408, 10)

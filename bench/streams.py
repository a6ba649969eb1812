"""Reads many streams at once and says when their first events came: `python -m bench.streams`.

Every slot reads one stream after the other over its own connection until the time is up; the
slots start spread over the length of a stream, so that the load is even.
"""

import argparse
import asyncio
from typing import Final, cast
from urllib.parse import urlsplit

import msgspec
import uvloop
from msgspec import Struct
from typing_extensions import override

from hotswap.clock import SystemClock

from .setups import KEY

END: Final = b"\r\n0\r\n\r\n"
KEPT: Final = 64
"""Bytes of the former reads that the end of a stream is looked for in."""
GRACE_S: Final = 10.0
"""A stream that takes so much longer than it should counts as failed."""


class Result(Struct, frozen=True, gc=False):
    """What became of the streams."""

    streams: int
    """Whole ones, with `[DONE]`."""
    failed: int
    first_p50_ms: float
    first_p99_ms: float


class Tally:
    """Counts for all slots."""

    __slots__ = ("failed", "first_s", "running", "streams", "until")

    def __init__(self, until: float, running: int) -> None:
        self.until = until
        self.running = running
        self.streams = 0
        self.failed = 0
        self.first_s: list[float] = []


class Slot(asyncio.Protocol):
    """One connection that reads one stream after the other."""

    def __init__(self, request: bytes, tally: Tally, finished: asyncio.Event) -> None:
        self._request = request
        self._tally = tally
        self._finished = finished
        self._now = SystemClock().now
        self._transport: asyncio.Transport | None = None
        self._asked_at = 0.0
        self._begun = False
        self._tail = b""

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._ask()

    @override
    def data_received(self, data: bytes) -> None:
        if not self._begun and b"data: " in data:
            self._begun = True
            self._tally.first_s.append(self._now() - self._asked_at)
        self._tail = (self._tail + data)[-KEPT:]
        if self._tail.endswith(END):
            if b"[DONE]" in self._tail:
                self._tally.streams += 1
            else:
                self._tally.failed += 1
            self._ask()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is not None:
            self._tally.failed += 1
            self._leave()

    def _ask(self) -> None:
        self._asked_at = self._now()
        self._begun = False
        self._tail = b""
        if self._transport is None:
            return
        if self._asked_at >= self._tally.until:
            self._transport.close()
            self._leave()
        else:
            self._transport.write(self._request)

    def _leave(self) -> None:
        self._transport = None
        self._tally.running -= 1
        if self._tally.running == 0:
            self._finished.set()


async def read_streams(url: str, model: str, slots: int, seconds: float, spread_s: float) -> Result:
    """Read streams of `model` at `url` in `slots` connections for `seconds` and a rest."""
    loop = asyncio.get_running_loop()
    place = urlsplit(url)
    finished = asyncio.Event()
    tally = Tally(SystemClock().now() + seconds, slots)
    request = _request(place.netloc, place.path, model)

    def slot() -> Slot:
        return Slot(request, tally, finished)

    for _ in range(slots):
        await loop.create_connection(slot, place.hostname or "", place.port or 80)
        await asyncio.sleep(spread_s / slots)
    try:
        async with asyncio.timeout(seconds + GRACE_S):
            await finished.wait()
    except TimeoutError:
        tally.failed += tally.running
    first = sorted(tally.first_s) or [0.0]
    return Result(
        tally.streams,
        tally.failed,
        first[len(first) // 2] * 1000,
        first[len(first) * 99 // 100] * 1000,
    )


def _request(host: str, path: str, model: str) -> bytes:
    body = msgspec.json.encode(
        {
            "model": model,
            "messages": [{"role": "user", "content": "word " * 180}],
            "stream": True,
            "stream_options": {"include_usage": False},
        }
    )
    head = (
        f"POST {path} HTTP/1.1\r\nhost: {host}\r\naccept: application/json\r\n"
        f"authorization: Bearer {KEY}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def main() -> None:
    """Read streams and print the result as one line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.streams")
    parser.add_argument("url")
    parser.add_argument("model")
    parser.add_argument("--slots", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--spread", type=float, default=1.0, help="seconds between first and last")
    options = parser.parse_args()
    result = uvloop.run(
        read_streams(options.url, options.model, options.slots, options.seconds, options.spread)
    )
    print(msgspec.json.encode(result).decode())  # noqa: T201 - the bench reads it


if __name__ == "__main__":
    main()

"""Reads many streams at once and says when their first events came: `python -m bench.streams`.

Every slot reads one stream after the other over its own connection until the time is up; the
slots start spread over the length of a stream, so that the load is even.
"""

import argparse
import asyncio
from typing import Final
from urllib.parse import urlsplit

import msgspec
import uvloop
from msgspec import Struct

from hotswap.clock import SystemClock

from .caller import Caller, chat_request

GRACE_S: Final = 10.0
"""A stream that takes so much longer than it should counts as failed."""


class Result(Struct, frozen=True, gc=False):
    """What became of the streams."""

    streams: int
    """Whole ones, with their last event."""
    failed: int
    first_p50_ms: float
    first_p99_ms: float


class Slots:
    """All connections, each with one stream after the other."""

    __slots__ = ("_now", "_request", "_until", "failed", "finished", "first_s", "running", "whole")

    def __init__(self, request: bytes, seconds: float) -> None:
        self._now = SystemClock().now
        self._request = request
        self._until = self._now() + seconds
        self.finished = asyncio.Event()
        self.running = 0
        self.whole = 0
        self.failed = 0
        self.first_s: list[float] = []

    async def open(self, host: str, port: int) -> None:
        """Open a connection and ask for its first stream."""
        loop = asyncio.get_running_loop()
        _, caller = await loop.create_connection(lambda: Caller(self._on_answer), host, port)
        self.running += 1
        caller.ask(self._request)

    def _on_answer(self, caller: Caller, good: bool) -> None:  # noqa: FBT001 - an answer's one value
        if caller.first_at:
            self.first_s.append(caller.first_at - caller.asked_at)
        self.whole += good
        self.failed += not good
        if not caller.lost and self._now() < self._until:
            caller.ask(self._request)
            return
        caller.leave()
        self.running -= 1
        if self.running == 0:
            self.finished.set()


async def read_streams(url: str, model: str, slots: int, seconds: float, spread_s: float) -> Result:
    """Read streams of `model` at `url` in `slots` connections for `seconds` and a rest."""
    now = SystemClock().now
    place = urlsplit(url)
    tally = Slots(chat_request(url, model, stream=True), seconds)
    start = now()
    for number in range(slots):
        # By the plan, not after the last one: what a connection costs does not add up.
        await asyncio.sleep(start + spread_s * number / slots - now())
        await tally.open(place.hostname or "", place.port or 80)
    try:
        async with asyncio.timeout(seconds + GRACE_S):
            await tally.finished.wait()
    except TimeoutError:
        tally.failed += tally.running
    first = sorted(tally.first_s) or [0.0]
    return Result(
        tally.whole,
        tally.failed,
        first[len(first) // 2] * 1000,
        first[len(first) * 99 // 100] * 1000,
    )


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

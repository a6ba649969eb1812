"""The load of the soak: callers of every kind at a steady pace: `python -m bench.mix`.

Most requests are plain ones of 1 KiB. Some are streams, some go to chains whose primary fails, and
some callers leave: while they send, while they wait, or in the middle of a stream.
"""

import argparse
import random
from collections.abc import Iterator
from itertools import cycle
from typing import Final

import msgspec
import uvloop
from msgspec import Struct

from hotswap.clock import SystemClock

from .caller import chat_request
from .pace import Ask, Pace, Tally
from .upstreams import SMALL

CONNECTIONS: Final = 128
PLAIN: Final = "plain"
LATE: Final = "late"
"""Answers only after `LATE_S`."""
LATE_S: Final = 0.2
BRIEF: Final = "brief"
"""Streams of `BRIEF_S`."""
BRIEF_EVENTS: Final = 20
BRIEF_GAP_S: Final = 0.05
STREAMS: Final = 0.02
FAULTY: Final = 0.01
"""Share of the requests for each of the chains whose primary fails."""
DRAWN: Final = 100_000
"""Requests that are drawn; then the same ones come again."""


class Result(Struct, frozen=True):
    """What became of the load."""

    seconds: float
    tallies: dict[str, Tally]
    p50_ms: float
    p99_ms: float
    """Of plain requests that were answered well, from when they were due."""


def draw(url: str, aborts: float) -> Iterator[Ask]:
    """Return the requests in their order.

    Args:
        url: Where chat requests go.
        aborts: Share of callers who leave, in equal parts of the three kinds.
    """
    small, late = chat_request(url, SMALL), chat_request(url, LATE)
    stream = chat_request(url, BRIEF, stream=True)
    shares = {
        Ask(PLAIN, small): 1 - STREAMS - 3 * FAULTY - aborts,
        Ask("streamed", stream): STREAMS,
        Ask("primary says 500", chat_request(url, "failing")): FAULTY,
        Ask("primary says 429", chat_request(url, "limited")): FAULTY,
        Ask("primary closes", chat_request(url, "closing")): FAULTY,
        Ask("left while sending", small[: len(small) // 2], 0.005): aborts / 3,
        Ask("left while waiting", late, LATE_S / 4): aborts / 3,
        Ask("left in a stream", stream, BRIEF_EVENTS * BRIEF_GAP_S / 4): aborts / 3,
    }
    # Always the same ones, so that two runs can be compared.
    chance = random.Random(1)  # noqa: S311 - nothing secret
    return cycle(chance.choices(list(shares), list(shares.values()), k=DRAWN))


async def send(url: str, rate: float, seconds: float, aborts: float) -> Result:
    """Send the load and say what became of it."""
    asks = draw(url, aborts)
    pace = Pace(url, lambda: next(asks), rate=rate, connections=CONNECTIONS, timed=PLAIN)
    now = SystemClock().now
    start = now()
    await pace.run(seconds)
    return Result(now() - start, pace.tallies, pace.quantile_ms(0.5), pace.quantile_ms(0.99))


def main() -> None:
    """Send and print the result as one line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.mix")
    parser.add_argument("url")
    parser.add_argument("--rate", type=float, default=2000.0, help="requests per second")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--aborts", type=float, default=0.01, help="share of callers who leave")
    options = parser.parse_args()
    result = uvloop.run(send(options.url, options.rate, options.seconds, options.aborts))
    print(msgspec.json.encode(result).decode())  # noqa: T201 - the soak reads it


if __name__ == "__main__":
    main()

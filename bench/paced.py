"""Sends plain requests at a steady pace: `python -m bench.paced`."""

import argparse
from itertools import cycle
from typing import Final

import msgspec
import uvloop
from msgspec import Struct

from .caller import chat_request
from .pace import Ask, Pace

CONNECTIONS: Final = 20
KIND: Final = "plain"


class Result(Struct, frozen=True, gc=False):
    """How long the answers took."""

    requests: int
    failed: int
    p50_ms: float
    p99_ms: float


async def send(url: str, models: list[str], rate: float, seconds: float) -> Result:
    """Send `rate` requests per second, to one model after the other."""
    asks = cycle([Ask(KIND, chat_request(url, model)) for model in models])
    pace = Pace(url, lambda: next(asks), rate=rate, connections=CONNECTIONS, timed=KIND)
    await pace.run(seconds)
    tally = pace.tallies[KIND]
    return Result(
        tally.good + tally.failed, tally.failed, pace.quantile_ms(0.5), pace.quantile_ms(0.99)
    )


def main() -> None:
    """Send and print the result as one line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.paced")
    parser.add_argument("url")
    parser.add_argument("models", help="with a comma between")
    parser.add_argument("--rate", type=float, default=200.0, help="requests per second")
    parser.add_argument("--seconds", type=float, default=2.0)
    options = parser.parse_args()
    models: list[str] = options.models.split(",")
    result = uvloop.run(send(options.url, models, options.rate, options.seconds))
    print(msgspec.json.encode(result).decode())  # noqa: T201 - the bench reads it


if __name__ == "__main__":
    main()

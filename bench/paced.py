"""Sends plain requests at a steady pace, answered or not: `python -m bench.paced`.

Each connection sends one request per period, its neighbours in between; a request whose turn
comes while the former one is unanswered waits for its connection, and that wait counts.
"""

import argparse
import asyncio
from typing import Final
from urllib.parse import urlsplit

import msgspec
import uvloop
from msgspec import Struct

from hotswap.clock import SystemClock

from .setups import KEY

CONNECTIONS: Final = 20


class Result(Struct, frozen=True, gc=False):
    """How long the answers took."""

    requests: int
    failed: int
    p50_ms: float
    p99_ms: float


async def send(url: str, model: str, rate: float, seconds: float) -> Result:
    """Send `rate` requests per second over all connections."""
    place = urlsplit(url)
    body = msgspec.json.encode(
        {"model": model, "messages": [{"role": "user", "content": "word " * 180}]}
    )
    head = (
        f"POST {place.path} HTTP/1.1\r\nhost: {place.netloc}\r\nauthorization: Bearer {KEY}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    request = head.encode() + body
    took_s: list[float] = []
    failed: list[int] = []
    start = SystemClock().now() + 0.1

    async def one(number: int) -> None:
        now = SystemClock().now
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        due = start + number / rate
        while due < start + seconds:
            await asyncio.sleep(max(0.0, due - now()))
            writer.write(request)
            answer = await reader.readuntil(b"\r\n\r\n")
            length = answer.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
            await reader.readexactly(int(length))
            if answer[9:12] == b"200":
                took_s.append(now() - due)
            else:
                failed.append(int(answer[9:12]))
            due += CONNECTIONS / rate
        writer.close()

    async with asyncio.TaskGroup() as group:
        for number in range(CONNECTIONS):
            group.create_task(one(number))
    took_s.sort()
    ranked = took_s or [0.0]
    return Result(
        len(took_s) + len(failed),
        len(failed),
        ranked[len(ranked) // 2] * 1000,
        ranked[len(ranked) * 99 // 100] * 1000,
    )


def main() -> None:
    """Send and print the result as one line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.paced")
    parser.add_argument("url")
    parser.add_argument("model")
    parser.add_argument("--rate", type=float, default=200.0, help="requests per second")
    parser.add_argument("--seconds", type=float, default=2.0)
    options = parser.parse_args()
    result = uvloop.run(send(options.url, options.model, options.rate, options.seconds))
    print(msgspec.json.encode(result).decode())  # noqa: T201 - the bench reads it


if __name__ == "__main__":
    main()

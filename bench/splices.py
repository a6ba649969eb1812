"""How long a reader waits at a splice, and how much of that is the gateway's.

A first upstream says ten words and resets; a second one goes on word by word, in four manners. Both
and the reader are in this process, on the load's core, so all stamps are of one clock. The words
that arrive first after the seam contain the one that settled it: the gateway's own share is the
time from that word's write to its arrival.
"""

import asyncio
import json
import re
import struct
from collections.abc import Sequence
from pathlib import Path
from socket import SO_LINGER, SOL_SOCKET
from typing import Final, cast

import msgspec
import uvloop
from msgspec import Struct

from hotswap.clock import SystemClock

from .config import KEY
from .figures import Bench
from .setups import PATH, hotswap
from .upstreams import SMALL, SPLICED, Chain

GAP_S: Final = 0.005
"""Between two words of the second upstream."""
PACE: Final = 40.0
"""Streams per second."""
SAID: Final = 10
"""Words that the first upstream says."""
MANNERS: Final = ("asked", "native", "tail", "restart")
_WORDS: Final = tuple(f"word{number} " for number in range(30))
_HEAD: Final = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
)
_RUN: Final = re.compile(rb"run (\d+) (\w+)")
_CHUNK: Final = (
    b'data: {"id":"chatcmpl-%d","object":"chat.completion.chunk","created":1795000000,'
    b'"model":"gpt-4o","choices":[{"index":0,"delta":%b,"finish_reason":%b}]}\n\n'
)

_now: Final = SystemClock().now
_Event = dict[str, list[dict[str, dict[str, str]]]]


class _Write(Struct, frozen=True, gc=False):
    at: float
    """When the second upstream wrote a word."""
    end: int
    """Where in the answer the word ends."""


class _Streams:
    """What the second upstream wrote, by run."""

    def __init__(self) -> None:
        self.writes: dict[int, list[_Write]] = {}

    async def first(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Say some words, then reset."""
        while run := await _asked(reader):
            writer.write(_HEAD)
            for word in _WORDS[:SAID]:
                writer.write(_framed(_CHUNK % (run[0], _delta(word), b"null")))
                await asyncio.sleep(0.001)
            # A reset instead of an end: nothing of what comes after may be waited for.
            sock = writer.get_extra_info("socket")
            sock.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

    async def second(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Go on word by word, in the manner that the request names."""
        while run := await _asked(reader):
            number, manner = run
            begin = {"tail": SAID - 4, "restart": 0}.get(manner, SAID)
            writes = self.writes[number] = []
            writer.write(_HEAD)
            for at in range(begin, len(_WORDS)):
                writer.write(_framed(_CHUNK % (number, _delta(_WORDS[at]), b"null")))
                writes.append(_Write(_now(), sum(map(len, _WORDS[: at + 1]))))
                await asyncio.sleep(GAP_S)
            end = _CHUNK % (number, b"{}", b'"stop"') + b"data: [DONE]\n\n"
            writer.write(_framed(end) + b"0\r\n\r\n")


def measure(bench: Bench, folder: Path) -> None:
    """Break streams, and see how they go on."""
    uvloop.run(_measure(bench, folder))


async def _measure(bench: Bench, folder: Path) -> None:
    streams = _Streams()
    first = await asyncio.start_server(streams.first, "127.0.0.1", 0)
    second = await asyncio.start_server(streams.second, "127.0.0.1", 0)
    ports = tuple(int(server.sockets[0].getsockname()[1]) for server in (first, second))
    chains = [
        bench.chains[SMALL],
        Chain(SPLICED[0], ports),
        Chain(SPLICED[1], ports, kind="vllm"),
    ]
    with hotswap(chains, folder, prefix=bench.cores.for_gateway()) as gateway:
        port = int(gateway.url.split(":")[2].split("/")[0])
        number = 0
        for _ in range(bench.effort.rounds):
            for manner in MANNERS:
                count = round(PACE * bench.effort.switch_s)
                runs = range(number, number + count)
                number += count
                waits = await _paced(port, manner, runs, streams)
                bench.figures.note("hotswap", f"splices, {manner}", 1 - len(waits) / count)
                _keep(bench, manner, waits)
    for server in (first, second):
        server.close()


class _Wait(Struct, frozen=True, gc=False):
    own_s: float
    """From the write of the word that settled the seam to its arrival."""
    whole_s: float
    """From the first word that the second upstream wrote."""


def _keep(bench: Bench, manner: str, waits: Sequence[_Wait]) -> None:
    if not waits:
        return
    own = sorted(wait.own_s * 1000 for wait in waits)
    whole = sorted(wait.whole_s * 1000 for wait in waits)
    bench.figures.add("hotswap", f"splice_{manner}_p50", own[len(own) // 2])
    bench.figures.add("hotswap", f"splice_{manner}_p99", own[len(own) * 99 // 100])
    bench.figures.add("hotswap", f"splice_{manner}_whole", whole[len(whole) * 99 // 100])


async def _paced(port: int, manner: str, runs: range, streams: _Streams) -> list[_Wait]:
    """Begin one stream after the other at a steady pace; leave out those that were not healed."""
    begun = _now()
    tasks: list[asyncio.Task[_Wait | None]] = []
    loop = asyncio.get_running_loop()
    for at, run in enumerate(runs):
        await asyncio.sleep(max(begun + at / PACE - _now(), 0))
        tasks.append(loop.create_task(_read(port, manner, run, streams)))
    return [wait for wait in await asyncio.gather(*tasks) if wait is not None]


async def _read(port: int, manner: str, run: int, streams: _Streams) -> _Wait | None:
    """Read one answer to its end; None: it is not the whole text."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    model = SPLICED[manner == "native"]
    messages = [{"role": "user", "content": f"run {run} {manner}"}]
    body = msgspec.json.encode({"model": model, "stream": True, "messages": messages})
    head = f"POST {PATH} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {KEY}\r\n"
    head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    seam, text, arrived_at, arrived = sum(map(len, _WORDS[:SAID])), "", 0.0, 0
    await reader.readuntil(b"\r\n\r\n")
    while size := int(await reader.readline(), 16):
        data = (await reader.readexactly(size + 2))[:-2]
        now = _now()
        text += _text(data)
        if not arrived_at and len(text) > seam:
            arrived_at, arrived = now, len(text)
    writer.close()
    if text != "".join(_WORDS):
        return None
    writes = streams.writes[run]
    settled_at = max(write.at for write in writes if write.end <= arrived)
    return _Wait(arrived_at - settled_at, arrived_at - writes[0].at)


async def _asked(reader: asyncio.StreamReader) -> tuple[int, str] | None:
    """Read a request; return its run and manner. None: the connection has ended."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    length = re.search(rb"content-length: (\d+)", head.lower())
    body = await reader.readexactly(int(length[1]) if length else 0)
    found = _RUN.search(body)
    return (int(found[1]), found[2].decode()) if found else None


def _delta(word: str) -> bytes:
    return json.dumps({"content": word}).encode()


def _framed(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _text(data: bytes) -> str:
    lines = [line[6:] for line in data.split(b"\n") if line.startswith(b"data: {")]
    events = [cast("_Event", json.loads(line)) for line in lines]
    return "".join(
        choice["delta"].get("content", "") for event in events for choice in event["choices"]
    )

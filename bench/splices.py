"""How long a reader waits at a splice, and how much of that is the gateway's.

A first upstream says ten words and resets; a second one goes on word by word, in four manners. Both
and the reader are in this process, on the load's core, so all stamps are of one clock, and what
delays them counts against the gateway.

Which word settles the seam follows from the words alone: `core.seam` is asked, fed with one after
the other. The gateway's own share is the time from before that word's write until the first new
text arrives. The last word of that text would be no measure: a gateway that stalls reads several
words at once, and would be charged with the last of them only.
"""

import asyncio
import json
import re
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from socket import SO_LINGER, SOL_SOCKET
from typing import Final, cast
from urllib.parse import urlsplit

import uvloop
from msgspec import Struct

from hotswap.clock import SystemClock
from hotswap.core.seam import Seam

from .caller import post
from .figures import Bench
from .setups import hotswap
from .switches import STORE, switch_times
from .upstreams import SMALL, SPLICED, Chain

GAP_S: Final = 0.005
"""Between two words of the second upstream."""
PACE: Final = 40.0
"""Streams per second; in each manner 200 of them in a full run."""
SAID: Final = 10
"""Words that the first upstream says."""
BEGINS: Final[Mapping[str, int]] = {"asked": SAID, "native": SAID, "tail": SAID - 4, "restart": 0}
"""With which word the second upstream goes on, by manner."""
GRACE_S: Final = 10.0
"""An answer that is not whole by then counts as failed."""
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


class _Asked(Struct, frozen=True, gc=False):
    run: int
    manner: str
    native: bool
    """It asks to go on with the words of the assistant, by prefill."""


class _Upstreams:
    """The two scripted upstreams."""

    __slots__ = ("writes",)

    def __init__(self) -> None:
        self.writes: dict[int, dict[int, float]] = {}
        """When the second one wrote each word, by run and number of the word."""

    async def first(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Say some words, then reset."""
        while asked := await _asked(reader):
            writer.write(_HEAD)
            for word in _WORDS[:SAID]:
                writer.write(_framed(_CHUNK % (asked.run, _delta(word), b"null")))
                await asyncio.sleep(0.001)
            # A reset instead of an end: nothing of what comes after may be waited for.
            sock = writer.get_extra_info("socket")
            sock.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

    async def second(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Go on word by word, in the manner that the request names."""
        while asked := await _asked(reader):
            if asked.native != (asked.manner == "native"):
                break  # another measure than it is called
            writes = self.writes[asked.run] = {}
            writer.write(_HEAD)
            for at in range(BEGINS[asked.manner], len(_WORDS)):
                event = _framed(_CHUNK % (asked.run, _delta(_WORDS[at]), b"null"))
                writes[at] = _now()
                writer.write(event)
                await asyncio.sleep(GAP_S)
            end = _CHUNK % (asked.run, b"{}", b'"stop"') + b"data: [DONE]\n\n"
            writer.write(_framed(end) + b"0\r\n\r\n")
        writer.close()


def measure(bench: Bench, folder: Path) -> None:
    """Break streams, and see how they go on."""
    uvloop.run(_measure(bench, folder))


class Wait(Struct, frozen=True, gc=False):
    """What one reader waited at the seam, in seconds."""

    own_s: float
    """From the write of the word that settled the seam until new text arrived."""
    whole_s: float
    """From the first word that the second upstream wrote."""


async def _measure(bench: Bench, folder: Path) -> None:
    upstreams = _Upstreams()
    first = await asyncio.start_server(upstreams.first, "127.0.0.1", 0)
    second = await asyncio.start_server(upstreams.second, "127.0.0.1", 0)
    ports = tuple(int(server.sockets[0].getsockname()[1]) for server in (first, second))
    chains = [
        bench.chains[SMALL],
        Chain(SPLICED[0], ports),
        Chain(SPLICED[1], ports, kind="vllm"),
    ]
    waits: dict[str, list[Wait]] = {manner: [] for manner in BEGINS}
    count = round(PACE * bench.effort.switch_s)
    async with first, second:
        with hotswap(chains, folder, prefix=bench.cores.for_gateway()) as gateway:
            number = 0
            for _ in range(bench.effort.rounds):
                for manner in BEGINS:
                    healed = await _paced(
                        gateway.url, manner, range(number, number + count), upstreams
                    )
                    bench.figures.note("hotswap", f"splices, {manner}", 1 - len(healed) / count)
                    waits[manner] += healed
                    number += count
    for manner, its in waits.items():
        _keep(bench, f"splice_{manner}", [wait.own_s for wait in its])
        _keep(bench, f"splice_{manner}_whole", [wait.whole_s for wait in its])
    _keep(bench, "splice_switch", list(switch_times(folder / STORE, "spliced-%")))


def _keep(bench: Bench, name: str, times: Sequence[float]) -> None:
    ordered = sorted(times)
    if ordered:
        bench.figures.add("hotswap", f"{name}_p50", ordered[len(ordered) // 2] * 1000)
        bench.figures.add("hotswap", f"{name}_p99", ordered[len(ordered) * 99 // 100] * 1000)


async def _paced(url: str, manner: str, runs: range, upstreams: _Upstreams) -> list[Wait]:
    """Begin one stream after the other at a steady pace; leave out those that were not healed."""
    begun = _now()
    tasks: list[asyncio.Task[Wait | None]] = []
    loop = asyncio.get_running_loop()
    for at, run in enumerate(runs):
        await asyncio.sleep(max(begun + at / PACE - _now(), 0))
        tasks.append(loop.create_task(_wait(url, manner, run, upstreams)))
    return [wait for wait in await asyncio.gather(*tasks) if wait is not None]


async def _wait(url: str, manner: str, run: int, upstreams: _Upstreams) -> Wait | None:
    """Read one answer to its end; None: it did not become whole."""
    try:
        async with asyncio.timeout(GRACE_S):
            text, arrived_at = await _read(url, SPLICED[manner == "native"], f"run {run} {manner}")
    except (asyncio.IncompleteReadError, OSError, ValueError):  # aborted; too late is an OSError
        return None
    if text != "".join(_WORDS):
        return None
    return waited(manner, upstreams.writes[run], arrived_at)


def waited(manner: str, writes: Mapping[int, float], arrived_at: float) -> Wait:
    """Return what a reader waited whose first new text arrived then.

    Args:
        manner: How the second upstream went on.
        writes: When it wrote each word, by number.
        arrived_at: Of the same clock; however many words came at once.
    """
    return Wait(arrived_at - writes[settling(manner)], arrived_at - writes[BEGINS[manner]])


def settling(manner: str) -> int:
    """Return the number of the word that settles the seam."""
    seam = Seam("".join(_WORDS[:SAID]), native=manner == "native")
    words = range(BEGINS[manner], len(_WORDS))
    return next(at for at in words if seam.feed(_WORDS[at]))


async def _read(url: str, model: str, prompt: str) -> tuple[str, float]:
    """Return an answer, and when the first text came that the first upstream had not said."""
    place = urlsplit(url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    try:
        messages = [{"role": "user", "content": prompt}]
        writer.write(post(url, {"model": model, "stream": True, "messages": messages}))
        seam, text, arrived_at = sum(map(len, _WORDS[:SAID])), "", 0.0
        await reader.readuntil(b"\r\n\r\n")
        while size := int(await reader.readline(), 16):
            data = (await reader.readexactly(size + 2))[:-2]
            now = _now()
            text += _text(data)
            if not arrived_at and len(text) > seam:
                arrived_at = now
    finally:
        writer.close()
    return text, arrived_at


async def _asked(reader: asyncio.StreamReader) -> _Asked | None:
    """Read a request; None: the connection has ended."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    length = re.search(rb"content-length: (\d+)", head.lower())
    body = await reader.readexactly(int(length[1]) if length else 0)
    found = _RUN.search(body)
    native = b'"continue_final_message":true' in body
    return _Asked(int(found[1]), found[2].decode(), native) if found else None


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

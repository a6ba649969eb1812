"""What a gateway recorded, as its admin listener streams it."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from typing import Self

import httptools

from hotswap.cli.feed import Event, read_events
from hotswap.ledger.record import AttemptRecord, Transition


class Feed:
    """Follows a gateway from its start on; records come within a tenth of a second."""

    def __init__(self) -> None:
        self.attempts: defaultdict[str, list[AttemptRecord]] = defaultdict(list)
        """By chain, in the order in which they ended; probes are left out."""
        self.probes: defaultdict[str, list[AttemptRecord]] = defaultdict(list)
        """By target."""
        self.transitions: defaultdict[str, list[Transition]] = defaultdict(list)
        """By target, or by provider for a credential's change."""
        self._waiting: list[Callable[[], None]] = []
        self._tail = b""
        self._greeted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def follow(self, port: int, key: str) -> Self:
        """Begin, and return once every further event will come."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        head = f"GET /admin/api/v1/stream HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n"
        writer.write(f"{head}authorization: Bearer {key}\r\n\r\n".encode())
        self._task = asyncio.get_running_loop().create_task(self._read(reader, writer))
        await self._greeted.wait()
        return self

    async def until(self, condition: Callable[[], bool], *, timeout_s: float = 5.0) -> None:
        """Wait until `condition` holds; it is looked at whenever records come.

        Raises `TimeoutError`.
        """
        holds: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def look() -> None:
            if not holds.done() and condition():
                holds.set_result(None)

        look()
        self._waiting.append(look)
        try:
            async with asyncio.timeout(timeout_s):
                await holds
        finally:
            self._waiting.remove(look)

    async def close(self) -> None:
        """Let go of the connection."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def on_body(self, data: bytes) -> None:
        """Take a part of the stream; the callback of httptools."""
        *events, self._tail = (self._tail + data).split(b"\n\n")
        for event in events:
            for each in read_events([*event.splitlines(), b""]):
                self._take(each)
        for look in tuple(self._waiting):
            look()

    def _take(self, event: Event) -> None:
        match event.read():
            case AttemptRecord() as record if record.route == "probe":
                self.probes[record.target].append(record)
            case AttemptRecord() as record:
                self.attempts[record.chain].append(record)
            case Transition() as transition:
                self.transitions[transition.target].append(transition)
            case None if event.name == "hello":
                assert not self._greeted.is_set(), "events were missed"
                self._greeted.set()
            case None:
                pass

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        parser = httptools.HttpResponseParser(self)
        try:
            with suppress(ConnectionError):
                while data := await reader.read(65536):
                    parser.feed_data(data)
        finally:
            writer.close()

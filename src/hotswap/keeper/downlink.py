"""The keeper's end of the link to one worker."""

import asyncio
from typing import Final, Protocol, cast

from msgspec import Struct
from typing_extensions import override

from ..ledger.link import (
    WINDOW,
    Ask,
    Batch,
    Changed,
    Explained,
    FrameError,
    Hello,
    Measured,
    Tick,
    up_frames,
)
from ..store.api import Row

Said = Changed | Ask | Tick | Measured | Explained
"""What a worker says beside its records."""

UNREAD: Final = 64 * 1024 * 1024
"""Bytes; a worker that leaves more unread is cut off."""


class Listener(Protocol):
    """What the hub does with what workers say."""

    def on_hello(self, link: "Downlink", hello: Hello) -> None:
        """Take in a worker that has connected."""
        ...

    def on_batch(self, link: "Downlink", batch: Batch) -> None:
        """Show and count records, which will be stored."""
        ...

    def on_message(self, link: "Downlink", message: Said) -> None:
        """Do what `message` asks for."""
        ...

    def on_lost(self, link: "Downlink", problem: str) -> None:
        """Let a worker go; `problem` is empty when it closed the connection itself."""
        ...


class Held(Struct, frozen=True):
    """Rows `first`, `first + 1`, ... that wait to be stored."""

    first: int
    rows: list[Row]


class Downlink(asyncio.Protocol):
    """Reads what one worker says, and keeps its batches until they are stored."""

    def __init__(self, listener: Listener, *, former: bool = False) -> None:
        self.former = former
        """The worker belongs to a supervisor before, and ends soon."""
        self.hello: Hello | None = None
        """None: it has not said who it is."""
        self.tick = Tick(0, 0, 0.0)
        """Its last word on itself."""
        self.waiting = 0
        """Records that wait to be stored."""
        self.idle = asyncio.Event()
        """Set while no record waits."""
        self.idle.set()
        self._listener = listener
        self._frames = up_frames()
        self._transport: asyncio.Transport | None = None
        self._held: list[Held] = []
        self._arrived = asyncio.Event()

    @property
    def boot(self) -> str:
        """The start of the worker at the other end; empty: it has not said so."""
        return self.hello.boot if self.hello is not None else ""

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not derive from asyncio's classes.
        self._transport = cast("asyncio.Transport", transport)

    @override
    def data_received(self, data: bytes) -> None:
        try:
            for message in self._frames.feed(data):
                if self._transport is not None:  # it was not cut off by the message before
                    self._on_message(message)
        except FrameError as error:
            self.cut(str(error))

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._end("")

    def send(self, frame: bytes) -> None:
        """Write a frame, unless the worker has stopped reading: then it is cut off."""
        if self._transport is None or self._transport.is_closing():
            return
        self._transport.write(frame)
        if self._transport.get_write_buffer_size() > UNREAD:
            self.cut("it does not read")

    def ignore(self) -> None:
        """Read nothing more: the worker will send it again to the next keeper."""
        if self._transport is not None:
            self._transport.pause_reading()

    def cut(self, problem: str) -> None:
        """Close the connection at once."""
        if self._transport is not None:
            self._transport.abort()
        self._end(problem)

    async def held(self) -> list[Held]:
        """Wait for records, and return all that have arrived, joined where numbers follow."""
        while not self._held:
            self._arrived.clear()
            await self._arrived.wait()
        held, self._held = self._held, []
        return held

    def stored(self, records: int) -> None:
        """Forget the eldest `records`: they are kept now."""
        self.waiting -= records
        if not self.waiting:
            self.idle.set()

    def _on_message(self, message: object) -> None:
        match message:
            case Hello() if self.hello is None:
                self.hello = message
                self._listener.on_hello(self, message)
            case Batch() if self.hello is not None:
                self._hold(message)
            case Changed() | Ask() | Tick() | Measured() | Explained() if self.hello is not None:
                self._listener.on_message(self, message)
            case _:
                raise FrameError(f"{type(message).__name__} out of turn")

    def _hold(self, batch: Batch) -> None:
        self.waiting += len(batch.entries)
        if self.waiting > WINDOW:
            raise FrameError("more records than the window allows")
        self._listener.on_batch(self, batch)
        rows: list[Row] = [entry.row for entry in batch.entries]
        last = self._held[-1] if self._held else None
        if last is not None and batch.first == last.first + len(last.rows):
            last.rows.extend(rows)
        else:
            self._held.append(Held(batch.first, rows))
        self.idle.clear()
        self._arrived.set()

    def _end(self, problem: str) -> None:
        if self._transport is not None:
            self._transport = None
            self.idle.set()  # nobody is left to wait for
            self._listener.on_lost(self, problem)

"""Server-sent events for the dashboard and `hotswap tail`.

A stream begins with `hello`, which says whether the watcher has to begin anew (`reset`), then
gives every event after the one that the watcher saw last. A watcher that reads slower than the
ring moves gets another `hello` with `reset`. Events are gathered for a tenth of a second.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Final

from msgspec import Struct
from msgspec.json import Encoder

from ..ledger.live import Event, Live
from .views import to_json_form

CAP: Final = 50
"""Streams at a time."""
PACE_S: Final = 0.1

_encode: Final = Encoder().encode


class Hello(Struct, frozen=True):
    """The first event of a stream, and of every new beginning within it."""

    reset: bool
    """Something was missed, or never seen: take a whole picture first."""
    version: str
    digest: str
    """Of the configuration in force."""


class Feed:
    """Opens streams over the ring of events."""

    def __init__(self, live: Live, *, epoch: str, hello: Callable[[bool], Hello]) -> None:
        """Set up.

        Args:
            live: The events.
            epoch: Differs for every start of the keeper; part of every id.
            hello: Gives the greeting, with or without `reset`.
        """
        self._live = live
        self._epoch = epoch
        self._hello = hello
        self.streams = 0
        """How many are open."""

    @property
    def full(self) -> bool:
        """No further stream may be opened."""
        return self.streams >= CAP

    async def stream(self, last_id: str) -> AsyncGenerator[bytes, None]:
        """Yield the bytes of a stream until its reader leaves or the ring is closed.

        Args:
            last_id: The header `Last-Event-ID`; empty: the watcher is new.
        """
        self.streams += 1
        try:
            seen = self._seen(last_id)
            # Also a new watcher asks, so that what follows is kept for it.
            events = self._live.after(self._live.newest if seen is None else seen)
            if seen is None or events is None:
                seen = self._live.newest
                yield self._greet(seen, reset=True)
            else:
                yield self._greet(seen, reset=False)
            while not self._live.closed:
                await self._live.wait(seen)
                events = self._live.after(seen)
                seen = self._live.newest
                if events is None:
                    yield self._greet(seen, reset=True)
                else:
                    yield b"".join(map(self._write, events))
                await asyncio.sleep(PACE_S)
        finally:
            self.streams -= 1

    def _seen(self, last_id: str) -> int | None:
        """Return the number in an id of this keeper; None: it is no such id."""
        epoch, _, number = last_id.partition("-")
        if epoch != self._epoch or not number.isascii() or not number.isdecimal():
            return None
        return int(number[:18])

    def _greet(self, seen: int, *, reset: bool) -> bytes:
        return self._write(Event(seen, "hello", self._hello(reset)))

    def _write(self, event: Event) -> bytes:
        return b"id: %b-%d\nevent: %b\ndata: %b\n\n" % (
            self._epoch.encode(),
            event.number,
            event.name.encode(),
            _encode(to_json_form(event.value)),
        )

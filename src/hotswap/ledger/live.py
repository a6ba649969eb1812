"""The newest events for those who watch: one ring that all of them read at their own pace.

Nobody has a queue. A watcher remembers the number of the last event that it has seen; whoever is
so slow that the ring has moved on is told so, and begins anew from a whole picture. While the ring
would have moved on beyond all who ever looked, nothing is put into it.
"""

import asyncio
from collections import deque
from typing import Final

from msgspec import Struct

RING: Final = 2_000

TICK: Final = "tick"
"""Of these only the newest matters."""


class Event(Struct, frozen=True):
    """Something to show."""

    number: int
    """Ascends by one."""
    name: str
    value: object
    """Encoded by whoever sends it."""


class Live:
    """The ring."""

    __slots__ = ("_awaited", "_looked_at", "_news", "_ring", "closed", "newest")

    def __init__(self) -> None:
        self._ring: deque[Event] = deque(maxlen=RING)
        self._news = asyncio.Event()
        self._awaited = False
        self._looked_at = 0
        """Number of the newest event when a watcher looked last."""
        self.newest = 0
        """Number of the newest event; 0: there was none."""
        self.closed = False

    @property
    def watched(self) -> bool:
        """Someone may still ask for the next event."""
        return self.newest < self._looked_at + RING

    def publish(self, name: str, value: object) -> None:
        """Show an event to all who watch."""
        if not self.watched:
            self.skip()
            return
        self.newest += 1
        self._ring.append(Event(self.newest, name, value))
        self._wake()

    def skip(self) -> None:
        """Note, in place of `publish`, that something happened while nobody watches."""
        self.newest += 1
        self._ring.clear()

    def after(self, number: int) -> list[Event] | None:
        """Return what followed event `number`; None: some of it is no longer known."""
        self._looked_at = self.newest
        behind = self.newest - number
        if not 0 <= behind <= len(self._ring):
            return None
        events = list(self._ring)[len(self._ring) - behind :]
        last_tick = max((e.number for e in events if e.name == TICK), default=0)
        return [e for e in events if e.name != TICK or e.number == last_tick]

    async def wait(self, number: int) -> None:
        """Return once there is something after event `number`, or the ring is closed."""
        self._looked_at = self.newest
        while self.newest <= number and not self.closed:
            self._awaited = True
            await self._news.wait()

    def close(self) -> None:
        """Send all watchers home."""
        self.closed = True
        self._wake()

    def _wake(self) -> None:
        if self._awaited:
            # Whoever waits holds the old event; whoever comes later waits for the new one.
            self._news.set()
            self._news = asyncio.Event()
            self._awaited = False

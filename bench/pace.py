"""Sends requests at a steady pace, answered or not.

A request whose turn comes while no connection is free waits for one, and that wait counts.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from hotswap.clock import SystemClock

from .caller import Caller

TICK_S: Final = 0.001
GRACE_S: Final = 10.0
"""A request that is not answered so long after the last one was sent has failed."""
FINE: Final = 10_000
"""Times are counted in slots of 0.1 ms: a long run shall not fill the memory with them."""


class Ask(Struct, frozen=True, gc=False):
    """One request of the load."""

    kind: str
    """What its result is counted under."""
    data: bytes
    """What is sent; less than a whole request where the caller leaves."""
    leave_s: float | None = None
    """The caller leaves so long after it asked; None: it waits for the answer."""


class Tally(Struct):
    """What became of the requests of one kind."""

    good: int = 0
    failed: int = 0
    left: int = 0
    """The caller was gone before its answer was whole, as it should."""


class Pace:
    """A crowd of callers that sends `rate` requests per second over `connections`.

    A connection whose caller left, or that was lost, is replaced by a new one. The good answers of
    the kind `timed` are timed.
    """

    def __init__(
        self, url: str, draw: Callable[[], Ask], *, rate: float, connections: int, timed: str
    ) -> None:
        self._draw = draw
        self._rate = rate
        self._connections = connections
        self._timed = timed
        place = urlsplit(url)
        self._place = (place.hostname or "", place.port or 80)
        self._now = SystemClock().now
        self._loop = asyncio.get_running_loop()
        self._free: deque[Caller] = deque()
        self._asked: dict[Caller, tuple[Ask, float, asyncio.TimerHandle | None]] = {}
        self._opening: set[asyncio.Task[None]] = set()
        self._idle = asyncio.Event()
        self.tallies: dict[str, Tally] = {}
        self.took: Counter[int] = Counter()
        """How often such an answer took so many tenths of a millisecond, from when it was due."""

    async def run(self, seconds: float) -> None:
        """Send for so long, then wait for the last answers and close everything."""
        for _ in range(self._connections):
            await self._open()
        due = self._times(self._now() + 0.05, seconds)
        at = next(due, None)
        while at is not None:
            while at is not None and at <= self._now() and self._free:
                caller = self._free.popleft()
                if caller.lost:
                    self._replace()
                    continue
                self._send(caller, at)
                at = next(due, None)
            await asyncio.sleep(TICK_S)
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE_S):
                await self._idle.wait()
        for ask, _, _ in self._asked.values():
            self._tally(ask).failed += 1
        for task in self._opening:
            task.cancel()
        for caller in (*self._free, *self._asked):
            caller.leave()

    def quantile_ms(self, share: float) -> float:
        """Return what share of the good answers came within."""
        rest = share * self.took.total()
        for slot in sorted(self.took):
            rest -= self.took[slot]
            if rest <= 0:
                return slot * 1000 / FINE
        return 0.0

    def _times(self, start: float, seconds: float) -> Iterator[float]:
        return (start + number / self._rate for number in range(round(seconds * self._rate)))

    def _send(self, caller: Caller, due: float) -> None:
        ask = self._draw()
        timer = None
        if ask.leave_s is not None:
            timer = self._loop.call_later(ask.leave_s, partial(self._leave, caller))
        self._asked[caller] = (ask, due, timer)
        self._idle.clear()
        caller.ask(ask.data)

    def _leave(self, caller: Caller) -> None:
        ask, _ = self._taken(caller)
        self._tally(ask).left += 1
        caller.leave()
        self._replace()

    def _on_answer(self, caller: Caller, good: bool) -> None:  # noqa: FBT001 - an answer's one value
        ask, due = self._taken(caller)
        tally = self._tally(ask)
        if good:
            tally.good += 1
            if ask.kind == self._timed:
                self.took[int((self._now() - due) * FINE)] += 1
        else:
            tally.failed += 1
        if caller.lost:
            self._replace()
        else:
            self._free.append(caller)

    def _taken(self, caller: Caller) -> tuple[Ask, float]:
        """Return what a caller had asked, and when that was due."""
        ask, due, timer = self._asked.pop(caller)
        if timer is not None:
            timer.cancel()
        if not self._asked:
            self._idle.set()
        return ask, due

    def _tally(self, ask: Ask) -> Tally:
        return self.tallies.setdefault(ask.kind, Tally())

    def _replace(self) -> None:
        task = self._loop.create_task(self._open())
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _open(self) -> None:
        _, caller = await self._loop.create_connection(
            lambda: Caller(self._on_answer), *self._place
        )
        self._free.append(caller)

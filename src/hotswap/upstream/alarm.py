"""One timer for limits that move often."""

from asyncio import AbstractEventLoop, TimerHandle
from collections.abc import Callable
from math import inf
from typing import Final

from ..clock import Clock

READ_S: Final = 0.001
"""The loop reads its sockets within this."""


class Alarm:
    """Rings at or after the earliest moment it was armed for, never before.

    Whoever owns it compares its own limit with `armed_at`: a limit that moves later needs no
    call at all, since the owner arms it again when it rings too early. So a limit that moves
    with every event costs one timer per limit, not one per event.

    When the moment has come it waits until the loop has read its sockets, because timers come
    first: after the process was suspended, what is said to be missing has arrived long ago.
    """

    __slots__ = ("_clock", "_handle", "_loop", "_ring", "armed_at")

    def __init__(self, loop: AbstractEventLoop, clock: Clock, ring: Callable[[], None]) -> None:
        self._loop = loop
        self._clock = clock
        self._ring = ring
        self._handle: TimerHandle | None = None
        self.armed_at = inf
        """Monotonic seconds of the next ring; infinity: none."""

    def arm(self, at: float) -> None:
        """Ring at `at` (monotonic seconds, not infinity) instead of any other moment."""
        if self._handle is not None:
            self._handle.cancel()
        self.armed_at = at
        # A loop with a coarser clock may fire a little early: never ask for less than it can.
        delay = max(at - self._clock.now(), 0.001)
        self._handle = self._loop.call_later(delay, self._on_time)

    def stop(self) -> None:
        """Ring never again, and let go of whoever owns this."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        self.armed_at = inf
        self._ring = _call_nobody

    def _on_time(self) -> None:
        self._handle = None
        if self._clock.now() < self.armed_at:
            self.arm(self.armed_at)
        else:
            self._handle = self._loop.call_later(READ_S, self._ring_now)

    def _ring_now(self) -> None:
        self._handle = None
        self.armed_at = inf
        self._ring()


def _call_nobody() -> None:
    """Take the place of `ring`, which knows its alarm: only the collector could free the two."""

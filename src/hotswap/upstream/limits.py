"""Limits of time for what opens connections, on one timer for all of them."""

import asyncio
from asyncio import AbstractEventLoop, Timeout
from math import inf

from ..clock import Clock
from .alarm import Alarm


class Limits:
    """Ends what takes longer than it may; nearly nothing does, so that no timer is set per limit.

    Used as `async with asyncio.timeout(None) as limit`, with `add` first and `drop` last within.
    """

    __slots__ = ("_alarm", "_clock", "_until")

    def __init__(self, loop: AbstractEventLoop, clock: Clock) -> None:
        self._clock = clock
        self._alarm = Alarm(loop, clock, self._on_alarm)
        self._until: dict[Timeout, float] = {}

    def add(self, limit: Timeout, limit_s: float) -> None:
        """End what runs within `limit` with `TimeoutError` after `limit_s`."""
        at = self._until[limit] = self._clock.now() + limit_s
        if at < self._alarm.armed_at:
            self._alarm.arm(at)

    def drop(self, limit: Timeout) -> None:
        """Forget a limit whose work is done."""
        del self._until[limit]

    def stop(self) -> None:
        """End nothing any more."""
        self._alarm.stop()

    def _on_alarm(self) -> None:
        now, earliest = self._clock.now(), inf
        for limit, until in self._until.items():
            if now < until:
                earliest = min(earliest, until)
            elif limit.when() is None:
                limit.reschedule(asyncio.get_running_loop().time())
        if earliest < inf:
            self._alarm.arm(earliest)

"""What a connection may hold and how long it may take, beyond what `ServerSettings` says."""

import asyncio
import resource
import sys
from collections.abc import Callable
from math import inf
from typing import Final

from ..clock import Clock

PIPELINE_BYTES: Final = 64 * 1024
"""Input that may wait behind the request being served; then reading pauses."""
BODY_STEP_BYTES: Final = 16 * 1024
"""A body makes progress by this much; bytes that come one by one could last for years."""
BODIES_BYTES: Final = 1024 * 1024 * 1024
"""What all bodies of a worker that have come in part may hold. Their senders have shown no key
yet, so without a limit the memory would belong to whoever connects often enough."""
LINGER_BYTES: Final = 128 * 1024 * 1024
"""How much a refused caller may go on to send before the connection is cut."""
LINGER_S: Final = 30.0
"""How long a refused caller may take to read the refusal."""
FLUSH_S: Final = 30.0
"""How long a connection being closed may take to send what was written."""
PARTING_S: Final = 1.0
"""How long a drain waits for a caller's next request, which is answered with `connection: close`.

Whoever is closed without having been told so may be sending at this very moment.
"""

_TIMER_MIN_S: Final = 0.001
"""The resolution of uvloop's timers."""


def room_for_callers() -> int:
    """Return how many connections of callers the process can serve: each may need another one.

    A process without file descriptors could reach no provider, and would blame them for it.
    """
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if limit == resource.RLIM_INFINITY else limit // 2


class Bodies:
    """Bytes of the bodies that have come in part, over all connections of a worker."""

    __slots__ = ("size",)

    def __init__(self) -> None:
        self.size = 0


class Gathering:
    """What has come of the body that one connection is receiving.

    Args:
        bodies: Shared by all connections.
    """

    __slots__ = ("_bodies", "_marked", "size")

    def __init__(self, bodies: Bodies) -> None:
        self._bodies = bodies
        self._marked = 0
        """As much had come when the body last made progress."""
        self.size = 0

    @property
    def too_much(self) -> bool:
        """All bodies together hold more than they may."""
        return self._bodies.size > BODIES_BYTES

    def grow(self, size: int) -> bool:
        """Take note that `size` bytes have come by now; say whether that is progress."""
        self._bodies.size += size - self.size
        self.size = size
        progress = size - self._marked >= BODY_STEP_BYTES
        if progress:
            self._marked = size
        return progress

    def forget(self) -> None:
        """The body is complete or of no use any more."""
        self._bodies.size -= self.size
        self.size = self._marked = 0


class Watch:
    """Calls `on_late` when something takes longer than allowed.

    One timer at a time: it fires, sees that the limit has moved, and is armed again. So a limit
    that moves with every request costs an assignment.
    """

    __slots__ = ("_armed_until", "_clock", "_handle", "_loop", "_on_late", "_until")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, clock: Clock, on_late: Callable[[], None]
    ) -> None:
        self._loop = loop
        self._clock = clock
        self._on_late = on_late
        self._handle: asyncio.TimerHandle | None = None
        self._armed_until = inf
        self._until = inf

    def allow(self, seconds: float) -> None:
        """Allow `seconds` from now; replaces what was allowed before."""
        self._until = until = self._clock.now() + seconds
        if until < self._armed_until:
            self._arm(seconds)

    def rest(self) -> None:
        """Allow any time."""
        self._until = inf

    def cancel(self) -> None:
        """Never call again, and let go of whoever was to be called."""
        self._until = inf
        self._on_late = _call_nobody
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _arm(self, seconds: float) -> None:
        if self._handle is not None:
            self._handle.cancel()
        self._armed_until = self._until
        self._handle = self._loop.call_later(max(seconds, _TIMER_MIN_S), self._fire)

    def _fire(self) -> None:
        self._handle = None
        self._armed_until = inf
        left_s = self._until - self._clock.now()
        if left_s <= 0:
            self._until = inf
            self._on_late()
        elif left_s < inf:
            self._arm(left_s)


def _call_nobody() -> None:
    """Take the place of `on_late`, which knows its watch: only the collector could free the two."""

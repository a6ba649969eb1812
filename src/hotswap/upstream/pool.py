"""Decides which connection serves a request, how many to open, and which to close.

One pool per endpoint, over whatever has an expiry; it opens and closes nothing itself.
"""

from collections import deque
from math import inf
from typing import Generic, Protocol, TypeVar

from .settings import ClientSettings


class Expiring(Protocol):
    """A connection, as far as a pool cares."""

    expires_at: float

    @property
    def usable(self) -> bool:
        """A request may be written to it."""
        ...


C = TypeVar("C", bound=Expiring)
W = TypeVar("W")


class Pool(Generic[C, W]):
    """The connections to one endpoint, and the requests that wait for one.

    Requests take the connection used most recently: its congestion window is open, and it is
    the least likely to be stale. Connections opened ahead lie below the used ones. An expired
    connection is kept until its replacement is there, so that a warm one is always at hand.
    A failed attempt to open one ahead is followed by a pause, and so is one that its server
    closes at once; the pause grows until a connection has proven good.
    """

    __slots__ = (
        "_failures",
        "_settings",
        "idle",
        "opened",
        "opening",
        "retry_at",
        "waiting",
        "wanted",
        "warming",
    )

    def __init__(self, settings: ClientSettings) -> None:
        self._settings = settings
        self._failures = 0
        self.idle: list[C] = []
        """The one to use next comes last."""
        self.waiting: deque[W] = deque()
        """Requests without a connection, oldest first."""
        self.wanted = 0
        """Idle connections to keep open."""
        self.opened: set[C] = set()
        """Connections that are idle or busy."""
        self.opening = 0
        """Connections that are being opened, `warming` included."""
        self.warming = 0
        """Connections that are being opened ahead, for no request."""
        self.retry_at = 0.0
        """No connection is opened ahead before this, in monotonic seconds."""

    @property
    def short(self) -> bool:
        """Fewer connections are idle or being opened ahead than wanted."""
        return len(self.idle) + self.warming < self.wanted

    @property
    def unused(self) -> bool:
        """Nothing is open, nothing waits and nothing is wanted: the pool may be forgotten."""
        return not (self.opened or self.opening or self.waiting or self.wanted)

    @property
    def full(self) -> bool:
        """No further connection may be opened."""
        return len(self.opened) + self.opening >= self._settings.max_connections

    def take(self) -> C | None:
        """Hand out an idle connection, the one used most recently; None: there is none."""
        idle = self.idle
        while idle:
            connection = idle.pop()
            if connection.usable:
                return connection
        return None

    def put(self, connection: C, *, used: bool) -> C | None:
        """Keep an idle connection; return one to close where that makes too many."""
        if used:
            self.idle.append(connection)
        else:
            self.idle.insert(0, connection)
        if len(self.idle) > max(self._settings.max_idle, self.wanted):
            return self.idle.pop(0)
        return None

    def forget(self, connection: C) -> None:
        """Count out a connection that is closed, whatever it was doing."""
        self.opened.discard(connection)
        if connection in self.idle:
            self.idle.remove(connection)

    def missing(self, now: float) -> int:
        """Say how many connections to open ahead now; after a failure one at a time."""
        if now < self.retry_at:
            return 0
        missing = self._lacking(now)
        if self._failures:
            missing = min(missing, 1 - self.warming)
        room = self._settings.max_connections - len(self.opened) - self.opening
        return max(0, min(missing, room))

    def overdue(self, now: float) -> list[C]:
        """Take out the expired connections that may be closed now, oldest first."""
        spare = max(0, len(self.idle) - self.wanted)
        expired = [connection for connection in self.idle if now >= connection.expires_at]
        for connection in expired[:spare]:
            self.idle.remove(connection)
        return expired[:spare]

    def drain(self) -> list[C]:
        """Take out all idle connections."""
        taken, self.idle = self.idle, []
        return taken

    def on_opened(self, connection: C) -> None:
        """Count a connection in."""
        self.opened.add(connection)

    def on_proven(self) -> None:
        """Note that a connection has answered, or stayed open for long: end the pause."""
        if self._failures:
            self._failures = 0
            self.retry_at = 0.0

    def on_unreached(self, now: float, jitter: float) -> None:
        """Note that a connection opened ahead was of no use; `jitter` is in [0, 1)."""
        settings = self._settings
        pause = min(settings.warm_retry_max_s, settings.warm_retry_s * 2**self._failures)
        self._failures = min(self._failures + 1, 16)
        self.retry_at = now + pause * (0.5 + jitter / 2)

    def next_check(self, now: float) -> float:
        """Say when connections are to be opened ahead after a pause; infinity: no need."""
        return self.retry_at if now < self.retry_at and self._lacking(now) else inf

    def _lacking(self, now: float) -> int:
        fresh = sum(connection.expires_at > now for connection in self.idle)
        return max(0, self.wanted - fresh - self.warming)

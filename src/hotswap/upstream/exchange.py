"""One exchange in flight: the `Call` that senders hold."""

from math import inf
from typing import Protocol

from .alarm import Alarm
from .api import Broken, Listener
from .flaw import Flaw


class Carrier(Protocol):
    """Where an exchange is: waiting for a connection, or on one."""

    alarm: Alarm

    def drop(self) -> None:
        """Forget the exchange; no callback comes any more."""
        ...

    def hold(self) -> None:
        """Read no further."""
        ...

    def go_on(self) -> None:
        """Read again."""
        ...


class Exchange:
    """A request with its listener; lives until its response has ended or broken."""

    __slots__ = (
        "carrier",
        "connect_s",
        "limit",
        "listener",
        "paused",
        "renewed",
        "request",
        "sent",
        "sent_at",
    )

    def __init__(self, request: bytes, listener: Listener, connect_s: float) -> None:
        self.request = request
        self.listener = listener
        self.connect_s = connect_s
        self.carrier: Carrier | None = None
        """None once it has ended."""
        self.limit = inf
        self.paused = False
        self.renewed = False
        """A stale connection was replaced already; the next one that dies ends the exchange."""
        self.sent = False
        """Bytes may have reached a server, on this connection or on a stale one before it."""
        self.sent_at = 0.0

    def set_limit(self, at: float) -> None:
        """Call `on_limit` once `at` (monotonic seconds) has passed; replaces the former limit."""
        self.limit = at
        carrier = self.carrier
        if carrier is not None and at < carrier.alarm.armed_at:
            carrier.alarm.arm(at)

    def cancel(self) -> None:
        """Drop the exchange: its connection is closed at once, no further callback comes."""
        if self.carrier is not None:
            self.carrier.drop()

    def pause(self) -> None:
        """Read no further from the server until `resume`, so that memory stays bounded."""
        self.paused = True
        if self.carrier is not None:
            self.carrier.hold()

    def resume(self) -> None:
        """Go on reading."""
        self.paused = False
        if self.carrier is not None:
            self.carrier.go_on()

    def on_time(self, now: float) -> None:
        """Tell the listener when the limit has passed, else have the alarm ring for it."""
        if now >= self.limit:
            self.limit = inf
            self.listener.on_limit()
        elif self.limit < inf:
            self.set_limit(self.limit)

    def fail(self, flaw: Flaw, *, received: bool) -> None:
        """Tell the listener that nothing more will come."""
        broken = Broken(flaw.fault, flaw.message, sent=self.sent, received=received)
        self.listener.on_broken(broken)

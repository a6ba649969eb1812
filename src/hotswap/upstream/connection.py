"""One connection to a server: writes requests, pushes responses to their listeners.

It carries one exchange at a time. A response that ended well frees it; whatever else ends an
exchange closes it, and so does any byte that comes while nothing was asked.

A server may close a connection whose idle timer or whose number of requests has run out, and
the next request may cross that on its way. So a connection that dies without a byte of an answer
counts as stale, and its request is sent anew, if it has answered before or has stood idle for
`stale_after_s`. A younger one that has never answered has no such excuse: that is a failure.
"""

import asyncio
from asyncio import AbstractEventLoop, BaseTransport, Transport
from math import inf
from ssl import SSLError
from typing import Protocol, cast

from typing_extensions import override

from ..clock import Clock
from .alarm import Alarm
from .api import Fault
from .exchange import Exchange
from .flaw import Flaw
from .reader import ResponseReader
from .settings import ClientSettings


class Home(Protocol):
    """Whoever owns connections."""

    def on_free(self, connection: "Connection") -> None:
        """Take a connection back that may serve another request."""
        ...

    def on_lost(self, connection: "Connection") -> None:
        """Forget a connection that is closed or closing."""
        ...

    def on_stale(self, exchange: Exchange) -> None:
        """Send an exchange anew whose stale connection died before any byte came back."""
        ...

    def on_expired(self) -> None:
        """Replace the idle connections that servers may soon close."""
        ...


class Connection(asyncio.Protocol):
    """An open connection, idle or busy with one exchange."""

    __slots__ = (
        "_exchange",
        "_held",
        "_home",
        "_lost",
        "_now",
        "_reader",
        "_received",
        "_transport",
        "alarm",
        "expires_at",
        "proven_at",
        "served",
        "stale_at",
    )

    def __init__(
        self, loop: AbstractEventLoop, clock: Clock, settings: ClientSettings, home: Home
    ) -> None:
        self._now = clock.now
        self._home = home
        self._reader = ResponseReader(settings)
        self._transport: Transport | None = None
        self._exchange: Exchange | None = None
        self._received = False
        self._held = False
        self._lost = False
        self.alarm = Alarm(loop, clock, self._on_alarm)
        self.expires_at = inf
        """While idle: when to replace it, in monotonic seconds."""
        self.proven_at = inf
        """Closed by the server before this without a request: it serves nobody for now."""
        self.served = False
        """A request was written to it."""
        self.stale_at = inf
        """From then on its server may have closed it for being idle, in monotonic seconds."""

    @property
    def usable(self) -> bool:
        """A request may be written to it."""
        transport = self._transport
        return not self._lost and transport is not None and not transport.is_closing()

    def start(self, exchange: Exchange) -> None:
        """Write a request, now; the connection must be usable and without an exchange."""
        self._exchange = exchange
        exchange.carrier = self
        self.served = True
        self._received = False
        self._reader.begin()
        transport = cast("Transport", self._transport)
        transport.write(exchange.request)
        exchange.sent_at = self._now()
        exchange.sent = exchange.sent or not transport.is_closing()
        if exchange.limit < self.alarm.armed_at:
            self.alarm.arm(exchange.limit)
        if exchange.paused:
            self.hold()

    def rest_until(self, at: float) -> None:
        """Be idle; `on_expired` is due at `at` (monotonic seconds)."""
        self.expires_at = at
        if at < self.alarm.armed_at:
            self.alarm.arm(at)

    def drop(self) -> None:
        """Close at once, without a word to the listener."""
        self._detach()
        self.close()

    def hold(self) -> None:
        """Read no further."""
        if not self._held and self._transport is not None and self.usable:
            self._held = True
            self._transport.pause_reading()

    def go_on(self) -> None:
        """Read again."""
        if self._held and self._transport is not None and self.usable:
            self._held = False
            self._transport.resume_reading()

    def end(self, flaw: Flaw) -> None:
        """Close at once; an exchange in flight ends with `flaw`."""
        exchange = self._detach()
        if exchange is not None:
            # First, so that the next attempt does not wait until this connection is replaced.
            exchange.fail(flaw, received=self._received)
        self.close()

    def close(self) -> None:
        """Close at once; may be called in any state and more than once."""
        if not self._lost:
            self._lost = True
            self.alarm.stop()
            self._reader.close()
            self._home.on_lost(self)
        if self._transport is not None:
            self._transport.abort()

    @override
    def connection_made(self, transport: BaseTransport) -> None:
        """Take the transport (called by the loop)."""
        self._transport = cast("Transport", transport)
        if self._lost:
            self._transport.abort()

    @override
    def data_received(self, data: bytes) -> None:
        """Push what came to the listener (called by the loop)."""
        exchange = self._exchange
        if exchange is None:
            self.close()
            return
        self._received = True
        reader = self._reader
        flaw = reader.feed(data)
        if reader.head_came:
            exchange.request = b""  # can not be sent again; a long stream need not keep it
            exchange.listener.on_head(reader.status, reader.headers)
            if exchange.carrier is not self:
                return
        if reader.body:
            exchange.listener.on_body(reader.body)
            if exchange.carrier is not self:
                return
        if reader.ended:
            self._finish()
        elif flaw is not None:
            self.end(flaw)

    @override
    def eof_received(self) -> None:
        """Treat the server's end as the end of both ways (called by the loop)."""
        self.connection_lost(None)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """Find out what the end of the connection means (called by the loop)."""
        exchange = self._exchange
        if exchange is None:
            self.close()
        elif self._reader.until_eof and exc is None:
            self._finish()
        elif not (self._received or exchange.renewed) and exchange.sent_at >= self.stale_at:
            self._detach()
            self.close()
            self._home.on_stale(exchange)
        else:
            self.end(_explain(exc))

    def _finish(self) -> None:
        """Free or close the connection, then tell the listener."""
        exchange = cast("Exchange", self._detach())
        transport = cast("Transport", self._transport)
        reader = self._reader
        reader.body = b""
        self.stale_at = 0.0
        # A server that answers before it has read everything will read the rest as a request.
        if reader.keep_alive and not transport.get_write_buffer_size() and self.usable:
            self.go_on()
            self._home.on_free(self)
        else:
            self.close()
        exchange.listener.on_end()

    def _detach(self) -> Exchange | None:
        exchange = self._exchange
        if exchange is not None:
            self._exchange = exchange.carrier = None
        return exchange

    def _on_alarm(self) -> None:
        now = self._now()
        exchange = self._exchange
        if exchange is not None:
            exchange.on_time(now)
        elif now >= self.expires_at:
            self._home.on_expired()
        else:
            self.rest_until(self.expires_at)


def _explain(exc: Exception | None) -> Flaw:
    if exc is None:
        return Flaw(Fault.CLOSED, "the server closed the connection before its answer was complete")
    if isinstance(exc, SSLError):
        return Flaw(Fault.TLS, f"the encryption broke: {exc.reason or exc}")
    return Flaw(Fault.RESET, f"the connection broke: {exc.__class__.__name__}")

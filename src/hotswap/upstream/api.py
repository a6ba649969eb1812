"""The door to providers: three methods, and what comes back through a listener.

Everything is pushed: the transport's callback parses bytes and calls the listener at once, so
that an event reaches the caller's socket in the same turn of the loop. Nothing here knows a
dialect.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from ..core.terms import Endpoint

Headers = Mapping[bytes, bytes]
"""Response headers: lower-case names; values of repeated names are joined with a comma."""


class Fault(StrEnum):
    """How a connection or an exchange on it failed, below the level of HTTP status codes."""

    DNS = "dns"
    ADDRESS = "address"
    """The name leads to an address that this endpoint may not use."""
    CONNECT = "connect"
    REFUSED = "refused"
    TLS = "tls"
    PROXY = "proxy"
    TIMEOUT = "timeout"
    """The connection was not ready within `connect_s`."""
    RESET = "reset"
    CLOSED = "closed"
    """The server closed before its answer was complete."""
    PROTOCOL = "protocol"
    """The bytes are not a well-formed HTTP/1.1 response."""
    TOO_LARGE = "too_large"
    """Headers or body beyond the limits."""


class Broken(Struct, frozen=True, gc=False):
    """An exchange that failed below HTTP."""

    fault: Fault
    message: str
    """For operators: what happened, without secrets."""
    sent: bool
    """Some of the request's bytes were handed to the kernel."""
    received: bool
    """Some byte of the response came back."""


class Listener(Protocol):
    """Receives one exchange. Called from the transport's callbacks: no method may block.

    Order: `on_head`, `on_body` any number of times, `on_end`; or `on_broken` at any point, which
    ends it. `on_limit` may come at any time before the end and ends nothing by itself.
    """

    def on_head(self, status: int, headers: Headers) -> None:
        """Take the status line and headers of the final (not 1xx) response."""
        ...

    def on_body(self, data: bytes) -> None:
        """Take the next piece of the decoded body, as it came from the socket."""
        ...

    def on_end(self) -> None:
        """The response is complete by its own framing; the connection is free again."""
        ...

    def on_broken(self, broken: Broken) -> None:
        """The exchange failed; nothing more will come."""
        ...

    def on_limit(self) -> None:
        """The moment named by `Call.set_limit` has passed."""
        ...


class Call(Protocol):
    """One exchange in flight."""

    sent_at: float
    """Clock reading when the request's bytes were written; 0.0 while connecting."""

    def set_limit(self, at: float) -> None:
        """Call `on_limit` once `at` (monotonic seconds) has passed; replaces the former limit.

        Cheap: one timer per connection is re-armed lazily, so a limit may be moved per event.
        """
        ...

    def cancel(self) -> None:
        """Drop the exchange: its connection is closed at once, no further callback comes."""
        ...

    def pause(self) -> None:
        """Read no further from the server until `resume`, so that memory stays bounded."""
        ...

    def resume(self) -> None:
        """Go on reading."""
        ...


class Client(Protocol):
    """Sends requests to providers."""

    def send(
        self, endpoint: Endpoint, request: bytes, listener: Listener, *, connect_s: float
    ) -> Call:
        """Send `request` (head and body, complete) and report to `listener`.

        On a warm connection the bytes are written before this returns. No callback comes from
        within `send`. A stale connection that dies before any byte of the answer came is
        replaced by a fresh one, once, silently; stale is one that has answered before, or
        has stood idle for so long that its server may have given it up.
        """
        ...

    def warm(self, endpoints: Mapping[Endpoint, int]) -> None:
        """Keep at least so many idle connections open to each endpoint, and to no other."""
        ...

    async def close(self) -> None:
        """Close every connection; calls in flight end as `Fault.CLOSED`."""
        ...

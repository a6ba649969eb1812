"""What the data plane sees of its own server: one request, and the way to answer it."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Protocol

from msgspec import Struct

Handler = Callable[["Exchange"], Coroutine[object, object, None]]
"""Serves one request; it must answer, finish or abort before it returns."""


class Incoming(Struct, frozen=True):
    """One complete request."""

    method: str
    path: str
    """Without the query; percent-encoding untouched."""
    query: str
    headers: Mapping[bytes, bytes]
    """Lower-case names; values of repeated names are joined with a comma, in order. Without
    `content-length`: the body is complete. May be shared with other requests of the caller."""
    body: bytes
    peer: str
    """Address of the socket's other end, without the port."""
    received_at: float
    """Clock reading when the request was complete (monotonic seconds)."""


class Exchange(Protocol):
    """One request and its answer. Header blocks are complete lines, each with its CR LF.

    Either `answer` once, or `start`, `write` any number of times, then `finish` or `abort`.
    After the caller left every call does nothing.
    """

    incoming: Incoming
    on_leave: Callable[[], None] | None
    """Called once when the caller's connection is gone before the answer was complete."""
    on_pause: Callable[[], None] | None
    """Called when the caller reads too slowly: stop writing soon."""
    on_resume: Callable[[], None] | None

    @property
    def gone(self) -> bool:
        """The caller's connection is gone."""
        ...

    def answer(self, status: int, headers: bytes, body: bytes) -> None:
        """Send a whole answer; the length is added, `date` as well."""
        ...

    def start(self, status: int, headers: bytes) -> None:
        """Begin a streamed answer; framing headers are added."""
        ...

    def write(self, data: bytes) -> None:
        """Send the next bytes of a streamed answer."""
        ...

    def finish(self) -> None:
        """End a streamed answer well."""
        ...

    def abort(self) -> None:
        """Cut the connection so that the caller notices: no end of the answer is sent."""
        ...

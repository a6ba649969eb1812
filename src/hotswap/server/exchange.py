"""One request and the writing of its answer: implements `server.api.Exchange`."""

from collections.abc import Callable
from typing import Protocol

from .api import Incoming
from .status import BODILESS, Openings


class Wire(Protocol):
    """What an exchange needs of its connection."""

    @property
    def openings(self) -> Openings:
        """Writes how answers begin."""
        ...

    def write(self, data: bytes) -> None:
        """Send bytes, in this turn of the loop, after all that was written before."""
        ...

    def may_stay(self) -> bool:
        """Say whether the connection may serve another request."""
        ...

    def answered(self, *, stay: bool) -> None:
        """Go on to the next request, or close."""
        ...

    def cut(self, *, reset: bool) -> None:
        """Close after what was written; with a reset when a plain end would look complete."""
        ...


class HttpExchange:
    """Implements `server.api.Exchange`.

    An `answer` after `start` cuts the connection: whoever has another answer by then failed midway,
    and the caller must not take what it has for the whole.
    """

    __slots__ = (
        "_begun",
        "_chunked",
        "_http_10",
        "_keep",
        "_silent",
        "_wire",
        "gone",
        "incoming",
        "on_leave",
        "on_pause",
        "on_resume",
        "over",
    )

    def __init__(self, wire: Wire, incoming: Incoming, *, http_10: bool, keep: bool) -> None:
        self._wire = wire
        self._http_10 = http_10
        self._keep = keep
        self._begun = False
        self._chunked = False
        self._silent = incoming.method == "HEAD"
        """No body may be sent."""
        self.incoming = incoming
        self.on_leave: Callable[[], None] | None = None
        self.on_pause: Callable[[], None] | None = None
        self.on_resume: Callable[[], None] | None = None
        self.gone = False
        self.over = False
        """The answer is complete or can never be: every call does nothing."""

    def answer(self, status: int, headers: bytes, body: bytes) -> None:
        """Send a whole answer; `date`, length and connection headers are added."""
        if self.over:
            return
        if self._begun:
            self.abort()
            return
        self.over = True
        wire = self._wire
        stay = self._keep and wire.may_stay()
        bodiless = status in BODILESS
        length = b"" if bodiless else b"content-length: %d\r\n" % len(body)
        if self._silent or bodiless:
            body = b""
        wire.write(
            b"%b%b%b%b\r\n%b"
            % (wire.openings.opening(status), self._persistence(stay), headers, length, body)
        )
        wire.answered(stay=stay)

    def start(self, status: int, headers: bytes) -> None:
        """Begin a streamed answer: in chunks, or up to the connection's end in HTTP/1.0."""
        if self.over or self._begun:
            return
        self._begun = True
        wire = self._wire
        self._silent = self._silent or status in BODILESS
        self._keep = self._keep and wire.may_stay() and not (self._http_10 and not self._silent)
        self._chunked = not self._http_10 and status not in BODILESS
        framing = b"transfer-encoding: chunked\r\n" if self._chunked else b""
        wire.write(
            b"%b%b%b%b\r\n"
            % (wire.openings.opening(status), self._persistence(self._keep), headers, framing)
        )

    def write(self, data: bytes) -> None:
        """Send the next bytes of a streamed answer."""
        if self.over or self._silent or not data:
            return
        self._wire.write(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)

    def finish(self) -> None:
        """End a streamed answer well."""
        if self.over:
            return
        self.over = True
        wire = self._wire
        if self._chunked and not self._silent:
            wire.write(b"0\r\n\r\n")
        # A caller that was not told of the end may send its next request already.
        wire.answered(stay=self._keep)

    def abort(self) -> None:
        """Cut the connection so that the caller notices; what was written still goes out."""
        if self.over:
            return
        self.over = self.gone = True
        self._wire.cut(reset=self._begun and not self._chunked)

    def leave(self) -> None:
        """Take note that the connection is gone."""
        if self.over:
            return
        self.over = self.gone = True
        if self.on_leave is not None:
            self.on_leave()

    def drop(self) -> None:
        """Cut the connection from outside the handler, which is told that the caller is gone."""
        if self.over:
            return
        self.abort()
        if self.on_leave is not None:
            self.on_leave()

    def _persistence(self, stay: bool) -> bytes:  # noqa: FBT001 - private, on the hot path
        if not stay:
            return b"connection: close\r\n"
        return b"connection: keep-alive\r\n" if self._http_10 else b""

"""From received bytes to complete requests; no socket, no clock.

Works the same for any way in which the network cuts the bytes. Requests come out one at a time: the
next one is not looked at before it is asked for.
"""

from enum import Enum, auto
from typing import Final, NoReturn

from ..errors import RefusedError
from .buffers import Body, Intake
from .chunked import Dechunker, refuse_body
from .head import CHUNKED, Head, Heads, guess_path

_FIRST: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ\r")
"""What a request may begin with; one empty line before it is ignored."""


class Phase(Enum):
    """How far the next request has come."""

    IDLE = auto()
    HEAD = auto()
    BODY = auto()


class Reader:
    """Reads the requests of one connection.

    Args:
        max_header_bytes: A larger head is refused with 431.
        max_body_bytes: A larger body is refused with 413, before it is read if its length is told.
    """

    __slots__ = (
        "_body",
        "_chunks",
        "_head",
        "_heads",
        "_intake",
        "_max_body_bytes",
        "_max_header_bytes",
        "body",
        "path",
        "waiting",
    )

    def __init__(self, *, max_header_bytes: int, max_body_bytes: int) -> None:
        self._max_header_bytes = max_header_bytes
        self._max_body_bytes = max_body_bytes
        self._intake = Intake()
        self._heads = Heads()
        self._head: Head | None = None
        self._body = Body()
        self._chunks: Dechunker | None = None
        self.body = b""
        """Body of the request that was read last."""
        self.path = ""
        """Path of a request that was refused, as far as it is known."""
        self.waiting = False
        """The caller sends the body only after `100 Continue`; whoever says it clears this."""

    @property
    def pending(self) -> int:
        """Bytes received and not consumed."""
        return len(self._intake)

    @property
    def phase(self) -> Phase:
        """How far the next request has come."""
        if self._head is not None:
            return Phase.BODY
        return Phase.HEAD if self._intake else Phase.IDLE

    def goes_on(self) -> bool:
        """Say whether bytes wait behind the last request; if not, let go of it."""
        intake = self._intake
        if intake.at < len(intake.data):
            return True
        intake.data = self.body = b""
        intake.at = intake.searched = 0
        return False

    @property
    def gathered(self) -> int:
        """Bytes of a body that has come in part."""
        return self._body.size if self._chunks is None else self._chunks.size

    def discard(self) -> None:
        """Let go of everything received; nothing can be read after it."""
        self._intake = Intake()
        self._body = Body()
        self._chunks = None

    def feed(self, data: bytes) -> None:
        """Take what the socket gave."""
        self._intake.feed(data)

    def read(self) -> Head | None:
        """Return the next request's head, its body being in `body`; None: it is not complete.

        Raises `RefusedError` for a request that can not be served; nothing can be read after it.
        """
        head = self._head
        if head is None:
            raw = self._intake.take_until(b"\r\n\r\n")
            if raw is None:
                self._check_partial()
                return None
            head = self._check_head(raw)
        length = head.length
        if not length:
            self.body = b""
        elif self._head is None and 0 < length <= len(self._intake):
            self.body = self._intake.take(length)
        elif not self._read_body(head):
            return None
        self._head = None
        return head

    def _check_head(self, raw: bytes) -> Head:
        try:
            if len(raw) > self._max_header_bytes:
                self._refuse_large_head()
            head = self._heads.read(raw)
            if head.length > self._max_body_bytes:
                refuse_body(self._max_body_bytes)
        except RefusedError:
            self.path = guess_path(raw)
            raise
        return head

    def _read_body(self, head: Head) -> bool:
        """Read on in a body that came in parts; say whether it is complete."""
        if self._head is None:
            self._begin_body(head)
        if self._chunks is not None:
            body = self._chunks.read(self._intake)
            if body is None:
                return False
            self._chunks = None
            self.body = body
            return True
        collected = self._body
        collected.add(self._intake.take(head.length - collected.size))
        if collected.size < head.length:
            return False
        self._body = Body()
        self.body = collected.join()
        return True

    def _begin_body(self, head: Head) -> None:
        self._head = head
        self.path = head.path
        self.waiting = head.expects_continue and not self._intake
        if head.length == CHUNKED:
            self._chunks = Dechunker(
                max_bytes=self._max_body_bytes, max_trailer_bytes=self._max_header_bytes
            )

    def _check_partial(self) -> None:
        """Refuse what can not become a head, so that nobody waits for the rest of it."""
        intake = self._intake
        if len(intake) > self._max_header_bytes:
            self._refuse_large_head()
        first = intake.peek()
        if first is not None and first not in _FIRST:
            raise RefusedError(400, "invalid_http", "This is not an HTTP/1.1 request.")
        if intake.brought(b"\n\n") or intake.brought(b"\n\r\n"):
            raise RefusedError(400, "invalid_http", "Lines must end with CR LF.")

    def _refuse_large_head(self) -> NoReturn:
        limit = self._max_header_bytes
        raise RefusedError(431, "headers_too_large", f"The headers exceed {limit} bytes.")

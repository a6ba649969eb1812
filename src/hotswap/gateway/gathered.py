"""The head of a provider's answer, and its body where that is not streamed to the caller."""

from typing import Final

from ..upstream.api import Headers

MAX_FAULT_BODY: Final = 256 * 1024
MAX_ANSWER: Final = 64 * 1024 * 1024
"""As much as the client allows a body, but for those whose type is an event stream."""

_NO_HEADERS: Final[Headers] = {}


class Gathered:
    """What has come so far."""

    __slots__ = ("_parts", "_size", "faulty", "headers", "status")

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self.headers: Headers = _NO_HEADERS
        self.status = 0
        """0: no head has come."""
        self.faulty = False
        """The status is none of success."""

    def begin(self, status: int, headers: Headers) -> None:
        """Take the head."""
        self.status, self.headers = status, headers
        self.faulty = not 200 <= status < 300

    @property
    def body(self) -> bytes:
        """All that was added."""
        return b"".join(self._parts)

    def add(self, data: bytes) -> bool:
        """Add the next bytes; say whether there is room for more."""
        self._parts.append(data)
        self._size += len(data)
        return self._size <= (MAX_FAULT_BODY if self.faulty else MAX_ANSWER)

"""Bytes on their way in: what the socket gave and nobody consumed, and a body being collected."""

from typing import Final

SMALL: Final = 4096
"""Parts below this are merged: a body that trickles in must not cost a multiple of its size."""
MERGED: Final = 64 * 1024
"""A merged part is closed at this size."""


class Intake:
    """Received bytes, consumed from the front; what is left costs no copy per request."""

    __slots__ = ("at", "data", "fresh", "searched")

    def __init__(self) -> None:
        self.data: bytes | bytearray = b""
        self.at = 0
        """Where the bytes begin that nobody has consumed."""
        self.fresh = 0
        """Where the last search that failed began."""
        self.searched = 0
        """Up to here nothing was found: bytes that come one by one must not cost a search each."""

    def __len__(self) -> int:
        return len(self.data) - self.at

    def feed(self, data: bytes) -> None:
        """Add what the socket gave."""
        rest, at = self.data, self.at
        if at == len(rest):
            self.data = data
            self.at = self.searched = 0
            return
        if not isinstance(rest, bytearray):
            rest = self.data = bytearray(rest)
        if at:
            del rest[:at]
            self.at = 0
            self.searched = max(self.searched - at, 0)
        rest += data

    def peek(self) -> int | None:
        """Return the first byte without consuming it."""
        return self.data[self.at] if self.at < len(self.data) else None

    def brought(self, piece: bytes) -> bool:
        """Say whether `piece` occurs in what the last search, which failed, has looked at.

        It must not be longer than what was searched for.
        """
        return self.data.find(piece, self.fresh) >= 0

    def take(self, size: int) -> bytes:
        """Consume up to `size` bytes."""
        at = self.at
        piece = self.data[at : at + size]
        self.at = self.searched = at + len(piece)
        return piece if isinstance(piece, bytes) else bytes(piece)

    def take_until(self, end: bytes) -> bytes | None:
        """Consume up to and with `end`; None as long as it has not come."""
        found = self.data.find(end, self.searched)
        if found < 0:
            self.fresh = self.searched
            self.searched = max(self.at, len(self.data) - len(end) + 1)
            return None
        return self.take(found + len(end) - self.at)


class Body:
    """Parts of a body, joined once it is complete."""

    __slots__ = ("_parts", "size")

    def __init__(self) -> None:
        self._parts: list[bytes | bytearray] = []
        self.size = 0

    def add(self, data: bytes) -> None:
        """Append bytes."""
        self.size += len(data)
        parts = self._parts
        last = parts[-1] if parts else None
        if isinstance(last, bytearray) and len(last) < MERGED:
            last += data
        else:
            parts.append(data if len(data) >= SMALL else bytearray(data))

    def join(self) -> bytes:
        """Return all of it."""
        return b"".join(self._parts)

"""Keeps the events of a call back until the answer is whole: it arrives whole, or not at all."""

from typing import Final

HELD_MAX: Final = 8 * 1024 * 1024
"""Bytes that are kept back at most for one answer; beyond them its calls pass as they come."""


class Hold:
    """What one stream keeps back, in order.

    Nothing is kept before `begin`. From then on everything is, text too, because events must not
    overtake one another; until `release`, or until more than `HELD_MAX` bytes are kept: then they
    all go out, and whatever follows passes live.
    """

    __slots__ = ("_kept", "_size", "on", "wanted")

    def __init__(self, *, wanted: bool) -> None:
        self._kept: list[bytes] = []
        self._size = 0
        self.wanted = wanted
        """Calls are to be kept back; no longer so once too much was kept."""
        self.on = False
        """The next event is kept back."""

    def begin(self) -> None:
        """Keep back everything from now on, if that is wanted; again is the same as once."""
        self.on = self.wanted

    def keep(self, data: bytes) -> bytes:
        """Keep the next event back; return what is to be forwarded.

        That is `data` itself where nothing is kept back, nothing where it is, and everything in
        order once it is too much.
        """
        if not self.on:
            return data
        self._kept.append(data)
        self._size += len(data)
        if self._size <= HELD_MAX:
            return b""
        self.wanted = False
        return self.release()

    def release(self) -> bytes:
        """The answer is whole: return everything in order, and keep nothing back any more."""
        self.on = False
        if not self._kept:
            return b""
        everything = b"".join(self._kept)
        self._kept.clear()
        self._size = 0
        return everything

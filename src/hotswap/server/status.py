"""Status line and `date`, the same bytes for every answer within a second."""

from email.utils import formatdate
from http import HTTPStatus
from typing import Final

from ..clock import Clock

BODILESS: Final = frozenset({204, 304})
"""Answers that have no body and no length."""

_REASONS: Final = {status.value: status.phrase for status in HTTPStatus}


class Openings:
    """Writes how answers begin; formats once a second for each status."""

    __slots__ = ("_clock", "_second", "_written")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._second = -1
        self._written: dict[int, bytes] = {}

    def opening(self, status: int) -> bytes:
        """Return the status line and the date, each with its CR LF."""
        second = int(self._clock.unix())
        if second != self._second:
            self._second = second
            self._written.clear()
        return self._written.get(status) or self._write(status)

    def _write(self, status: int) -> bytes:
        reason = _REASONS.get(status, "")
        date = formatdate(self._second, usegmt=True)
        opening = f"HTTP/1.1 {status} {reason}\r\ndate: {date}\r\n".encode("ascii")
        self._written[status] = opening
        return opening

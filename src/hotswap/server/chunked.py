"""Bodies in chunks, read more strictly than most parsers do.

Whatever two parsers could read differently is refused: signs, blanks or underscores in a size, bare
line feeds, chunks that do not end where they say. Extensions and trailers are dropped. Chunks of
single bytes cost the reader far more than their sender: too many of them are refused.
"""

from collections.abc import Callable
from typing import Final, NoReturn

from ..errors import RefusedError
from .buffers import Body, Intake

LINE_BYTES: Final = 256
"""Longest line with a chunk's size and its extensions; nobody needs more."""
_DIGITS: Final = 12
"""Longest size in hexadecimal digits; leading zeros have no other use than to hide it."""
FRAMING_BYTES: Final = 64 * 1024
"""Sizes, extensions and line ends that a body may have beyond four times its data."""
_HEX: Final = b"0123456789abcdefABCDEF"
_NAME: Final = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_FRAMING: Final = frozenset({b"content-length", b"transfer-encoding"})
_TEXT: Final = bytes(range(0x20, 0x7F)) + b"\t" + bytes(range(0x80, 0x100))


class Dechunker:
    """Collects the chunks of one body.

    Args:
        max_bytes: A body that grows larger is refused with 413.
        max_trailer_bytes: Trailers that grow larger are refused with 431.
    """

    __slots__ = ("_body", "_framing_left", "_in_trailer", "_left", "_max_bytes", "_trailer_left")

    def __init__(self, *, max_bytes: int, max_trailer_bytes: int) -> None:
        self._body = Body()
        self._in_trailer = False
        self._left = 0
        """Bytes of the present chunk that are missing, with the CR LF behind it."""
        self._framing_left = FRAMING_BYTES
        self._max_bytes = max_bytes
        self._trailer_left = max_trailer_bytes

    @property
    def size(self) -> int:
        """Bytes collected so far."""
        return self._body.size

    def read(self, intake: Intake) -> bytes | None:
        """Consume what belongs to the body; return all of it once it is complete."""
        while not self._in_trailer:
            if self._left:
                if not self._read_data(intake):
                    return None
                continue
            line = _line(intake, LINE_BYTES, _refuse_line)
            if line is None:
                return None
            size = _size(line)
            if self._body.size + size > self._max_bytes:
                refuse_body(self._max_bytes)
            self._framing_left += 4 * size - len(line) - 4
            if self._framing_left < 0:
                raise RefusedError(400, "invalid_chunk", "The chunks hold too little data.")
            self._in_trailer = not size
            self._left = size + 2 if size else 0
        return self._read_trailer(intake)

    def _read_data(self, intake: Intake) -> bool:
        """Read on in a chunk; say whether it is complete."""
        if self._left > 2:
            data = intake.take(self._left - 2)
            self._body.add(data)
            self._left -= len(data)
            if self._left > 2:
                return False
        end = intake.take(self._left)
        if end != b"\r\n"[-self._left :][: len(end)]:
            raise RefusedError(400, "invalid_chunk", "A chunk does not end where its size says.")
        self._left -= len(end)
        return not self._left

    def _read_trailer(self, intake: Intake) -> bytes | None:
        while True:
            line = _line(intake, self._trailer_left, _refuse_trailers)
            if line is None:
                return None
            if not line:
                return self._body.join()
            self._trailer_left -= len(line) + 2
            name, colon, _ = line.partition(b":")
            if not name or not colon or name.translate(None, _NAME):
                raise RefusedError(400, "invalid_chunk", "A trailer is not a header.")
            if name.lower() in _FRAMING:
                raise RefusedError(400, "invalid_chunk", "A trailer speaks of the body's length.")


def refuse_body(limit: int) -> NoReturn:
    """Refuse a body of more than `limit` bytes."""
    raise RefusedError(413, "body_too_large", f"The body exceeds {limit} bytes.")


def _refuse_line() -> NoReturn:
    message = f"A chunk's size and extensions exceed {LINE_BYTES} bytes."
    raise RefusedError(400, "invalid_chunk", message)


def _refuse_trailers() -> NoReturn:
    raise RefusedError(431, "headers_too_large", "The trailers are too large.")


def _line(intake: Intake, limit: int, refuse: Callable[[], NoReturn]) -> bytes | None:
    """Consume a line and return it without its end; None as long as it is not complete."""
    line = intake.take_until(b"\r\n")
    if line is None:
        if intake.brought(b"\n"):
            raise RefusedError(400, "invalid_chunk", "A line ends without CR LF.")
        if len(intake) > limit:
            refuse()
        return None
    if len(line) - 2 > limit:
        refuse()
    if line[:-2].translate(None, _TEXT):
        raise RefusedError(400, "invalid_chunk", "A chunk's line holds control characters.")
    return line[:-2]


def _size(line: bytes) -> int:
    digits, _, _ = line.partition(b";")
    if not 0 < len(digits) <= _DIGITS or digits.translate(None, _HEX):
        raise RefusedError(400, "invalid_chunk", "A chunk's size is not a hexadecimal number.")
    return int(digits, 16)

"""The headers of a response, looked up in the bytes as they came.

A provider sends some 25 headers, of which a request needs two or three. Finding those in the
bytes costs a fifth of building a dict of all of them. The parser has checked the bytes before:
every line ends with CRLF, no line is folded, no name has blanks around it.
"""

from collections.abc import Iterator, Mapping
from typing import TypeVar, overload

from typing_extensions import override

T = TypeVar("T")


class RawHeaders(Mapping[bytes, bytes]):
    """Lower-case names to values; the values of a repeated name are joined with a comma.

    Args:
        lines: The header lines, each with CRLF both before and after it.
    """

    __slots__ = ("_lines", "_lower")

    def __init__(self, lines: bytes) -> None:
        self._lines = lines
        self._lower = lines.lower()

    @override
    def __getitem__(self, name: bytes) -> bytes:
        value = self.get(name)
        if value is None:
            raise KeyError(name)
        return value

    @overload
    def get(self, key: bytes, default: None = None, /) -> bytes | None: ...
    @overload
    def get(self, key: bytes, default: bytes, /) -> bytes: ...
    @overload
    def get(self, key: bytes, default: T, /) -> bytes | T: ...
    @override
    def get(self, key: bytes, default: object = None, /) -> object:
        """Return the value of `key`, a lower-case name."""
        needle = b"\r\n" + key + b":"
        lower, lines = self._lower, self._lines
        at = lower.find(needle)
        if at < 0:
            return default
        end = lines.index(b"\r\n", at + 2)
        value = lines[at + len(needle) : end].strip(b" \t")
        while (at := lower.find(needle, end)) >= 0:
            end = lines.index(b"\r\n", at + 2)
            value += b", " + lines[at + len(needle) : end].strip(b" \t")
        return value

    @override
    def __contains__(self, name: object) -> bool:
        return isinstance(name, bytes) and b"\r\n%b:" % name in self._lower

    @override
    def __iter__(self) -> Iterator[bytes]:
        return iter(dict.fromkeys(self._names()))

    @override
    def __len__(self) -> int:
        return len(set(self._names()))

    @override
    def __repr__(self) -> str:
        return f"RawHeaders({self._lines!r})"

    def mentions(self, text: bytes) -> bool:
        """Say whether lower-case `text` occurs anywhere; a quick test before dearer look-ups."""
        return text in self._lower

    def _names(self) -> list[bytes]:
        return [line[: line.index(b":")] for line in self._lower.split(b"\r\n") if line]

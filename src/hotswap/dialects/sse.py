"""Cuts a stream of server-sent events into events, by bytes and for any cut on the network.

Line ends are CR, LF or CRLF, and nothing else: JSON may hold U+2028 and its like unescaped.
"""

from typing import Final

from msgspec import Struct

MAX_EVENT_BYTES: Final = 8 * 1024 * 1024
"""A longer event is no answer but a fault; memory stays bounded."""

_CR: Final = 13
_LF: Final = 10
_BARE: Final = frozenset({b"{", b"[", b"<"})
"""First bytes of JSON and of a page of HTML; no field of an event begins with them."""


class Event(Struct, frozen=True, gc=False):
    """One complete event that carries data."""

    raw: bytes
    """The event as it came, its blank line included; line ends are LF, comments are left out."""
    payload: bytes
    """The data lines, joined with LF."""
    name: bytes = b""
    """Value of the `event` field; empty: it had none."""


class Splitter:
    """Cuts bytes into events.

    Feed it whatever the socket gave; an event comes out once its blank line was seen. Comments
    and events without data are dropped. A block that is no event but bare JSON, HTML or an
    `error:` line counts as one named `error`: some servers break off like that.
    """

    __slots__ = ("_after_cr", "_tail", "too_large")

    def __init__(self) -> None:
        self._tail = bytearray()
        self._after_cr = False
        self.too_large = False
        """An event went beyond `MAX_EVENT_BYTES`; nothing comes out any more."""

    def feed(self, data: bytes) -> list[Event]:
        """Return the events completed by `data`, in order."""
        if self._after_cr or _CR in data:
            data = self._with_line_feeds(data)
        # The usual read is one event: of one line, or of its name and one line.
        if not self._tail and len(data) <= MAX_EVENT_BYTES and not self.too_large:
            line_end, last = data.find(b"\n"), len(data) - 2
            if line_end == last:
                if data[:6] == b"data: " and data[-1] == _LF:
                    return [Event(data, data[6:-2])]
            elif (
                data[:7] == b"event: "
                and data.find(b"\n", line_end + 1) == last
                and data[line_end + 1 : line_end + 7] == b"data: "
                and data[-1] == _LF
            ):
                return [Event(data, data[line_end + 7 : -2], data[7:line_end])]
        return self._feed(data)

    @property
    def unfinished(self) -> bytes:
        """The beginning of an event whose end has not come."""
        return bytes(self._tail)

    def rest(self) -> Event | None:
        """Take what came after the last blank line as an event: some servers omit the last one."""
        block, self._tail = bytes(self._tail), bytearray()
        return _event(block.rstrip(b"\n")) if not self.too_large else None

    def _feed(self, data: bytes) -> list[Event]:
        if self._tail:
            data = self._after_tail(data)
        elif not data.endswith(b"\n\n"):
            cut = data.rfind(b"\n\n") + 2 if b"\n\n" in data else 0
            self._tail += data[cut:]
            data = data[:cut]
        if len(data) > MAX_EVENT_BYTES or len(self._tail) > MAX_EVENT_BYTES or self.too_large:
            return self._small_ones(data)
        return _events(data)

    def _with_line_feeds(self, data: bytes) -> bytes:
        """Turn CR and CRLF into LF, also where the network cut between the two."""
        if self._after_cr and data[:1] == b"\n":
            data = data[1:]
            self._after_cr = False
        if data:
            self._after_cr = data.endswith(b"\r")
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _after_tail(self, data: bytes) -> bytes:
        """Return the part that is complete now; looks at each byte once, however slow they drip."""
        tail = self._tail
        seen = len(tail) - 1
        tail += data
        cut = tail.rfind(b"\n\n", seen)
        if cut < 0:
            return b""
        whole = bytes(tail[: cut + 2])
        del tail[: cut + 2]
        return whole

    def _small_ones(self, data: bytes) -> list[Event]:
        """Return the events before the first that is too large."""
        if self.too_large:
            self._tail.clear()
            return []
        blocks = data.split(b"\n\n")
        fitting = 0
        while fitting < len(blocks) and len(blocks[fitting]) + 2 <= MAX_EVENT_BYTES:
            fitting += 1
        self.too_large = fitting < len(blocks) or len(self._tail) > MAX_EVENT_BYTES
        return _events(b"".join(block + b"\n\n" for block in blocks[:fitting]))


def _events(data: bytes) -> list[Event]:
    if not data:
        return []
    return [event for block in data[:-2].split(b"\n\n") if (event := _event(block)) is not None]


def _event(block: bytes) -> Event | None:
    if block.startswith(b"data: ") and b"\n" not in block:
        return Event(block + b"\n\n", block[6:])
    if block.startswith(b"event: "):
        at = block.find(b"\n") + 1
        if block[at : at + 6] == b"data: " and block.find(b"\n", at) < 0:
            return Event(block + b"\n\n", block[at + 6 :], block[7 : at - 1])
    return _unusual_event(block)


def _unusual_event(block: bytes) -> Event | None:
    lines = [line for line in block.split(b"\n") if line and not line.startswith(b":")]
    if not lines:
        return None
    if lines[0][:1] in _BARE:
        payload = b"\n".join(lines)
        return Event(b"data: " + payload.replace(b"\n", b"\ndata: ") + b"\n\n", payload, b"error")
    fields = [line.partition(b":") for line in lines]
    name = next((_value(value) for key, _, value in reversed(fields) if key == b"event"), b"")
    payloads = [_value(value) for key, _, value in fields if key == b"data"]
    if not payloads:
        payloads = [_value(value) for key, _, value in fields if key == b"error"]
        name = b"error"
    return Event(b"\n".join(lines) + b"\n\n", b"\n".join(payloads), name) if payloads else None


def _value(value: bytes) -> bytes:
    return value.removeprefix(b" ")

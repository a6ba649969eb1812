"""A stream of Anthropic's dialect on its way to a caller of the same: forwarded, and watched."""

from typing import Final

from msgspec import DecodeError, Struct, ValidationError
from msgspec.json import Decoder

from ...core.terms import Failure, Usage
from ..fault import read_in_band
from ..sse import Event, Splitter
from ..surrogates import mended
from .answer import (
    EMPTY,
    MALFORMED,
    NO_COUNTS,
    TRUNCATED,
    Delta,
    StreamEvent,
    block_size,
    decode_event,
    may_be_empty,
    newer,
    present,
    read_counts,
    usage_of,
)

MESSAGE_STOP: Final = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'

_KNOWN: Final = frozenset(
    {
        "content_block_delta",
        "content_block_start",
        "content_block_stop",
        "error",
        "message_delta",
        "message_start",
        "message_stop",
    }
)
"""Events that must be understood; others, as pings and those to come, pass."""


class _Typed(Struct, gc=False):
    type: str = ""


_decode_type: Final = Decoder(_Typed).decode
_decode_any: Final = Decoder(object).decode


def is_foreign(payload: bytes) -> bool:
    """Say whether an event is none of those that must be understood."""
    try:
        return _decode_type(payload).type not in _KNOWN
    except ValidationError:
        return False


def is_json(payload: bytes) -> bool:
    """Say whether an event whose end was not seen is whole otherwise."""
    try:
        _decode_any(payload)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def delta_size(delta: Delta) -> int:
    """Return the bytes of a delta's content. Signatures and citations are none."""
    text = delta.text or delta.partial_json or delta.thinking
    return len(text.encode()) if text else 0


class AnthropicPassage:
    """Implements `Passage`.

    A stream is whole when its message has a stop reason and content came; a `message_stop` that
    is missing is written. Fails on an error in any place, on what is no JSON, on an end before
    the stop reason, and on an answer without content.
    """

    __slots__ = (
        "_counts",
        "_done",
        "_splitter",
        "complete",
        "content_bytes",
        "failure",
        "progress",
        "started",
        "usage",
    )

    def __init__(self) -> None:
        self._splitter = Splitter()
        self._counts = NO_COUNTS
        self._done = False
        self.started = False
        self.complete = False
        self.failure: Failure | None = None
        self.usage: Usage | None = None
        self.progress = 0
        self.content_bytes = 0

    def feed(self, data: bytes) -> bytes:
        """Take bytes from the provider; return the bytes of complete events to forward."""
        if self.failure is not None or self._done:
            return b""
        forward: list[bytes] = []
        for event in self._splitter.feed(data):
            forward.append(self._take(event))
            if self.failure is not None or self._done:
                return b"".join(forward)
        if self._splitter.too_large:
            self._fail(MALFORMED)
        return b"".join(forward)

    def end(self) -> bytes:
        """The provider ended the body; return what is still to be sent (a missing terminator)."""
        if self.failure is not None or self._done:
            return b""
        event = self._splitter.rest()
        last = b""
        if event is not None and is_json(mended(event.payload)):
            last = self._take(event)
            if self.failure is not None or self._done:
                return last
        return last + self._finish(MESSAGE_STOP)

    def _take(self, event: Event) -> bytes:
        """Judge one event; return the bytes to forward."""
        try:
            return self._judge(decode_event(event.payload), event)
        except ValidationError:
            if event.name != b"error" and is_foreign(event.payload):
                return event.raw
            return self._take_odd(event)
        except (DecodeError, UnicodeDecodeError, RecursionError):
            return self._take_odd(event)

    def _judge(self, wire: StreamEvent, event: Event) -> bytes:
        kind = wire.type or event.name.decode("latin-1")
        if event.name == b"error" or kind == "error" or present(wire.error):
            self._fail(read_in_band("anthropic", event.payload))
        elif kind == "content_block_delta":
            if wire.delta is not None:
                self._see(delta_size(wire.delta))
        elif kind == "content_block_start":
            if wire.content_block is not None:
                self._see(block_size(wire.content_block))
        elif kind == "message_delta":
            self._see_finish(wire)
        elif kind == "message_start":
            if wire.message is not None:
                self._counts = newer(self._counts, read_counts(wire.message.usage))
        elif kind == "message_stop":
            return self._finish(_named(event, kind))
        return b"" if self.failure is not None else _named(event, kind)

    def _take_odd(self, event: Event) -> bytes:
        """Judge an event that is none: a terminator, half a surrogate pair, or garbage."""
        if event.payload.strip() == b"[DONE]":
            return self._finish(MESSAGE_STOP)
        if event.name == b"error":
            self._fail(read_in_band("anthropic", event.payload))
            return b""
        whole = mended(event.payload)
        if whole != event.payload:
            return self._take(Event(event.raw, whole, event.name))
        self._fail(MALFORMED)
        return b""

    def _see(self, size: int) -> None:
        if size:
            self.started = True
            self.content_bytes += size
            self.progress += 1

    def _see_finish(self, wire: StreamEvent) -> None:
        """Note the usage, and the stop reason; judge an answer that is whole with it."""
        counts = read_counts(wire.usage)
        if counts is not NO_COUNTS:
            self._counts = newer(self._counts, counts)
            self.usage = usage_of(self._counts)
        reason = wire.delta.stop_reason if wire.delta is not None else None
        if not reason:
            return
        self.progress += 1
        if self.started or may_be_empty(reason, self.usage):
            self.complete = True
        else:
            self._fail(EMPTY)

    def _finish(self, terminator: bytes) -> bytes:
        """Judge the whole at its end; return the terminator if it is sound."""
        if not self.complete:
            self._fail(TRUNCATED)
            return b""
        self._done = True
        return terminator

    def _fail(self, failure: Failure) -> None:
        self.failure = failure
        self.complete = False


def _named(event: Event, kind: str) -> bytes:
    """Return the bytes of an event, named. Quirk: SDKs do not see an event without a name."""
    return event.raw if event.name else b"event: %b\n%b" % (kind.encode(), event.raw)

"""A stream of Anthropic's dialect on its way to a caller of the same: forwarded, and watched."""

from typing import Final

from msgspec import DecodeError, Struct, ValidationError
from msgspec.json import Decoder

from ...core.terms import Failure, Usage
from ..api import Begun, Envelope
from ..fault import read_in_band
from ..holding import Hold
from ..sse import Event, Splitter
from ..surrogates import mended
from .answer import (
    ABSENT,
    EMPTY,
    MALFORMED,
    MESSAGE_STOP,
    NO_COUNTS,
    TRUNCATED,
    Block,
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
from .shown import Shown
from .writer import AnthropicWriter

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

    Where calls are held, pings alone pass while they are: they overtake nothing that matters.
    """

    __slots__ = (
        "_counts",
        "_done",
        "_given",
        "_hold",
        "_seen",
        "_splitter",
        "complete",
        "content_bytes",
        "failure",
        "holding",
        "progress",
        "shown",
        "started",
        "usage",
    )

    def __init__(self, *, hold_calls: bool) -> None:
        self._splitter = Splitter()
        self._counts = NO_COUNTS
        self._done = False
        self._hold = Hold(wanted=hold_calls)
        self._given = self._seen = Shown()
        """What the caller has, and what came; the same unless something is kept back."""
        self.started = self.shown = self.holding = False
        self.complete = False
        self.failure: Failure | None = None
        self.usage: Usage | None = None
        self.progress = 0
        self.content_bytes = 0

    def feed(self, data: bytes) -> bytes:
        """Take bytes from the provider; return the bytes of complete events to forward."""
        if self.failure is not None or self._done:
            return b""
        events = self._splitter.feed(data)
        if len(events) == 1 and not self._splitter.too_large:
            return self._take(events[0])
        forward: list[bytes] = []
        for event in events:
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

    def begun(self, envelope: Envelope) -> Begun:
        """Say what all that was returned amounts to, after a failure. Called once, and last."""
        given = self._given
        writer = AnthropicWriter(envelope, given, usage_of(self._counts))
        words = given.words.getvalue()
        return Begun(words, writer, given.bar, closed=bool(words) and not given.open)

    def _take(self, event: Event) -> bytes:
        """Judge one event; return the bytes to forward."""
        try:
            return self._judge(decode_event(event.payload), event)
        except ValidationError:
            if event.name != b"error" and is_foreign(event.payload):
                return self._forwarded(event.raw)
            return self._take_odd(event)
        except (DecodeError, UnicodeDecodeError, RecursionError):
            return self._take_odd(event)

    def _judge(self, wire: StreamEvent, event: Event) -> bytes:
        kind = wire.type or event.name.decode("latin-1")
        failed = wire.error is not ABSENT and present(wire.error)
        if failed or event.name == b"error" or kind == "error":
            self._fail(read_in_band("anthropic", event.payload))
        elif kind == "content_block_delta":
            if wire.delta is not None:
                self._see_delta(wire.delta)
        elif kind == "message_stop":
            return self._finish(_named(event, kind))
        elif kind == "ping":
            return _named(event, kind)
        else:
            self._see_frame(kind, wire)
        return b"" if self.failure is not None else self._forwarded(_named(event, kind))

    def _see_frame(self, kind: str, wire: StreamEvent) -> None:
        """Note what stands around the content."""
        if kind == "content_block_start":
            if wire.content_block is not None:
                self._see_block(wire.content_block, wire.index or 0)
        elif kind == "content_block_stop":
            self._seen.open = ""
        elif kind == "message_delta":
            self._see_finish(wire)
        elif kind == "message_start":
            self._seen.started = True
            if wire.message is not None:
                self._counts = newer(self._counts, read_counts(wire.message.usage))

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

    def _forwarded(self, data: bytes) -> bytes:
        """Return what is forwarded once an event was seen: it, or nothing, or all that was kept."""
        if not self.holding:
            return data
        out = self._hold.keep(data)
        if self.complete:
            out += self._hold.release()
        if not self._hold.on:
            self.holding = False
            self.shown = True
            self._given = self._seen
        return out

    def _see_delta(self, delta: Delta) -> None:
        text = delta.text
        if text:
            self._seen.words.write(text)
            self._see(len(text.encode()))
        else:
            self._seen.see_delta(delta)
            self._see(delta_size(delta))

    def _see_block(self, block: Block, index: int) -> None:
        """Note a block that begins; a call, and what follows it, is kept back if that is wanted."""
        if block.type == "tool_use" and not self.holding:
            self._hold.begin()
            self.holding = self._hold.on
            if self.holding:
                self._seen = self._given.copy()
        self._seen.see_block(block, index)
        self._see(block_size(block))

    def _see(self, size: int) -> None:
        if size:
            if not self.started:
                self.started = True
                self.shown = not self.holding
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
            self._seen.see_finish(reason)
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

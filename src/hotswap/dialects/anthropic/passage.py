"""A stream of Anthropic's dialect on its way to a caller of the same: forwarded, and watched."""

from typing import Final

from msgspec import DecodeError, Struct, ValidationError
from msgspec.json import Decoder
from typing_extensions import override

from ..api import Begun, Envelope
from ..fault import read_in_band
from ..sse import Event
from ..unsound import EMPTY, TRUNCATED
from ..watching import WatchedPassage
from .answer import (
    ABSENT,
    MESSAGE_STOP,
    NO_COUNTS,
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


def is_foreign(payload: bytes) -> bool:
    """Say whether an event is none of those that must be understood."""
    try:
        return _decode_type(payload).type not in _KNOWN
    except ValidationError:
        return False


def delta_size(delta: Delta) -> int:
    """Return the bytes of a delta's content. Signatures and citations are none."""
    text = delta.text or delta.partial_json or delta.thinking
    return len(text.encode()) if text else 0


class AnthropicPassage(WatchedPassage):
    """Implements `Passage`.

    A stream is whole when its message has a stop reason and content came; a `message_stop` that
    is missing is written. Fails on an error in any place, on what is no JSON, on an end before
    the stop reason, and on an answer without content.

    Where calls are held, pings alone pass while they are: they overtake nothing that matters.
    """

    __slots__ = ("_counts", "_given", "_seen")

    kind = "anthropic"

    def __init__(self, *, hold_calls: bool) -> None:
        super().__init__(hold_calls=hold_calls)
        self._counts = NO_COUNTS
        self._given = self._seen = Shown()
        """What the caller has, and what came; the same unless something is kept back."""

    def end(self) -> bytes:
        """The provider ended the body; return what is still to be sent (a missing terminator)."""
        if self.failure is not None or self._ended:
            return b""
        last, event = b"", self._last()
        if event is not None:
            last = self._take(event)
            if self.failure is not None or self._ended:
                return last
        return last + self._finish(MESSAGE_STOP)

    def begun(self, envelope: Envelope) -> Begun:
        """Say what all that was returned amounts to, after a failure. Called once, and last."""
        given = self._given
        writer = AnthropicWriter(envelope, given, usage_of(self._counts))
        words = given.words.getvalue()
        return Begun(words, writer, given.bar, closed=bool(words) and not given.open)

    @override
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
            self._fail(read_in_band(self.kind, event.payload))
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

    @override
    def _take_done(self) -> bytes:
        return self._finish(MESSAGE_STOP)

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
        self._ended = True
        return terminator


def _named(event: Event, kind: str) -> bytes:
    """Return the bytes of an event, named. Quirk: SDKs do not see an event without a name."""
    return event.raw if event.name else b"event: %b\n%b" % (kind.encode(), event.raw)

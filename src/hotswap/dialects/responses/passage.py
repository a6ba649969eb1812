"""A stream of the Responses dialect on its way to a caller of the same: forwarded, and watched."""

from typing import Final

from msgspec import DecodeError, Struct, ValidationError
from msgspec.json import Decoder

from ...core.terms import Failure, Usage
from ..fault import read_in_band
from ..openai.content import present
from ..openai.reply import EMPTY, MALFORMED, TRUNCATED
from ..sse import Event, Splitter
from ..surrogates import mended
from .answer import (
    ENDS,
    FAILED,
    decode_answer,
    decode_event,
    fault_in,
    item_size,
    may_be_empty,
    output_size,
    read_item,
    reason_of,
)
from .answer import Event as Wire
from .usage import read_usage

ADDED: Final = "response.output_item.added"
DONE: Final = "response.output_item.done"

_MUST: Final = frozenset({*ENDS, ADDED, DONE, "error", "response.output_text.delta"})
"""Events that must be understood; others pass, as those do that are still to come."""


class _Typed(Struct, gc=False):
    type: str = ""


_decode_type: Final = Decoder(_Typed).decode
_decode_any: Final = Decoder(object).decode


def is_foreign(payload: bytes) -> bool:
    """Say whether an event is none of those that must be understood."""
    try:
        return _decode_type(payload).type not in _MUST
    except ValidationError:
        return False


def is_json(payload: bytes) -> bool:
    """Say whether an event whose end was not seen is whole otherwise."""
    try:
        _decode_any(payload)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


class ResponsesPassage:
    """Implements `Passage`.

    A stream is whole when its last event, completed or incomplete, was seen and content came;
    nothing that follows is forwarded. Fails on an error in any place, on what is no JSON, on an
    end before the last event, and on an answer without content.
    """

    __slots__ = (
        "_done",
        "_seen",
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
        self._seen: set[int | None] = set()
        """Output indexes of the items whose content came."""
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
        """The provider ended the body; return what is still to be sent."""
        if self.failure is not None or self._done:
            return b""
        event = self._splitter.rest()
        last = b""
        if event is not None and is_json(mended(event.payload)):
            last = self._take(event)
        if self.failure is None and not self._done:
            self._fail(TRUNCATED)
        return last

    def _take(self, event: Event) -> bytes:
        """Judge one event; return the bytes to forward."""
        try:
            self._judge(decode_event(event.payload), event)
        except ValidationError:
            if event.name == b"error" or not is_foreign(event.payload):
                return self._take_odd(event)
        except (DecodeError, UnicodeDecodeError, RecursionError):
            return self._take_odd(event)
        return b"" if self.failure is not None else event.raw

    def _judge(self, wire: Wire, event: Event) -> None:
        if wire.delta:
            self._see(len(wire.delta.encode()), wire.output_index)
            return
        kind = wire.type or event.name.decode("latin-1")
        if event.name == b"error" or kind == "error" or present(wire.error):
            self._fail(read_in_band("", event.payload))
        elif kind in {ADDED, DONE}:
            # What came in deltas counts once; a whole item may come without them.
            if kind == ADDED or wire.output_index not in self._seen:
                self._see(item_size(read_item(wire.item)), wire.output_index)
        elif kind in ENDS:
            self._finish(wire, kind, event.payload)

    def _take_odd(self, event: Event) -> bytes:
        """Judge an event that is none: a terminator, half a surrogate pair, or garbage."""
        if event.payload.strip() == b"[DONE]":
            self._fail(TRUNCATED)
            return b""
        if event.name == b"error":
            self._fail(read_in_band("", event.payload))
            return b""
        whole = mended(event.payload)
        if whole != event.payload:
            return self._take(Event(event.raw, whole, event.name))
        self._fail(MALFORMED)
        return b""

    def _see(self, size: int, index: int | None) -> None:
        if size:
            self._seen.add(index)
            self.started = True
            self.content_bytes += size
            self.progress += 1

    def _finish(self, wire: Wire, kind: str, payload: bytes) -> None:
        """Judge the whole by the event that ends it."""
        answer = decode_answer(wire.response or b"{}")
        self.usage = read_usage(answer.usage)
        fault = fault_in(answer, payload)
        if fault is None and kind == FAILED:
            fault = read_in_band("", payload)
        if fault is not None:
            self._fail(fault)
            return
        if not self.started:
            self._see(output_size(answer), None)
        if self.started or may_be_empty(reason_of(answer), self.usage):
            self.progress += 1
            self.complete = self._done = True
        else:
            self._fail(EMPTY)

    def _fail(self, failure: Failure) -> None:
        self.failure = failure
        self.complete = False

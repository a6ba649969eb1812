"""A stream of the Responses dialect on its way to a caller of the same: forwarded, and watched."""

from typing import Final

from msgspec import DecodeError, Struct, ValidationError
from msgspec.json import Decoder
from typing_extensions import override

from ..api import Begun, Envelope
from ..fault import read_in_band
from ..openai.content import present
from ..sse import Event
from ..unsound import EMPTY, TRUNCATED
from ..watching import WatchedPassage
from .answer import (
    ADDED,
    CALL_DELTAS,
    CALLS,
    DONE,
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
from .begun import take_up
from .heard import Heard
from .shown import Shown
from .usage import read_usage

_FRAMES: Final = Heard.FRAMES
_BEGINS: Final = frozenset({"response.created", "response.in_progress", "response.queued"})
_MUST: Final = frozenset({*ENDS, ADDED, DONE, "error", "response.output_text.delta"})
"""Events that must be understood; others pass, as those do that are still to come."""


class _Typed(Struct, gc=False):
    type: str = ""
    sequence_number: object = None


_decode_type: Final = Decoder(_Typed).decode


def is_foreign(payload: bytes) -> bool:
    """Say whether an event is none of those that must be understood."""
    try:
        return _decode_type(payload).type not in _MUST
    except ValidationError:
        return False


class ResponsesPassage(WatchedPassage):
    """Implements `Passage`.

    A stream is whole when its last event, completed or incomplete, was seen and content came;
    nothing that follows is forwarded. Fails on an error in any place, on what is no JSON, on an
    end before the last event, and on an answer without content.

    Where calls are held, all events are from the first of a call on: their numbers ascend.
    """

    __slots__ = ("_seen", "_spoken")

    def __init__(self, *, hold_calls: bool) -> None:
        super().__init__(hold_calls=hold_calls)
        self._spoken: set[int | None] = set()
        """Output indexes of the items whose content came."""
        self._seen = Shown()

    def end(self) -> bytes:
        """The provider ended the body; return what is still to be sent."""
        if self.failure is not None or self._ended:
            return b""
        last, event = b"", self._last()
        if event is not None:
            last = self._take(event)
        if self.failure is None and not self._ended:
            self._fail(TRUNCATED)
        return last

    def begun(self, envelope: Envelope) -> Begun:
        """Say what all that was returned amounts to, after a failure. Called once, and last."""
        return take_up(self._seen, envelope)

    @override
    def _take(self, event: Event) -> bytes:
        """Judge one event; return the bytes to forward."""
        try:
            wire = decode_event(event.payload)
            self._judge(wire, event)
            number = wire.sequence_number
        except ValidationError:
            if event.name == b"error" or not is_foreign(event.payload):
                return self._take_odd(event)
            number = _decode_type(event.payload).sequence_number
        except (DecodeError, UnicodeDecodeError, RecursionError):
            return self._take_odd(event)
        if self.failure is not None:
            return b""
        if number is not None:
            self._seen.count(number)
        return self._kept(event.raw) if self.holding else event.raw

    def _kept(self, data: bytes) -> bytes:
        """Keep an event back; return what is forwarded: nothing, or all that was kept."""
        out = self._hold.keep(data)
        if self.complete:
            out += self._hold.release()
        if not self._hold.on:
            self.holding = False
            self.shown = True
            self._seen.unmark()
        return out

    def _judge(self, wire: Wire, event: Event) -> None:
        if wire.delta:
            seen = self._seen
            if wire.type != seen.kind or wire.output_index != seen.index:
                self._turn(wire, event)
            seen.words.write(wire.delta)
            self._see(len(wire.delta.encode()), wire.output_index)
            return
        kind = wire.type or event.name.decode("latin-1")
        if event.name == b"error" or kind == "error" or present(wire.error):
            self._fail(read_in_band("", event.payload))
        elif kind in _FRAMES:
            # What came in deltas counts once; a whole item may come without them.
            if kind == ADDED or (kind == DONE and wire.output_index not in self._spoken):
                self._see_item(wire)
            self._seen.note(kind, event.payload)
        elif kind in ENDS:
            self._finish(wire, kind, event.payload)
        elif kind in _BEGINS and not self._seen.begun:
            self._seen.begun = event.payload

    def _turn(self, wire: Wire, event: Event) -> None:
        """Deltas of another kind begin, or of another item."""
        kind = wire.type or event.name.decode("latin-1")
        if kind in CALL_DELTAS:
            self._hold_back()
        self._seen.turn(wire.type, wire.output_index, kind, event.payload)

    def _see_item(self, wire: Wire) -> None:
        item = read_item(wire.item)
        if item.type in CALLS:
            self._hold_back()
        self._see(item_size(item), wire.output_index)

    def _hold_back(self) -> None:
        """A call begins: it and what follows is kept back, if that is wanted."""
        if self.holding:
            return
        self._hold.begin()
        self.holding = self._hold.on
        if self.holding:
            self._seen.mark()

    def _see(self, size: int, index: int | None) -> None:
        if size:
            self._spoken.add(index)
            self.started = True
            if not self.holding:
                self.shown = True
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
            self.complete = self._ended = True
        else:
            self._fail(EMPTY)

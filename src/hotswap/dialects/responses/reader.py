"""A stream of the Responses dialect, turned into pieces."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from msgspec import DecodeError, ValidationError
from typing_extensions import override

from ..fault import read_in_band
from ..neutral import (
    ArgumentsPiece,
    CallPiece,
    FinishPiece,
    Piece,
    RefusalPiece,
    TextPiece,
    ThinkingPiece,
)
from ..openai.content import present
from ..openai.ids import made_id
from ..sse import Event
from ..unsound import EMPTY, MALFORMED, TRUNCATED
from ..watching import WatchedReader
from .answer import (
    ADDED,
    DONE,
    ENDS,
    FAILED,
    FILTERED,
    REFUSED,
    Item,
    call_arguments,
    decode_answer,
    decode_event,
    fault_in,
    may_be_empty,
    read_finish,
    read_item,
    reason_of,
    thoughts_of,
)
from .answer import Event as Wire
from .passage import is_foreign
from .usage import read_usage

_WORDS_DONE: Final = "response.output_text.done"
_ARGUMENTS: Final = "response.function_call_arguments.delta"
_NEXT_THOUGHT: Final = "response.reasoning_summary_part.added"
_BETWEEN_THOUGHTS: Final = "\n\n"

_WORDS: Final[Mapping[str, Callable[[str], Piece]]] = {
    "response.output_text.delta": TextPiece,
    "response.refusal.delta": RefusalPiece,
    "response.reasoning_summary_text.delta": ThinkingPiece,
    "response.reasoning_text.delta": ThinkingPiece,
}
"""Events that bring the next words of an item."""


class ResponsesReader(WatchedReader):
    """Implements `Reader`.

    What comes in deltas is read from them; an item that came without any is read when it is done,
    and an answer without any when it is whole. Items of tools that the provider itself executes
    become no pieces: nobody else could say them.
    """

    __slots__ = ("_calls", "_spoken", "closed")

    def __init__(self) -> None:
        super().__init__()
        self._spoken: set[int | None] = set()
        """Output indexes of messages and reasoning whose words came."""
        self._calls = _Calls()
        self.closed = False

    def end(self) -> Sequence[Piece]:
        """The provider ended the body; return the pieces still held back. Sets `failure`."""
        pieces: list[Piece] = []
        if self.failure is not None or self._ended:
            return pieces
        event = self._last()
        if event is not None:
            self._take(event, pieces)
        if self.failure is None and not self._ended:
            self._fail(TRUNCATED)
        return pieces

    @override
    def _take(self, event: Event, pieces: list[Piece]) -> None:
        before = len(pieces)
        try:
            wire = decode_event(event.payload)
            say = _WORDS.get(wire.type)
            if say is not None and wire.delta:
                pieces.append(say(wire.delta))
                self._spoken.add(wire.output_index)
                self.content_bytes += len(wire.delta.encode())
            else:
                self._read(wire, event, pieces)
        except ValidationError:
            if event.name == b"error" or not is_foreign(event.payload):
                self._take_odd(event, pieces)
            return
        except (DecodeError, UnicodeDecodeError, RecursionError):
            self._take_odd(event, pieces)
            return
        if len(pieces) > before and not self._ended:
            self.started = True
            self.progress += 1

    def _read(self, wire: Wire, event: Event, pieces: list[Piece]) -> None:
        """Read an event that brings no words."""
        kind = wire.type or event.name.decode("latin-1")
        self.closed = kind == _WORDS_DONE or (self.closed and kind != ADDED)
        if event.name == b"error" or kind == "error" or present(wire.error):
            self._fail(read_in_band("", event.payload))
        elif kind == _ARGUMENTS:
            if wire.delta and self._calls.go_on(wire.output_index, wire.delta, pieces):
                self.content_bytes += len(wire.delta.encode())
        elif kind == ADDED:
            item = read_item(wire.item)
            if item.type == "function_call":
                self._read_call(item, wire.output_index, event.payload, pieces)
        elif kind == DONE:
            self._read_item(read_item(wire.item), wire.output_index, event.payload, pieces)
        elif kind == _NEXT_THOUGHT:
            if wire.summary_index and wire.output_index in self._spoken:
                pieces.append(ThinkingPiece(_BETWEEN_THOUGHTS))
        elif kind in ENDS:
            self._finish(wire, kind, event.payload, pieces)

    def _read_item(
        self, item: Item, index: int | None, payload: bytes, pieces: list[Piece]
    ) -> None:
        """Read what was not said of an item before it was whole."""
        if item.type == "function_call":
            self._read_call(item, index, payload, pieces)
        elif item.type == "message" and index not in self._spoken:
            for part in item.content or ():
                if part.text:
                    self._say(TextPiece(part.text), part.text, pieces)
                elif part.refusal:
                    self._say(RefusalPiece(part.refusal), part.refusal, pieces)
        elif item.type == "reasoning" and index not in self._spoken:
            thoughts = thoughts_of(item)
            if thoughts:
                self._say(ThinkingPiece(thoughts), thoughts, pieces)

    def _say(self, piece: Piece, text: str, pieces: list[Piece]) -> None:
        pieces.append(piece)
        self.content_bytes += len(text.encode())

    def _read_call(
        self, item: Item, index: int | None, payload: bytes, pieces: list[Piece]
    ) -> None:
        before = len(pieces)
        self._calls.take(item, index, payload, pieces)
        for piece in pieces[before:]:
            if isinstance(piece, CallPiece):
                self.content_bytes += 1 + len(piece.name)
            elif isinstance(piece, ArgumentsPiece):
                self.content_bytes += len(piece.text.encode())

    def _finish(self, wire: Wire, kind: str, payload: bytes, pieces: list[Piece]) -> None:
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
            for place, raw in enumerate(answer.output or ()):
                self._read_item(read_item(raw), place, bytes(raw), pieces)
        reason = reason_of(answer)
        said = self.started or bool(pieces)
        if self._calls.unnamed:
            self._fail(MALFORMED)
        elif said or (reason != FILTERED and may_be_empty(reason, self.usage)):
            self.complete = self._ended = True
            self.started = said
            self.progress += 1
            pieces.append(FinishPiece(read_finish(reason, called=self._calls.count > 0)))
        else:
            self._fail(REFUSED if reason == FILTERED else EMPTY)


class _Begun:
    """One call of the answer so far."""

    __slots__ = ("held", "number", "said")

    def __init__(self) -> None:
        self.number = -1
        """Among the calls that have a name; negative: it has none yet."""
        self.held = ""
        """Arguments that came before the name."""
        self.said = False
        """Some arguments came."""


class _Calls:
    """Puts calls together. Quirk: arguments may come whole, with or after their item."""

    __slots__ = ("_begun", "count")

    def __init__(self) -> None:
        self._begun: dict[int | None, _Begun] = {}
        self.count = 0
        """Calls that have their name."""

    @property
    def unnamed(self) -> bool:
        """A call never got its name."""
        return self.count < len(self._begun)

    def take(self, item: Item, index: int | None, payload: bytes, pieces: list[Piece]) -> None:
        """Read a call that begins, or is done."""
        begun = self._begun.get(index)
        if begun is None:
            begun = self._begun[index] = _Begun()
        if begun.number < 0 and item.name:
            begun.number = self.count
            self.count += 1
            call_id = item.call_id or item.id or made_id(payload, begun.number)
            pieces.append(CallPiece(begun.number, call_id, item.name))
            if begun.held:
                pieces.append(ArgumentsPiece(begun.number, begun.held))
        if not begun.said:
            arguments = call_arguments(item).strip()
            if arguments and arguments != "{}":
                begun.said = True
                self._go_on(begun, arguments, pieces)

    def go_on(self, index: int | None, text: str, pieces: list[Piece]) -> bool:
        """Read the next characters of a call's arguments; say whether the call was begun."""
        begun = self._begun.get(index)
        if begun is None:
            return False
        begun.said = True
        self._go_on(begun, text, pieces)
        return True

    def _go_on(self, begun: _Begun, text: str, pieces: list[Piece]) -> None:
        if begun.number < 0:
            begun.held += text
        else:
            pieces.append(ArgumentsPiece(begun.number, text))

"""A provider's stream of OpenAI's dialect, turned into pieces."""

from collections.abc import Sequence
from typing import Final

from typing_extensions import override

from ..neutral import (
    ArgumentsPiece,
    CallPiece,
    FinishPiece,
    Piece,
    RefusalPiece,
    TextPiece,
    ThinkingPiece,
)
from ..sse import Event
from ..unsound import EMPTY, MALFORMED
from ..watching import WatchedReader
from .content import Call, Content
from .ids import made_id
from .loose import (
    arguments_of,
    calls_of,
    read_answer,
    read_finish,
    signature_of,
    text_of,
    thoughts_of,
)
from .passage import OpenAIPassage

_DONE: Final = b"[DONE]"


class OpenAIReader(WatchedReader):
    """Implements `Reader`.

    The judgement is a passage's: what it would forward is read. One more answer fails: one whose
    content has no words here, such as sounds, or a call without a name. Of several choices the
    first is read. The finish is held back until the end, since usage follows it.
    """

    __slots__ = ("_calls", "_finish", "_passage", "_said")

    def __init__(self) -> None:
        super().__init__()
        self._passage = OpenAIPassage(usage_asked=True)
        self._calls = _Calls()
        self._finish = ""
        self._said = False

    @override
    def feed(self, data: bytes) -> list[Piece]:
        """Take bytes from the provider; return the pieces of complete events."""
        return self._read(self._passage.feed(data))

    @property
    def closed(self) -> bool:
        """The chunk that ends the answer had begun to come."""
        return self._passage.closed

    def end(self) -> Sequence[Piece]:
        """The provider ended the body; return the pieces still held back. Sets `failure`."""
        pieces = self._read(self._passage.end())
        if self.failure is None:
            if self._calls.unnamed:
                self._fail(MALFORMED)
            elif self.started and not self._said:
                self._fail(EMPTY)
            else:
                called = self._calls.count > 0
                pieces.append(FinishPiece(read_finish(self._finish, called=called)))
        return pieces

    def _read(self, events: bytes) -> list[Piece]:
        """Read the events that the passage forwards, and note what it knows."""
        pieces: list[Piece] = []
        if events:
            for event in self._splitter.feed(events):
                self._take(event, pieces)
            if pieces:
                self._said = True
        passage = self._passage
        self.started = passage.started
        self.complete = passage.complete
        self.failure = passage.failure
        self.usage = passage.usage
        self.progress = passage.progress
        self.content_bytes = passage.content_bytes
        return pieces

    @override
    def _take(self, event: Event, pieces: list[Piece]) -> None:
        payload = event.payload
        if payload == _DONE:
            self._ended = True
            return
        answer = read_answer(payload)
        if answer is None or not answer.choices:
            return
        for choice in answer.choices:
            if choice.index:
                continue
            if choice.delta is not None:
                self._say(choice.delta, payload, pieces)
            if choice.finish_reason:
                self._finish = choice.finish_reason

    def _say(self, delta: Content, payload: bytes, pieces: list[Piece]) -> None:
        thoughts = thoughts_of(delta)
        if thoughts:
            pieces.append(ThinkingPiece(thoughts))
        text = text_of(delta)
        if text:
            pieces.append(TextPiece(text))
        if delta.refusal:
            pieces.append(RefusalPiece(delta.refusal))
        if delta.tool_calls or delta.function_call is not None:
            self._calls.take(delta, payload, pieces)


class _Begun:
    """One call of the answer so far."""

    __slots__ = ("arguments", "id", "index", "name", "number", "signature", "wire_id")

    def __init__(self, index: int | None, wire_id: str) -> None:
        self.index = index
        """The wire's index; None: it has none."""
        self.wire_id = wire_id
        self.id = wire_id
        self.name = ""
        self.signature = ""
        self.arguments = ""
        """Those that came before the name."""
        self.number = 0


class _Calls:
    """Puts the pieces of calls together, however a server numbers them.

    Quirks: an index may be missing, or the same for all; whole calls may come at once; id and name
    may be repeated, or come late.
    """

    __slots__ = ("_begun", "count")

    def __init__(self) -> None:
        self._begun: list[_Begun] = []
        self.count = 0
        """Calls that have their name."""

    @property
    def unnamed(self) -> bool:
        """A call never got its name."""
        return self.count < len(self._begun)

    def take(self, delta: Content, payload: bytes, pieces: list[Piece]) -> None:
        """Turn the calls of a delta into pieces."""
        for call in calls_of(delta):
            function = call.function
            if function is None:
                continue
            begun = self._find(call) or self._begin(call, payload)
            arguments = arguments_of(function)
            if begun.name:
                if arguments:
                    pieces.append(ArgumentsPiece(begun.number, arguments))
                continue
            begun.signature = begun.signature or signature_of(call)
            begun.arguments += arguments
            if function.name:
                begun.name = function.name
                self._introduce(begun, pieces)

    def _find(self, call: Call) -> _Begun | None:
        """Return the call that this is the next piece of; None: it is a new one."""
        for begun in reversed(self._begun):
            if call.index is not None:
                if begun.index == call.index:
                    other = call.id and begun.wire_id and call.id != begun.wire_id
                    return None if other else begun
            elif call.id:
                if begun.wire_id == call.id:
                    return begun
            else:
                named = call.function is not None and call.function.name
                return None if named and begun.name else begun
        return None

    def _begin(self, call: Call, payload: bytes) -> _Begun:
        begun = _Begun(call.index, call.id or "")
        begun.id = call.id or made_id(payload, len(self._begun))
        self._begun.append(begun)
        return begun

    def _introduce(self, begun: _Begun, pieces: list[Piece]) -> None:
        begun.number = self.count
        self.count += 1
        pieces.append(CallPiece(begun.number, begun.id, begun.name, begun.signature))
        if begun.arguments:
            pieces.append(ArgumentsPiece(begun.number, begun.arguments))

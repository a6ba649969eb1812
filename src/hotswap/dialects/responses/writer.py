"""Pieces, turned into a stream of the Responses dialect."""

from collections.abc import Sequence
from typing import Final

from msgspec import Raw, Struct
from msgspec.json import Encoder

from ...core.terms import Usage
from ..api import Envelope
from ..neutral import (
    ArgumentsPiece,
    Call,
    CallPiece,
    Finish,
    FinishPiece,
    Piece,
    RefusalPiece,
    TextPiece,
    ThinkingPiece,
)
from .answer import ADDED, COMPLETED, DONE, FAILED
from .items import Events, OpenCall, Words, item_type
from .usage import write_usage
from .whole import (
    IN_PROGRESS,
    INCOMPLETE,
    REASONS,
    Json,
    call_id,
    error_fields,
    item_id,
    response_fields,
)

_encode: Final = Encoder().encode


class Before(Struct):
    """What a caller has of a response that was begun elsewhere."""

    fields: Json
    """Of the response itself, as it began."""
    events: Events
    """Goes on with the numbers; may hold events that are still to be sent."""
    output: dict[int, Json] = {}
    """The items, by their index."""
    words: Words | None = None
    """The item among them that is open."""


class ResponsesWriter:
    """Implements `Writer`.

    Items come one after another. Only a call stays open, beside what begins after it, until its
    arguments are a whole object: other providers may mix the arguments of parallel calls.
    Signatures of shown reasoning have no place here.

    Args:
        envelope: For what the response has not said of itself.
        before: What the caller has already; None: nothing.
    """

    __slots__ = ("_calls", "_envelope", "_events", "_fields", "_finish", "_output", "_words")

    def __init__(self, envelope: Envelope, before: Before | None = None) -> None:
        if before is None:
            before = Before({}, Events())
        self._envelope = envelope
        self._events = before.events
        self._fields = before.fields
        self._output = before.output
        self._words = before.words
        self._calls: dict[int, OpenCall] = {}
        self._finish = Finish.STOP

    def write(self, pieces: Sequence[Piece]) -> bytes:
        """Return the events for these pieces; the `FinishPiece` waits for `end`."""
        if not pieces:
            return b""
        self._begin()
        for piece in pieces:
            if isinstance(piece, TextPiece | ThinkingPiece | RefusalPiece):
                if piece.text:
                    self._say(piece)
            elif isinstance(piece, ArgumentsPiece):
                call = self._calls.get(piece.index)
                if call is not None and piece.text:
                    call.say(piece.text, self._events)
            elif isinstance(piece, CallPiece):
                self._call(piece)
            elif isinstance(piece, FinishPiece):
                self._finish = piece.finish
        return self._events.taken()

    def end(self, usage: Usage | None) -> bytes:
        """Return what ends the stream well: finish reason, usage, terminator. Called once."""
        self._begin()
        reason = REASONS.get(self._finish)
        status = COMPLETED if reason is None else INCOMPLETE
        for call in self._calls.values():
            self._close(call, COMPLETED if call.is_whole() else status)
        if self._words is not None:
            self._close(self._words, status)
        response = {
            **self._fields,
            "status": status,
            "incomplete_details": None if reason is None else {"reason": reason},
            "output": self._items(),
            "usage": write_usage(usage),
        }
        self._events.add(f"response.{status}", {"response": response})
        return self._events.taken()

    def fail(self, code: str, message: str) -> bytes:
        """Return what ends the stream with an error; called instead of `end`.

        First the response fails, by its own id; then comes the error at which SDKs raise.
        """
        self._begin()
        for opened in (*self._calls.values(), self._words):
            if opened is not None:
                self._output[opened.index] = opened.item(INCOMPLETE)
        response = {
            **self._fields,
            "status": "failed",
            "error": {"code": "server_error", "message": message},
            "output": self._items(),
        }
        self._events.add(FAILED, {"response": response})
        self._events.add("error", error_fields(code, message))
        return self._events.taken()

    def _begin(self) -> None:
        if self._fields:
            return
        self._fields = response_fields(self._envelope)
        # What was asked may be long: it is encoded once for both events.
        begun: Json = {"response": Raw(_encode(self._fields))}
        self._events.add("response.created", begun)
        self._events.add("response.in_progress", begun)

    def _say(self, piece: TextPiece | ThinkingPiece | RefusalPiece) -> None:
        kind, words = type(piece), self._words
        if words is None or words.kind is not kind:
            if words is None or not words.takes(kind):
                self._close_open()
                index = self._next()
                made = item_id(item_type(kind), index, self._envelope)
                words = self._words = Words(made, index, kind)
                self._open(words)
            words.begin(kind, self._events)
        words.say(piece.text, self._events)

    def _call(self, piece: CallPiece) -> None:
        self._close_open()
        index = self._next()
        call = Call(call_id(piece.id, piece.index, self._envelope), piece.name, "")
        made = item_id("function_call", index, self._envelope)
        opened = self._calls[piece.index] = OpenCall(made, index, call)
        self._open(opened)

    def _open(self, opened: Words | OpenCall) -> None:
        item = opened.item(IN_PROGRESS)
        self._output[opened.index] = item
        self._events.add(ADDED, {"output_index": opened.index, "item": item})

    def _next(self) -> int:
        """Return the index of the item that begins. A provider's own may have gaps."""
        return max(self._output, default=-1) + 1

    def _items(self) -> list[Json]:
        return [self._output[index] for index in sorted(self._output)]

    def _close_open(self) -> None:
        """Close what need not stay open beside the item that begins."""
        if self._words is not None:
            self._close(self._words, COMPLETED)
            self._words = None
        for number, call in tuple(self._calls.items()):
            if call.is_whole():
                self._close(call, COMPLETED)
                del self._calls[number]

    def _close(self, opened: Words | OpenCall, status: str) -> None:
        item = self._output[opened.index] = opened.close(status, self._events)
        self._events.add(DONE, {"output_index": opened.index, "item": item})

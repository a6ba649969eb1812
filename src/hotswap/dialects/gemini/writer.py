"""Pieces, turned into a stream that a caller of Gemini's dialect reads."""

from collections.abc import Sequence
from typing import Final

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
    SignaturePiece,
    TextPiece,
    ThinkingPiece,
)
from .errors import in_band_body
from .reply import BROKEN_CALL, FINISH_WORDS, write_call
from .usage import write_usage

_encode: Final = Encoder().encode

_BEFORE: Final = b'{"candidates":[{"content":{"role":"model","parts":['
_AFTER: Final = b']},"index":0}]'
_FINISH: Final = b']},"finishReason":"%b","index":0}]'


class GeminiWriter:
    """Implements `Writer`.

    Every event is an answer that holds the new parts. A call leaves whole, once its arguments are
    an object and something else follows, or at the end: Gemini's callers know no halves of calls.

    Args:
        envelope: What the events say of themselves.
        begun: The caller has events already; an array has its bracket.
    """

    __slots__ = ("_array", "_broken", "_calls", "_finish", "_names", "_separator", "_shown")

    def __init__(self, envelope: Envelope, *, begun: bool = False) -> None:
        reasoning = envelope.request.reasoning
        self._shown = reasoning is not None and reasoning.shown
        self._array = envelope.array
        self._separator = b",\r\n" if begun else b"["
        names = {"modelVersion": envelope.model, "responseId": envelope.request_id}
        self._names = b"," + _encode(names)[1:]
        self._calls: list[_Gathered] = []
        self._broken = False
        self._finish = Finish.STOP

    def write(self, pieces: Sequence[Piece]) -> bytes:
        """Return the event for these pieces; calls and the finish may wait."""
        parts: list[bytes] = []
        for piece in pieces:
            self._add(piece, parts)
        if not parts:
            return b""
        return self._event(_BEFORE + b",".join(parts) + _AFTER + self._names)

    def end(self, usage: Usage | None) -> bytes:
        """Return the last event: calls that waited, finish reason and usage. Called once."""
        parts: list[bytes] = []
        self._send_calls(parts, last=True)
        word = FINISH_WORDS[self._finish]
        if self._broken and self._finish is not Finish.LENGTH:
            word = BROKEN_CALL
        counts = b""
        if usage is not None:
            counts = b',"usageMetadata":' + _encode(write_usage(usage))
        body = _BEFORE + b",".join(parts) + _FINISH % word.encode() + counts + self._names
        return self._event(body) + (b"]" if self._array else b"")

    def fail(self, code: str, message: str) -> bytes:
        """Return the error that makes Google's SDK raise; it closes an array. Called last.

        Args:
            code: Sets the status: `rate_limit_exceeded` 429, `timeout` 504, any other 503.
            message: For the caller.
        """
        return self._event(in_band_body(code, message)) + (b"]" if self._array else b"")

    def _add(self, piece: Piece, parts: list[bytes]) -> None:
        match piece:
            case TextPiece() | RefusalPiece():
                self._send_calls(parts)
                parts.append(b'{"text":%b}' % _encode(piece.text))
            case ThinkingPiece():
                if self._shown:
                    self._send_calls(parts)
                    parts.append(b'{"text":%b,"thought":true}' % _encode(piece.text))
            case CallPiece():
                self._send_calls(parts)
                self._calls.append(_Gathered(piece))
            case ArgumentsPiece():
                self._gather(piece)
            case FinishPiece():
                self._finish = piece.finish
            case SignaturePiece():
                pass

    def _event(self, body: bytes) -> bytes:
        if not self._array:
            return b"data: %b\n\n" % body
        separator, self._separator = self._separator, b",\r\n"
        return separator + body

    def _gather(self, piece: ArgumentsPiece) -> None:
        for call in self._calls:
            if call.index == piece.index:
                call.arguments.append(piece.text)
                return

    def _send_calls(self, parts: list[bytes], *, last: bool = False) -> None:
        """Move calls that are whole into `parts`, in order; at the end, whatever is left."""
        while self._calls:
            call = self._calls[0]
            arguments = "".join(call.arguments)
            # No characters at all mean an empty object, but only once none can follow.
            wire = call.written(arguments) if arguments or last else None
            if wire is None and not last:
                return
            if wire is None:
                self._broken = True
            else:
                parts.append(_encode(wire))
            del self._calls[0]


class _Gathered:
    """A call whose arguments are still coming."""

    __slots__ = ("arguments", "begin", "index")

    def __init__(self, begin: CallPiece) -> None:
        self.begin = begin
        self.index = begin.index
        self.arguments: list[str] = []

    def written(self, arguments: str) -> dict[str, object] | None:
        """Write the part with these arguments; None: they are no object."""
        begin = self.begin
        return write_call(Call(begin.id, begin.name, arguments, begin.signature))

"""Pieces, turned into a caller's stream of OpenAI's dialect."""

from collections.abc import Sequence
from typing import Final

from msgspec.json import Encoder

from ...core.terms import Usage
from ..api import Envelope
from ..neutral import (
    ArgumentsPiece,
    CallPiece,
    Finish,
    FinishPiece,
    Piece,
    RefusalPiece,
    SignaturePiece,
    TextPiece,
    ThinkingPiece,
)
from .chunk import DONE, Head, write_failure, write_usage_chunk

_encode: Final = Encoder().encode

_CALL: Final = b'"tool_calls":[{"index":'
_MORE: Final = _CALL + b'%d,"function":{'
_NO_ARGUMENTS: Final = b'"arguments":""}}]'


class OpenAIWriter:
    """Implements `Writer`.

    The role comes first, once there is something to say; the finish waits for the end. Signatures
    of shown reasoning have no place here.

    Args:
        envelope: What the answer says of itself.
        head: Goes on with a stream that has this one; None: a stream of our own begins.
        begun: The role went out already.
    """

    __slots__ = ("_after", "_before", "_begun", "_calls", "_finish", "_head", "_null", "_silent")

    def __init__(
        self, envelope: Envelope, head: Head | None = None, *, begun: bool = False
    ) -> None:
        self._head = (head or own_head(envelope)).write()
        self._null = b',"usage":null' if envelope.request.usage_asked else b""
        self._before = self._head + b'"choices":[{"index":0,"delta":{'
        self._after = b'},"finish_reason":null}]' + self._null + b"}\n\n"
        self._begun = begun
        self._finish: Finish | None = None
        self._calls = 0
        self._silent: list[int] = []
        """Calls without any arguments so far."""

    def write(self, pieces: Sequence[Piece]) -> bytes:
        """Return the events for these pieces; the finish waits for `end`."""
        before, after = self._before, self._after
        deltas = [delta for piece in pieces if (delta := self._delta(piece))]
        if len(deltas) > 1 and self._calls:
            deltas = _joined(deltas)
        out = b"".join([before + delta + after for delta in deltas])
        return out if self._begun or not out else self._role() + out

    def end(self, usage: Usage | None) -> bytes:
        """Return what ends the stream well: finish reason, usage, terminator. Called once."""
        out = b"" if self._begun else self._role()
        for index in self._silent:
            out += self._before + _arguments(index, "{}") + self._after
        finish = self._finish or (Finish.TOOL_CALLS if self._calls else Finish.STOP)
        out += b'%b},"finish_reason":"%b"}]%b}\n\n' % (self._before, finish.encode(), self._null)
        if usage is not None and self._null:
            out += write_usage_chunk(self._head, usage)
        return out + DONE

    def fail(self, code: str, message: str) -> bytes:
        """Return the error that makes OpenAI's SDK raise. Called instead of `end`."""
        return write_failure(code, message)

    def _role(self) -> bytes:
        self._begun = True
        return self._before + b'"role":"assistant","content":""' + self._after

    def _delta(self, piece: Piece) -> bytes:
        """Return the fields of a delta; empty: the piece has none."""
        if type(piece) is TextPiece:
            return b'"content":' + _encode(piece.text)
        match piece:
            case ThinkingPiece():
                return b'"reasoning_content":' + _encode(piece.text)
            case ArgumentsPiece():
                return self._more(piece)
            case CallPiece():
                return self._call(piece)
            case RefusalPiece():
                return b'"refusal":' + _encode(piece.text)
            case FinishPiece():
                self._finish = piece.finish
            case SignaturePiece() | TextPiece():
                pass
        return b""

    def _call(self, piece: CallPiece) -> bytes:
        self._calls += 1
        self._silent.append(piece.index)
        signature = b""
        if piece.signature:
            google = {"google": {"thought_signature": piece.signature}}
            signature = b',"extra_content":' + _encode(google)
        return b'"tool_calls":[{"index":%d,"id":%b,"type":"function"%b,"function":{"name":%b,%b' % (
            piece.index,
            _encode(piece.id),
            signature,
            _encode(piece.name),
            _NO_ARGUMENTS,
        )

    def _more(self, piece: ArgumentsPiece) -> bytes:
        if not piece.text:
            return b""
        if piece.index in self._silent:
            self._silent.remove(piece.index)
        return _arguments(piece.index, piece.text)


def own_head(envelope: Envelope) -> Head:
    """Return the head of a stream of our own."""
    return Head(f"chatcmpl-{envelope.request_id}", envelope.created, envelope.model)


def _arguments(index: int, text: str) -> bytes:
    return _MORE % index + b'"arguments":%b}}]' % _encode(text)


def _joined(deltas: Sequence[bytes]) -> list[bytes]:
    """Join each call with the arguments that came with it.

    Quirk: Mistral's SDK cannot read a call that comes without its name, so one that a provider
    sends whole stays whole.
    """
    joined = [deltas[0]]
    for delta in deltas[1:]:
        last = joined[-1]
        if last.endswith(_NO_ARGUMENTS):
            index = int(last[len(_CALL) : last.index(b",")])
            more = _MORE % index
            if delta.startswith(more):
                joined[-1] = last[: -len(_NO_ARGUMENTS)] + delta[len(more) :]
                continue
        joined.append(delta)
    return joined

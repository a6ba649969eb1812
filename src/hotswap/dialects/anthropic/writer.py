"""Pieces, turned into a stream of Anthropic's dialect."""

from collections.abc import Sequence
from typing import Final

from msgspec import DecodeError, Raw, Struct
from msgspec.json import Decoder, Encoder

from ...core.terms import Usage
from ..api import Envelope
from ..neutral import (
    ArgumentsPiece,
    CallPiece,
    Finish,
    FinishPiece,
    Piece,
    RefusalPiece,
    TextPiece,
    ThinkingPiece,
)
from .answer import MESSAGE_STOP, STOP_REASONS, wire_usage
from .errors import write_failure
from .ids import wire_id
from .shown import TEXT, Shown

_THINKING: Final = "thinking"
_CALL: Final = "call"
_BROKEN: Final = "broken"
"""What somebody else began and nobody can go on with: it is closed."""

_STARTS: Final = {
    TEXT: b'{"type":"text","text":""}',
    _THINKING: b'{"type":"thinking","thinking":"","signature":""}',
}
"""What blocks of words begin with."""
_DELTAS: Final = {
    TEXT: b'"text_delta","text":',
    _THINKING: b'"thinking_delta","thinking":',
    _CALL: b'"input_json_delta","partial_json":',
}
_DELTA_END: Final = b"}}\n\n"

_encode: Final = Encoder().encode
_decode_object: Final = Decoder(dict[str, Raw]).decode


class _Held(Struct):
    """A block that waits until the call before it is whole."""

    kind: str
    call: CallPiece | None = None
    words: list[str] = []


def message_id(envelope: Envelope) -> str:
    """Return the id of the answer."""
    return f"msg_{envelope.request_id}"


def call_id(call: CallPiece, envelope: Envelope) -> str:
    """Return the id of a call; one is made where the provider gave none."""
    return wire_id(call.id) if call.id else f"toolu_{envelope.request_id}_{call.index}"


def ending(finish: Finish, stop: str, refusal: str) -> dict[str, object]:
    """Write why an answer ended.

    Args:
        finish: As the provider said.
        stop: The stop sequence that ended it; empty: none that is known.
        refusal: The model's words for declining; empty: none.
    """
    reason = "refusal" if refusal else STOP_REASONS[finish]
    if reason == "end_turn" and stop:
        return {"stop_reason": "stop_sequence", "stop_sequence": stop}
    fields: dict[str, object] = {"stop_reason": reason, "stop_sequence": None}
    if refusal:
        fields["stop_details"] = {"type": "refusal", "category": None, "explanation": refusal}
    return fields


class AnthropicWriter:
    """Implements `Writer`.

    Blocks come strictly one after another. What begins while a call's arguments are not whole
    is held back until they are: other providers may mix the arguments of parallel calls.
    Thinking carries no signature: another maker's would be refused by Anthropic, and a block
    without one is known by that to be left out of requests. A refusal's words end the message,
    as its `stop_details`.

    It may go on with a message that somebody else began: in its text where that is open,
    otherwise in a block behind what is there. Thinking inside a text that was begun is left out.
    """

    __slots__ = (
        "_arguments",
        "_call",
        "_delta",
        "_envelope",
        "_finish",
        "_held",
        "_index",
        "_kind",
        "_out",
        "_refusal",
        "_started",
        "_thinks",
        "_usage",
    )

    def __init__(
        self, envelope: Envelope, begun: Shown | None = None, usage: Usage | None = None
    ) -> None:
        """Begin.

        Args:
            envelope: What the message says of itself.
            begun: What the caller has of it already; None: nothing.
            usage: Stands in for what `end` is not told.
        """
        self._envelope = envelope
        self._usage = usage
        self._started = False
        self._thinks = True
        self._out: list[bytes] = []
        self._index = -1
        self._kind = ""
        self._delta = b""
        self._call = -1
        self._arguments: list[str] = []
        self._held: list[_Held] = []
        self._refusal = ""
        self._finish = FinishPiece(Finish.STOP)
        if begun is not None:
            self._go_on(begun)

    def write(self, pieces: Sequence[Piece]) -> bytes:
        """Return the events for these pieces; the `FinishPiece` waits for `end`."""
        if not pieces:
            return b""
        self._start()
        for piece in pieces:
            if isinstance(piece, TextPiece):
                self._say(TEXT, piece.text)
            elif isinstance(piece, ArgumentsPiece):
                self._argue(piece)
            elif isinstance(piece, ThinkingPiece):
                if self._thinks:
                    self._say(_THINKING, piece.text)
            elif isinstance(piece, CallPiece):
                self._announce(piece)
            elif isinstance(piece, RefusalPiece):
                self._refusal += piece.text
            elif isinstance(piece, FinishPiece):
                self._finish = piece
        return self._taken()

    def end(self, usage: Usage | None) -> bytes:
        """Return what ends the stream well: finish reason, usage, terminator. Called once."""
        self._start()
        while self._held:
            self._open(self._held.pop(0))
        self._close()
        delta = ending(self._finish.finish, self._finish.stop, self._refusal)
        body = {"type": "message_delta", "delta": delta, "usage": wire_usage(usage or self._usage)}
        self._out += (b"event: message_delta\ndata: ", _encode(body), b"\n\n", MESSAGE_STOP)
        return self._taken()

    def _go_on(self, begun: Shown) -> None:
        self._started = begun.started
        self._index = begun.index
        if begun.open == TEXT:
            self._kind = TEXT
            self._delta = self._delta_of(TEXT)
            self._thinks = False
        elif begun.open:
            self._kind = _BROKEN

    def fail(self, code: str, message: str) -> bytes:
        """Return the error that makes Anthropic's SDK raise. Called instead of `end`."""
        return write_failure(code, message)

    def _taken(self) -> bytes:
        out = b"".join(self._out)
        self._out.clear()
        return out

    def _start(self) -> None:
        if self._started:
            return
        self._started = True
        message = {
            "id": message_id(self._envelope),
            "type": "message",
            "role": "assistant",
            "model": self._envelope.model,
            "content": (),
            "stop_reason": None,
            "stop_sequence": None,
            "usage": wire_usage(None),
        }
        body = {"type": "message_start", "message": message}
        self._out += (b"event: message_start\ndata: ", _encode(body), b"\n\n")

    def _say(self, kind: str, text: str) -> None:
        if not text:
            return
        if kind != self._kind or self._held:
            if self._must_wait():
                self._hold(kind, text)
                return
            self._open(_Held(kind))
        self._out += (self._delta, _encode(text), _DELTA_END)

    def _announce(self, call: CallPiece) -> None:
        block = _Held(_CALL, call, [])
        if self._must_wait():
            self._held.append(block)
        else:
            self._open(block)

    def _argue(self, piece: ArgumentsPiece) -> None:
        text = piece.text
        if not text:
            return
        if piece.index != self._call:
            for block in self._held:
                if block.call is not None and block.call.index == piece.index:
                    block.words.append(text)
            return
        self._arguments.append(text)
        self._out += (self._delta, _encode(text), _DELTA_END)
        if self._held and text.rstrip().endswith("}"):
            self._advance()

    def _must_wait(self) -> bool:
        """Say whether the open block may not be closed yet."""
        return bool(self._held) or (self._kind == _CALL and not _whole(self._arguments))

    def _hold(self, kind: str, text: str) -> None:
        if not self._held or self._held[-1].kind != kind:
            self._held.append(_Held(kind, None, []))
        self._held[-1].words.append(text)

    def _advance(self) -> None:
        """Write what was held back, up to the next call whose arguments are not whole."""
        while self._held and (self._kind != _CALL or _whole(self._arguments)):
            self._open(self._held.pop(0))

    def _open(self, block: _Held) -> None:
        """Close the open block and begin the next with the words that it has so far."""
        self._close()
        self._index += 1
        self._kind = block.kind
        if block.call is None:
            start = _STARTS[block.kind]
            self._call = -1
        else:
            start = self._call_start(block.call)
            self._call = block.call.index
            self._arguments = list(block.words)
        self._out.append(
            b"event: content_block_start\ndata: "
            b'{"type":"content_block_start","index":%d,"content_block":%b}\n\n'
            % (self._index, start)
        )
        self._delta = self._delta_of(block.kind)
        if block.words:
            self._out += (self._delta, _encode("".join(block.words)), _DELTA_END)

    def _delta_of(self, kind: str) -> bytes:
        """Return what the deltas of the open block begin with."""
        return (
            b"event: content_block_delta\ndata: "
            b'{"type":"content_block_delta","index":%d,"delta":{"type":%b'
            % (self._index, _DELTAS[kind])
        )

    def _call_start(self, call: CallPiece) -> bytes:
        fields = {"type": "tool_use", "id": call_id(call, self._envelope), "name": call.name}
        return _encode({**fields, "input": {}})

    def _close(self) -> None:
        if self._kind:
            self._out.append(
                b"event: content_block_stop\ndata: "
                b'{"type":"content_block_stop","index":%d}\n\n' % self._index
            )
            self._kind = ""
            self._call = -1


def _whole(arguments: Sequence[str]) -> bool:
    """Say whether nothing more of a call's arguments can come."""
    try:
        _decode_object("".join(arguments))
    except (DecodeError, RecursionError):
        return False
    return True

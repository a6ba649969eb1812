"""A stream of Anthropic's dialect, turned into pieces."""

from msgspec import DecodeError, ValidationError
from typing_extensions import override

from ..fault import read_in_band
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
from ..sse import Event
from ..unsound import EMPTY, TRUNCATED
from ..watching import WatchedReader
from .answer import (
    FINISHES,
    NO_COUNTS,
    REFUSED,
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
from .passage import delta_size, is_foreign


class AnthropicReader(WatchedReader):
    """Implements `Reader`.

    Blocks of tools that the provider itself executes, and redacted thinking, become no pieces:
    nobody else could say them. A refusal's explanation comes as its words.
    """

    __slots__ = ("_called", "_calls", "_counts", "_inputs", "closed")

    kind = "anthropic"

    def __init__(self) -> None:
        super().__init__()
        self._counts = NO_COUNTS
        self._calls: dict[int, int] = {}
        self._called = 0
        self._inputs: dict[int, str] = {}
        self.closed = False

    def end(self) -> list[Piece]:
        """The provider ended the body; return the pieces still held back. Sets `failure`."""
        pieces: list[Piece] = []
        if self.failure is not None or self._ended:
            return pieces
        event = self._last()
        if event is not None:
            self._take(event, pieces)
        if self.failure is None:
            self._finish()
        return pieces

    @override
    def _take(self, event: Event, pieces: list[Piece]) -> None:
        try:
            self._read(decode_event(event.payload), event, pieces)
        except ValidationError:
            if event.name == b"error" or not is_foreign(event.payload):
                self._take_odd(event, pieces)
        except (DecodeError, UnicodeDecodeError, RecursionError):
            self._take_odd(event, pieces)

    def _read(self, wire: StreamEvent, event: Event, pieces: list[Piece]) -> None:
        kind = wire.type or event.name.decode("latin-1")
        if event.name == b"error" or kind == "error" or present(wire.error):
            self._fail(read_in_band(self.kind, event.payload))
        elif kind == "content_block_delta" and wire.delta is not None:
            self._read_delta(wire.delta, wire.index or 0, pieces)
        elif kind == "content_block_start" and wire.content_block is not None:
            self.closed = False
            self._read_block(wire.content_block, wire.index or 0, pieces)
        else:
            self._read_frame(kind, wire, pieces)

    def _read_frame(self, kind: str, wire: StreamEvent, pieces: list[Piece]) -> None:
        """Read what stands around the content."""
        if kind == "content_block_stop":
            self.closed = self.started
            self._read_input(wire.index or 0, pieces)
        elif kind == "message_delta":
            self._read_finish(wire, pieces)
        elif kind == "message_start" and wire.message is not None:
            self._counts = newer(self._counts, read_counts(wire.message.usage))
        elif kind == "message_stop":
            self._finish()

    @override
    def _take_done(self) -> None:
        self._finish()

    def _read_delta(self, delta: Delta, index: int, pieces: list[Piece]) -> None:
        size = delta_size(delta)
        if size:
            self._see(size)
        if delta.text:
            pieces.append(TextPiece(delta.text))
        elif delta.partial_json:
            call = self._calls.get(index)
            if call is not None:
                self._inputs.pop(index, None)
                pieces.append(ArgumentsPiece(call, delta.partial_json))
        elif delta.thinking:
            pieces.append(ThinkingPiece(delta.thinking))
        elif delta.signature:
            pieces.append(SignaturePiece(delta.signature))

    def _read_block(self, block: Block, index: int, pieces: list[Piece]) -> None:
        size = block_size(block)
        if size:
            self._see(size)
        if block.text:
            pieces.append(TextPiece(block.text))
        elif block.thinking:
            pieces.append(ThinkingPiece(block.thinking))
        elif block.type == "tool_use":
            call = self._calls[index] = self._called
            self._called += 1
            pieces.append(CallPiece(call, block.id or "", block.name or ""))
            if present(block.input):
                # Quirk: some servers give the whole input here, and no deltas.
                self._inputs[index] = bytes(block.input).decode()

    def _read_input(self, index: int, pieces: list[Piece]) -> None:
        """Say the input that a block began with, where no delta said it."""
        arguments = self._inputs.pop(index, None)
        if arguments is not None:
            pieces.append(ArgumentsPiece(self._calls[index], arguments))

    def _read_finish(self, wire: StreamEvent, pieces: list[Piece]) -> None:
        counts = read_counts(wire.usage)
        if counts is not NO_COUNTS:
            self._counts = newer(self._counts, counts)
            self.usage = usage_of(self._counts)
        delta = wire.delta
        if delta is None or not delta.stop_reason or self.complete:
            return
        for index in tuple(self._inputs):
            self._read_input(index, pieces)
        finish = FINISHES.get(delta.stop_reason, Finish.STOP)
        if delta.stop_details is not None and delta.stop_details.explanation:
            self._see(len(delta.stop_details.explanation.encode()))
            pieces.append(RefusalPiece(delta.stop_details.explanation))
        else:
            self.progress += 1
        if not self.started and finish is Finish.CONTENT_FILTER:
            self._fail(REFUSED)
        elif self.started or may_be_empty(delta.stop_reason, self.usage):
            self.complete = True
            if self._calls and finish is Finish.STOP:
                finish = Finish.TOOL_CALLS
            pieces.append(FinishPiece(finish, delta.stop_sequence or ""))
        else:
            self._fail(EMPTY)

    def _see(self, size: int) -> None:
        self.started = True
        self.content_bytes += size
        self.progress += 1

    def _finish(self) -> None:
        """Judge the whole at its end."""
        if self.complete:
            self._ended = True
        else:
            self._fail(TRUNCATED)

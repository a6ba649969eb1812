"""A stream of Gemini's dialect, turned into pieces."""

from collections.abc import Sequence

from msgspec import DecodeError
from typing_extensions import override

from ..fault import read_in_band
from ..neutral import (
    ArgumentsPiece,
    CallPiece,
    Finish,
    FinishPiece,
    Piece,
    SignaturePiece,
    TextPiece,
    ThinkingPiece,
)
from ..sse import Event
from ..surrogates import mended
from ..unsound import EMPTY, TRUNCATED
from ..watching import WatchedReader
from .answer import (
    FAILED_FINISHES,
    FINISHES,
    KIND,
    Answer,
    Candidate,
    Part,
    decode,
    fault_in,
    may_be_empty,
    odd_fault,
)
from .reply import read_call
from .usage import read_usage


class GeminiReader(WatchedReader):
    """Implements `Reader`.

    Reads the first candidate. A call comes whole in one part, and a tool call ends with `STOP` on
    the wire: the finish is known when the stream ends, so the piece of it comes from `end`.
    """

    __slots__ = ("_calls", "_counted", "_finish", "_salt")

    def __init__(self) -> None:
        super().__init__()
        self._calls = 0
        self._salt = ""
        self._finish: Finish | None = None
        self._counted = False
        """The newest event had the counts, which are the last."""

    @property
    @override
    def done(self) -> bool:
        """Only signatures can follow the finish and its counts."""
        return self._ended or (self.complete and self._counted)

    @property
    def closed(self) -> bool:
        """Return no: the last words come with the finish."""
        return False

    def end(self) -> Sequence[Piece]:
        """The provider ended the body; return the finish. Sets `failure`."""
        pieces: list[Piece] = []
        if self.failure is not None:
            return pieces
        event = self._last()
        if event is not None:
            self._take(event, pieces)
        if self.failure is None:
            self._judge(pieces)
        return pieces

    @override
    def _take(self, event: Event, pieces: list[Piece]) -> None:
        payload = event.payload
        try:
            answer = decode(payload)
        except (DecodeError, UnicodeDecodeError, RecursionError):
            whole = mended(payload)
            if whole != payload:
                self._take(Event(event.raw, whole, event.name), pieces)
            else:
                self._fail(odd_fault(payload, named=event.name == b"error"))
            return
        fault = fault_in(answer, payload)
        if fault is None and event.name == b"error":
            fault = read_in_band(KIND, payload)
        if fault is not None:
            self._fail(fault)
            return
        self._read(answer, pieces)

    def _read(self, answer: Answer, pieces: list[Piece]) -> None:
        if answer.usage_metadata is not None:
            self.usage = read_usage(answer.usage_metadata) or self.usage
        if not self._salt and answer.response_id:
            self._salt = answer.response_id
        if answer.candidates:
            for candidate in answer.candidates:
                if not candidate.index:
                    self._read_candidate(candidate, pieces)
        self._counted = answer.usage_metadata is not None

    def _read_candidate(self, candidate: Candidate, pieces: list[Piece]) -> None:
        content = candidate.content
        before = self.content_bytes
        if content is not None and content.parts:
            for part in content.parts:
                self._read_part(part, pieces)
        finish = candidate.finish_reason
        if self.content_bytes > before:
            self.started = True
            self.progress += 1
        elif finish:
            self.progress += 1
        if not finish:
            return
        failure = FAILED_FINISHES.get(finish)
        if failure is not None:
            self._fail(failure)
            return
        self._finish = FINISHES.get(finish, Finish.STOP)
        self.complete = True

    def _read_part(self, part: Part, pieces: list[Piece]) -> None:
        text = part.text
        if text:
            self.content_bytes += len(text.encode())
            pieces.append(ThinkingPiece(text) if part.thought else TextPiece(text))
            if part.thought and part.thought_signature:
                pieces.append(SignaturePiece(part.thought_signature))
            return
        call = read_call(part, self._calls, self._salt)
        if call is not None:
            index = self._calls
            self._calls += 1
            self.content_bytes += 1 + len(call.name) + len(call.arguments)
            pieces.append(CallPiece(index, call.id, call.name, call.signature))
            if call.arguments != "{}":
                pieces.append(ArgumentsPiece(index, call.arguments))

    def _judge(self, pieces: list[Piece]) -> None:
        """Judge the whole at its end."""
        finish = self._finish
        if finish is None:
            self._fail(TRUNCATED)
        elif not self.started and not may_be_empty((finish,), self.usage):
            self._fail(EMPTY)
        else:
            self._ended = True
            called = finish is Finish.STOP and self._calls > 0
            pieces.append(FinishPiece(Finish.TOOL_CALLS if called else finish))

"""A stream of Gemini's dialect, turned into pieces."""

from collections.abc import Sequence

from msgspec import DecodeError

from ...core.terms import Failure, Usage
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
from ..sse import Event, Splitter
from ..surrogates import mended
from .answer import (
    EMPTY,
    FAILED_FINISHES,
    FINISHES,
    KIND,
    MALFORMED,
    TRUNCATED,
    Answer,
    Candidate,
    Part,
    decode,
    fault_in,
    may_be_empty,
    odd_fault,
    value_of,
)
from .reply import read_call
from .usage import read_usage


class GeminiReader:
    """Implements `Reader`.

    Reads the first candidate. A call comes whole in one part, and a tool call ends with `STOP` on
    the wire: the finish is known when the stream ends, so the piece of it comes from `end`.
    """

    __slots__ = (
        "_calls",
        "_finish",
        "_salt",
        "_splitter",
        "complete",
        "content_bytes",
        "done",
        "failure",
        "progress",
        "started",
        "usage",
    )

    def __init__(self) -> None:
        self._splitter = Splitter()
        self._calls = 0
        self._salt = ""
        self._finish: Finish | None = None
        self.done = False
        self.started = False
        self.complete = False
        self.failure: Failure | None = None
        self.usage: Usage | None = None
        self.progress = 0
        self.content_bytes = 0

    def feed(self, data: bytes) -> Sequence[Piece]:
        """Take bytes from the provider; return the pieces of complete events."""
        pieces: list[Piece] = []
        if self.failure is not None:
            return pieces
        for event in self._splitter.feed(data):
            self._take(event, pieces)
            if self.failure is not None:
                return pieces
        if self._splitter.too_large:
            self._fail(MALFORMED)
        return pieces

    @property
    def closed(self) -> bool:
        """Return no: the last words come with the finish."""
        return False

    def end(self) -> Sequence[Piece]:
        """The provider ended the body; return the finish. Sets `failure`."""
        pieces: list[Piece] = []
        if self.failure is not None:
            return pieces
        event = self._splitter.rest()
        # Some servers omit the last blank line; an event that was cut off is no JSON.
        if event is not None and value_of(mended(event.payload)) is not None:
            self._take(event, pieces)
        if self.failure is None:
            self._judge(pieces)
        return pieces

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
        # Only signatures can follow the finish and its counts.
        self.done = self.complete and answer.usage_metadata is not None

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
            self.done = True
            called = finish is Finish.STOP and self._calls > 0
            pieces.append(FinishPiece(Finish.TOOL_CALLS if called else finish))

    def _fail(self, failure: Failure) -> None:
        if self.failure is None:
            self.failure = failure
            self.complete = self.done = False

"""A stream of Gemini's dialect on its way to a caller of the same: forwarded, and watched."""

from typing import Final

from msgspec import DecodeError

from ...core.terms import Failure, Usage
from ..fault import read_in_band
from ..neutral import Finish
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
    decode,
    fault_in,
    may_be_empty,
    odd_fault,
    size_of,
    value_of,
)
from .usage import read_usage

MAX_CANDIDATES: Final = 128
"""More only a broken server can mean."""

_FRAME_BYTES: Final = len(b"data: \n\n")


class GeminiPassage:
    """Implements `Passage`.

    Nothing but `data: ` lines and blank lines is forwarded: Google's SDK takes any other line for
    JSON. There is no terminator; a stream is whole when every candidate that was seen has its
    finish reason and content came. Fails as `Reader` does.

    Args:
        array: The caller wants one JSON array instead of events.
    """

    __slots__ = (
        "_array",
        "_done",
        "_finishes",
        "_open",
        "_separator",
        "_splitter",
        "complete",
        "content_bytes",
        "failure",
        "progress",
        "started",
        "usage",
    )

    def __init__(self, *, array: bool) -> None:
        self._splitter = Splitter()
        self._array = array
        self._separator = b"["
        self._open: set[int] = set()
        self._finishes: dict[int, Finish] = {}
        self._done = False
        self.started = False
        self.complete = False
        self.failure: Failure | None = None
        self.usage: Usage | None = None
        self.progress = 0
        self.content_bytes = 0

    def feed(self, data: bytes) -> bytes:
        """Take bytes from the provider; return the bytes of complete events to forward."""
        if self.failure is not None or self._done:
            return b""
        events = self._splitter.feed(data)
        if len(events) == 1 and not self._splitter.too_large:
            return self._take(events[0])
        forward: list[bytes] = []
        for event in events:
            forward.append(self._take(event))
            if self.failure is not None:
                return b"".join(forward)
        if self._splitter.too_large:
            self._fail(MALFORMED)
        return b"".join(forward)

    def end(self) -> bytes:
        """The provider ended the body; return the last event, and what closes an array."""
        if self.failure is not None or self._done:
            return b""
        last = b""
        event = self._splitter.rest()
        # Some servers omit the last blank line; an event that was cut off is no JSON.
        if event is not None and value_of(mended(event.payload)) is not None:
            last = self._take(event)
        if self.failure is None:
            self._finish()
        return last + b"]" if self._array and self._done else last

    def _take(self, event: Event) -> bytes:
        """Judge one event; return the bytes to forward."""
        try:
            answer = decode(event.payload)
        except (DecodeError, UnicodeDecodeError, RecursionError):
            whole = mended(event.payload)
            if whole != event.payload:
                return self._take(Event(b"data: " + whole + b"\n\n", whole, event.name))
            self._fail(odd_fault(event.payload, named=event.name == b"error"))
            return b""
        fault = fault_in(answer, event.payload)
        if fault is None and event.name == b"error":
            fault = read_in_band(KIND, event.payload)
        if fault is not None:
            self._fail(fault)
            return b""
        return self._judge(answer, event)

    def _judge(self, answer: Answer, event: Event) -> bytes:
        counts = answer.usage_metadata
        if counts is not None:
            self.usage = read_usage(counts) or self.usage
        if answer.candidates:
            for candidate in answer.candidates:
                self._see(candidate)
            if self.failure is not None:
                return b""
        return self._written(event)

    def _written(self, event: Event) -> bytes:
        raw, payload = event.raw, event.payload
        if not self._array and len(raw) == len(payload) + _FRAME_BYTES and raw[:6] == b"data: ":
            return raw
        if b"\n" in payload:  # between fields: inside strings it is escaped
            payload = payload.replace(b"\n", b" ")
        if not self._array:
            return b"data: %b\n\n" % payload
        separator, self._separator = self._separator, b",\r\n"
        return separator + payload

    def _see(self, candidate: Candidate) -> None:
        """Note the content and the finish of one candidate's piece."""
        index = candidate.index or 0
        finish = candidate.finish_reason
        content = candidate.content
        size = 0
        if content is not None and content.parts:
            for part in content.parts:
                size += size_of(part)
        if size:
            self.started = True
            self.content_bytes += size
        if size or finish:
            self.progress += 1
        if finish:
            self._see_finish(index, finish)
        elif index not in self._open and index not in self._finishes:
            self._open.add(index)
            self.complete = False
            self._count_candidates()

    def _see_finish(self, index: int, finish: str) -> None:
        failure = FAILED_FINISHES.get(finish)
        if failure is not None:
            self._fail(failure)
            return
        self._open.discard(index)
        self._finishes[index] = FINISHES.get(finish, Finish.STOP)
        self._count_candidates()
        self.complete = not self._open and self.failure is None

    def _count_candidates(self) -> None:
        if len(self._open) + len(self._finishes) > MAX_CANDIDATES:
            self._fail(MALFORMED)

    def _finish(self) -> None:
        """Judge the whole at its end."""
        if not self.complete:
            self._fail(TRUNCATED)
        elif self.started or may_be_empty(self._finishes.values(), self.usage):
            self._done = True
        else:
            self._fail(EMPTY)

    def _fail(self, failure: Failure) -> None:
        if self.failure is None:
            self.failure = failure
            self.complete = False

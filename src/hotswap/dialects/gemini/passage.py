"""A stream of Gemini's dialect on its way to a caller of the same: forwarded, and watched."""

from typing import Final

from msgspec import DecodeError, Struct
from typing_extensions import override

from ..api import Begun, Envelope
from ..fault import read_in_band
from ..neutral import Finish
from ..openai.content import ABSENT
from ..sse import Event
from ..surrogates import mended
from ..unsound import EMPTY, MALFORMED, TRUNCATED
from ..watching import WatchedPassage
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
    size_of,
)
from .begun import FINISHED, SEVERAL, bar_beside, bar_in_part, same_names
from .usage import read_usage
from .writer import GeminiWriter

MAX_CANDIDATES: Final = 128
"""More only a broken server can mean."""

_FRAME_BYTES: Final = len(b"data: \n\n")
_OPENING: Final = b"["
_BETWEEN: Final = b",\r\n"


class _Mark(Struct, frozen=True, gc=False):
    """What the caller had when the first event was kept back."""

    texts: int
    bar: str
    separator: bytes


class GeminiPassage(WatchedPassage):
    """Implements `Passage`.

    Nothing but `data: ` lines and blank lines is forwarded: Google's SDK takes any other line for
    JSON. There is no terminator; a stream is whole when every candidate that was seen has its
    finish reason and content came. Fails as `Reader` does.

    An event that holds a call is kept back as a whole, with any text in it, and so is all that
    follows, until every candidate has its finish reason.

    Args:
        array: The caller wants one JSON array instead of events.
        hold_calls: Calls arrive whole or not at all.
    """

    __slots__ = (
        "_array",
        "_bar",
        "_finishes",
        "_mark",
        "_named",
        "_names",
        "_open",
        "_separator",
        "_texts",
    )

    def __init__(self, *, array: bool, hold_calls: bool = True) -> None:
        super().__init__(hold_calls=hold_calls)
        self._array = array
        self._separator = _OPENING
        self._mark: _Mark | None = None
        self._texts: list[str] = []
        self._bar = ""
        self._names = b"{}"
        self._named = False
        self._open: set[int] = set()
        self._finishes: dict[int, Finish] = {}

    def end(self) -> bytes:
        """The provider ended the body; return the last event, and what closes an array."""
        if self.failure is not None or self._ended:
            return b""
        last, event = b"", self._last()
        if event is not None:
            last = self._take(event)
        if self.failure is None:
            self._finish()
        return last + b"]" if self._array and self._ended else last

    def begun(self, envelope: Envelope) -> Begun:
        """Say what all that was returned amounts to, after a failure. Called once, and last.

        Args:
            envelope: Stands in for what the stream has not said of itself.
        """
        had = self._mark or _Mark(len(self._texts), self._bar, self._separator)
        writer = GeminiWriter(
            same_names(envelope, self._names, array=self._array),
            begun=had.separator != _OPENING,
        )
        bar = had.bar
        if not bar and self._finishes and self._mark is None:
            bar = FINISHED
        return Begun("".join(self._texts[: had.texts]), writer, bar)

    @override
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
        texts, bar = len(self._texts), self._bar
        if answer.candidates:
            for candidate in answer.candidates:
                self._see(candidate)
            if self.failure is not None:
                del self._texts[texts:]
                self._bar = bar
                return b""
        if not self._named:
            self._names = event.payload
            self._named = bool(answer.response_id)
        if self.holding:
            return self._kept(event, texts, bar)
        self.shown = self.started
        return self._written(event)

    def _kept(self, event: Event, texts: int, bar: str) -> bytes:
        """Keep an event back, or release all of them; texts and bar are as before the event."""
        if self._mark is None:
            self._mark = _Mark(texts, bar, self._separator)
        forward = self._hold.keep(self._written(event))
        if self.complete:
            forward += self._hold.release()
        if not self._hold.on:
            self.holding = False
            self._mark = None
            self.shown = self.started
        return forward

    def _written(self, event: Event) -> bytes:
        raw, payload = event.raw, event.payload
        if not self._array and len(raw) == len(payload) + _FRAME_BYTES and raw[:6] == b"data: ":
            return raw
        if b"\n" in payload:  # between fields: inside strings it is escaped
            payload = payload.replace(b"\n", b" ")
        if not self._array:
            return b"data: %b\n\n" % payload
        separator, self._separator = self._separator, _BETWEEN
        return separator + payload

    def _see(self, candidate: Candidate) -> None:
        """Note the content and the finish of one candidate's piece."""
        index = candidate.index or 0
        finish = candidate.finish_reason
        content = candidate.content
        size = 0
        if content is not None and content.parts:
            for part in content.parts:
                text = part.text
                if text:
                    size += len(text.encode())
                    if not part.thought and not index:
                        self._texts.append(text)
                else:
                    size += self._see_other(part)
        if size:
            self.started = True
            self.content_bytes += size
        if size or finish:
            self.progress += 1
        if (
            candidate.grounding_metadata is not ABSENT
            or candidate.citation_metadata is not ABSENT
            or candidate.logprobs_result is not ABSENT
        ):
            self._bar = self._bar or bar_beside(candidate)
        if finish:
            self._see_finish(index, finish)
        elif index not in self._open and index not in self._finishes:
            self._open.add(index)
            self.complete = False
            self._count_candidates(index)

    def _see_other(self, part: Part) -> int:
        """Note a part that is no text; return its size."""
        size = size_of(part)
        if size:
            self._bar = self._bar or bar_in_part(part)
            if part.function_call is not None:
                self._hold.begin()
                self.holding = self._hold.on
        return size

    def _see_finish(self, index: int, finish: str) -> None:
        failure = FAILED_FINISHES.get(finish)
        if failure is not None:
            self._fail(failure)
            return
        self._open.discard(index)
        self._finishes[index] = FINISHES.get(finish, Finish.STOP)
        self._count_candidates(index)
        self.complete = not self._open and self.failure is None

    def _count_candidates(self, index: int) -> None:
        if index:
            self._bar = self._bar or SEVERAL
        if len(self._open) + len(self._finishes) > MAX_CANDIDATES:
            self._fail(MALFORMED)

    def _finish(self) -> None:
        """Judge the whole at its end."""
        if not self.complete:
            self._fail(TRUNCATED)
        elif self.started or may_be_empty(self._finishes.values(), self.usage):
            self._ended = True
        else:
            self._fail(EMPTY)

"""What passages and readers of every dialect share: they take a provider's events one by one.

Nothing that follows a failure is taken, nor anything after a stream's own end.
"""

from abc import ABC, abstractmethod
from typing import ClassVar, Final

from msgspec import DecodeError
from msgspec.json import Decoder

from ..core.terms import Failure, Usage
from .fault import read_in_band
from .holding import Hold
from .neutral import Piece
from .sse import Event, Splitter
from .surrogates import mended
from .unsound import MALFORMED, TRUNCATED

_DONE: Final = b"[DONE]"

_decode: Final = Decoder(object).decode


def is_json(payload: bytes) -> bool:
    """Say whether an event whose end was not seen is whole otherwise."""
    try:
        _decode(payload)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


class Watched:
    """The state of a provider's stream: implements `api.Stream`."""

    __slots__ = (
        "_ended",
        "_splitter",
        "complete",
        "content_bytes",
        "failure",
        "progress",
        "started",
        "usage",
    )

    kind: ClassVar[str] = ""
    """Of the providers whose errors in a stream have a form of their own; empty: they have none."""

    def __init__(self) -> None:
        self._splitter = Splitter()
        self._ended = False
        """The stream's own end was seen."""
        self.started: bool = False
        self.complete: bool = False
        self.failure: Failure | None = None
        self.usage: Usage | None = None
        self.progress: int = 0
        self.content_bytes: int = 0

    def _last(self) -> Event | None:
        """Take an event whose blank line is missing, if it is whole: some servers omit that one."""
        event = self._splitter.rest()
        return event if event is not None and is_json(mended(event.payload)) else None

    def _fail(self, failure: Failure) -> None:
        """Take note of what is wrong; the first fault counts."""
        if self.failure is None:
            self.failure = failure
            self.complete = False


class WatchedPassage(Watched, ABC):
    """A stream on its way to a caller of the same dialect; see `api.Passage`."""

    __slots__ = ("_hold", "holding", "shown")

    def __init__(self, *, hold_calls: bool) -> None:
        super().__init__()
        self._hold = Hold(wanted=hold_calls)
        self.shown: bool = False
        self.holding: bool = False

    def feed(self, data: bytes) -> bytes:
        """Take bytes from the provider; return the bytes of complete events to forward."""
        if self.failure is not None or self._ended:
            return b""
        events = self._splitter.feed(data)
        if len(events) == 1 and not self._splitter.too_large:
            return self._take(events[0])
        forward: list[bytes] = []
        for event in events:
            forward.append(self._take(event))
            if self.failure is not None or self._ended:
                return b"".join(forward)
        if self._splitter.too_large:
            self._fail(MALFORMED)
        return b"".join(forward)

    @abstractmethod
    def _take(self, event: Event) -> bytes:
        """Judge one event; return the bytes to forward."""

    def _take_odd(self, event: Event) -> bytes:
        """Judge an event that is none: a terminator, half a surrogate pair, or garbage."""
        if event.payload.strip() == _DONE:
            return self._take_done()
        if event.name == b"error":
            self._fail(read_in_band(self.kind, event.payload))
            return b""
        whole = mended(event.payload)
        if whole != event.payload:
            return self._take(Event(event.raw, whole, event.name))
        self._fail(MALFORMED)
        return b""

    def _take_done(self) -> bytes:
        """Judge the whole at `[DONE]`; return what is forwarded. A dialect may not know it."""
        self._fail(TRUNCATED)
        return b""


class WatchedReader(Watched, ABC):
    """A stream that is turned into pieces; see `api.Reader`."""

    __slots__ = ()

    @property
    def done(self) -> bool:
        """As in `api.Reader`."""
        return self._ended

    def feed(self, data: bytes) -> list[Piece]:
        """Take bytes from the provider; return the pieces of complete events."""
        pieces: list[Piece] = []
        if self.failure is not None or self._ended:
            return pieces
        for event in self._splitter.feed(data):
            self._take(event, pieces)
            if self.failure is not None or self._ended:
                return pieces
        if self._splitter.too_large:
            self._fail(MALFORMED)
        return pieces

    @abstractmethod
    def _take(self, event: Event, pieces: list[Piece]) -> None:
        """Read one event into `pieces`."""

    def _take_odd(self, event: Event, pieces: list[Piece]) -> None:
        """Judge an event that is none: a terminator, half a surrogate pair, or garbage."""
        whole = mended(event.payload)
        if event.payload.strip() == _DONE:
            self._take_done()
        elif event.name == b"error":
            self._fail(read_in_band(self.kind, event.payload))
        elif whole != event.payload:
            self._take(Event(event.raw, whole, event.name), pieces)
        else:
            self._fail(MALFORMED)

    def _take_done(self) -> None:
        """Judge the whole at `[DONE]`. A dialect may not know it."""
        self._fail(TRUNCATED)

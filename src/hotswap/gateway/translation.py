"""A provider's stream, read in one dialect and written in another, or taken up in the middle."""

from collections.abc import Sequence
from io import StringIO
from math import ceil

from ..core.splice import BYTES_PER_TOKEN
from ..core.terms import Failure, Usage
from ..dialects.api import Begun, Envelope, Reader, Writer
from ..dialects.fault import after_translation
from ..dialects.holding import HELD_MAX
from ..dialects.neutral import (
    ArgumentsPiece,
    CallPiece,
    FinishPiece,
    Piece,
    RefusalPiece,
    TextPiece,
    ThinkingPiece,
)
from ..dialects.stopping import StopCutter, first_call_only
from .joint import Joint


class Translation:
    """Implements `Passage`: pieces from a reader to a writer.

    Between them stands what the target could not be told: one call at most, stop sequences; then
    the joint where the answer was begun by another target; and the hold on calls.
    """

    __slots__ = (
        "_cutter",
        "_hold_calls",
        "_kept",
        "_kept_size",
        "_one_call",
        "_prompt_tokens",
        "_reader",
        "_said",
        "_writer",
        "bar",
        "complete",
        "content_bytes",
        "cut",
        "failure",
        "holding",
        "joint",
        "over",
        "progress",
        "shown",
        "started",
        "usage",
    )

    def __init__(
        self,
        reader: Reader,
        writer: Writer,
        *,
        cutter: StopCutter | None,
        prompt_tokens: int,
        one_call: bool,
        hold_calls: bool,
        joint: Joint | None = None,
    ) -> None:
        """Begin.

        Args:
            reader: Of the provider's dialect.
            writer: Of the caller's.
            cutter: Ends the text where the provider does not; None: it does.
            prompt_tokens: Estimate, for the usage of a stream that is cut.
            one_call: The caller wants at most one tool call; not every provider can be told.
            hold_calls: Calls wait until the answer is whole.
            joint: The answer was begun by another target; None: it begins here.
        """
        self._reader = reader
        self._writer = writer
        self._cutter = cutter
        self._prompt_tokens = prompt_tokens
        self._one_call = one_call
        self._hold_calls = hold_calls
        self._kept: list[Piece] = []
        self._kept_size = 0
        self._said = StringIO()
        self.joint = joint
        self.bar = ""
        self.over = False
        """The caller's stream has its end."""
        self.cut = False
        """It ended at a stop sequence, and what the provider still sends is of no use."""
        self.shown = self.holding = False
        self.started = self.complete = False
        self.failure: Failure | None = None
        self.usage: Usage | None = None
        self.progress = self.content_bytes = 0

    def feed(self, data: bytes) -> bytes:
        """Take bytes from the provider; return what the caller gets."""
        if self.over or self.failure is not None:
            return b""
        reader = self._reader
        out = self._take(reader.feed(data))
        if self.failure is not None and self.joint is not None:
            return out + self._end_if_silent(self.joint)
        if reader.done and self.failure is None and not self.over:
            out += self.end()
        return out

    def end(self) -> bytes:
        """The provider ended the body, or said that it will; return the end of the stream."""
        if self.over or self.failure is not None:
            return b""
        out = self._take(self._reader.end())
        if self.failure is not None and self.joint is not None:
            return out + self._end_if_silent(self.joint)
        if self.failure is None and not self.over:
            self.over = True
            out += self._writer.end(self._told())
        return out

    def _end_if_silent(self, joint: Joint) -> bytes:
        """End well, where a target that says nothing means that nothing is missing."""
        if not joint.ends(self.failure):
            return b""
        self.failure = None
        self.over = self.complete = self.shown = True
        return self._writer.end(self._told())

    def settle(self) -> bytes:
        """The time for comparing words at the joint is up; return what the caller gets."""
        joint = self.joint
        if joint is None or self.over or self.failure is not None:
            return b""
        return self._pass(joint.settle())

    def begun(self, envelope: Envelope) -> Begun:  # noqa: ARG002 - the writer has one
        """Say what all that was returned amounts to, after a failure."""
        said = self._said.getvalue()
        before = "" if self.joint is None else self.joint.before
        return Begun(before + said, self._writer, self.bar, closed=self._reader.closed)

    def _take(self, pieces: Sequence[Piece]) -> bytes:
        reader = self._reader
        self.started, self.complete = reader.started, reader.complete
        self.progress, self.content_bytes = reader.progress, reader.content_bytes
        self.usage = reader.usage
        if reader.failure is not None:
            self._fail(after_translation(reader.failure))
        if self.joint is not None and pieces:
            pieces = self.joint.join(pieces)
            if self.joint.failure is not None:
                self._fail(self.joint.failure)
                return b""
        return self._pass(pieces) if pieces else b""

    def _pass(self, pieces: Sequence[Piece]) -> bytes:
        """Let pieces through to the writer, but for what has to wait or to be left out."""
        if self._one_call:
            pieces = first_call_only(pieces)
        cutter = self._cutter
        if cutter is not None:
            pieces = cutter.feed(pieces)
        if self._hold_calls:
            pieces = self._without_calls(pieces)
        if not pieces:
            return b""
        out = self._say(pieces)
        return out + self._end_at_stop() if cutter is not None and cutter.stopped else out

    def _without_calls(self, pieces: Sequence[Piece]) -> Sequence[Piece]:
        """Keep back what comes from the first call on, until the answer is whole."""
        if self.holding:
            at = 0
        else:
            at = next((n for n, one in enumerate(pieces) if isinstance(one, CallPiece)), -1)
            if at < 0:
                return pieces
            self.holding = True
        self._kept += pieces[at:]
        self._kept_size += sum(
            len(one.text) for one in pieces[at:] if isinstance(one, ArgumentsPiece | TextPiece)
        )
        whole = bool(self._kept) and isinstance(self._kept[-1], FinishPiece)
        if not whole and self._kept_size <= HELD_MAX:
            return pieces[:at]
        self.holding = False
        self._hold_calls = False
        return [*pieces[:at], *self._kept]

    def _say(self, pieces: Sequence[Piece]) -> bytes:
        for piece in pieces:
            if type(piece) is TextPiece:
                self._said.write(piece.text)
                self.shown = True
            elif isinstance(piece, CallPiece):
                self.bar = "tool_calls"
                self.shown = True
            elif isinstance(piece, RefusalPiece):
                self.bar = "refusal"
                self.shown = True
            elif isinstance(piece, ThinkingPiece):
                self.shown = True
        return self._writer.write(pieces)

    def _end_at_stop(self) -> bytes:
        self.over = self.cut = self.complete = True
        self.failure = None
        if self.usage is None:
            self.usage = Usage(
                self._prompt_tokens, ceil(self.content_bytes / BYTES_PER_TOKEN), estimated=True
            )
        return self._writer.end(self._told())

    def _told(self) -> Usage | None:
        """Return the usage that the caller is told: of the whole answer, its prompt once."""
        return self.usage if self.joint is None else self.joint.told(self.usage)

    def _fail(self, failure: Failure) -> None:
        self.failure = failure
        self.complete = False

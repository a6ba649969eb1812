"""Where one target's words end and another's begin, in the same answer."""

from collections.abc import Sequence
from typing import Final

from ..core.seam import Seam
from ..core.splice import BYTES_PER_TOKEN, tokens_in
from ..core.terms import Cause, Failure, Usage
from ..dialects.neutral import (
    Finish,
    FinishPiece,
    Piece,
    RefusalPiece,
    SignaturePiece,
    TextPiece,
    ThinkingPiece,
)
from ..dialects.unsound import EMPTY

DIVERGED: Final = Failure(Cause.CAPABILITY, "began_anew", 200)
"""The target began the answer anew, and it became another one."""
DECLINED: Final = Failure(Cause.CAPABILITY, "declined_to_go_on", 200)


class Joint:
    """Joins what a target says to what the caller has already.

    Words pass once they are known to be new. Reasoning is never carried over the seam, and never
    begun after words.
    """

    __slots__ = (
        "_fed",
        "_limit",
        "_may_end",
        "_prompt_tokens",
        "_seam",
        "_spoke",
        "before",
        "failure",
    )

    def __init__(
        self,
        before: str,
        *,
        native: bool,
        prompt_tokens: int,
        settle_tokens: int,
        may_end: bool,
    ) -> None:
        """Begin.

        Args:
            before: The words that the caller has.
            native: The target continues them as its own; otherwise it was asked to go on.
            prompt_tokens: Of the caller's prompt, for the usage that it is told.
            settle_tokens: As in `Streaming`.
            may_end: The answer is whole if the target has nothing to add.
        """
        self.before = before
        self._seam = Seam(before, native=native) if before else None
        self._prompt_tokens = prompt_tokens
        self._limit = round(settle_tokens * BYTES_PER_TOKEN)
        self._may_end = may_end
        self._fed = 0
        self._spoke = False
        """More than whitespace was added."""
        self.failure: Failure | None = None

    @property
    def pending(self) -> bool:
        """Words came, and it is not known yet which of them are new."""
        return self._fed > 0 and self._seam is not None and not self._seam.settled

    @property
    def restarted(self) -> bool:
        """The target repeated the answer from its beginning."""
        return self._seam is not None and self._seam.restarted

    def join(self, pieces: Sequence[Piece]) -> Sequence[Piece]:
        """Return what follows the caller's words."""
        seam = self._seam
        if seam is None:
            return pieces
        joined: list[Piece] = []
        for piece in pieces:
            match piece:
                case TextPiece(text=text):
                    self._add(text if seam.settled else self._compare(seam, text), joined)
                case ThinkingPiece() | SignaturePiece():
                    pass
                case _:
                    if isinstance(piece, RefusalPiece) and not seam.settled:
                        self.failure = DECLINED
                        return ()
                    if not seam.settled:
                        self._add(seam.end(), joined)
                    if not isinstance(piece, FinishPiece):
                        self._spoke = True
                    elif self._is_silent(seam, piece):
                        self.failure = EMPTY
                        return ()
                    joined.append(piece)
            if seam.lost:
                self.failure = DIVERGED
                return ()
        return joined

    def settle(self) -> Sequence[Piece]:
        """Decide with what is there; nothing comes of what is known to be a repetition."""
        joined: list[Piece] = []
        if self._seam is not None and not self._seam.settled:
            self._add(self._seam.flush(), joined)
        return joined

    def ends(self, failure: Failure | None) -> bool:
        """Say whether an empty continuation means that the answer was whole already."""
        return self._may_end and failure is not None and failure.detail == EMPTY.detail

    def told(self, usage: Usage | None) -> Usage:
        """Return the usage of the whole answer: the prompt once, and all words."""
        said = usage.output_tokens if usage is not None else 0
        dropped = self._seam.dropped if self._seam is not None else 0
        added = max(said - round(dropped / BYTES_PER_TOKEN), 0)
        return Usage(self._prompt_tokens, tokens_in(self.before) + added, estimated=True)

    def _compare(self, seam: Seam, text: str) -> str:
        self._fed += len(text)
        new = seam.feed(text)
        if not seam.settled and not seam.lost and self._fed > self._limit:
            new += seam.flush()
        return new

    def _is_silent(self, seam: Seam, end: FinishPiece) -> bool:
        """Say whether the target ended without a word, and not because something stopped it.

        Thoughts, whitespace or an announcement alone are no word.
        """
        stopped = bool(end.stop) or end.finish is Finish.CONTENT_FILTER
        return not (self._spoke or seam.echoed or seam.lost or stopped)

    def _add(self, text: str, joined: list[Piece]) -> None:
        if text:
            joined.append(TextPiece(text))
            self._spoke = self._spoke or not text.isspace()

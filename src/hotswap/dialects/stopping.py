"""Ends answers where the caller asked for it, for targets that cannot do so themselves.

Between two dialects every piece of an answer is seen. So the text is cut at a stop sequence that
the target does not take, and calls after the first are left out where the target has no switch for
parallel ones. Reasoning is left alone: stop sequences speak of the answer.
"""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from .neutral import (
    ArgumentsPiece,
    Call,
    CallPiece,
    Finish,
    FinishPiece,
    Piece,
    Refusal,
    Reply,
    Text,
    TextPiece,
    Thinking,
)


class StopCutter:
    """Cuts the text of a stream before the first stop sequence.

    The sequence that is complete first counts, and of those that end together the longest: the
    result is the same for any way in which the text was cut into pieces. What may still become a
    sequence is held back, at most one character less than the longest. Every piece that is not
    text ends a run of text: what was held back comes out before it.

    Args:
        stops: The sequences.
        before: What the caller has of the answer already, from elsewhere. A sequence may begin in
            it; its end is cut off then, and only what was delivered of it stays.
    """

    __slots__ = ("_before", "_held", "_most", "_stops", "stopped")

    def __init__(self, stops: Sequence[str], *, before: str = "") -> None:
        self._stops = _sound(stops)
        self._most = max(map(len, self._stops), default=1) - 1
        self._before = before[-self._most :] if self._most else ""
        """What may be the beginning of a sequence, and cannot be taken back."""
        self._held = ""
        self.stopped = False
        """The text reached a stop sequence: its `FinishPiece` was given, nothing follows."""

    def feed(self, pieces: Sequence[Piece]) -> Sequence[Piece]:
        """Return what the caller gets of `pieces`, and of the text held back before."""
        if self.stopped:
            return ()
        out: list[Piece] = []
        for piece in pieces:
            if not isinstance(piece, TextPiece):
                if self._held:
                    out.append(TextPiece(self._held))
                    self._held = ""
                self._before = ""
                out.append(piece)
                continue
            seen = len(self._before)
            text = self._before + self._held + piece.text
            cut = _first(text, self._stops, seen)
            if cut is not None:
                self.stopped = True
                if cut.at > seen:
                    out.append(TextPiece(text[seen : cut.at]))
                out.append(FinishPiece(Finish.STOP, cut.stop))
                break
            sure = len(text) - self._begun(text)
            if sure > seen:
                out.append(TextPiece(text[seen:sure]))
                self._before, seen = "", sure
            self._held = text[seen:]
        return out

    def _begun(self, text: str) -> int:
        """Return how many of the last characters may begin a stop sequence."""
        end = text[-self._most :] if self._most else ""
        size = len(end)
        begins = size
        for stop in self._stops:
            at = end.find(stop[0])
            while 0 <= at < begins:
                if stop.startswith(end[at:]):
                    begins = at
                    break
                at = end.find(stop[0], at + 1)
        return size - begins


def cut_reply(reply: Reply, stops: Sequence[str]) -> Reply:
    """Return `reply` up to the first stop sequence of its text; as it is where there is none."""
    stops = _sound(stops)
    parts = _joined(reply.parts)
    for number, part in enumerate(parts):
        cut = _first(part.text, stops) if isinstance(part, Text) else None
        if cut is not None:
            last = [Text(part.text[: cut.at])] if isinstance(part, Text) and cut.at else []
            kept = [*parts[:number], *last]
            return replace(reply, parts=kept, finish=Finish.STOP, stop=cut.stop)
    return reply


def first_call_only(pieces: Sequence[Piece]) -> Sequence[Piece]:
    """Leave calls after the first out of a stream, for callers who take one at a time."""
    return [
        piece
        for piece in pieces
        if not (isinstance(piece, CallPiece | ArgumentsPiece) and piece.index)
    ]


def first_call_of(reply: Reply) -> Reply:
    """Leave calls after the first out of a whole answer, for callers who take one at a time."""
    calls = [part for part in reply.parts if isinstance(part, Call)]
    if len(calls) < 2:
        return reply
    first = calls[0]
    kept = [part for part in reply.parts if part is first or not isinstance(part, Call)]
    return replace(reply, parts=kept)


class _Cut(Struct, frozen=True, gc=False):
    at: int
    stop: str


def _sound(stops: Sequence[str]) -> tuple[str, ...]:
    """Leave out what would stop every answer before it begins."""
    return tuple([stop for stop in stops if stop])


def _first(text: str, stops: tuple[str, ...], seen: int = 0) -> _Cut | None:
    """Find the stop sequence that ends first behind `seen`; of those that do, the longest."""
    found: _Cut | None = None
    first_end = len(text) + 1
    for stop in stops:
        at = text.find(stop, max(seen - len(stop) + 1, 0))
        if at < 0:
            continue
        end = at + len(stop)
        if end < first_end or (end == first_end and found is not None and at < found.at):
            found, first_end = _Cut(at, stop), end
    return found


def _joined(
    parts: Sequence[Text | Thinking | Refusal | Call],
) -> Sequence[Text | Thinking | Refusal | Call]:
    """Make neighbouring texts one, as they are in a stream."""
    joined: list[Text | Thinking | Refusal | Call] = []
    for part in parts:
        last = joined[-1] if joined else None
        if isinstance(part, Text) and isinstance(last, Text):
            joined[-1] = Text(last.text + part.text)
        else:
            joined.append(part)
    return joined

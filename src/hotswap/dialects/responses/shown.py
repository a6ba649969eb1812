"""What a caller has of a stream: kept as it came, and understood only if it broke off."""

from io import StringIO
from typing import Final

from msgspec import Struct

_NO_RUN: Final = "-"
"""No event is of this type."""


class Frame(Struct, frozen=True, gc=False):
    """An event that stands around words, or the first one of a run of deltas."""

    kind: str
    payload: bytes
    at: int
    """How many characters of all deltas came before it."""


class Mark(Struct, frozen=True, gc=False):
    """How far something had come."""

    frames: int
    words: int
    number: int


class Shown:
    """What came of an answer, event by event.

    Runs of deltas that belong together are told apart by their kind and their item, so that a
    delta costs one comparison and one write.
    """

    __slots__ = ("_frames", "_mark", "begun", "index", "kind", "number", "words")

    def __init__(self) -> None:
        self._frames: list[Frame] = []
        self._mark: Mark | None = None
        self.begun = b""
        """The first event with the response."""
        self.words = StringIO()
        """All deltas, whatever their kind."""
        self.kind = _NO_RUN
        """The type that the deltas of the run give themselves."""
        self.index: int | None = None
        """Of the item that the run belongs to."""
        self.number = -1
        """The highest sequence number."""

    def turn(self, kind: str, index: int | None, name: str, payload: bytes) -> None:
        """A run of deltas begins with this event.

        Args:
            kind: The type that the event gives itself.
            index: Of its item.
            name: Its type, or what stands for one.
            payload: All of it.
        """
        self.note(name, payload)
        self.kind = kind
        self.index = index

    def note(self, kind: str, payload: bytes) -> None:
        """Remember an event that stands around the words."""
        self._frames.append(Frame(kind, payload, self.words.tell()))
        self.kind = _NO_RUN

    def count(self, number: object) -> None:
        """Remember an event's sequence number, if it is one."""
        if type(number) is int and number > self.number:
            self.number = number

    def mark(self) -> None:
        """What comes from now on is kept back."""
        self._mark = Mark(len(self._frames), self.words.tell(), self.number)

    def unmark(self) -> None:
        """What was kept back went out."""
        self._mark = None

    def given(self) -> tuple[list[Frame], str, int]:
        """Return what went out: the frames, the words of all deltas, the last sequence number."""
        mark = self._mark
        if mark is None:
            return self._frames, self.words.getvalue(), self.number
        return self._frames[: mark.frames], self.words.getvalue()[: mark.words], mark.number

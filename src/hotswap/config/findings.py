"""Collects what is wrong with a file, each thing once and at its place."""

import difflib
from collections.abc import Callable, Iterable

from .expand import mask
from .nodes import Document, Path, Place
from .outcome import Mistake


def suggest(word: str, known: Iterable[str]) -> str:
    """Return a hint that names the closest known word; empty when none is close."""
    close = difflib.get_close_matches(word, sorted(known), n=1)
    return f'did you mean "{close[0]}"?' if close else ""


def join(words: Iterable[str], last: str = "and") -> str:
    """Join words as a sentence does: `a, b and c`."""
    *head, tail = words
    return f"{', '.join(head)} {last} {tail}" if head else tail


def show(path: Path) -> str:
    """Write a path as `chains[0].models[1].provider`: chains are spoken of by themselves."""
    if path[:2] == ("fallback", "chains"):
        path = path[1:]
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


class Findings:
    """Mistakes and warnings of one file.

    A value holds one mistake at most: what follows from a mistake is not told as a second one.
    Paths are those of the file, which `origin` finds for what is left of it after mistakes.
    """

    def __init__(self, file: str, document: Document) -> None:
        self._file = file
        self._document = document
        self._found: dict[tuple[Path, bool], Mistake] = {}
        self.warnings: list[str] = []
        self.origin: Callable[[Path], Path] = lambda path: path

    @property
    def mistakes(self) -> tuple[Mistake, ...]:
        """All mistakes, in the order of the file."""
        return tuple(sorted(self._found.values(), key=lambda one: (one.line, one.column)))

    def mistake(self, path: Path, problem: str, hint: str = "", *, at_key: bool = False) -> None:
        """Note a mistake at the value of `path`, or at its key, or at what surrounds both."""
        path = self.origin(path)
        self._note(path, self._place(path, at_key=at_key), problem, hint, at_key=at_key)

    def flaws(self) -> None:
        """Note what was already found while reading."""
        for flaw in self._document.flaws:
            self._note(flaw.path, flaw.place, flaw.problem, flaw.hint, at_key=flaw.at_key)

    def quote(self, path: Path, value: str) -> str:
        """Return a value for a message: as written if it came from outside the file."""
        written = self._document.masks.get(self.origin(path))
        return f'"{value if written is None else mask(written)}"'

    def _note(self, path: Path, place: Place, problem: str, hint: str, *, at_key: bool) -> None:
        mistake = Mistake(self._file, place.line, place.column, show(path), problem, hint)
        self._found.setdefault((path, at_key), mistake)

    def _place(self, path: Path, *, at_key: bool) -> Place:
        tables = [self._document.values]
        if at_key:
            tables.insert(0, self._document.keys)
        for depth in range(len(path), -1, -1):
            for places in tables:
                place = places.get(path[:depth])
                if place is not None:
                    return place
        return Place(1, 1)

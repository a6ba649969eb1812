"""Finds what a continuation repeats of the text that it should go on with."""

from enum import IntEnum
from typing import Final

from msgspec import Struct

from .doubled import is_doubled, may_be_doubled

OVERLAP: Final = 12
"""Characters that a continuation repeats at least, unless it repeats the whole text."""
CERTAIN: Final = 40
"""Characters after which a repeat is no coincidence any more."""
LOOK_BACK: Final = 400
"""A repeat from farther back is a restart."""
HINT: Final = 3
"""Characters at a beginning that make a reading worth waiting for when time is up."""
UNDECIDED: Final = -1

_VARIED: Final = 4
"""Different characters in what counts as a repeat: rules and empty rows of tables have fewer."""
_SHORT_LEAST: Final = 20
_MOST_OF_IT: Final = 0.6
"""Of a short text: whoever begins with so much of it, and then differs, is beginning it anew."""
_PLACES_MOST: Final = 64
_NAME_MOST: Final = 4
"""Fewer characters that begin with a capital may begin an abbreviation."""
_LATIN_END: Final = "\u0250"


class Press(IntEnum):
    """How urgent a decision is."""

    NONE = 0
    LATE = 1
    """Time is up: only what has evidence for it is still waited for."""
    FULL = 2
    """As much is held as may be: only what is certain is still waited for."""
    ENDED = 3
    """Nothing more comes."""


class Match(Struct, frozen=True, gc=False):
    """How the held continuation reads from some character on."""

    n: int
    """Characters that repeat the text up to its end; 0: none; `UNDECIDED`: more are needed."""
    place: int = -1
    """Where in the text they begin. With n = 0: from where it agreed, but went another way."""
    certain_from: int = -1
    """Undecided, but from this character on it is a repeat: only where it leads is open."""


NO_MATCH: Final = Match(0)
_WAIT: Final = Match(UNDECIDED)


class Repeats:
    """Looks for the longest repeat of one text; each call may know more of the continuation.

    The text is scanned once, however the continuation is cut into pieces.
    """

    __slots__ = ("_native", "_places", "_scanned", "_text")

    def __init__(self, text: str, *, native: bool) -> None:
        self._text = text
        self._native = native
        self._scanned: dict[int, int] = {}
        self._places: dict[int, tuple[int, ...]] = {}

    def match(self, held: str, start: int, press: Press) -> Match:
        """Read `held` from `start` on, and from the first character after whitespace there."""
        found = self._match_at(held, start, press)
        space = len(held) - start - len(held[start:].lstrip())
        if found.n or found.place >= 0 or not space or len(self._text) < OVERLAP:
            return found
        found = self._match_at(held, start + space, press)
        n = found.n + space if found.n > 0 else found.n
        return Match(n, found.place, start + space if found.certain_from >= 0 else -1)

    def is_restart(self, place: int) -> bool:
        """Say whether a repeat from there on is one of the whole answer, for all we can tell."""
        size = len(self._text)
        return size >= CERTAIN and (place == 0 or size - place > LOOK_BACK)

    def _match_at(self, held: str, start: int, press: Press) -> Match:
        length = len(held) - start
        if not length:
            return NO_MATCH if press >= Press.FULL else _WAIT
        if len(self._text) < OVERLAP:
            return self._match_whole(held[start:], press)
        if length < OVERLAP:
            return self._match_short(held, start, press)
        return self._match_long(held, start, press)

    def _match_whole(self, rest: str, press: Press) -> Match:
        """Compare with a short text, which counts only as a whole."""
        text = self._text
        size = len(text)
        if not rest.startswith(text):
            begun = size > 1 and text.startswith(rest) and _worth_it(rest, press)
            return _WAIT if begun else NO_MATCH
        if " " in text:
            return Match(size, 0)
        if len(rest) == size and press < Press.FULL:
            return _WAIT
        if text.isalpha() and text.islower() and max(text) < _LATIN_END:
            return self._match_letters(rest, press)
        return Match(size, 0) if self._is_begun_again(rest[size : size + 1]) else NO_MATCH

    def _match_letters(self, rest: str, press: Press) -> Match:
        """Compare with letters that are all the caller has: they may begin a word twice."""
        size = len(self._text)
        n = next((i for i, letter in enumerate(rest) if not letter.isalpha()), len(rest))
        word = self._text + rest[:n]
        if n == len(rest) and press < Press.FULL and may_be_doubled(word):
            return _WAIT
        # "le" and "le la": few answers begin with a word such as "lele", and many with "le".
        doubled = (n > size and is_doubled(word, size)) or len(set(self._text)) == 1
        return NO_MATCH if doubled else Match(size, 0)

    def _is_begun_again(self, follows: str) -> bool:
        """Say whether what is no lower-case letters comes twice because the answer begins anew."""
        text = self._text
        if text[0].isupper():
            return len(text) >= _NAME_MOST or not follows.isupper()
        if text.isdigit():
            return follows in {".", ")"} and not self._native
        return len(set(text)) > 1

    def _match_short(self, held: str, start: int, press: Press) -> Match:
        """Say whether more characters could make it a repeat."""
        rest = held[start:]
        if press >= Press.LATE:
            late = len(self._text) - LOOK_BACK
            begun = self._text.startswith(rest) or self._text.find(rest, max(late, 0)) >= 0
            return _WAIT if begun and _worth_it(rest, press) else NO_MATCH
        last = len(self._text) - OVERLAP
        at = self._text.find(rest, self._scanned.get(start, 0), last + len(rest))
        self._scanned[start] = at if at >= 0 else len(self._text)
        return _WAIT if at >= 0 else NO_MATCH

    def _match_long(self, held: str, start: int, press: Press) -> Match:
        """Try the places that agree with the first characters, the longest repeat first."""
        text = self._text
        length = len(held) - start
        astray = -1
        for place in self._places_of(held, start):
            n = len(text) - place
            overlap = held[start : start + n]
            if not text.startswith(overlap, place):
                enough = self._enough(place)
                if length >= enough and text.startswith(held[start : start + enough], place):
                    astray = place if astray < 0 else astray
                continue
            if n <= length:
                if _is_varied(overlap):
                    return Match(n, place)
                continue
            certain = length >= CERTAIN and _is_varied(overlap)
            if press < Press.FULL or (certain and press < Press.ENDED):
                return Match(UNDECIDED, place, start if certain else -1)
            if certain and astray < 0:
                astray = place
        if astray < 0 or (self._native and astray > 0):
            return NO_MATCH
        return Match(0, astray) if _is_varied(held[start : start + CERTAIN]) else NO_MATCH

    def _enough(self, place: int) -> int:
        """Return after how many characters that agree the target is saying the same again."""
        if place:
            return CERTAIN
        return min(CERTAIN, max(_SHORT_LEAST, round(len(self._text) * _MOST_OF_IT)))

    def _places_of(self, held: str, start: int) -> tuple[int, ...]:
        """Return where the first characters stand in the text, except where an exact one does.

        Where the same characters come before them as at the cut, the text repeats itself, and
        the continuation goes on with it.
        """
        places = self._places.get(start)
        if places is None:
            text = self._text
            head = held[start : start + OVERLAP]
            before = (text[-OVERLAP:] + held[:start])[-OVERLAP:]
            found: list[int] = []
            at = text.find(head, self._scanned.get(start, 0))
            while at >= 0:
                if at < OVERLAP or not text.startswith(before, at - OVERLAP):
                    found.append(at)
                at += 1
                if len(found) >= _PLACES_MOST:
                    at = max(at, len(text) - LOOK_BACK)
                at = text.find(head, at)
            places = self._places[start] = tuple(found)
        return places


def _worth_it(rest: str, press: Press) -> bool:
    return press is Press.NONE or (press is Press.LATE and len(rest) >= HINT)


def _is_varied(overlap: str) -> bool:
    return len(set(overlap)) >= _VARIED

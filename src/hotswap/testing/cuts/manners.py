"""How the second targets go on with a broken answer: every way that the seam promises to join."""

import re
from enum import StrEnum
from itertools import product
from typing import Final

from ...core.doubled import is_doubled
from ...core.preambles import ANNOUNCEMENTS, FILLERS, OPENERS
from ...core.repeat import OVERLAP

TAILS: Final = (12, 13, 17, 24, 40, 41, 80, 150, 255, 300, 399)
"""Characters that are said again."""
_BARE: Final = 2
"""Announcements of fewer words count only where something else marks them."""
_partial: Final = re.compile(r"(?<![\w\u0300-\u036f])[A-Za-zÀ-ÖØ-ʯ]?[a-zß-öø-ʯ]{2,10}$").search
_letters: Final = re.compile(r"[^\W\d_]*").match


class Manner(StrEnum):
    """What a target says before what is missing."""

    EXACT = "exact"
    TAIL = "tail"
    """The last characters again: at least twelve, or the whole where it has fewer."""
    WORD = "word"
    """The broken word from its beginning."""
    RESTART = "restart"
    """The answer from its beginning."""
    PREAMBLE = "preamble"
    PREAMBLE_TAIL = "preamble, tail"
    PREAMBLE_WORD = "preamble, word"
    PREAMBLE_RESTART = "preamble, restart"


ANNOUNCING: Final = frozenset(
    {Manner.PREAMBLE, Manner.PREAMBLE_TAIL, Manner.PREAMBLE_WORD, Manner.PREAMBLE_RESTART}
)
_TAILING: Final = frozenset({Manner.TAIL, Manner.PREAMBLE_TAIL})
_WORDING: Final = frozenset({Manner.WORD, Manner.PREAMBLE_WORD})
_RESTARTING: Final = frozenset({Manner.RESTART, Manner.PREAMBLE_RESTART})
NATIVE: Final = tuple(manner for manner in Manner if manner not in _WORDING)
"""A target that continues its own words sees no partial word."""


def _preambles() -> tuple[str, ...]:
    """Return the published announcements, each with one of the forms that count."""
    forms = (
        *("{}:\n\n", "{}. ", "{}:\n", "{}.\n\n", "{}: ", "{}\n\n", "{}...\n\n", "({})\n\n"),
        *("*{}*\n\n", "[{}]\n", "**{}:**\n\n", "{} \u2014 "),
    )
    opened = ("", "", *OPENERS)
    joints = ("! ", ", ", ". ", ": ", "!\n\n")
    said: list[str] = []
    for number, words in enumerate(ANNOUNCEMENTS):
        opener = opened[number % len(opened)]
        if opener:
            words = opener + joints[number // 3 % len(joints)] + _cased(words, number)  # noqa: PLW2901
        form = forms[number % len(forms)]
        alone = not opener and len(words.split()) < _BARE
        said.append((forms[0] if alone or opener else form).format(words[0].upper() + words[1:]))
    return tuple(said)


def _cased(words: str, number: int) -> str:
    capital = number % 2 == 1 or len(words.split()) < _BARE
    return words[0].upper() + words[1:] if capital else words


ANNOUNCED: Final = _preambles()
"""Of them those that speak of going on: mere assent may be what a prefilled answer goes on with."""
PREAMBLES: Final = (
    *ANNOUNCED,
    *(f"{opener[0].upper()}{opener[1:]}{end}" for opener, end in product(OPENERS, ("!\n\n", ": "))),
)
"""All published announcements and openers."""
ENDS: Final = ("", *FILLERS)
"""What a target says when nothing is missing."""


def goes_on(text: str, said: str, manner: Manner, number: int, *, native: bool) -> str:
    """Return what a target says that was told to go on after `said`.

    Args:
        text: The whole answer.
        said: Its beginning, as the target got it; not all of it.
        manner: How it goes on.
        number: Chooses the preamble and the size of what is repeated.
        native: It continues its own words; otherwise it was asked to go on.
    """
    rest = text[len(said) :]
    words = _again(text, said, manner, number) + rest
    if manner not in ANNOUNCING:
        return words
    published = ANNOUNCED if native else PREAMBLES
    preamble = published[number % len(published)]
    if words[:1] == "\n" and preamble.endswith("\n") and not preamble.endswith("\n\n"):
        preamble += "\n"  # else the line break after it reads as its own second one
    return preamble + words


def _again(text: str, said: str, manner: Manner, number: int) -> str:
    """Return what is said again, before what is missing."""
    rest = text[len(said) :]
    if manner in _WORDING:
        return _broken_word(said, rest)
    if not repeats(manner) or (len(said) < OVERLAP and _doubles(said, rest)):
        return ""
    return said[-TAILS[number % len(TAILS)] :] if manner in _TAILING else said


def _broken_word(said: str, rest: str) -> str:
    """Return the letters that a target says again, where they could not be new ones.

    Code doubles letters as it likes, scripts without case do, and some words do (`doubled`).
    """
    found = _partial(said)
    if found is None or not rest[:1].isalpha() or _in_code(said) or _doubles(found[0], rest):
        return ""
    return found[0]


def _doubles(part: str, rest: str) -> bool:
    """Say whether a word may well begin with `part` twice."""
    follows = _letters(rest)
    return is_doubled((part + part + (follows[0] if follows else "")).lower(), len(part))


def _in_code(said: str) -> bool:
    """Say whether a fence is open: a bare one alone closes it (CommonMark 0.31, section 4.5)."""
    opened = False
    for line in said.split("\n"):
        if line.startswith("```"):
            opened = not opened or bool(line.strip("` "))
    return opened


def repeats(manner: Manner) -> bool:
    """Say whether a target says again what the caller has."""
    return manner in _TAILING or manner in _RESTARTING

"""A text that is known, and the model that says it, in every manner of the fault table."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from random import Random
from typing import Final

from hotswap.testing import echo

PREAMBLE: Final = "Sure, here is the continuation:\n\n"
TAIL: Final = 60
"""Characters that are said again."""
SIZE: Final = 7
"""Characters of a piece: most words, and pieces that end inside words, as tokens do."""

_ONSETS: Final = ("b", "br", "d", "dr", "f", "gl", "h", "k", "l", "m", "n", "p", "r", "s", "t")
_VOWELS: Final = ("a", "e", "i", "o", "u", "ä", "é", "ou")
_MARKS: Final = (", ", ". ", "; ", ".\n\n", " — ", " 日本 ", " 🙂 ")


class Manner(StrEnum):
    """How a target goes on with what another one began."""

    EXACT = "goes on exactly"
    TAIL = "repeats the last words"
    WORD = "begins the broken word again"
    RESTART = "starts from the beginning"
    PREAMBLE = "announces that it goes on"
    REFUSES = "refuses a prefill with 400"


@lru_cache(4)
def story(words: int) -> tuple[str, ...]:
    """Return pieces of a text in which no twelve characters come twice."""
    rng = Random(7)  # noqa: S311 - the same for all
    pieces: list[str] = []
    while len(pieces) < words:
        word = "".join(rng.choice(_ONSETS) + rng.choice(_VOWELS) for _ in range(rng.randint(2, 4)))
        pieces.append(word + (rng.choice(_MARKS) if rng.getrandbits(3) == 0 else " "))
    return (*pieces[:-1], pieces[-1].rstrip(" ,;—") + ".")


_SAYS: Final[Mapping[Manner, echo.Manner]] = {
    Manner.TAIL: echo.Manner.TAIL,
    Manner.WORD: echo.Manner.WORD,
    Manner.RESTART: echo.Manner.RESTART,
}


def model(pieces: Sequence[str], manner: Manner = Manner.EXACT) -> echo.Echo:
    """Return a target that says a text, or what is missing of it."""
    refuses = manner is Manner.REFUSES
    return echo.Echo(
        "".join(pieces),
        manner=_SAYS.get(manner, echo.Manner.EXACT),
        preamble=PREAMBLE if manner is Manner.PREAMBLE else "",
        tail=TAIL,
        prefilled=echo.Prefilled.REFUSES if refuses else echo.Prefilled.CONTINUES,
        size=SIZE,
    )

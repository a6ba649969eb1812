"""How simulated models take up an answer that another one began."""

import re
from collections.abc import Mapping
from typing import Final

from .. import echo
from .scenario import Manner

PREAMBLE: Final = "Sure, here is the continuation:\n\n"
CLEAR: Final = 12
"""Characters that nobody repeats by chance; after fewer of them everybody goes on exactly."""
ASTRAY: Final = "Once upon a time there was a gateway that nobody had heard of. " * 3
_SAYS: Final[Mapping[Manner, echo.Manner]] = {
    Manner.TAIL: echo.Manner.TAIL,
    Manner.WORD: echo.Manner.WORD,
    Manner.RESTART: echo.Manner.RESTART,
}
_partial: Final = re.compile(r"(?<!\w)[a-zäé]{2,11}$").search


def rest_of(text: str, begun: echo.Begun, manner: Manner) -> str:
    """Return what a model says that goes on with `begun` in its manner.

    One that continues its own words neither announces that nor repeats a partial word, and nobody
    repeats a part that may as well be new.
    """
    said = begun.text
    knows = begun.prefilled and manner in {Manner.WORD, Manner.PREAMBLE}
    if knows or len(said) < CLEAR or len(set(said[-CLEAR:])) < 4:
        return text[len(said) :]
    if manner is Manner.ASTRAY:
        return ASTRAY
    if manner is Manner.WORD and _partial(said) is None:
        manner = Manner.EXACT
    again = _SAYS.get(manner, echo.Manner.EXACT)
    rest = echo.goes_on(text, said, again, tail=20 + len(said) % 180)
    return PREAMBLE + rest if manner is Manner.PREAMBLE else rest

"""How simulated models take up an answer that another one began."""

import re
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from ...dialects.neutral import Role, Text, Turn
from ...dialects.registry import TRANSLATORS
from .scenario import Manner

PREAMBLE: Final = "Sure, here is the continuation:\n\n"
CLEAR: Final = 12
"""Characters that nobody repeats by chance; after fewer of them everybody goes on exactly."""
ASTRAY: Final = "Once upon a time there was a gateway that nobody had heard of. " * 3
_partial: Final = re.compile(r"(?<!\w)[a-zäé]{2,11}$").search


class Begun(Struct, frozen=True, gc=False):
    """What a request says of an answer that was begun."""

    text: str
    prefilled: bool
    """The answer is the last turn; otherwise a user asks to go on."""


def read_begun(dialect: str, path: str, body: bytes) -> Begun | None:
    """Return the answer that a request wants to be continued; None: it begins one."""
    if b'"role":"assistant"' not in body and b'"role":"model"' not in body:
        return None
    translator = TRANSLATORS[dialect]
    path, _, query = path.partition("?")
    turns = translator.read_request(translator.peek(body, path, query)).turns
    at = next((n for n, turn in enumerate(turns) if turn.role is Role.ASSISTANT), None)
    if at is None:
        return None
    return Begun(_words(turns[at : at + 1]), prefilled=at == len(turns) - 1)


def _words(turns: Sequence[Turn]) -> str:
    return "".join(part.text for turn in turns for part in turn.parts if isinstance(part, Text))


def rest_of(text: str, begun: Begun, manner: Manner) -> str:
    """Return what a model says that goes on with `begun` in its manner.

    One that continues its own words neither announces that nor repeats a partial word.
    """
    said = begun.text
    rest = text[len(said) :]
    if begun.prefilled and manner in {Manner.WORD, Manner.PREAMBLE}:
        return rest
    if len(set(said[-CLEAR:])) < 4 or len(said) < CLEAR:
        return rest
    before = ""
    match manner:
        case Manner.TAIL:
            before = said[-(20 + len(said) % 180) :]
        case Manner.WORD:
            found = _partial(said) if rest[:1].isalpha() else None
            before = found[0] if found is not None else ""
        case Manner.RESTART:
            before = said
        case Manner.PREAMBLE:
            before = PREAMBLE
        case Manner.ASTRAY:
            return ASTRAY
        case Manner.EXACT | Manner.REFUSES:
            pass
    return before + rest

"""A model whose whole answer is known, and which goes on with it as it was told.

What it is asked to go on with is read from the wire here, not by the product's own readers.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from random import Random
from typing import Final, cast

from msgspec import Struct
from msgspec.json import decode

from hotswap.testing.routes import find_route
from hotswap.testing.step import Seen, Step

PREAMBLE: Final = "Sure, here is the continuation:\n\n"
TAIL: Final = 60
"""Characters that are said again."""

_ONSETS: Final = ("b", "br", "d", "dr", "f", "gl", "h", "k", "l", "m", "n", "p", "r", "s", "t")
_VOWELS: Final = ("a", "e", "i", "o", "u", "ä", "é", "ou")
_MARKS: Final = (", ", ". ", "; ", ".\n\n", " — ", " 日本 ", " 🙂 ")

Json = Mapping[str, object]


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


class Begun(Struct, frozen=True, gc=False):
    """What a request wants to be gone on with."""

    text: str
    prefilled: bool
    """It is the last turn."""


def read_begun(seen: Seen) -> Begun | None:
    """Return the begun answer of a request; None: it wants a new one."""
    body = decode(seen.body, type=dict[str, object])
    turns = body.get("messages") or body.get("contents") or body.get("input")
    if not isinstance(turns, list):
        return None
    listed = cast("list[Json]", turns)
    for at, turn in enumerate(listed):
        if turn.get("role") in {"assistant", "model"}:
            said = turn.get("content") or turn.get("parts") or ""
            return Begun(_words(said), prefilled=at == len(listed) - 1)
    return None


def _words(said: object) -> str:
    if isinstance(said, str):
        return said
    return "".join(str(part.get("text") or "") for part in cast("Sequence[Json]", said))


def model(pieces: Sequence[str], manner: Manner = Manner.EXACT) -> Callable[[Seen], Step]:
    """Return a target that says `pieces`, or what is left of them."""
    text = "".join(pieces)

    def answers(seen: Seen) -> Step:
        begun = read_begun(seen)
        if begun is None:
            return Step(text=tuple(pieces))
        if not text.startswith(begun.text):
            return Step(status=400, body={"error": {"message": f"never said {begun.text!r}"}})
        if manner is Manner.REFUSES and begun.prefilled:
            route = find_route(seen.path)
            assert route is not None
            words = "This model does not support assistant message prefill."
            return Step(status=400, body=route.form.error_body(400, words))
        return Step(text=_rest(text, begun.text, manner))

    return answers


def _rest(text: str, begun: str, manner: Manner) -> str:
    rest = text[len(begun) :]
    match manner:
        case Manner.TAIL:
            return begun[-TAIL:] + rest
        case Manner.WORD:
            return begun[begun.rfind(" ") + 1 :] + rest
        case Manner.RESTART:
            return text
        case Manner.PREAMBLE:
            return PREAMBLE + rest
        case Manner.EXACT | Manner.REFUSES:
            return rest

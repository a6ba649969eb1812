"""What the simulated models say: every answer is known before it is asked for."""

from functools import lru_cache
from random import Random
from typing import Final

from msgspec.json import encode

from ..step import ToolCall
from .scenario import Shape, Wish

CHARS: Final = 4
"""Of a token, so that what a limit of tokens leaves is known exactly."""
_LENGTH: Final = 300_000
_ONSETS: Final = ("b", "br", "d", "dr", "f", "g", "gl", "h", "k", "l", "m", "n", "p", "r", "s", "t")
_VOWELS: Final = ("a", "e", "i", "o", "u", "ä", "é", "ou")
_MARKS: Final = (", ", ". ", "; ", ".\n\n", " -- ", ": ", "? ", ' "', "\n- ", " 日本 ", " 🙂 ")


@lru_cache(1)
def _corpus() -> str:
    """Return words without end in which no twelve characters come twice near each other."""
    rng = Random(7)  # noqa: S311 - the same for all
    words: list[str] = []
    size = 0
    while size < _LENGTH:
        word = "".join(rng.choice(_ONSETS) + rng.choice(_VOWELS) for _ in range(rng.randint(1, 4)))
        if _doubles(word):
            continue
        word += rng.choice(_MARKS) if rng.getrandbits(3) == 0 else " "
        words.append(word)
        size += len(word)
    return "".join(words)


def _doubles(word: str) -> bool:
    """Say whether a word begins with the same letters twice: a seam in it reads two ways."""
    return any(word[:n] == word[n : 2 * n] for n in range(1, len(word) // 2 + 1))


def text_of(wish: Wish) -> str:
    """Return the words of an answer; those of different requests differ from the start."""
    if wish.shape is Shape.CALLS:
        return ""
    corpus = _corpus()
    size = wish.tokens * CHARS
    # Far apart, and by an odd step, so that no two answers of a story begin alike.
    start = corpus.index(" ", (wish.number * 7_919) % (len(corpus) - size - 100)) + 1
    # It ends as answers do, which is how a target tells that nothing is missing.
    words = corpus[start : start + size - 1] + "."
    if wish.shape is Shape.JSON:
        return encode({"answer": words}).decode()
    return words


def calls_of(wish: Wish) -> tuple[ToolCall, ...]:
    """Return the tools that an answer calls."""
    return tuple(
        ToolCall(
            "look_up",
            encode(
                {"word": f"no {wish.number} ä {index}", "deep": {"list": [index, True]}}
            ).decode(),
            f"call{wish.number:04d}{index}",
        )
        for index in range(wish.calls)
    )


def expected(wish: Wish) -> str:
    """Return the words that a whole answer has, its stop sequence and limit considered."""
    text = text_of(wish)
    if wish.stop:
        text = text[: text.index(wish.stop)]
    return text if wish.max_tokens is None else text[: wish.max_tokens * CHARS]


def marker(number: int) -> str:
    """Return the words by which a provider knows which answer is asked for."""
    return f"[story {number}]"

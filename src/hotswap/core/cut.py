"""How a text ends that was cut: in a code fence, in a word, with a sentence.

Letters before the cut that the continuation begins with again are a repeat ("Vic" + "Victoria")
unless words double their beginning in that way: those of `doubled`, and single vowels and l.
With a capital there are no such words, and without case ("日日") there is no telling.
"""

from typing import Final
from unicodedata import combining

from msgspec import Struct

from .doubled import is_doubled, may_be_doubled
from .repeat import UNDECIDED

_WORD_MOST: Final = 12
_SENTENCE_ENDS: Final = (".", "!", "?", "\u2026", "\u3002", "\uff01", "\uff1f")
_CLOSERS: Final = "\"')]}*_`\u201d\u2019\u00bb\u300d"
_LATIN_END: Final = "\u0250"
_ALONE_EXACT: Final = "aeioul"
"""Words double these at their beginning in several languages: aanbod, een, eel, lleno."""


class Fence(Struct, frozen=True, gc=False):
    """A line that opened a block of code, not closed so far."""

    line: str
    """Its marks and info string, without spaces around."""
    info: str
    last: bool
    """The text ends with it."""


def open_fence(text: str) -> Fence | None:
    """Return the fence in which `text` ends."""
    if "```" not in text and "~~~" not in text:
        return None
    opened = info = ""
    run = 0
    lines = text.split("\n")
    at = 0
    for i, line in enumerate(lines):
        stripped = line.strip()
        if not stripped.startswith(("```", "~~~")):
            continue
        mark = stripped[0]
        n = len(stripped) - len(stripped.lstrip(mark))
        after = stripped[n:].strip()
        if opened:
            if mark == opened[0] and n >= run and not after:
                opened = ""
        elif mark == "~" or "`" not in after:
            opened, run, info, at = stripped, n, after, i
    return Fence(opened, info, last=at == len(lines) - 1) if opened else None


def fragment(text: str) -> str:
    """Return the letters at the end of `text`, if they may be the beginning of a word."""
    n = len(text)
    while n and text[n - 1].isalpha():
        n -= 1
        if len(text) - n >= _WORD_MOST:
            return ""
    before = text[n - 1 : n]
    return "" if before == "_" or before.isalnum() or (before and combining(before)) else text[n:]


def ends_sentence(text: str) -> bool:
    """Say whether `text` may be complete."""
    return text.rstrip(_CLOSERS).endswith(_SENTENCE_ENDS)


def repeated_fragment(fragment: str, rest: str, *, final: bool) -> int:
    """Return how many characters of `rest` repeat `fragment`; `UNDECIDED`: more are needed.

    Args:
        fragment: Not empty.
        rest: Of the continuation, as far as it came.
        final: Nothing more comes: `UNDECIDED` is not an answer.
    """
    size = len(fragment)
    if not rest.startswith(fragment) or len(rest) == size:
        return UNDECIDED if fragment.startswith(rest) and not final else 0
    if not _may_repeat(fragment, rest[size]):
        return 0
    n = next((i for i, letter in enumerate(rest) if not letter.isalpha()), len(rest))
    word = fragment + rest[:n]
    if fragment[0].isupper() and n > size:
        return size
    if n == len(rest) and not final and may_be_doubled(word.lower()):
        return UNDECIDED
    return 0 if is_doubled(word.lower(), size) else size


def _may_repeat(fragment: str, follows: str) -> bool:
    """Say whether `fragment` before the cut, and after it before `follows`, may be a repeat."""
    if fragment[0].isupper():
        return follows.islower() or (len(fragment) > 2 and fragment[1:].islower())
    if not fragment.islower() or max(fragment) >= _LATIN_END:
        return False
    if len(fragment) > 1:
        return True
    consonant = fragment.isascii() and fragment not in _ALONE_EXACT
    return consonant and follows.islower() and follows != fragment

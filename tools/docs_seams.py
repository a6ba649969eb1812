"""What is published of seams: the words that are left out of answers, and those that ask for them.

Tables are written from the lists that the gateway itself goes by.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from hotswap.core.doubled import BEGINNINGS, WHOLE
from hotswap.core.preambles import FILLERS, OPENERS, PATTERNS, Pattern
from hotswap.dialects.instructions import GO_ON

from .docs_tables import table

_NOTHING: Final = "nothing"


def openers() -> str:
    """Write what may open a preamble."""
    return _listed(dict.fromkeys(OPENERS))


def announcements() -> str:
    """Write the announcements of every language: one cell per column of their patterns."""
    return "\n".join(
        f"#### {language}\n\n" + "\n".join(map(_pattern, patterns))
        for language, patterns in PATTERNS.items()
    )


def fillers() -> str:
    """Write what stands for an empty continuation."""
    return _listed(FILLERS)


def doubled_words() -> str:
    """Write the words that double their beginning."""
    return _listed(sorted(WHOLE))


def doubled_beginnings() -> str:
    """Write how such words begin, where their endings are many."""
    return _listed(sorted(f"{start}-" for start in BEGINNINGS))


def instructions() -> str:
    """Write how a target is asked to go on, by the code of the language."""
    return table(("language", "what the user seems to say"), sorted(GO_ON.items()))


def _pattern(columns: Pattern) -> str:
    """Write one pattern: as a table where there is something to combine."""
    if len(columns) == 1:
        return _listed(columns[0])
    head = ("first", *("then" for _ in columns[1:]))
    return table(head, [[", ".join(_cell(column)) for column in columns]])


def _cell(column: Iterable[str]) -> Iterator[str]:
    return (f"`{words}`" if words else _NOTHING for words in column)


def _listed(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words) + "\n"

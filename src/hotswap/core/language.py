"""Which language a text is in, as far as it takes to speak to a model in it.

By the script where that tells, and else by the most frequent small words of each language. Short
or mixed texts have no language here, and whoever asks falls back to English.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

LOOK_AT: Final = 2000
"""Characters of a text that are looked at: its last ones."""
LETTERS_LEAST: Final = 0.3
"""Share of a text's letters that must be of a script for it to count."""
WORDS_LEAST: Final = 2
"""Small words of a language that must have been seen."""

_SCRIPTS: Final = (
    ("ja", "\u3040", "\u30ff"),
    ("ko", "\uac00", "\ud7af"),
    ("zh", "\u4e00", "\u9fff"),
    ("ar", "\u0600", "\u06ff"),
    ("he", "\u0590", "\u05ff"),
    ("hi", "\u0900", "\u097f"),
    ("el", "\u0370", "\u03ff"),
    ("th", "\u0e00", "\u0e7f"),
    ("cyrillic", "\u0400", "\u04ff"),
)
"""Script by script, from the first character to the last. Japanese is known by its kana, which
stand between Chinese characters."""

_UKRAINIAN: Final = re.compile("[\u0456\u0457\u0454\u0491]")
"""Letters that Ukrainian has and Russian has not."""

_SMALL_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "en": "the and of to is in that it for with are this you was what how if not",
        "de": "der die und das ist nicht ein eine mit von zu den im auf für wie durch wurde sie",
        "fr": "le la les et est des une dans que pour pas sur avec qui du au ce ou",
        "es": "el los las y es una por con para del que como más su al qué sin se",
        "pt": "o os as e é um uma não com para do da que em no mais sem foi",
        "it": "il gli che è di una per non con sono della nel anche come i più dal ciò",
        "nl": "het een en van is niet met voor dat op de zijn aan ook te hoe door geen",
        "pl": "nie się jest w i z na to że do jak są co dla przez oraz od tylko",
        "sv": "och att det som en är på av för med inte den ett till jag hur från",
        "da": "og at det er en af til på med ikke den der et jeg som hvordan fra",
        "cs": "a je se na v že to s z do jak pro jsou nebo které by jen od byla pokud bylo",
        "tr": "ve bir bu için ile çok da de ne nasıl olarak gibi daha mi ama bir",
        "fi": "ja on ei se että mutta kuin ovat tai miten joka niin hän ole jos",
        "id": "yang dan di untuk dengan ini itu adalah dari pada tidak apa karena ada",
        "vi": "và là của có không các một được cho trong những người với bị thì",
    }
)
_SETS: Final = {name: frozenset(small.split()) for name, small in _SMALL_WORDS.items()}
_WORD: Final = re.compile(r"[^\W\d_]+")


def language_of(text: str) -> str:
    """Return the code of a text's language, such as `de`; empty: it is not known."""
    text = text[-LOOK_AT:]
    letters = [letter for letter in text if letter.isalpha()]
    if not letters:
        return ""
    for name, first, last in _SCRIPTS:
        share = sum(first <= letter <= last for letter in letters) / len(letters)
        if share >= (LETTERS_LEAST / 3 if name == "ja" else LETTERS_LEAST):
            if name != "cyrillic":
                return name
            return "uk" if _UKRAINIAN.search(text.lower()) else "ru"
    return _by_small_words(text)


def _by_small_words(text: str) -> str:
    """Return the language most of whose small words a text has; empty: two are alike, or none."""
    words = _WORD.findall(text.lower())
    counts = sorted(
        ((sum(word in small for word in words), name) for name, small in _SETS.items()),
        reverse=True,
    )
    (most, name), (next_most, _) = counts[:2]
    return name if most >= WORDS_LEAST and most > next_most else ""

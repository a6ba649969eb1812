"""What the echo models say: texts of any length in which no twelve characters come twice."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import pairwise
from random import Random
from typing import Final

GRAM: Final = 12
"""No so many characters in a row come twice in one text."""
TOKEN_MOST: Final = 7
"""Characters of a token, where letters are Latin; others have at most 2."""

_ENGLISH: Final = """
the of and a to in is that it for with as on by this which at from or an be are was were not cocoa
river harbour engine signal window gardener lighthouse morning distant quietly measure between
reread murmur bridge captain weather carefully toward memento lantern thousand because another
carrying slowly instrument question answer follows shoulder winter against through pattern brass
letter engineers described mountain kettle whisper yellow northern railway always several beneath
strange copper violin library autumn paper forgotten ladder merchant evening tidal sparrow glass
"""
_GERMAN: Final = """
der die und das ist nicht ein eine mit von zu den im auf für wie durch wurde sie gegen Brücke über
Schiff Wetter Abend leise Kapitän Straße größer Fenster Laterne Morgen zwischen hundert Maßstab
Uhrwerk Gärtner schreibt plötzlich niemals Eisenbahn Kupfer Winter Schulter Frage Antwort dadurch
entlang Öfen Bücher Übung mehrere ungefähr trotzdem während Leuchtturm Papier Nordwind schließlich
"""
_FRENCH: Final = """
le la les et est des une dans que pour pas sur avec qui du au l'eau c'était rivière lumière fenêtre
capitaine matin lentement pourtant murmure barbare cent où déjà très école tempête voilà jardin gris
près après l'hiver réponse question bientôt s'arrête cuivre forêt lanterne n'importe façade château
"""
_SPANISH: Final = """
el los las y es una por con para del que como más su qué sin se río puerto mañana señal ventana niño
despacio puente capitán linterna corazón entonces pregunta respuesta montaña tampoco gaviota susurro
cobre invierno detrás algún jardín biblioteca otoño papel martillo árbol llegó todavía bebes cacao
"""
_CHINESE: Final = (
    "天地人山水火木金土日月星风雨雪云春夏秋冬东西南北大小高"
    "低红黄蓝白黑花草鸟鱼马牛羊门窗路桥船车书笔"
)
_KANA: Final = (
    "あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむめもやゆよらりるれろわをん"
)
_EMOJI: Final = (
    *("🙂", "🚀", "👩‍🔬", "🏳️‍🌈", "🇩🇪", "🇫🇷", "👍🏽", "❤️", "🧵", "👨‍👩‍👧", "☕", "🎉", "e\u0301"),
    *("1\ufe0f\u20e3", "🫠", "🐙", "n\u0303", "\U0001d538", "🇧🇷", "🙏🏿"),
)
_NAMES: Final = "total rows index buffer query node parse width limit cache token value retry frame"
_FENCES: Final = ("python", "rust", "sql", "bash", "json", "go", "", "yaml", "c", "text", "toml")
_MARKS: Final = (
    ", ",
    ". ",
    "; ",
    ".\n\n",
    ": ",
    "? ",
    "! ",
    " -- ",
    ' "',
    '" ',
    " (",
    ") ",
    "... ",
)

Units = Callable[[Random], Iterator[str]]


def _prose(words: str) -> Units:
    known = words.split()

    def units(rng: Random) -> Iterator[str]:
        while True:
            word = rng.choice(known)
            if rng.getrandbits(3) == 0:
                word = word.capitalize()
            # One unit, because a mark alone may be left out and would leave two words in one.
            yield word + (rng.choice(_MARKS) if rng.getrandbits(3) == 0 else " ")

    return units


def _chinese(rng: Random) -> Iterator[str]:
    while True:
        yield from rng.choices(_CHINESE, k=rng.randint(2, 9))
        yield rng.choice(("、", "。", "\n\n", " GPT-4 ", "《", "》"))


def _japanese(rng: Random) -> Iterator[str]:
    while True:
        yield from rng.choices(_KANA + _CHINESE[:12], k=rng.randint(2, 12))
        yield rng.choice(("、", "。", "。\n", "ー", "「", "」"))


def _emoji(rng: Random) -> Iterator[str]:
    prose = _prose(_ENGLISH)(rng)
    while True:
        yield rng.choice(_EMOJI) if rng.getrandbits(1) else next(prose)


def _markdown(rng: Random) -> Iterator[str]:
    prose = _prose(_ENGLISH)(rng)
    while True:
        block = rng.choice((_heading, _list, _code, _code, _table, _paragraph))
        yield from block(rng, prose)


def _paragraph(rng: Random, prose: Iterator[str]) -> Iterator[str]:
    for _ in range(rng.randint(8, 30)):
        yield next(prose)
    yield rng.choice((" **", "` ", "_", "[1]", ""))
    yield ".\n\n"


def _heading(rng: Random, prose: Iterator[str]) -> Iterator[str]:
    yield "#" * rng.randint(1, 4) + " "
    for _ in range(rng.randint(3, 9)):
        yield next(prose).replace("\n", " ")
    yield "\n\n"


def _list(rng: Random, prose: Iterator[str]) -> Iterator[str]:
    numbered = rng.getrandbits(1)
    for number in range(1, rng.randint(3, 7)):
        yield f"{number}. " if numbered else "- "
        for _ in range(rng.randint(4, 12)):
            yield next(prose).replace("\n", " ")
        yield "\n"
    yield "\n"


def _code(rng: Random, _prose: Iterator[str]) -> Iterator[str]:
    names = _NAMES.split()
    yield f"\n```{rng.choice(_FENCES)}\n"
    for _ in range(rng.randint(2, 8)):
        yield " " * rng.choice((0, 4, 4, 8))
        left, right = f"{rng.choice(names)}{rng.randint(0, 99)}", rng.choice(names)
        yield f"{left} = {right}({rng.randint(0, 9999)}, "
        yield f'"{rng.choice(names)}-{rng.randint(0, 999)}") # {rng.choice(names)}\n'
    yield "```\n"


def _table(rng: Random, prose: Iterator[str]) -> Iterator[str]:
    yield "| a | b |\n|--|-|\n"
    for _ in range(rng.randint(2, 5)):
        yield f"| {rng.randint(0, 9999)} | "
        for _ in range(rng.randint(2, 5)):
            yield next(prose).replace("\n", " ")
        yield "|\n"
    yield "\n"


KINDS: Final[dict[str, Units]] = {
    "english": _prose(_ENGLISH),
    "german": _prose(_GERMAN),
    "french": _prose(_FRENCH),
    "spanish": _prose(_SPANISH),
    "markdown": _markdown,
    "chinese": _chinese,
    "japanese": _japanese,
    "emoji": _emoji,
}
"""Endless answers of each kind, in small units."""


@lru_cache(64)
def tokens_of(kind: str, count: int, seed: int) -> tuple[str, ...]:
    """Return an answer of so many tokens, as a model would stream it.

    It ends with a full stop where it is long enough for that: so a target that has nothing to add
    says by it that nothing is missing.
    """
    rng = Random(f"{kind} {count} {seed}")  # noqa: S311 - the same text for the same seed
    size = count * (2 if kind in {"chinese", "japanese"} else 4)
    text = _without_repeats(KINDS[kind](rng), size)
    return _tokens(
        text[: size - 1].rstrip() + ("。" if kind in {"chinese", "japanese"} else "."), count, rng
    )


def _without_repeats(units: Iterator[str], size: int) -> str:
    """Join units, leaving out those with which some characters would come twice."""
    text = ""
    seen: set[str] = set()
    while len(text) < size:
        unit = next(units)
        end = text[-(GRAM - 1) :] + unit
        grams = [end[at : at + GRAM] for at in range(len(end) - GRAM + 1)]
        if len(set(grams)) < len(grams) or not seen.isdisjoint(grams):
            continue
        seen.update(grams)
        text += unit
    return text


def _tokens(text: str, count: int, rng: Random) -> tuple[str, ...]:
    """Cut a text at random places into so many tokens, or fewer where it is too short."""
    places = rng.sample(range(1, len(text)), min(count, len(text)) - 1)
    bounds = [0, *sorted(places), len(text)]
    return tuple(text[a:b] for a, b in pairwise(bounds))

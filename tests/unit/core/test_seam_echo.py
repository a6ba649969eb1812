"""A model whose text is known: whatever it does at the cut, the joined text is that text."""

import re
from collections.abc import Callable, Iterator
from typing import Final

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hotswap.core.cut import fragment, open_fence
from hotswap.core.preambles import ANNOUNCEMENTS, FILLERS, OPENERS
from hotswap.core.seam import Seam

TEXTS: Final = {
    "english": (
        "The three largest lakes of North America are Superior, Victoria is not among them, and"
        " Huron; an eerie eel met a llama near the cucumber field. I log in with ssh, count to"
        ' 1100 and write CamelCase names... Is it so? Yes, sir! "Quite so," she said.\n\n'
        "Sure it is."
    ),
    "markdown": (
        "# Lakes\n\nA short list:\n\n1. **Superior** is the largest.\n2. *Huron* comes next:\n"
        "   - cold, deep\n   - 1100 islands\n\n```python\ndef area(lake: str) -> float:\n"
        '    """Return square kilometres."""\n    if lake == "Huron":\n        return 59_600.0\n\n'
        "    raise KeyError(lake)\n```\n\nRun it, then compare with `mmap` and `tty`...\n\n"
        "| lake | depth |\n| --- | ---: |\n| Erie | 64 |\n"
    ),
    "german": (
        "Gegen Abend gegeben: Die größten Seen sind der Obere See und der Huronsee, zuzugeben ist"
        " ununterbrochen Regen. Über Öl, Äpfel und Übermut schweigt man besser; gegenüber wohnt!"
    ),
    "spanish": (
        "El vaso está lleno de agua; vivir cerca del lago es un lujo, y beber de él también. Las"
        " llamas corren por el prado lleno, cocodrilos no hay ninguno. ¿Quién lo diría?"
    ),
    "dutch": (
        "Een meer is een groot water. Het is een oud eiland waar een eenzame ooievaar woont;"
        " gegeven de omstandigheden is dat ononderbroken rustig."
    ),
    "chinese": (
        "世界上最大的湖泊是里海, 其次是苏必利尔湖. 它位于北美洲, 面积约八万二千平方公里! "
        "谢谢你们的提问, 还有别的吗?"
    ),
    "emoji": (
        "Party \U0001f389\U0001f389 at the lake \U0001f469\u200d\U0001f469\u200d\U0001f467 with"
        " e\u0301 and naïve cafés \U0001f3de\ufe0f; bring \U0001f9c1, not \U0001f952. Done \u2705!"
    ),
}

_LETTERS: Final = re.compile(r"[^\W\d_]+")

Continue = Callable[[str, int], str | None]
"""Says how the model goes on with a text of which it saw so many characters; None: not so."""


def _exact(whole: str, at: int) -> str | None:
    return whole[at:]


def _repeats(n: int) -> Continue:
    return lambda whole, at: whole[at - n :] if n <= at else None


def _restarts(whole: str, at: int) -> str | None:
    return whole if at >= 12 else None


def _repeats_word(whole: str, at: int) -> str | None:
    """Begin with the word again in which the cut is, where that word can not double itself."""
    begun = fragment(whole[:at])
    before = whole[: at - len(begun)]
    word = _LETTERS.match(whole, at - len(begun))
    if not begun or not word or open_fence(before) or "`" in before[-1:]:
        return None
    inside = word.end() > at
    exact = begun + word.group() in {"gegeben", "zuzugeben"} or begun in {"ge", "zu"}
    if exact or not inside or not begun.isascii() or (len(begun) < 2 and begun.islower()):
        return None
    return whole[at - len(begun) :]


def _reopens(whole: str, at: int) -> str | None:
    fence = open_fence(whole[:at])
    return f"{fence.line}\n{whole[at:]}" if fence and fence.info and not fence.last else None


def _says(preamble: str, go_on: Continue) -> Continue:
    def continued(whole: str, at: int) -> str | None:
        rest = go_on(whole, at)
        return None if rest is None else preamble + rest

    return continued


WAYS: Final = {
    "exact": _exact,
    "repeats 12": _repeats(12),
    "repeats 13": _repeats(13),
    "repeats 25": _repeats(25),
    "repeats 39": _repeats(39),
    "repeats 40": _repeats(40),
    "repeats 90": _repeats(90),
    "restarts": _restarts,
    "reopens a fence": _reopens,
}
SAID: Final = (
    "Sure! Here is the rest:\n\n",
    "Certainly, continuing from where I left off: ",
    "My previous message was cut off. ",
    "Okay!\n\n",
    "**Fortsetzung der Antwort:**\n\n",
)


def _pieces(text: str, size: int) -> Iterator[str]:
    return (text[i : i + size] for i in range(0, len(text), size))


def _joined(text: str, continuation: str, size: int, *, native: bool) -> str:
    seam = Seam(text, native=native)
    out = "".join(map(seam.feed, _pieces(continuation, size)))
    return text + out + seam.end()


def _wrong(
    whole: str, go_on: Continue, cuts: range, sizes: tuple[int, ...], *, native: bool
) -> list[tuple[str, str]]:
    """Return what went wrong: what the caller had, and what it became."""
    wrong: list[tuple[str, str]] = []
    for cut in cuts:
        text = whole[:cut]
        continuation = go_on(whole, len(text.rstrip()))
        if continuation is None:
            continue
        for size in sizes:
            joined = _joined(text, continuation, size, native=native)
            if joined != whole:
                wrong.append((text, joined))
    return wrong


@pytest.mark.parametrize("name", TEXTS)
def test_the_texts_have_no_repeated_twelve_grams(name: str) -> None:
    whole = TEXTS[name]
    grams = [whole[i : i + 12] for i in range(len(whole) - 11)]

    assert len(set(grams)) == len(grams)


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", TEXTS)
def test_a_cut_anywhere_is_joined_exactly(name: str, way: str, native: bool) -> None:  # noqa: FBT001 (a parameter of the test)
    whole = TEXTS[name]

    assert _wrong(whole, WAYS[way], range(1, len(whole)), (3, 1000), native=native) == []


@pytest.mark.parametrize("name", TEXTS)
def test_a_partial_word_said_again_after_an_instruction_is_joined_exactly(name: str) -> None:
    whole = TEXTS[name]

    for said in ("", *SAID):
        go_on = _says(said, _repeats_word)
        assert _wrong(whole, go_on, range(1, len(whole)), (2, 1000), native=False) == []


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", TEXTS)
def test_a_preamble_before_it_changes_nothing(name: str, way: str) -> None:
    whole = TEXTS[name]
    said = _says(SAID[len(way) % len(SAID)], WAYS[way])

    assert _wrong(whole, said, range(1, len(whole), 2), (7,), native=False) == []


@pytest.mark.slow
@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize("name", TEXTS)
def test_a_cut_anywhere_and_pieces_of_any_size_are_joined_exactly(name: str, native: bool) -> None:  # noqa: FBT001 (a parameter of the test)
    whole = TEXTS[name]
    sizes = (1, 2, 5, 11, 40, 1000)

    for go_on in WAYS.values():
        assert _wrong(whole, go_on, range(1, len(whole)), sizes, native=native) == []


@pytest.mark.slow
@pytest.mark.parametrize("said", SAID)
@pytest.mark.parametrize("name", TEXTS)
def test_a_preamble_anywhere_before_anything_changes_nothing(name: str, said: str) -> None:
    whole = TEXTS[name]

    for go_on in WAYS.values():
        cuts = range(1, len(whole))
        assert _wrong(whole, _says(said, go_on), cuts, (1, 4, 1000), native=False) == []


def _misjoined(said: tuple[str, ...], ending: str) -> list[str]:
    """Return which phrases were not left out before an exact continuation."""
    whole = "The three largest lakes are Superior, Victoria and Huron, says the map."
    return [
        phrase
        for phrase in said
        if _joined(
            whole[:41], phrase[:1].upper() + phrase[1:] + ending + whole[41:], 9, native=False
        )
        != whole
    ]


@pytest.mark.parametrize("ending", [": ", ":\n\n", ".\n\n", "...\n\n", " - "])
@pytest.mark.parametrize("part", range(12))
def test_every_announcement_is_left_out(ending: str, part: int) -> None:
    assert _misjoined(ANNOUNCEMENTS[part::12], ending) == []


@pytest.mark.parametrize("ending", [": ", "! ", "\n\n", "\n", "!\n\n", ", here is the rest:\n\n"])
def test_every_opener_is_left_out(ending: str) -> None:
    assert _misjoined(OPENERS, ending) == []


def test_every_filler_is_left_out_after_a_sentence() -> None:
    assert [f for f in FILLERS if _joined("It is so.", f, 5, native=False) != "It is so."] == []


WORDS: Final = st.lists(
    st.text("abcdefgABC 123,.\n\u00e9\u4e16", min_size=1, max_size=9), min_size=8, max_size=40
)


@settings(max_examples=40)
@given(WORDS, st.data())
def test_any_text_cut_anywhere_in_any_pieces_is_joined_exactly(
    words: list[str], data: st.DataObject
) -> None:
    whole = " ".join(words).strip()
    grams = [whole[i : i + 12] for i in range(len(whole) - 11)]
    assume(len(whole) > 30 and len(set(grams)) == len(grams))
    cut = data.draw(st.integers(12, len(whole) - 1))
    text = whole[:cut]
    at = len(text.rstrip())
    assume(at >= 12)
    n = data.draw(st.integers(12, at))
    assume(len(set(whole[at - n : at])) >= 4)
    seam = Seam(text, native=True)
    rest = data.draw(st.sampled_from([whole[at:], whole[at - n :], whole]))

    out = ""
    while rest:
        size = data.draw(st.integers(1, 20))
        out += seam.feed(rest[:size])
        rest = rest[size:]

    assert text + out + seam.end() == whole


@pytest.mark.parametrize("size", [1, 5, 100])
def test_a_text_that_reads_like_a_preamble_is_told_from_one_in_any_pieces(size: int) -> None:
    """The whole text comes again, and might yet turn out to be an announcement of going on."""
    seam = Seam("Here is the rest", native=False)
    continuation = "Here is the rest! Sure it is."

    out = [seam.feed(continuation[at : at + size]) for at in range(0, len(continuation), size)]

    assert "".join(out) + seam.end() == "Sure it is."


_SAID: Final = st.lists(
    st.sampled_from(
        [
            *("Sure", "! ", ": ", "Here is the rest", "...", "```py\n", "```", "\n", " ", "Vic"),
            *("toria", "co", "conut", "lakes are deep and ", "lakes are wide and ", "------", "."),
            *("[end]", "It is.", "(", "Okay", "A sentence of forty characters is this one. "),
        ]
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=60)
@given(_SAID, _SAID, st.booleans(), st.sampled_from(["", "all", "Sure! all"]))
def test_whatever_comes_its_pieces_do_not_matter(
    said: list[str],
    goes_on: list[str],
    native: bool,  # noqa: FBT001 (drawn)
    again: str,
) -> None:
    text = "".join(said)
    continuation = again.replace("all", text) + "".join(goes_on)
    whole, letters = Seam(text, native=native), Seam(text, native=native)

    at_once = whole.feed(continuation) + whole.end()
    one_by_one = "".join(map(letters.feed, continuation)) + letters.end()

    assert one_by_one == at_once
    assert (letters.lost, letters.restarted) == (whole.lost, whole.restarted)
    assert continuation.endswith(at_once)
    assert letters.dropped == whole.dropped == len(continuation) - len(at_once)

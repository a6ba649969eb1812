from collections.abc import Iterable

import pytest

from hotswap.core.seam import Seam

LAKES = "The three largest lakes are Superior, Vic"


def _joined(text: str, *pieces: str, native: bool = False) -> str:
    seam = Seam(text, native=native)
    return text + "".join(map(seam.feed, pieces)) + seam.end()


def _letters(text: str) -> Iterable[str]:
    return iter(text)


@pytest.mark.parametrize(
    "continuation",
    [
        "toria and Huron.",
        "Victoria and Huron.",
        "The three largest lakes are Superior, Victoria and Huron.",
        "Sure: Victoria and Huron.",
    ],
)
def test_the_four_ways_to_go_on_give_one_text(continuation: str) -> None:
    whole = "The three largest lakes are Superior, Victoria and Huron."

    assert _joined(LAKES, continuation) == whole
    assert _joined(LAKES, *_letters(continuation)) == whole


def test_an_exact_continuation_is_released_within_twelve_characters() -> None:
    seam = Seam(LAKES, native=True)

    assert [seam.feed(c) for c in "toria"] == ["", "", "tor", "i", "a"]
    assert seam.settled
    assert seam.dropped == 0


def test_a_restart_is_skipped_and_noticed() -> None:
    seam = Seam(LAKES, native=True)

    assert seam.feed("The three largest lakes are Superior,") == ""
    assert not seam.restarted
    assert seam.feed(" Victoria and") == "toria and"
    assert (seam.settled, seam.restarted, seam.lost, seam.dropped) == (True, True, False, 41)


def test_a_restart_that_goes_another_way_is_lost_and_nothing_of_it_released() -> None:
    text = "The three largest lakes of the continent are Superior, Huron and Mi"
    seam = Seam(text, native=False)

    pieces = ["The three largest lakes of the ", "continent are called", " Superior", "."]

    assert [seam.feed(p) for p in pieces] == ["", "", "", ""]
    assert (seam.lost, seam.restarted, seam.settled) == (True, True, False)
    assert seam.end() == ""
    assert seam.dropped == sum(map(len, pieces))


def test_a_restart_that_ends_before_the_text_does_is_lost() -> None:
    seam = Seam("The three largest lakes of the continent are Superior, Huron", native=False)

    assert seam.feed("The three largest lakes of the continent are S") == ""
    assert seam.end() == ""
    assert seam.lost


def test_a_long_restart_is_skipped_without_limit() -> None:
    text = " ".join(f"Sentence {n} of this answer." for n in range(500)) + " The"
    seam = Seam(text, native=True)

    assert [seam.feed(c) for c in text] == [""] * len(text)
    assert seam.feed(" end.") == " end."
    assert seam.restarted


@pytest.mark.parametrize("n", [1, 20, 100])
def test_whitespace_before_a_repeat_is_a_part_of_it(n: int) -> None:
    text = "The three largest lakes of the continent are Superior, Huron and Mi"
    seam = Seam(text, native=True)
    continuation = "\n" + text + "chigan."

    out = [seam.feed(continuation[i : i + n]) for i in range(0, len(continuation), n)]

    assert "".join(out) == "chigan."
    assert (seam.restarted, seam.dropped) == (True, 68)


def test_a_repeat_from_far_back_is_a_restart() -> None:
    text = " ".join(f"Sentence {n} of this answer." for n in range(500)) + " The"
    at = text.index("Sentence 300")
    seam = Seam(text, native=False)

    assert seam.feed(text[at:]) + seam.feed(" end.") == " end."
    assert seam.restarted


def test_the_last_of_many_alike_is_found() -> None:
    text = "".join(f"{n}: Again and again {n}\n" for n in range(1000, 1200))
    seam = Seam(text, native=False)

    assert seam.feed("Again and again 1199\nThe end.") == "The end."
    assert not seam.restarted


def test_a_repeat_of_the_tail_is_no_restart() -> None:
    seam = Seam(LAKES, native=True)

    assert seam.feed("are Superior, Victoria") == "toria"
    assert (seam.restarted, seam.dropped) == (False, 17)


@pytest.mark.parametrize(
    ("text", "continuation", "whole"),
    [
        ("Superior, ", " Victoria", "Superior, Victoria"),
        ("Superior, ", "Victoria", "Superior, Victoria"),
        ("One.\n\n", "\n\nTwo.", "One.\n\nTwo."),
        ("One.\n\n", "\nTwo.", "One.\n\nTwo."),
        ("if a:\n    ", "\n        b()", "if a:\n        b()"),
        ("if a:\n    ", "        b()", "if a:\n        b()"),
        ("One. ", "\n\nTwo.", "One. \n\nTwo."),
        ("One.\n", "\n", "One.\n"),
        ("\n ", "Two.", "\n Two."),
    ],
)
def test_whitespace_comes_once(text: str, continuation: str, whole: str) -> None:
    for native in (True, False):
        assert _joined(text, continuation, native=native) == whole
        assert _joined(text, *_letters(continuation), native=native) == whole


def test_nothing_was_there_so_everything_passes() -> None:
    seam = Seam("", native=False)

    assert seam.settled
    assert seam.feed("Sure! Here is the rest: ") == "Sure! Here is the rest: "


@pytest.mark.parametrize(
    ("text", "continuation"),
    [
        ("an e", "erie eel"),
        ("a l", "lama"),
        ("el vaso l", "leno"),
        ("een", " eel"),
        ("e", "en eel"),
        ("log in with s", "sh"),
        ("a cu", "cumber and more"),
        ("say co", "conuts"),
        ("the ass", "assin came"),
        ("count 1", "100 and 11"),
        ("count 11", "00"),
        ("read the g", "guf file"),
        ("my Camel", "Case"),
        ("a vi", "vid dream"),
        ("die ge", "gebene Zahl"),
        ("哈", "哈哈"),
        ("a ma", "ma"),
        ("no_ma", "map"),
    ],
)
def test_an_exact_continuation_never_loses_a_character(text: str, continuation: str) -> None:
    for native in (True, False):
        assert _joined(text, continuation, native=native) == text + continuation
        assert _joined(text, *_letters(continuation), native=native) == text + continuation


@pytest.mark.parametrize(
    ("text", "continuation", "whole"),
    [
        ("see Vic", "Victoria", "see Victoria"),
        ("see V", "Victoria", "see Victoria"),
        ("see vic", "victory", "see victory"),
        ("see t", "trees", "see trees"),
        ("see cucumb", "cucumbers now", "see cucumbers now"),
        ("lakes are", "are deep", "lakes are deep"),
        ("in Paris", "Paris is", "in Paris is"),
        ("my Camel", "CamelCase", "my CamelCase"),
        ("say Ye", "Yes! And", "say Yes! And"),
        ("to co", "continue", "to continue"),
    ],
)
def test_a_repeated_partial_word_is_dropped_after_an_instruction(
    text: str, continuation: str, whole: str
) -> None:
    assert _joined(text, continuation) == whole
    assert _joined(text, *_letters(continuation)) == whole
    assert _joined(text, continuation, native=True) == text + continuation


@pytest.mark.parametrize("text", ["```\nlet get", "```\nget"])
def test_in_a_block_of_code_a_partial_word_may_come_twice(text: str) -> None:
    assert _joined(text, "getter") == text + "getter"


@pytest.mark.parametrize(
    ("text", "continuation", "whole"),
    [
        ("```python\na = 1\n", "```python\nb = 2", "```python\na = 1\nb = 2"),
        ("```python\na = 1\n", "Sure!\n\n```python\nb = 2", "```python\na = 1\nb = 2"),
        ("~~~ts\na = 1\n", "~~~ts\nb = 2\n~~~", "~~~ts\na = 1\nb = 2\n~~~"),
        ("```python\na = 1\n", "```\nDone.", "```python\na = 1\n```\nDone."),
        ("```\na = 1\n", "```\nDone.", "```\na = 1\n```\nDone."),
        ("```python\na = 1\n```\n", "```python\nb = 2", "```python\na = 1\n```\n```python\nb = 2"),
        ("```python\na = 1\n", "```bash\nls", "```python\na = 1\n```bash\nls"),
        ("Code:\n\n```pyth", "```python\na = 1", "Code:\n\n```python\na = 1"),
        ("Code:\n\n```", "```python\na = 1", "Code:\n\n```python\na = 1"),
        ("Code:\n\n```python\n", "```python\na = 1", "Code:\n\n```python\na = 1"),
        ("```md\n~~~\n", "```md\nb", "```md\n~~~\nb"),
        ("```a``` is inline\n", "```a``` too", "```a``` is inline\n```a``` too"),
        ("```python\na = 1\n", "```python", "```python\na = 1\n```python"),
    ],
)
def test_a_reopened_fence_is_dropped(text: str, continuation: str, whole: str) -> None:
    assert _joined(text, continuation) == whole
    assert _joined(text, *_letters(continuation)) == whole


@pytest.mark.parametrize(
    ("text", "continuation", "whole"),
    [
        ("Superior, Vic", "...Victoria", "Superior, Victoria"),
        ("Superior, Vic", "\u2026 Victoria", "Superior, Victoria"),
        ("Superior,", "...and more", "Superior,and more"),
        ("I mean", "...what?", "I mean...what?"),
        ("I mean", "... what?", "I mean... what?"),
        ("I mean", ".", "I mean."),
        ("I mean", "..", "I mean.."),
        (LAKES, "...Superior, Victoria", "The three largest lakes are Superior, Victoria"),
    ],
)
def test_an_ellipsis_is_dropped_where_nothing_else_is_likely(
    text: str, continuation: str, whole: str
) -> None:
    assert _joined(text, continuation) == whole
    assert _joined(text, *_letters(continuation)) == whole


@pytest.mark.parametrize(
    "continuation",
    [
        "Sure, why not?",
        "sure! Yes.",
        "continued. Then",
        "Right.",
        "Here is the rest of us",
        "Suren",
    ],
)
def test_what_an_answer_says_itself_is_no_preamble(continuation: str) -> None:
    assert _joined("he dis", continuation) == "he dis" + continuation
    assert _joined("he dis", *_letters(continuation)) == "he dis" + continuation


@pytest.mark.parametrize(
    "said",
    ["Sure!\n\nHere is the rest:\n\n", "Sure! Here\u2019s the rest: ", "(continued) ", "OK:\n"],
)
def test_a_preamble_may_be_of_several_parts(said: str) -> None:
    text = "Vitamin S"

    assert _joined(text, said + " \u0130stanbul") == "Vitamin S \u0130stanbul"
    assert _joined(text, *_letters(said + " is it.")) == "Vitamin S is it."


def test_a_native_target_speaks_no_preamble_unless_it_repeats() -> None:
    assert _joined("Ask. ", "Sure: Yes", native=True) == "Ask. Sure: Yes"
    assert _joined(LAKES, "Sure: are Superior, Victoria", native=True) == LAKES + "toria"


@pytest.mark.parametrize(
    ("text", "continuation", "whole"),
    [
        ("All is said.", "[end]", "All is said."),
        ("All is said.", "Nothing to add.\n", "All is said."),
        ("All is said.", "Sure! Nothing to add.", "All is said."),
        ("All is said.", " Nothing to add.", "All is said. Nothing to add."),
        ("All is said", "[end]", "All is said[end]"),
        ("All is said.", "Nothing to add. But", "All is said.Nothing to add. But"),
        ("All is said.", " So.", "All is said. So."),
        ("All is said.", "", "All is said."),
    ],
)
def test_only_a_filler_is_dropped_from_a_complete_answer(
    text: str, continuation: str, whole: str
) -> None:
    assert _joined(text, continuation) == whole
    assert _joined(text, *_letters(continuation)) == whole


@pytest.mark.parametrize(
    ("text", "continuation"),
    [
        ("Title\n----------------", "----------------\n\nText"),
        ("| a | b |\n| --- | --- | --- |", " --- | --- | --- |\n"),
        ("foo(bar, 1);\nfoo(bar, 1);\nfoo(bar", ", 1);\nfoo(bar, 2);"),
    ],
)
def test_what_repeats_itself_goes_on_exactly(text: str, continuation: str) -> None:
    for native in (True, False):
        assert _joined(text, continuation, native=native) == text + continuation
        assert _joined(text, *_letters(continuation), native=native) == text + continuation


def test_a_native_target_may_say_a_long_line_again() -> None:
    line = "    self.assertEqual(response.status_code, 200)\n"
    text = "def a():\n" + line + "def b():\n    get()"

    assert _joined(text, line + "    x()", native=True) == text + line + "    x()"


def test_when_time_is_up_what_has_no_evidence_is_released() -> None:
    seam = Seam("A lake is deep. The lake", native=False)

    assert seam.feed(" i") == ""
    assert seam.flush() == " i"
    assert seam.settled


@pytest.mark.parametrize(
    ("continuation", "rest"),
    [
        ("The| three largest lakes are Superior, Victoria", "toria"),
        ("are Superior,| Victoria", "toria"),
        ("Sur|e: Victoria", "toria"),
        ("Vi|ctoria", "toria"),
        (" | and", "  and"),
    ],
)
def test_when_time_is_up_what_has_evidence_is_still_waited_for(
    continuation: str, rest: str
) -> None:
    seam = Seam(LAKES, native=False)
    before, after = continuation.split("|")

    out = seam.feed(before) + seam.flush()

    assert out == ""
    assert seam.feed(after) + seam.end() == rest


def test_no_more_is_held_than_may_be() -> None:
    seam = Seam("A rule:\n" + "-" * 600, native=False)

    out = [seam.feed("-") for _ in range(300)]

    assert out.index("-" * 256) == 255
    assert "".join(out) == "-" * 300


@pytest.mark.parametrize(
    ("said", "whole"),
    [
        ("une", "une fenêtre."),
        ("le", "le la -- de."),
        ("la", "la Sur façade"),
        ("ga", "gaviota."),
        ("书南", "书南夏西红。"),
        ("はよ星", "はよ星羊雪雨"),
        ("🙂🇫🇷", "🙂🇫🇷 et voilà"),
        ("1", "1. whisper."),
        ("12", "12) whisper."),
        ("\n```g", "\n```go\nfunc"),
    ],
)
def test_a_short_beginning_may_be_begun_anew(said: str, whole: str) -> None:
    assert _joined(said, whole) == whole


@pytest.mark.parametrize(
    ("said", "rest"),
    [
        ("pa", "paya is a fruit"),
        ("co", "coa is sweet"),
        ("1", "1 apples"),
        ("20", "20 people"),
        ("--", "-- a rule"),
        ("#", "# Title"),
        ("日", "日新しい"),
    ],
)
@pytest.mark.parametrize("native", [True, False])
def test_a_short_beginning_that_comes_twice_by_nature_stays(
    said: str,
    rest: str,
    native: bool,  # noqa: FBT001
) -> None:
    assert _joined(said, rest, native=native) == said + rest


def test_a_preamble_does_not_use_up_the_time_for_what_it_announces() -> None:
    seam = Seam("The distant engineers saw distant eng", native=False)

    out = seam.feed("Here's the rest of the message:\n\n")
    out += seam.flush()
    out += seam.feed("saw distant")
    out += seam.feed(" engines")
    out += seam.end()

    assert out == "ines"


def test_words_of_the_end_are_waited_for_when_time_is_up() -> None:
    seam = Seam("云船风山水黄羊羊月日火木金土星空", native=True)

    out = seam.feed("羊月日火木金")
    out += seam.flush()
    out += seam.feed("土星空河")
    out += seam.end()

    assert out == "羊月日火木金土星空河"


@pytest.mark.parametrize(
    ("said", "rest", "whole"),
    [
        ("He", "Here is the rest:\n\nllo world", "Hello world"),
        ("Su", "Sure, here is the rest: perior", "Superior"),
        ("C", "Capito, ecco il resto: asa", "Casa"),
        ("Let me", "Let me continue where I left off:\n\n see", "Let me see"),
        ("He", "Hello world", "Hello world"),
    ],
)
def test_a_preamble_that_begins_like_the_answer_is_no_restart(
    said: str, rest: str, whole: str
) -> None:
    for size in (1, 3, 99):
        pieces = [rest[at : at + size] for at in range(0, len(rest), size)]

        assert _joined(said, *pieces) == whole

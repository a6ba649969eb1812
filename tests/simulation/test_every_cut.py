"""Streams that break after any byte: the caller gets the model's text, or an error."""

import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Final

import pytest

from hotswap.core.preambles import read_preamble
from hotswap.testing.clock import VirtualClock
from hotswap.testing.cuts.judge import Found, Verdict, judge
from hotswap.testing.cuts.manners import PREAMBLES, Manner, goes_on
from hotswap.testing.cuts.stage import Played, Stage, events_of
from hotswap.testing.cuts.sweep import CALLERS, Result, Sweep, everything, run, sample, trials
from hotswap.testing.cuts.texts import GRAM, KINDS, tokens_of
from hotswap.testing.cuts.trial import DIALECTS, Arrival, Ending, Trial, trial_of
from hotswap.testing.loop import run_virtual


def playing(key: str) -> tuple[Trial, Played]:
    trial, clock = trial_of(key), VirtualClock(1.0)

    async def play() -> Played:
        return await Stage(clock).play(trial)

    return trial, run_virtual(play(), clock)


def played(key: str) -> Found:
    return judge(*playing(key))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [1, 3, 20, 120])
def test_in_no_text_do_twelve_characters_come_twice(kind: str, count: int) -> None:
    text = "".join(tokens_of(kind, count, 7))

    grams = [text[at : at + GRAM] for at in range(len(text) - GRAM + 1)]
    assert len(set(grams)) == len(grams)
    assert text


def test_every_preamble_of_the_targets_is_published() -> None:
    strange = [
        said
        for said in PREAMBLES
        if read_preamble(said + "x", 0, final=True, bare=True) != len(said)
    ]

    assert len(PREAMBLES) > 2_000
    assert strange == []


@pytest.mark.parametrize(
    ("manner", "said"),
    [
        (Manner.EXACT, "toria and Huron."),
        (Manner.TAIL, "est lake, Victoria and Huron."),
        (Manner.WORD, "Victoria and Huron."),
        (Manner.RESTART, "See the windiest lake, Victoria and Huron."),
        (Manner.PREAMBLE, "Here is the rest of the answer. toria and Huron."),
        (Manner.PREAMBLE_WORD, "Here is the rest of the answer. Victoria and Huron."),
    ],
)
def test_targets_go_on_in_their_manner(manner: Manner, said: str) -> None:
    text = "See the windiest lake, Victoria and Huron."

    assert goes_on(text, "See the windiest lake, Vic", manner, 1, native=False) == said


@pytest.mark.parametrize("said", ["It is co", "```\nwi", "天地", "Look at the Vic_"])
def test_a_word_that_may_be_another_one_is_not_repeated(said: str) -> None:
    text = said + "a and more"

    assert goes_on(text, said, Manner.WORD, 1, native=False) == "a and more"


def test_a_cut_after_each_event_of_a_stream_is_healed() -> None:
    said = Sweep("openai_chat", "anthropic", "english", 20, 1).said
    events = events_of("anthropic", said, "m1")
    ends = [sum(map(len, events[:n])) for n in range(2, 20)]

    verdicts = [
        played(f"openai_chat|anthropic|gemini, asked|exact|{said.name}|reset|{at}|once|0|0.0")
        for at in ends
    ]

    assert verdicts == [Found(Verdict.HEALED)] * 18


HEALED: Final = "openai_chat|openai_chat|chat, asked|exact|english/20/1/0|reset|2000|once|0|0.0"
EVENTS: Final = 24
"""Of the answer that is healed."""
RAISED: Final = "openai_chat|openai_chat|chat, asked|exact|english/3/3/0|error|946|once|0|0.0"


@pytest.mark.parametrize(
    ("kept", "verdict"),
    [
        ([*range(EVENTS)], Verdict.HEALED),
        ([*range(EVENTS - 2)], Verdict.SILENT),
        ([*range(14), EVENTS - 2, EVENTS - 1], Verdict.SILENT),
        ([*range(4), *range(5, EVENTS)], Verdict.WRONG),
        ([*range(5), *range(4, EVENTS)], Verdict.WRONG),
        ([*range(EVENTS), 4], Verdict.BUG),
    ],
    ids=["as it is", "no end", "no rest", "a piece lost", "a piece twice", "after the end"],
)
def test_whatever_is_done_to_an_answer_is_noticed(kept: list[int], verdict: Verdict) -> None:
    trial, seen = playing(HEALED)
    events = b"".join(seen.exchange.body).split(b"\n\n")[:-1]
    assert len(events) == EVENTS

    seen.exchange.body = [events[number] + b"\n\n" for number in kept]

    assert judge(trial, seen).verdict is verdict


def test_half_an_event_is_noticed() -> None:
    trial, seen = playing(HEALED)

    seen.exchange.body[-1] = seen.exchange.body[-1][:-9]

    assert judge(trial, seen).verdict is Verdict.BUG


def test_an_answer_that_ends_without_its_error_is_noticed() -> None:
    trial, seen = playing(RAISED)
    assert judge(trial, seen).verdict is Verdict.RAISED_WHOLE

    seen.exchange.body = seen.exchange.body[:-1]

    assert judge(trial, seen).verdict is Verdict.SILENT


def test_an_answer_that_ends_before_its_first_content_is_begun_anew() -> None:
    key = "gemini|openai_chat|chat, prefill|restart|german/20/1/0|clean|40|slices|3|0.0"

    assert played(key) == Found(Verdict.ANEW)


def test_an_answer_that_is_whole_when_it_is_cut_needs_nobody() -> None:
    sweep = Sweep("anthropic", "anthropic", "german", 20, 1)
    key = f"anthropic|anthropic|chat, prefill|exact|german/20/1/0|reset|{sweep.size}|once|0|0.0"

    assert played(key) == Found(Verdict.UNHARMED)


def test_the_same_sweep_draws_the_same_cuts_and_another_one_others() -> None:
    sweep = Sweep("gemini", "openai_chat", "emoji", 3, 1)

    drawn = list(trials(sweep))

    assert drawn == list(trials(sweep))
    assert drawn != list(trials(Sweep("gemini", "openai_chat", "emoji", 3, 2)))
    assert [trial.at for trial in drawn] == list(range(sweep.size + 1))
    assert {trial.ending for trial in drawn} == set(Ending)
    assert {trial.arrival for trial in drawn} == set(Arrival)
    assert {trial.manner for trial in drawn} == set(Manner)


def test_a_cut_is_played_again_by_its_key() -> None:
    for trial in trials(Sweep("gemini+array", "anthropic", "markdown", 8, 1, calls=2, step=97)):
        assert trial_of(trial.key) == trial


def assert_kept(result: Result) -> None:
    assert result.told == []
    assert result.count(Verdict.SILENT, Verdict.WRONG, Verdict.BUG, Verdict.RAISED) == 0
    assert result.count(Verdict.HEALED) > 0


@pytest.mark.slow
@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("first", DIALECTS)
def test_every_cut_of_a_short_answer_gives_its_text(caller: str, first: str) -> None:
    assert_kept(run(Sweep(caller, first, "english", 3, 11, step=3)))


@pytest.mark.slow
@pytest.mark.parametrize(("tokens", "step"), [(20, 101), (120, 2003)])
def test_cuts_of_longer_answers_of_all_kinds_give_their_text(tokens: int, step: int) -> None:
    result = Result()
    for sweep in sample(5, tokens, step):
        result.add(run(sweep))

    assert_kept(result)


@pytest.mark.slow
@pytest.mark.parametrize("first", DIALECTS)
def test_a_cut_of_an_answer_of_4000_tokens_gives_its_text(first: str) -> None:
    sweep = Sweep("openai_chat", first, "french", 4000, 3)

    assert_kept(
        run(Sweep("openai_chat", first, "french", 4000, 3, step=sweep.size // 8, start=999))
    )


@pytest.mark.slow
@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize(("tokens", "calls"), [(0, 2), (8, 1)])
def test_a_call_that_is_cut_comes_whole_or_the_sdk_raises(
    caller: str, tokens: int, calls: int
) -> None:
    result = Result()
    for first in DIALECTS:
        result.add(run(Sweep(caller, first, "english", tokens, 2, calls, step=23)))

    assert result.told == []
    assert result.count(Verdict.ANEW) > 0
    assert result.count(Verdict.SILENT, Verdict.WRONG, Verdict.BUG) == 0


@pytest.mark.slow
def test_the_command_counts_and_writes_a_page(tmp_path: Path) -> None:
    command = (sys.executable, "-m", "hotswap.testing.cuts", "--processes=1", "--run=1")

    done = subprocess.run(  # noqa: S603 - fixed words
        [*command, "--share=1500", f"--page={tmp_path / 'cuts.md'}"],
        capture_output=True,
        check=False,
        text=True,
    )

    page = (tmp_path / "cuts.md").read_text()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Silent truncations: 0" in done.stdout
    assert "## By caller, next target and its manner" in page


@pytest.mark.slow
def test_the_parts_of_a_sweep_are_all_of_it() -> None:
    parts = [
        (part.start, part.stop)
        for part in everything(1)
        if (part.caller, part.first, part.tokens) == ("gemini", "gemini", 120)
    ]

    assert parts[0][0] == 0
    assert all(before[1] == after[0] for before, after in pairwise(parts))

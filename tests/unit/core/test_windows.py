"""A prompt against windows: what cannot fit is left out, what may not fit comes last."""

from functools import partial

import pytest

from hotswap.core.abilities import Abilities
from hotswap.core.capability import lacking, obstacle, words
from hotswap.core.learned import Asked, Lessons
from hotswap.core.plan import Ask, plan
from hotswap.core.settings import LessonRule
from hotswap.core.terms import (
    Cause,
    Chain,
    Failure,
    Needs,
    Target,
)
from hotswap.testing.standing import standings_of

SMALL = Target("one/a", "one", "a", 1, abilities=Abilities(context=8000, max_output=2000))
LARGE = Target("two/b", "two", "b", 2, abilities=Abilities(context=128_000))


def half() -> float:
    return 0.5


@pytest.mark.parametrize(
    ("prompt", "answer", "said"),
    [
        (100, 0, ""),
        (7000, 0, ""),
        (7500, 0, "tight"),
        (11_400, 0, "tight"),
        (11_500, 0, "context"),
        (4000, 2000, ""),
        (6000, 2000, "tight"),
        (5000, 100_000, ""),
    ],
)
def test_a_prompt_and_its_answer_against_a_window(prompt: int, answer: int, said: str) -> None:
    needs = Needs(prompt_tokens=prompt, output_tokens=answer)

    assert obstacle(needs, SMALL) == said


def test_an_unknown_window_takes_everything() -> None:
    needs = Needs(prompt_tokens=10**8, output_tokens=10**6)

    assert obstacle(needs, Target("x/y", "x", "y")) == ""


def test_what_was_counted_sharpens_the_estimate() -> None:
    lessons = Lessons(LessonRule())
    for _ in range(3):
        lessons.densities.learn("a", 1000, 500)

    assert obstacle(Needs(prompt_tokens=14_000), SMALL, lessons) == ""
    assert obstacle(Needs(prompt_tokens=15_000), SMALL, lessons) == "tight"
    assert obstacle(Needs(prompt_tokens=18_000), SMALL, lessons) == "context"


def test_what_was_refused_is_an_obstacle() -> None:
    lessons = Lessons(LessonRule())
    refusal = Failure(Cause.CAPABILITY, "capability_mismatch", 400, "does not support tools")
    lessons.on_failure(LARGE, Asked(Needs(tools=True)), refusal, 0.0)

    assert obstacle(Needs(tools=True), LARGE, lessons, 0.0) == "no tools"
    assert obstacle(Needs(), LARGE, lessons, 0.0) == ""
    assert obstacle(Needs(tools=True), LARGE, lessons, 3600.0) == ""


@pytest.mark.parametrize(
    ("needs", "abilities", "need"),
    [
        (Needs(images=True), Abilities(images=False), "images"),
        (Needs(audio=True), Abilities(audio=False), "audio"),
        (Needs(video=True), Abilities(video=False), "video"),
        (Needs(files=True), Abilities(files=False), "files"),
        (Needs(tools=True), Abilities(tools=False), "tools"),
        (Needs(forced_tool=True), Abilities(forced_tool=False), "forced_tool"),
        (Needs(json_object=True), Abilities(json_object=False), "json_object"),
        (Needs(json_schema=True), Abilities(json_schema=False), "json_schema"),
        (Needs(several=True), Abilities(several=False), "several"),
        (Needs(logprobs=True), Abilities(logprobs=False), "logprobs"),
        (Needs(reasoning=True), Abilities(sampling=False, stop=False), ""),
        (Needs(), Abilities(images=False, tools=False), ""),
    ],
)
def test_the_first_need_that_is_not_met(needs: Needs, abilities: Abilities, need: str) -> None:
    assert lacking(needs, abilities) == need


def test_needs_are_told_in_words() -> None:
    assert words("images") == "no images"
    assert words("context") == "context"


def test_a_target_that_may_be_too_small_comes_after_the_others() -> None:
    chain = Chain("c", (SMALL, LARGE))
    standings = standings_of(chain, half)
    able = partial(obstacle, Needs(prompt_tokens=7900))

    made = plan(chain, standings, 0.0, half, ask=Ask(able))

    assert [*made.targets, *made.rest] == [LARGE, SMALL]
    assert made.skips == ()
    assert not made.panic

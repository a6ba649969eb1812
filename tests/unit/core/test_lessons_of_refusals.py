"""What a target refused is not asked of it again for an hour."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap.core.abilities import Abilities, Prefill, Thinks
from hotswap.core.learned import Asked, Lessons, refused_ability, stated_window
from hotswap.core.settings import LessonRule
from hotswap.core.terms import Cause, Failure, Needs, Target

A = Target("one/a", "one", "a", abilities=Abilities(prefill=Prefill.NATIVE))
B = Target("two/b", "two", "b")
EVERYTHING = Asked(
    Needs(
        images=True,
        audio=True,
        files=True,
        tools=True,
        forced_tool=True,
        json_schema=True,
        several=True,
        logprobs=True,
        reasoning=True,
    ),
    sampling=True,
    stop=True,
    prefill=True,
)


def refusal(message: str, code: str = "", param: str | None = None) -> Failure:
    return Failure(Cause.CAPABILITY, "capability_mismatch", 400, message, code, param)


def too_long(message: str) -> Failure:
    return Failure(Cause.CONTEXT, "context_length_exceeded", 400, message)


NO_TOOLS = refusal("a does not support tools")


@pytest.mark.parametrize(
    ("failure", "ability"),
    [
        (NO_TOOLS, "tools"),
        (refusal("does not support function calling"), "tools"),
        (refusal("tools param requires --jinja flag"), "tools"),
        (refusal("Unsupported parameter: 'temperature'", param="temperature"), "sampling"),
        (refusal("temperature: Extra inputs are not permitted"), "sampling"),
        (refusal("Not taken here.", "unsupported_parameter", "stop"), "stop"),
        (refusal("Unsupported parameter: 'logprobs'", param="logprobs"), "logprobs"),
        (refusal("'m' is not a multimodal model"), "images"),
        (refusal("image input is not supported - hint: you may need the mmproj"), "images"),
        (refusal("No endpoints found that support image input"), "images"),
        (refusal("audio input is not supported"), "audio"),
        (refusal("'response_format.type' json_schema is not supported"), "json_schema"),
        (refusal("This response_format type is unavailable now"), "json_schema"),
        (refusal("tool_choice 'required' is not supported"), "forced_tool"),
        (refusal("This model does not support assistant message prefill."), "prefill"),
        (refusal("Requests ending with a model turn are not supported"), "prefill"),
        (refusal("Expected last role User or Tool (or Assistant with prefix)"), "prefill"),
        (refusal("does not support thinking"), "reasoning"),
        (refusal("Function tools with reasoning_effort are not supported"), "reasoning"),
    ],
)
def test_a_refusal_says_which_ability_is_missing(failure: Failure, ability: str) -> None:
    assert refused_ability(EVERYTHING, failure) == ability


@pytest.mark.parametrize(
    "failure",
    [
        refusal("Bad Request"),
        refusal("Invalid schema for function 'f': keyword 'oneOf' is not supported"),
        refusal("Invalid schema for response_format 'x': In context=(), it is not permitted"),
        refusal("Unsupported image format: image/tiff"),
        refusal("image media type application/x is not supported"),
        refusal("Downloads of this image are not allowed"),
        refusal("messages.1: tool_use ids must be answered"),
        Failure(Cause.CALLER, "invalid_request", 400, "a does not support tools"),
    ],
)
def test_fault_found_with_this_one_request_teaches_nothing(failure: Failure) -> None:
    assert Lessons(LessonRule()).on_failure(A, EVERYTHING, failure, 0.0) == ""


def test_what_was_not_asked_for_was_not_refused() -> None:
    assert refused_ability(Asked(Needs(images=True)), NO_TOOLS) == ""


def test_a_target_without_lessons_is_the_target_itself() -> None:
    assert Lessons(LessonRule()).taught(A, 0.0) is A


def test_a_lesson_holds_for_an_hour() -> None:
    lessons = Lessons(LessonRule())

    assert lessons.on_failure(A, EVERYTHING, NO_TOOLS, 100.0) == "tools"

    assert not lessons.taught(A, 100.0).abilities.tools
    assert not lessons.taught(A, 3699.0).abilities.forced_tool
    assert lessons.taught(A, 3700.0) is A


def test_a_lesson_holds_as_long_as_is_configured() -> None:
    lessons = Lessons(LessonRule(refusal_s=10.0))
    lessons.on_failure(A, EVERYTHING, NO_TOOLS, 100.0)

    assert not lessons.taught(A, 109.0).abilities.tools
    assert lessons.taught(A, 110.0) is A


def test_a_lesson_concerns_one_target() -> None:
    lessons = Lessons(LessonRule())
    lessons.on_failure(A, EVERYTHING, NO_TOOLS, 0.0)

    assert lessons.taught(B, 0.0) is B


def test_lessons_add_up_and_end_one_by_one() -> None:
    lessons = Lessons(LessonRule())
    lessons.on_failure(A, EVERYTHING, NO_TOOLS, 0.0)
    lessons.on_failure(A, EVERYTHING, refusal("does not support thinking"), 1000.0)
    lessons.on_failure(A, EVERYTHING, refusal("prefill is not supported"), 2000.0)

    known = lessons.taught(A, 2000.0).abilities
    assert not known.tools
    assert known.thinks is Thinks.NO
    assert known.prefill is Prefill.NO
    known = lessons.taught(A, 3600.0).abilities
    assert known.tools
    assert known.thinks is Thinks.NO
    assert lessons.taught(A, 5600.0) is A


def test_a_new_configuration_counts_and_lessons_stay() -> None:
    lessons = Lessons(LessonRule())
    lessons.on_failure(A, EVERYTHING, NO_TOOLS, 0.0)
    again = Target("one/a", "one", "a", priority=7, abilities=Abilities(images=False))

    taught = lessons.taught(again, 1.0)

    assert taught == Target(
        "one/a",
        "one",
        "a",
        priority=7,
        abilities=Abilities(images=False, tools=False, forced_tool=False),
    )


def test_lessons_that_are_over_are_forgotten() -> None:
    lessons = Lessons(LessonRule(refusal_s=1.0))
    for number in range(100):
        target = Target(f"one/{number}", "one", str(number))
        lessons.on_failure(target, EVERYTHING, NO_TOOLS, float(number))

    assert len(lessons) == 1


@pytest.mark.parametrize(
    ("message", "window"),
    [
        ("This model's maximum context length is 8192 tokens. However, you requested 9000", 8192),
        ("maximum context length is 128,000 tokens", 128_000),
        ("prompt is too long: 205351 tokens > 200000 maximum", 200_000),
        ("input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000", 200_000),
        ("request (5001 tokens) exceeds the available context size (4096 tokens)", 4096),
        ("exceed_context_size_error n_prompt_tokens: 6000, n_ctx: 4096", 4096),
        ("exceeds the maximum number of tokens allowed (1048576).", 1_048_576),
        (
            "Prompt contains 40000 tokens, too large for model with 32768 maximum context length",
            32_768,
        ),
        ("the input is too long", 0),
        ("maximum context length is 12 tokens", 0),
        ("maximum context length is 99999999999999999999 tokens", 0),
    ],
)
def test_a_refusal_may_name_the_window(message: str, window: int) -> None:
    assert stated_window(message) == window


def test_a_stated_window_lowers_the_known_one() -> None:
    lessons = Lessons(LessonRule())
    large = Target("one/a", "one", "a", abilities=Abilities(context=128_000))
    failure = too_long("maximum context length is 8192 tokens")

    assert lessons.on_failure(large, EVERYTHING, failure, 0.0) == "context"

    assert lessons.taught(large, 0.0).abilities.context == 8192
    assert lessons.taught(B, 0.0).abilities.context == 0
    assert lessons.taught(large, 3600.0) is large


def test_a_stated_window_never_widens_the_known_one() -> None:
    lessons = Lessons(LessonRule())
    small = Target("one/a", "one", "a", abilities=Abilities(context=4096))
    lessons.on_failure(small, EVERYTHING, too_long("maximum context length is 8192 tokens"), 0.0)

    assert lessons.taught(small, 0.0) is small


def test_a_window_that_is_not_named_teaches_nothing() -> None:
    lessons = Lessons(LessonRule())

    assert lessons.on_failure(A, EVERYTHING, too_long("prompt is too long"), 0.0) == ""
    assert lessons.taught(A, 0.0) is A


@given(st.text(max_size=200))
def test_no_words_of_a_provider_do_harm(message: str) -> None:
    lessons = Lessons(LessonRule())
    lessons.on_failure(A, EVERYTHING, refusal(message), 0.0)
    lessons.on_failure(A, EVERYTHING, too_long(message), 0.0)

    assert lessons.taught(A, 3600.0) is A

"""How another target is asked to go on, and whether real providers would take it."""

import json
from collections.abc import Mapping
from typing import Final, cast

import pytest
from msgspec.structs import replace

from hotswap.core.abilities import Abilities, Prefill, Thinks
from hotswap.core.language import language_of
from hotswap.core.terms import Target
from hotswap.dialects.continuing import go_on, native_for
from hotswap.dialects.instructions import GO_ON
from hotswap.dialects.neutral import (
    Call,
    Mode,
    Reasoning,
    Request,
    Result,
    Role,
    Text,
    Tool,
    ToolChoice,
    Turn,
)
from hotswap.dialects.registry import TRANSLATORS
from hotswap.testing.step import Seen, Step
from hotswap.testing.strictness.check import strict

SYSTEM: Final = Turn(Role.SYSTEM, (Text("You are a pirate."),))
QUESTION: Final = Turn(Role.USER, (Text("Name the largest lakes."),))
PARTIAL: Final = "The three largest lakes are Superior, Vic"
ASKED: Final = Request(turns=(SYSTEM, QUESTION), stream=True, max_tokens=100)
NATIVE: Final = Abilities(prefill=Prefill.NATIVE)


def test_a_native_target_gets_the_answer_as_its_own_last_message():
    request = go_on(ASKED, PARTIAL + " \n", native=True, left_tokens=60)

    assert request.turns == [SYSTEM, QUESTION, Turn(Role.ASSISTANT, (Text(PARTIAL),))]
    assert request.max_tokens == 60


def test_another_one_is_asked_by_the_user_and_the_system_prompt_stays():
    request = go_on(ASKED, PARTIAL, native=False, left_tokens=None)

    assert request.turns == [
        SYSTEM,
        QUESTION,
        Turn(Role.ASSISTANT, (Text(PARTIAL),)),
        Turn(Role.USER, (Text(GO_ON["en"]),)),
    ]


def test_it_is_asked_in_the_language_of_the_answer():
    answer = "Die drei größten Seen der Welt sind nicht in Europa, und"

    request = go_on(ASKED, answer, native=False, left_tokens=None)

    assert request.turns[-1] == Turn(Role.USER, (Text(GO_ON["de"]),))


def test_a_short_answer_leaves_it_to_the_question():
    question = Turn(Role.USER, (Text("Wie heißen die größten Seen der Welt, und wo sind sie?"),))

    request = go_on(replace(ASKED, turns=(question,)), "Gern", native=False, left_tokens=None)

    assert request.turns[-1] == Turn(Role.USER, (Text(GO_ON["de"]),))


@pytest.mark.parametrize("language", GO_ON)
def test_every_instruction_is_in_its_language(language: str):
    assert language_of(GO_ON[language]) == language


@pytest.mark.parametrize("text", ["", " \n"])
def test_without_words_the_answer_begins_anew(text: str):
    assert go_on(ASKED, text, native=True, left_tokens=9) == ASKED


def test_a_call_that_was_forced_is_not_forced_again():
    forced = replace(ASKED, tool_choice=ToolChoice(Mode.REQUIRED, ("weather",)))

    request = go_on(forced, PARTIAL, native=False, left_tokens=None)

    assert request.tool_choice == ToolChoice(Mode.AUTO, ("weather",))


def test_an_answer_that_the_caller_began_goes_on_in_the_same_turn():
    begun = replace(ASKED, turns=(QUESTION, Turn(Role.ASSISTANT, (Text("The three "),))))

    request = go_on(begun, "largest lakes", native=True, left_tokens=None)

    assert request.turns == [QUESTION, Turn(Role.ASSISTANT, (Text("The three largest lakes"),))]


@pytest.mark.parametrize(
    ("abilities", "native"),
    [
        (NATIVE, True),
        (replace(NATIVE, thinks=Thinks.NO), True),
        (replace(NATIVE, thinks=Thinks.BUDGET, thinking_off=False), False),
        (replace(NATIVE, prefill=Prefill.NO), False),
        (replace(NATIVE, prefill=Prefill.PREFIX_FLAG), True),
    ],
)
def test_who_continues_natively(abilities: Abilities, native: bool):  # noqa: FBT001
    assert native_for(abilities) is native


AFTER_RESULTS: Final = replace(
    ASKED,
    tools=(Tool("weather"),),
    turns=(
        QUESTION,
        Turn(Role.ASSISTANT, (Call("call_1", "weather", "{}"),)),
        Turn(Role.USER, (Result("call_1", (Text("rain"),)),)),
    ),
)
CHECKS: Final = {
    ("openai_chat", "openai"): "openai",
    ("openai_chat", "mistral"): "mistral",
    ("openai_chat", "groq"): "groq",
    ("openai_responses", "openai"): "responses",
    ("anthropic", "anthropic"): "anthropic",
    ("gemini", "google"): "gemini",
}
"""By whose rules a request is checked."""
WAYS: Final = [
    ("openai_chat", "openai", Prefill.NO),
    ("openai_chat", "mistral", Prefill.PREFIX_FLAG),
    ("openai_chat", "groq", Prefill.NATIVE),
    ("openai_responses", "openai", Prefill.NO),
    ("anthropic", "anthropic", Prefill.NATIVE),
    ("anthropic", "anthropic", Prefill.NO),
    ("gemini", "google", Prefill.NATIVE),
    ("gemini", "google", Prefill.NO),
]


@pytest.mark.parametrize(
    "asked",
    [ASKED, AFTER_RESULTS, replace(ASKED, reasoning=Reasoning(effort="low"))],
    ids=["plain", "after_results", "reasoning"],
)
@pytest.mark.parametrize(("dialect", "kind", "prefill"), WAYS)
def test_real_providers_would_take_it(dialect: str, kind: str, prefill: Prefill, asked: Request):
    native = prefill is not Prefill.NO
    thinks = Thinks.BUDGET if kind == "anthropic" and native else Thinks.NO
    target = Target("p/m", "p", "m", abilities=Abilities(prefill=prefill, thinks=thinks))

    request = go_on(asked, PARTIAL, native=native, left_tokens=60)
    outgoing = TRANSLATORS[dialect].write_request(request, target, kind)

    path = outgoing.path if outgoing.path.startswith("/v1") else f"/v1{outgoing.path}"
    seen = Seen(1, 1, "POST", path, headers_for(dialect), outgoing.body, 0.0)
    assert strict(CHECKS[dialect, kind], prefill=native)(seen) == ""
    assert PARTIAL in said(cast("object", json.loads(outgoing.body)))


def headers_for(dialect: str) -> dict[str, str]:
    return {"anthropic-version": "2023-06-01"} if dialect == "anthropic" else {}


def said(value: object) -> list[object]:
    """Return all texts of a body."""
    if isinstance(value, Mapping):
        return [text for one in cast("Mapping[str, object]", value).values() for text in said(one)]
    if isinstance(value, list):
        return [text for one in cast("list[object]", value) for text in said(one)]
    return [value]


def test_a_step_that_refuses_shows_that_the_checks_do_refuse():
    target = Target("p/m", "p", "m", abilities=NATIVE)
    request = go_on(ASKED, PARTIAL, native=True, left_tokens=60)
    body = TRANSLATORS["anthropic"].write_request(request, target, "anthropic").body
    seen = Seen(1, 1, "POST", "/v1/messages", headers_for("anthropic"), body, 0.0)

    refusal = strict("anthropic")(seen)

    assert isinstance(refusal, str | Step)
    assert "prefill" in str(refusal)

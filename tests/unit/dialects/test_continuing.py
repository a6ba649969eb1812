"""How another target is asked to go on with an answer."""

from typing import Final

import pytest
from msgspec.structs import replace

from hotswap.core.abilities import Abilities, Prefill, Thinks
from hotswap.core.language import language_of
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


def test_what_a_tool_returned_is_not_the_question():
    result = Turn(Role.USER, (Result("c", (Text("The weather is fine, and it is warm."),)),))
    question = Turn(Role.USER, (Text("Wie ist das Wetter, und brauche ich einen Schirm?"),))
    call = Turn(Role.ASSISTANT, (Call("c", "weather", "{}"),))
    asked = replace(ASKED, turns=(question, call, result))

    assert go_on(asked, "Gut", native=False, left_tokens=None).turns[-1] == Turn(
        Role.USER, (Text(GO_ON["de"]),)
    )


def test_code_in_an_answer_does_not_make_it_english():
    question = Turn(Role.USER, (Text("Wie sortiere ich eine Liste, die nicht leer ist?"),))
    answer = "Gern:\n```python\n# for each item that is in the list and is not None\nif it"

    request = go_on(replace(ASKED, turns=(question,)), answer, native=False, left_tokens=None)

    assert request.turns[-1] == Turn(Role.USER, (Text(GO_ON["de"]),))


def test_a_language_without_an_instruction_is_asked_in_english():
    answer = "Numele meu este Ana și nu sunt din România, dar"

    request = go_on(ASKED, answer, native=False, left_tokens=None)

    assert language_of(answer) == "ro"
    assert request.turns[-1] == Turn(Role.USER, (Text(GO_ON["en"]),))


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


def test_an_answer_that_the_caller_began_goes_on_by_instruction_too():
    begun = replace(ASKED, turns=(QUESTION, Turn(Role.ASSISTANT, (Text("The three "),))))

    request = go_on(begun, "largest lakes", native=False, left_tokens=None)

    assert request.turns == [
        QUESTION,
        Turn(Role.ASSISTANT, (Text("The three largest lakes"),)),
        Turn(Role.USER, (Text(GO_ON["en"]),)),
    ]


@pytest.mark.parametrize(
    ("native", "left_tokens", "thinks"),
    [
        (True, None, False),
        (True, 9000, False),
        (False, None, True),
        (False, 2048, True),
        (False, 2047, False),
    ],
)
def test_a_target_thinks_first_where_it_may_and_its_thoughts_leave_room(
    native: bool,  # noqa: FBT001 - a parameter of the test
    left_tokens: int | None,
    thinks: bool,  # noqa: FBT001 - a parameter of the test
):
    reasoning = Reasoning(effort="high")
    asked = replace(ASKED, max_tokens=left_tokens, reasoning=reasoning)

    request = go_on(asked, PARTIAL, native=native, left_tokens=left_tokens)

    assert request.reasoning == (reasoning if thinks else None)


def test_what_else_the_caller_asked_for_stays():
    tool, stop = Tool("weather"), ("END",)
    asked = replace(ASKED, tools=(tool,), stop=stop, temperature=0.3, user="u", usage_asked=True)

    request = go_on(asked, PARTIAL, native=False, left_tokens=60)

    assert replace(request, turns=asked.turns, max_tokens=asked.max_tokens) == asked


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

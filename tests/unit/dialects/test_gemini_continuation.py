"""A request to go on with a begun answer is said to Gemini so that Gemini goes on."""

import msgspec
import pytest

from hotswap.core.abilities import Abilities, Prefill
from hotswap.core.terms import Target
from hotswap.dialects.api import UnableError
from hotswap.dialects.gemini.generate import peek, read_request, write_request
from hotswap.dialects.neutral import (
    Call,
    Mode,
    Request,
    Result,
    Role,
    Text,
    Tool,
    ToolChoice,
    Turn,
)

PARTIAL = "The three largest lakes are Superior, Vic"
GO_ON = "Your last message was cut off. Write only its missing rest."
SYSTEM = Turn(Role.SYSTEM, [Text("You are a pirate.")])
ASKED = Turn(Role.USER, [Text("Name the largest lakes.")])
CALLED = Turn(Role.ASSISTANT, [Text("I look."), Call("c1", "find", '{"what":"lakes"}', "c2ln")])
FOUND = Turn(Role.USER, [Result("c1", [Text("Superior, Victoria, Huron")], "find")])
BEGUN = Turn(Role.ASSISTANT, [Text(PARTIAL)])
TOLD = Turn(Role.USER, [Text(GO_ON)])


def body(*turns: Turn, prefill: Prefill = Prefill.NO, **fields: object) -> dict[str, object]:
    target = Target(
        "google/g", "google", "gemini-3-pro", abilities=Abilities(prefill=prefill, efforts=("low",))
    )
    request = msgspec.structs.replace(Request(turns=turns, stream=True), **fields)
    outgoing = write_request(request, target, "google")
    assert outgoing.path == "/v1beta/models/gemini-3-pro:streamGenerateContent?alt=sse"
    assert outgoing.notices == ()
    return msgspec.json.decode(outgoing.body, type=dict[str, object])


def said(role: str, text: str) -> dict[str, object]:
    return {"role": role, "parts": [{"text": text}]}


def test_with_native_prefill_the_answer_is_the_last_content_word_for_word():
    partial = Turn(Role.ASSISTANT, [Text(PARTIAL + "toria,\n\n  ")])

    assert body(SYSTEM, ASKED, partial, prefill=Prefill.NATIVE, max_tokens=2000) == {
        "systemInstruction": {"parts": [{"text": "You are a pirate."}]},
        "contents": [
            said("user", "Name the largest lakes."),
            said("model", "The three largest lakes are Superior, Victoria,\n\n  "),
        ],
        "generationConfig": {"maxOutputTokens": 2000},
    }


def test_by_instruction_the_user_asks_to_go_on_and_the_system_instruction_stays():
    assert body(SYSTEM, ASKED, BEGUN, TOLD, max_tokens=2000) == {
        "systemInstruction": {"parts": [{"text": "You are a pirate."}]},
        "contents": [
            said("user", "Name the largest lakes."),
            said("model", "The three largest lakes are Superior, Vic"),
            said("user", "Your last message was cut off. Write only its missing rest."),
        ],
        "generationConfig": {"maxOutputTokens": 2000},
    }


@pytest.mark.parametrize(
    ("prefill", "more"), [(Prefill.NATIVE, []), (Prefill.NO, [TOLD]), (Prefill.NATIVE, [TOLD])]
)
def test_after_a_tools_result_the_answer_follows_the_result(prefill: Prefill, more: list[Turn]):
    tools = (Tool("find"),)
    choice = ToolChoice(Mode.AUTO)

    written = body(
        SYSTEM,
        ASKED,
        CALLED,
        FOUND,
        BEGUN,
        *more,
        prefill=prefill,
        tools=tools,
        tool_choice=choice,
    )

    call = {"name": "find", "args": {"what": "lakes"}, "id": "c1"}
    result = {"name": "find", "response": {"output": "Superior, Victoria, Huron"}, "id": "c1"}
    assert written["contents"] == [
        said("user", "Name the largest lakes."),
        {
            "role": "model",
            "parts": [{"text": "I look."}, {"functionCall": call, "thoughtSignature": "c2ln"}],
        },
        {"role": "user", "parts": [{"functionResponse": result}]},
        said("model", "The three largest lakes are Superior, Vic"),
        *[said("user", GO_ON) for _ in more],
    ]
    assert written["systemInstruction"] == {"parts": [{"text": "You are a pirate."}]}
    assert written["toolConfig"] == {"functionCallingConfig": {"mode": "AUTO"}}


def test_what_the_caller_had_begun_itself_stands_before_the_answer_in_the_same_turn():
    own = Turn(Role.ASSISTANT, [Text("Ahoy! ")])

    assert body(ASKED, own, BEGUN, TOLD)["contents"] == [
        said("user", "Name the largest lakes."),
        {"role": "model", "parts": [{"text": "Ahoy! "}, {"text": PARTIAL}]},
        said("user", GO_ON),
    ]


def test_a_target_without_prefill_refuses_to_end_with_the_answer():
    with pytest.raises(UnableError, match="prefill"):
        body(ASKED, BEGUN)


def test_a_callers_own_request_goes_on_with_all_that_it_said():
    contents = {
        "systemInstruction": {"parts": [{"text": "You are a pirate."}]},
        "contents": [
            said("user", "Name the largest lakes."),
            {"role": "model", "parts": [{"functionCall": {"name": "find"}}]},
            {
                "role": "user",
                "parts": [{"functionResponse": {"name": "find", "response": {"result": "none"}}}],
            },
        ],
        "generationConfig": {"temperature": 0.5, "stopSequences": ["END"]},
    }
    asked = peek(
        msgspec.json.encode(contents), "/v1beta/models/main:streamGenerateContent", "alt=sse"
    )
    request = read_request(asked)

    written = body(*request.turns, BEGUN, TOLD, temperature=request.temperature, stop=request.stop)

    assert written["generationConfig"] == {"temperature": 0.5, "stopSequences": ["END"]}
    assert written["systemInstruction"] == {"parts": [{"text": "You are a pirate."}]}
    assert [
        turn["role"] for turn in msgspec.convert(written["contents"], list[dict[str, object]])
    ] == [
        "user",
        "model",
        "user",
        "model",
        "user",
    ]

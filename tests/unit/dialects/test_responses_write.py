"""Neutral requests, written in the Responses dialect."""

from collections.abc import Sequence
from typing import cast

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw

from hotswap.core.abilities import Abilities, Prefill, Thinks
from hotswap.core.terms import Target
from hotswap.dialects.api import Outgoing, UnableError
from hotswap.dialects.neutral import (
    Audio,
    Call,
    File,
    Format,
    Image,
    Mode,
    Part,
    Reasoning,
    Refusal,
    Request,
    Result,
    Role,
    Text,
    Thinking,
    Tool,
    ToolChoice,
    Turn,
    Video,
)
from hotswap.dialects.responses import responses

SCHEMA = Raw(b'{"type":"object"}')
HI = Turn(Role.USER, (Text("Hi"),))
ASKED = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}
PLAIN = {"model": "m-1", "input": [ASKED], "store": False}


def target(overrides: bytes = b"", **abilities: object) -> Target:
    able = msgspec.convert(abilities, Abilities)
    return Target(id="p/m-1", provider="p", model="m-1", overrides=overrides, abilities=able)


def out(request: Request, to: Target | None = None, kind: str = "openai") -> Outgoing:
    return responses.write_request(request, to or target(), kind)


def write(request: Request, to: Target | None = None, kind: str = "openai") -> dict[str, object]:
    body = msgspec.json.decode(out(request, to, kind).body)
    assert isinstance(body, dict)
    return cast("dict[str, object]", body)


def ask(**fields: object) -> Request:
    return msgspec.structs.replace(Request(turns=(HI,)), **fields)


def items(*turns: Turn) -> object:
    return write(Request(turns=turns))["input"]


def added(request: Request, to: Target | None = None, kind: str = "openai") -> dict[str, object]:
    """Return what a request adds to the plainest one."""
    body = write(request, to, kind)
    assert body.items() >= PLAIN.items()
    return {name: value for name, value in body.items() if name not in PLAIN}


def test_a_plain_request_is_never_stored():
    written = out(ask())

    assert written.path == "/responses"
    assert msgspec.json.decode(written.body) == PLAIN
    assert (written.notices, written.stop, written.headers) == ([], (), b"")


def test_a_stream_comes_without_padding_where_there_is_any():
    assert added(ask(stream=True)) == {
        "stream": True,
        "stream_options": {"include_obfuscation": False},
    }
    assert added(ask(stream=True), kind="vllm") == {"stream": True}


def test_leading_system_text_becomes_instructions_and_later_stays_where_it_is():
    body = write(
        Request(
            turns=(
                Turn(Role.SYSTEM, (Text("A"),)),
                Turn(Role.SYSTEM, (Text("B"),)),
                HI,
                Turn(Role.SYSTEM, (Text("C"),)),
                HI,
            )
        )
    )

    assert body["instructions"] == "A\n\nB"
    later = {"type": "message", "role": "system", "content": [{"type": "input_text", "text": "C"}]}
    assert body["input"] == [ASKED, later, ASKED]


def test_system_text_alone_is_the_input_which_may_not_be_empty():
    body = write(Request(turns=(Turn(Role.SYSTEM, (Text("A"),)),)))

    assert "instructions" not in body
    assert body["input"] == [
        {"type": "message", "role": "system", "content": [{"type": "input_text", "text": "A"}]}
    ]


def test_a_conversation_with_calls_is_written_in_items():
    assert items(
        HI,
        Turn(Role.ASSISTANT, (Thinking("Hm"), Text("I look."), Call("a", "f", '{"x":1}'))),
        Turn(Role.USER, (Result("a", (Text("17"),)), Text("Well?"))),
        Turn(Role.ASSISTANT, (Refusal("No."),)),
        HI,
    ) == [
        ASKED,
        {
            "type": "message",
            "id": "msg_1",
            "status": "completed",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "I look.", "annotations": []}],
        },
        {"type": "function_call", "call_id": "a", "name": "f", "arguments": '{"x":1}'},
        {"type": "function_call_output", "call_id": "a", "output": "17"},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Well?"}]},
        {
            "type": "message",
            "id": "msg_5",
            "status": "completed",
            "role": "assistant",
            "content": [{"type": "refusal", "refusal": "No."}],
        },
        ASKED,
    ]


def test_a_call_without_a_result_gets_one():
    written = items(HI, Turn(Role.ASSISTANT, (Call("a", "f", "{}"),)), HI)

    assert written == [
        ASKED,
        {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"},
        {
            "type": "function_call_output",
            "call_id": "a",
            "output": "Error: The tool returned nothing.",
        },
        ASKED,
    ]


def test_a_result_without_a_call_is_said_by_the_user():
    assert items(Turn(Role.USER, (Result("a", (Text("Hi"),)),))) == [ASKED]


def test_results_may_hold_pictures_and_tell_of_failure():
    seen = Result("a", (Text("See"), Image("image/png", "AA==")), failed=True)

    written = items(HI, Turn(Role.ASSISTANT, (Call("a", "f", "{}"),)), Turn(Role.USER, (seen,)))

    assert cast("list[object]", written)[2] == {
        "type": "function_call_output",
        "call_id": "a",
        "output": [
            {"type": "input_text", "text": "Error: "},
            {"type": "input_text", "text": "See"},
            {"type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": "auto"},
        ],
    }


def test_long_ids_of_calls_are_shortened_alike_in_calls_and_results():
    long = "x" * 65
    written = items(
        HI,
        Turn(Role.ASSISTANT, (Call(long, "f", "{}"),)),
        Turn(Role.USER, (Result(long, (Text("17"),)),)),
    )

    call, result = cast("list[dict[str, str]]", written)[1:]
    assert call["call_id"] == result["call_id"]
    assert len(call["call_id"]) == 40


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (
            Image("image/png", "AA==", detail="low"),
            {"type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": "low"},
        ),
        (
            Image(url="https://x/y"),
            {"type": "input_image", "image_url": "https://x/y", "detail": "auto"},
        ),
        (
            File("text/csv", "AA==", name="a.csv"),
            {"type": "input_file", "filename": "a.csv", "file_data": "data:text/csv;base64,AA=="},
        ),
        (File(url="https://x/y"), {"type": "input_file", "file_url": "https://x/y"}),
    ],
)
def test_media_are_written_by_data_or_address(part: Part, expected: object):
    assert items(Turn(Role.USER, (part,))) == [
        {"type": "message", "role": "user", "content": [expected]}
    ]


def test_tools_are_flat_and_always_say_whether_they_are_strict():
    tools = (Tool("f", "d", SCHEMA, strict=True), Tool("g", schema=SCHEMA))

    assert added(ask(tools=tools, parallel=False)) == {
        "tools": [
            {
                "type": "function",
                "name": "f",
                "description": "d",
                "parameters": {"type": "object"},
                "strict": True,
            },
            {"type": "function", "name": "g", "parameters": {"type": "object"}, "strict": False},
        ],
        "parallel_tool_calls": False,
    }


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (ToolChoice(Mode.AUTO), "auto"),
        (ToolChoice(Mode.NONE), "none"),
        (ToolChoice(Mode.REQUIRED), "required"),
        (ToolChoice(Mode.REQUIRED, ("f",)), {"type": "function", "name": "f"}),
        (
            ToolChoice(Mode.AUTO, ("f",)),
            {
                "type": "allowed_tools",
                "mode": "auto",
                "tools": [{"type": "function", "name": "f"}],
            },
        ),
    ],
)
def test_choices_of_tools_are_written(choice: ToolChoice, expected: object):
    assert added(ask(tools=(Tool("f"),), tool_choice=choice))["tool_choice"] == expected


def test_tools_that_are_not_allowed_are_left_out_where_nobody_can_say_so():
    choice = ToolChoice(Mode.REQUIRED, ("f", "g"))

    written = added(ask(tools=(Tool("f"), Tool("g"), Tool("h")), tool_choice=choice), kind="vllm")

    tools = cast("list[dict[str, object]]", written["tools"])
    assert [tool["name"] for tool in tools] == ["f", "g"]
    assert written["tool_choice"] == "required"


def test_forms_of_the_answer_are_written():
    assert added(ask(format=Format(SCHEMA, "n", "d", strict=True))) == {
        "text": {
            "format": {
                "type": "json_schema",
                "name": "n",
                "schema": {"type": "object"},
                "description": "d",
                "strict": True,
            }
        }
    }


def test_the_word_json_is_in_the_input_where_json_is_asked_for():
    silent = write(ask(format=Format()))
    told = write(ask(format=Format(), turns=(Turn(Role.USER, (Text("As JSON."),)),)))

    assert silent["text"] == told["text"] == {"format": {"type": "json_object"}}
    said = {"role": "system", "content": "Answer with a JSON object."}
    assert silent["input"] == [said, ASKED]
    assert len(cast("list[object]", told["input"])) == 1


def test_limits_stay_within_what_the_target_takes():
    assert added(ask(max_tokens=300)) == {"max_output_tokens": 300}
    large = out(ask(max_tokens=300), target(max_output=200))
    small = out(ask(max_tokens=1))

    assert msgspec.json.decode(large.body) == {**PLAIN, "max_output_tokens": 200}
    assert msgspec.json.decode(small.body) == {**PLAIN, "max_output_tokens": 16}
    assert (large.notices, small.notices) == (["max_tokens"], ["max_tokens"])


@pytest.mark.parametrize(
    ("asked", "abilities", "expected", "notices"),
    [
        (Reasoning("high"), {}, {"effort": "high"}, []),
        (Reasoning("high", shown=True), {}, {"effort": "high", "summary": "auto"}, []),
        (Reasoning(shown=True), {}, {"summary": "auto"}, []),
        (Reasoning("none", shown=True), {}, {"effort": "none"}, []),
        (Reasoning(budget_tokens=9000), {}, {"effort": "medium"}, []),
        (
            Reasoning("xhigh"),
            {"efforts": ("low", "high")},
            {"effort": "high"},
            ["reasoning_effort"],
        ),
        (Reasoning("high", shown=True), {"thinks": Thinks.NO}, None, ["reasoning_effort"]),
        (Reasoning("none"), {"thinks": Thinks.NO}, None, []),
    ],
)
def test_reasoning_is_asked_for_in_the_targets_words(
    asked: Reasoning, abilities: dict[str, object], expected: object, notices: list[str]
):
    able = msgspec.convert(abilities, Abilities)
    written = out(ask(reasoning=asked), Target("p/m-1", "p", "m-1", abilities=able))

    body = msgspec.json.decode(written.body, type=dict[str, object])
    assert body.get("reasoning") == expected
    assert written.notices == notices


def test_sampling_is_written_where_it_is_taken():
    request = ask(temperature=0.5, top_p=0.9)

    assert added(request) == {"temperature": 0.5, "top_p": 0.9}
    refused = out(request, target(sampling=False))
    assert msgspec.json.decode(refused.body) == PLAIN
    assert refused.notices == ["temperature", "top_p"]


def test_what_has_no_place_here_is_named():
    written = out(
        Request(
            turns=(Turn(Role.USER, (Text("Hi"),), "Ann"),),
            top_k=4,
            seed=1,
            presence_penalty=0.1,
            frequency_penalty=0.2,
            dropped=("logit_bias",),
        )
    )

    assert msgspec.json.decode(written.body) == PLAIN
    assert written.notices == [
        "logit_bias",
        "top_k",
        "seed",
        "presence_penalty",
        "frequency_penalty",
        "name",
    ]


def test_stop_sequences_are_left_to_the_gateway():
    written = out(ask(stop=("END", "")))

    assert msgspec.json.decode(written.body) == PLAIN
    assert written.stop == ("END",)
    assert written.notices == []


def test_who_asks_and_the_cache_key_travel_on():
    request = ask(user="u", cache_key="k")

    assert added(request) == {"user": "u", "prompt_cache_key": "k"}
    assert added(request, kind="vllm") == {"user": "u"}


def test_the_targets_own_fields_come_last():
    overrides = b'{"service_tier":"flex","model":"x","stream":true,"store":true}'

    assert write(ask(), target(overrides)) == {**PLAIN, "store": True, "service_tier": "flex"}


def test_own_fields_of_a_target_of_the_chat_find_their_place():
    overrides = b'{"reasoning_effort":"low","max_completion_tokens":99,"verbosity":"low"}'
    request = ask(format=Format(SCHEMA), max_tokens=50, reasoning=Reasoning("high", shown=True))

    assert added(request, target(overrides)) == {
        "max_output_tokens": 99,
        "reasoning": {"effort": "low", "summary": "auto"},
        "text": {
            "format": {"type": "json_schema", "name": "answer", "schema": {"type": "object"}},
            "verbosity": "low",
        },
    }


@pytest.mark.parametrize(
    ("request_", "to", "need"),
    [
        (ask(native=("file_id", "server_tools")), target(), "file_id"),
        (ask(n=2), target(), "several"),
        (ask(logprobs=True), target(), "logprobs"),
        (ask(tools=(Tool("f"),)), target(tools=False), "tools"),
        (ask(tools=(Tool("a.b"),)), target(), "tool_names"),
        (
            ask(tools=(Tool("f"),), tool_choice=ToolChoice(Mode.REQUIRED)),
            target(forced_tool=False),
            "forced_tool",
        ),
        (ask(format=Format()), target(json_object=False), "json_object"),
        (ask(format=Format(SCHEMA)), target(json_schema=False), "json_schema"),
        (ask(turns=(Turn(Role.USER, (Image(url="https://x"),)),)), target(images=False), "images"),
        (ask(turns=(Turn(Role.USER, (Image(url="file:///x"),)),)), target(), "images"),
        (ask(turns=(Turn(Role.USER, (File(url="gs://x"),)),)), target(), "files"),
        (ask(turns=(Turn(Role.USER, (File(data="AA=="),)),)), target(files=False), "files"),
        (ask(turns=(Turn(Role.USER, (Audio("audio/wav", "AA"),)),)), target(), "audio"),
        (ask(turns=(Turn(Role.USER, (Video("video/mp4", "AA"),)),)), target(), "video"),
        (ask(turns=(HI, Turn(Role.ASSISTANT, (Text("Once"),)))), target(), "prefill"),
    ],
)
def test_what_cannot_be_said_is_named(request_: Request, to: Target, need: str):
    with pytest.raises(UnableError) as unable:
        out(request_, to)

    assert unable.value.need == need


def test_an_answer_that_was_begun_goes_to_a_target_that_continues_it():
    begun = ask(turns=(HI, Turn(Role.ASSISTANT, (Text("Once"),))))

    body = write(begun, target(prefill=Prefill.NATIVE))

    assert len(cast("list[object]", body["input"])) == 2


words = st.text(min_size=1, max_size=8)
texts = st.builds(Text, words)
media = st.sampled_from(
    [
        Image("image/png", "AA==", detail="low"),
        Image(url="https://x/y", detail="auto"),
        File("text/csv", "AA==", name="a.csv"),
        File(url="https://x/y"),
    ]
)


@st.composite
def conversations(draw: st.DrawFn) -> list[Turn]:
    turns = [Turn(Role.SYSTEM, (Text(draw(words)),))] if draw(st.booleans()) else []
    calls = 0
    for _ in range(draw(st.integers(1, 4))):
        turns.append(Turn(Role.USER, tuple(draw(st.lists(texts | media, min_size=1, max_size=3)))))
        if draw(st.booleans()):
            made = [
                Call(f"call_{calls + n}", "f", draw(st.sampled_from(["{}", '{"a":"é"}'])))
                for n in range(draw(st.integers(1, 3)))
            ]
            calls += len(made)
            turns.append(Turn(Role.ASSISTANT, (*draw(st.lists(texts, max_size=2)), *made)))
            results = [Result(call.id, (Text(draw(words)),)) for call in made]
            turns.append(Turn(Role.USER, tuple(results)))
    return [*turns, HI]


@st.composite
def requests(draw: st.DrawFn) -> Request:
    maybe = draw(st.sampled_from([None, 0.5, 1.0]))
    return Request(
        turns=tuple(draw(conversations())),
        stream=draw(st.booleans()),
        usage_asked=True,
        tools=tuple(
            draw(st.lists(st.builds(Tool, st.sampled_from("fgh"), words, strict=st.booleans())))
        ),
        parallel=None,
        format=draw(
            st.none() | st.builds(Format, st.just(SCHEMA), st.just("n"), words, st.booleans())
        ),
        max_tokens=draw(st.none() | st.integers(16, 9999)),
        temperature=maybe,
        top_p=maybe,
        reasoning=draw(
            st.none() | st.builds(Reasoning, st.sampled_from(["low", "max"]), shown=st.booleans())
        ),
        user=draw(st.just("") | words),
        cache_key=draw(st.just("") | words),
    )


def said(turns: Sequence[Turn]) -> list[tuple[Role, Part]]:
    """Return who says what, however it is divided into turns."""
    return [(turn.role, part) for turn in turns for part in turn.parts]


@settings(max_examples=20)
@given(requests())
def test_what_is_written_reads_as_the_same_request(request: Request):
    again = responses.read_request(responses.peek(out(request).body))

    assert said(again.turns) == said(request.turns)
    assert msgspec.structs.replace(again, turns=()) == msgspec.structs.replace(request, turns=())

"""Requests of the Responses dialect, read into neutral values."""

import msgspec
import pytest
from msgspec import Raw

from hotswap.dialects.neutral import (
    Audio,
    Call,
    File,
    Format,
    Image,
    Mode,
    Reasoning,
    Refusal,
    Request,
    Result,
    Role,
    Text,
    Tool,
    ToolChoice,
    Turn,
)
from hotswap.dialects.responses import responses
from hotswap.errors import RefusedError

HI = Turn(Role.USER, (Text("Hi"),))
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
RAW = Raw(b'{"type":"object","properties":{"a":{"type":"string"}}}')


def read(**fields: object) -> Request:
    body = msgspec.json.encode({"model": "m", "input": "Hi", **fields})
    return responses.read_request(responses.peek(body))


def turns(*items: object) -> list[Turn]:
    return list(read(input=items).turns)


def part_of(kind: str, text: str) -> dict[str, str]:
    return {"type": kind, "text": text}


def part(wire: object) -> object:
    (turn,) = turns({"role": "user", "content": [wire]})
    return turn.parts[0]


def test_a_plain_request_is_one_turn_of_the_user():
    assert read() == Request(turns=(HI,), usage_asked=True)


def test_instructions_come_first_and_fields_find_their_place():
    request = read(
        instructions="Be brief.",
        stream=True,
        max_output_tokens=300,
        temperature=0.5,
        top_p=1,
        parallel_tool_calls=False,
        reasoning={"effort": "low", "summary": "auto"},
        user="u",
        prompt_cache_key="k",
    )

    assert request == Request(
        turns=(Turn(Role.SYSTEM, (Text("Be brief."),)), HI),
        stream=True,
        usage_asked=True,
        parallel=False,
        max_tokens=300,
        temperature=0.5,
        top_p=1.0,
        reasoning=Reasoning("low", shown=True),
        user="u",
        cache_key="k",
    )


def test_a_conversation_with_calls_is_read_in_turns():
    found = turns(
        {"role": "developer", "content": "Be brief."},
        {"type": "message", "role": "user", "content": [part_of("input_text", "How warm?")]},
        {"type": "reasoning", "id": "rs_1", "summary": [part_of("summary_text", "Hm")]},
        {"role": "assistant", "content": [part_of("output_text", "I look.")]},
        {"type": "function_call", "call_id": "a", "name": "f", "arguments": '{"x":1}'},
        {"type": "function_call", "call_id": "b", "name": "g", "arguments": ""},
        {"type": "function_call_output", "call_id": "a", "output": "17"},
        {
            "type": "function_call_output",
            "call_id": "b",
            "output": [
                {"type": "input_text", "text": "See"},
                {"type": "input_image", "image_url": "https://x/y.png"},
            ],
        },
        {"role": "user", "content": "Thanks."},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
    )

    assert found == [
        Turn(Role.SYSTEM, (Text("Be brief."),)),
        Turn(Role.USER, (Text("How warm?"),)),
        Turn(Role.ASSISTANT, (Text("I look."), Call("a", "f", '{"x":1}'), Call("b", "g", "{}"))),
        Turn(
            Role.USER,
            (
                Result("a", (Text("17"),)),
                Result("b", (Text("See"), Image(url="https://x/y.png"))),
            ),
        ),
        Turn(Role.USER, (Text("Thanks."),)),
        Turn(Role.ASSISTANT, (Refusal("No."),)),
    ]


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        (
            {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "low"},
            Image("image/png", "AAAA", detail="low"),
        ),
        (
            {"type": "input_file", "filename": "a.pdf", "file_data": "data:text/csv;base64,AA=="},
            File("text/csv", "AA==", name="a.pdf"),
        ),
        ({"type": "input_file", "file_data": "AA=="}, File("application/pdf", "AA==")),
        ({"type": "input_file", "file_url": "https://x/y"}, File(url="https://x/y")),
        (
            {"type": "input_audio", "input_audio": {"data": "AA==", "format": "mp3"}},
            Audio("audio/mpeg", "AA=="),
        ),
        (
            {"type": "input_text", "text": "Hi", "prompt_cache_breakpoint": {"mode": "explicit"}},
            Text("Hi", cached=True),
        ),
    ],
)
def test_parts_are_read_by_their_type(wire: object, expected: object):
    assert part(wire) == expected


def test_tools_choices_and_formats_are_read():
    function = {"type": "function", "name": "f", "description": "d", "parameters": SCHEMA}
    request = read(
        tools=[{**function, "strict": True}, {"type": "function", "name": "g"}],
        tool_choice={"type": "function", "name": "f"},
        text={"format": {"type": "json_schema", "name": "n", "schema": SCHEMA, "strict": True}},
    )

    assert request.tools == (Tool("f", "d", RAW, strict=True), Tool("g"))
    assert request.tool_choice == ToolChoice(Mode.REQUIRED, ("f",))
    assert request.format == Format(RAW, "n", strict=True)
    assert read(text={"format": {"type": "json_object"}}).format == Format()


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        ("none", ToolChoice(Mode.NONE)),
        ("required", ToolChoice(Mode.REQUIRED)),
        (
            {
                "type": "allowed_tools",
                "mode": "auto",
                "tools": [{"type": "function", "name": "f"}, {"type": "function", "name": "g"}],
            },
            ToolChoice(Mode.AUTO, ("f", "g")),
        ),
    ],
)
def test_choices_of_tools_are_read(wire: object, expected: ToolChoice):
    assert read(tool_choice=wire).tool_choice == expected


@pytest.mark.parametrize(
    ("fields", "native"),
    [
        ({"previous_response_id": "resp_1"}, ["previous_response_id"]),
        ({"conversation": {"id": "conv_1"}}, ["conversation"]),
        ({"prompt": {"id": "p"}}, ["prompt"]),
        ({"background": True}, ["background"]),
        ({"context_management": [{"type": "compaction"}]}, ["context_management"]),
        ({"tools": [{"type": "web_search"}]}, ["server_tools"]),
        ({"tools": [{"type": "file_search", "vector_store_ids": ["x"]}]}, ["server_tools"]),
        ({"tools": [{"type": "code_interpreter", "container": "c"}]}, ["server_tools"]),
        ({"tools": [{"type": "mcp", "server_label": "x"}]}, ["server_tools"]),
        ({"tools": [{"type": "computer"}]}, ["server_tools"]),
        ({"tools": [{"type": "image_generation"}]}, ["server_tools"]),
        ({"tools": [{"type": "custom", "name": "x"}]}, ["custom_tools"]),
        ({"tool_choice": {"type": "web_search"}}, ["server_tools"]),
        ({"tool_choice": {"type": "custom", "name": "x"}}, ["custom_tools"]),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, ["item_reference"]),
        ({"input": [{"id": "msg_1"}]}, ["item_reference"]),
        ({"input": [{"type": "web_search_call", "id": "ws_1"}]}, ["server_tools"]),
        ({"input": [{"type": "custom_tool_call", "call_id": "c"}]}, ["custom_tools"]),
        (
            {"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}]},
            ["file_id"],
        ),
        (
            {"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "f"}]}]},
            ["file_id"],
        ),
    ],
)
def test_what_only_this_dialect_can_do_is_named(fields: dict[str, object], native: list[str]):
    assert read(**fields).native == tuple(native)


def test_what_only_colours_the_answer_is_dropped_by_name():
    request = read(
        store=True,
        metadata={"a": "b"},
        service_tier="flex",
        truncation="auto",
        include=["reasoning.encrypted_content"],
        text={"verbosity": "low"},
        reasoning={"effort": "turbo", "mode": "pro"},
    )

    assert request.dropped == (
        "store",
        "metadata",
        "service_tier",
        "truncation",
        "include",
        "text.verbosity",
        "reasoning.effort",
        "reasoning.mode",
    )
    assert request.reasoning is None


def test_what_says_nothing_is_not_called_dropped():
    request = read(
        store=False,
        metadata={},
        service_tier="auto",
        truncation="disabled",
        include=[],
        previous_response_id=None,
        background=False,
        stream_options={"include_obfuscation": False},
        text={"format": {"type": "text"}},
        tool_choice=None,
    )

    assert request == Request(turns=(HI,), usage_asked=True)


def test_logprobs_are_asked_for_in_two_ways():
    assert read(include=["message.output_text.logprobs"]).logprobs
    assert read(top_logprobs=3).top_logprobs == 3
    assert not read(top_logprobs=0).logprobs


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": [{"role": "robot", "content": "Hi"}]}, "input[0].role"),
        ({"input": [{"role": "user", "content": [{"type": "x"}]}]}, "input[0].content[0]"),
        (
            {"input": [{"role": "user", "content": [{"type": "input_image"}]}]},
            "input[0].content[0].image_url",
        ),
        (
            {
                "input": [
                    {
                        "role": "user",
                        "content": [{"type": "input_image", "image_url": "data:image/png,AA"}],
                    }
                ]
            },
            "input[0].content[0].image_url",
        ),
        (
            {"input": [{"role": "user", "content": [{"type": "input_file"}]}]},
            "input[0].content[0].file_data",
        ),
        (
            {"input": [{"role": "system", "content": [{"type": "refusal", "refusal": "No"}]}]},
            "input[0].content",
        ),
        ({"input": [{"type": "function_call", "name": "f"}]}, "input[0].call_id"),
        ({"input": [{"type": "function_call", "call_id": "c"}]}, "input[0]"),
        (
            {"input": [{"type": "function_call", "call_id": "c", "name": "f", "arguments": "{"}]},
            "input[0].arguments",
        ),
        ({"input": [{"type": "function_call_output", "output": "x"}]}, "input[0].call_id"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"max_output_tokens": "9"}, "max_output_tokens"),
        ({"temperature": "warm"}, "temperature"),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
        ({"tools": [{"type": "function", "name": "f", "parameters": 5}]}, "tools[0].parameters"),
        ({"tool_choice": "often"}, "tool_choice"),
        ({"tool_choice": {"type": "function"}}, "tool_choice.name"),
        ({"text": {"format": {"type": "xml"}}}, "text.format.type"),
        ({"text": {"format": {"type": "json_schema", "name": "n"}}}, "text.format.schema"),
    ],
)
def test_what_cannot_be_understood_is_refused_at_its_place(fields: dict[str, object], param: str):
    with pytest.raises(RefusedError) as refused:
        read(**fields)

    assert (refused.value.status, refused.value.param) == (400, param)

"""Callers of Anthropic's dialect are understood."""

from contextlib import suppress

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw

from hotswap.dialects.anthropic.messages import peek, read_request
from hotswap.dialects.neutral import (
    Call,
    File,
    Format,
    Image,
    Mode,
    Part,
    Reasoning,
    Request,
    Result,
    Role,
    Text,
    Thinking,
    Tool,
    ToolChoice,
    Turn,
)
from hotswap.errors import RefusedError

HI: list[object] = [{"role": "user", "content": "Hi"}]
MARK = {"type": "ephemeral"}
NOTHING: dict[str, object] = {}
NONE: list[object] = []


def read(**fields: object) -> Request:
    whole = {"model": "main", "max_tokens": 9, "messages": HI}
    return read_request(peek(msgspec.json.encode({**whole, **fields})))


def parts(*blocks: object) -> list[Part]:
    return list(read(messages=[{"role": "user", "content": list(blocks)}]).turns[0].parts)


def document(**source: str) -> dict[str, object]:
    return {"type": "document", "title": "T", "source": source}


def test_a_second_turn_after_a_call_is_read():
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    image = {"type": "base64", "media_type": "image/png", "data": "AAAA"}
    call = {"type": "tool_use", "id": "call_A1", "name": "get_t", "input": {"city": "Bern"}}

    request = read(
        max_tokens=300,
        system="Be brief.",
        tool_choice={"type": "auto"},
        messages=[
            {
                "role": "user",
                "content": [{"type": "text", "text": "Warm?"}, {"type": "image", "source": image}],
            },
            {"role": "assistant", "content": [call]},
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": "call_A1", "content": "17"}],
            },
        ],
        tools=[{"name": "get_t", "description": "d", "input_schema": schema}],
    )

    assert request == Request(
        turns=[
            Turn(Role.SYSTEM, [Text("Be brief.")]),
            Turn(Role.USER, [Text("Warm?"), Image("image/png", "AAAA")]),
            Turn(Role.ASSISTANT, [Call("call_A1", "get_t", '{"city":"Bern"}')]),
            Turn(Role.USER, [Result("call_A1", [Text("17")])]),
        ],
        usage_asked=True,
        tools=[Tool("get_t", "d", Raw(msgspec.json.encode(schema)))],
        tool_choice=ToolChoice(Mode.AUTO),
        max_tokens=300,
    )


@pytest.mark.parametrize(
    ("block", "part"),
    [
        ({"type": "text", "text": "a", "cache_control": MARK}, Text("a", cached=True)),
        ({"type": "text", "text": "a", "cache_control": None}, Text("a")),
        (
            {"type": "image", "source": {"type": "url", "url": "https://x/a"}},
            Image(url="https://x/a"),
        ),
        (
            document(type="base64", media_type="application/pdf", data="AA"),
            File("application/pdf", "AA", name="T"),
        ),
        (document(type="url", url="https://x/a.pdf"), File(url="https://x/a.pdf", name="T")),
        (document(type="text", media_type="text/plain", data="words"), Text("T\n\nwords")),
        ({"type": "thinking", "thinking": "Hm", "signature": "s"}, Thinking("Hm", "s")),
        ({"type": "tool_use", "id": "t", "name": "f", "input": {}}, Call("t", "f", "{}")),
        (
            {
                "type": "search_result",
                "source": "https://x",
                "title": "T",
                "content": [{"type": "text", "text": "words"}],
            },
            Text("T\n\nhttps://x\n\nwords"),
        ),
        (
            {
                "type": "tool_result",
                "tool_use_id": "t",
                "is_error": True,
                "content": [
                    {"type": "text", "text": "no"},
                    {"type": "image", "source": {"type": "url", "url": "u"}},
                ],
            },
            Result("t", [Text("no"), Image(url="u")], failed=True),
        ),
        ({"type": "tool_result", "tool_use_id": "t"}, Result("t", [])),
    ],
)
def test_blocks_become_parts(block: dict[str, object], part: Part):
    assert parts(block) == [part]


def test_a_document_of_blocks_becomes_its_parts():
    inner = [
        {"type": "text", "text": "a"},
        {"type": "image", "source": {"type": "url", "url": "u"}},
    ]

    found = parts(
        {"type": "document", "title": "T", "source": {"type": "content", "content": inner}}
    )

    assert found == [Text("T"), Text("a"), Image(url="u")]


def test_what_is_said_of_a_document_stands_before_it():
    block = document(type="url", url="u")

    assert parts({**block, "context": "From 2020.", "citations": NONE}) == [
        Text("From 2020."),
        File(url="u", name="T"),
    ]


def test_what_means_nothing_to_others_is_left_out():
    assert parts({"type": "redacted_thinking", "data": "x"}, {"type": "fallback"}) == []


def test_system_blocks_keep_their_marks():
    request = read(
        system=[{"type": "text", "text": "a"}, {"type": "text", "text": "b", "cache_control": MARK}]
    )

    assert request.turns[0] == Turn(Role.SYSTEM, [Text("a"), Text("b", cached=True)])


def test_system_messages_may_stand_inside_the_conversation():
    request = read(messages=[*HI, {"role": "system", "content": "Now in French."}])

    assert request.turns[1] == Turn(Role.SYSTEM, [Text("Now in French.")])


@pytest.mark.parametrize(
    ("fields", "native"),
    [
        ({"container": "c1"}, "container"),
        ({"mcp_servers": [{"type": "url"}]}, "mcp_servers"),
        ({"context_management": {"edits": NONE}}, "context_management"),
        ({"inference_geo": "eu"}, "inference_geo"),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "server_tools"),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "image", "source": {"type": "file", "file_id": "f"}}],
                    }
                ]
            },
            "file_id",
        ),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [document(type="file", file_id="f")],
                    }
                ]
            },
            "file_id",
        ),
        (
            {
                "messages": [
                    {
                        "role": "assistant",
                        "content": [
                            {"type": "server_tool_use", "id": "s", "name": "w", "input": NOTHING},
                            {
                                "type": "web_search_tool_result",
                                "tool_use_id": "s",
                                "content": NOTHING,
                            },
                        ],
                    }
                ]
            },
            "server_tools",
        ),
    ],
)
def test_what_only_anthropic_can_do_is_native(fields: dict[str, object], native: str):
    assert list(read(**fields).native) == [native]


def test_what_only_colours_is_named():
    request = read(
        service_tier="auto",
        speed="fast",
        made_up=1,
        container=None,
        mcp_servers=[],
        inference_geo="global",
        cache_control=MARK,
    )

    assert list(request.dropped) == ["service_tier", "speed", "made_up"]
    assert list(request.native) == []


def test_wanted_citations_and_examples_are_named():
    source = {"type": "url", "url": "u"}
    cited = {"type": "document", "source": source, "citations": {"enabled": True}}

    request = read(
        messages=[{"role": "user", "content": [cited]}],
        tools=[{"name": "f", "input_schema": {"type": "object"}, "input_examples": [{"a": 1}]}],
    )

    assert list(request.dropped) == ["citations", "input_examples"]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({"type": "auto"}, ToolChoice(Mode.AUTO)),
        ({"type": "any"}, ToolChoice(Mode.REQUIRED)),
        ({"type": "tool", "name": "f"}, ToolChoice(Mode.REQUIRED, ("f",))),
        ({"type": "none"}, ToolChoice(Mode.NONE)),
        (None, None),
    ],
)
def test_tool_choices_are_read(choice: object, expected: ToolChoice | None):
    request = read(tool_choice=choice)

    assert (request.tool_choice, request.parallel) == (expected, None)


def test_parallel_calls_may_be_forbidden():
    assert read(tool_choice={"type": "any", "disable_parallel_tool_use": True}).parallel is False
    assert read(tool_choice={"type": "any", "disable_parallel_tool_use": False}).parallel is None


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, None),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 2000}},
            Reasoning("", 2000, shown=True),
        ),
        ({"thinking": {"type": "adaptive", "display": "omitted"}}, Reasoning()),
        (
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}},
            Reasoning("high", shown=True),
        ),
        (
            {"thinking": {"type": "disabled"}, "output_config": {"effort": "high"}},
            Reasoning("none"),
        ),
        ({"output_config": {"effort": "max"}}, Reasoning("max")),
    ],
)
def test_reasoning_is_put_together(fields: dict[str, object], expected: Reasoning | None):
    assert read(**fields).reasoning == expected


@pytest.mark.parametrize("where", ["output_config", "output_format"])
def test_schemas_are_read_unread(where: str):
    wanted = {"type": "json_schema", "schema": {"type": "object"}}

    request = read(**{where: {"format": wanted} if where == "output_config" else wanted})

    assert request.format == Format(Raw(b'{"type":"object"}'))


def test_sampling_limits_and_user_are_read():
    request = read(
        temperature=0.5,
        top_p=0.9,
        top_k=40,
        stop_sequences=["a", "b"],
        metadata={"user_id": "u1"},
        stream=True,
    )

    assert (request.temperature, request.top_p, request.top_k) == (0.5, 0.9, 40)
    assert (list(request.stop), request.user, request.stream) == (["a", "b"], "u1", True)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"messages": NONE}, "messages"),
        ({"messages": [{"role": "user"}]}, "messages"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages"),
        ({"messages": [{"role": "robot", "content": "Hi"}]}, "messages.0.role"),
        ({"messages": [5]}, "messages"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image", "source": NONE}]}]},
            "messages.content.image.source",
        ),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "tool_result", "content": {"a": 1}}]}
                ]
            },
            "messages",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "search_result", "source": 5}]}]},
            "messages.content.source",
        ),
        ({"system": 5}, "system"),
        ({"system": [5]}, "system"),
        ({"tools": NOTHING}, "tools"),
        ({"tool_choice": {"type": "maybe"}}, "tool_choice.type"),
        ({"tool_choice": {"type": "tool"}}, "tool_choice.name"),
        ({"temperature": "hot"}, "temperature"),
        ({"top_k": 0.5}, "top_k"),
        ({"stop_sequences": "x"}, "stop_sequences"),
        ({"metadata": NONE}, "metadata"),
    ],
)
def test_wrong_types_are_refused_by_name(fields: dict[str, object], param: str):
    with pytest.raises(RefusedError) as refused:
        read(**fields)

    assert (refused.value.status, refused.value.param) == (400, param)


def test_a_call_whose_input_is_no_object_is_refused():
    with pytest.raises(RefusedError) as refused:
        parts({"type": "tool_use", "id": "t", "name": "f", "input": '{"city":'})

    assert refused.value.param == "messages.content.tool_use.input"


def test_blocks_that_lie_too_deep_are_refused():
    block: dict[str, object] = {"type": "tool_result", "tool_use_id": "t", "content": "x"}
    for _ in range(20):
        block = {"type": "tool_result", "tool_use_id": "t", "content": [block]}

    with pytest.raises(RefusedError):
        parts(block)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab", max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "text", "source", "content", "role", "input", "name"]),
            inner | st.sampled_from(["text", "image", "document", "tool_result", "user"]),
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=40)
@given(
    st.dictionaries(
        st.sampled_from(
            ["messages", "system", "tools", "tool_choice", "thinking", "output_config", "metadata"]
        ),
        json_values,
        max_size=3,
    )
)
def test_whatever_the_fields_hold_is_read_or_refused(fields: dict[str, object]):
    with suppress(RefusedError):
        assert read(**fields).turns

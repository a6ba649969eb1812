"""Chat requests of OpenAI's dialect, read into neutral values."""

from collections.abc import Sequence

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
    Part,
    Reasoning,
    Refusal,
    Request,
    Result,
    Role,
    Text,
    Tool,
    ToolChoice,
    Turn,
    Video,
)
from hotswap.dialects.openai.chat import peek
from hotswap.dialects.openai.read import read_request
from hotswap.errors import RefusedError

USER = {"role": "user", "content": "Hi"}
NOTHING: dict[str, object] = {}
NO_MESSAGES: list[object] = []


def read(messages: object = (USER,), **fields: object) -> Request:
    body = msgspec.json.encode({"model": "m", "messages": messages, **fields})
    return read_request(peek(body))


def refusal(messages: object = (USER,), **fields: object) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        read(messages, **fields)
    return caught.value


def parts_of(content: object, role: str = "user") -> Sequence[Part]:
    return read([{"role": role, "content": content}]).turns[0].parts


def test_a_plain_request_says_one_thing():
    assert read() == Request(turns=[Turn(Role.USER, (Text("Hi"),))])


def test_every_role_becomes_a_turn_in_its_place():
    messages = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": "Hi", "name": "ann"},
        {"role": "system", "content": [{"type": "text", "text": "Now be long."}]},
        {"role": "assistant", "content": "Hello", "refusal": None},
        {"role": "assistant", "content": None, "refusal": "No."},
    ]

    assert read(messages).turns == [
        Turn(Role.SYSTEM, (Text("Be brief."),)),
        Turn(Role.USER, (Text("Hi"),), "ann"),
        Turn(Role.SYSTEM, (Text("Now be long."),)),
        Turn(Role.ASSISTANT, (Text("Hello"),)),
        Turn(Role.ASSISTANT, (Refusal("No."),)),
    ]


def test_calls_and_their_results_are_read():
    signed = {"google": {"thought_signature": "sig"}}
    messages = [
        USER,
        {
            "role": "assistant",
            "content": "Well.",
            "tool_calls": [
                {
                    "id": "a",
                    "type": "function",
                    "function": {"name": "f", "arguments": '{"x":1}'},
                    "extra_content": signed,
                },
                {"id": "b", "function": {"name": "g", "arguments": ""}},
                {"id": "c", "function": {"name": "h", "arguments": {"y": 2}}},
            ],
        },
        {"role": "tool", "tool_call_id": "a", "content": "17"},
        {
            "role": "tool",
            "tool_call_id": "b",
            "content": [
                {"type": "text", "text": "18"},
                {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}},
            ],
        },
    ]

    assert read(messages).turns[1:] == [
        Turn(
            Role.ASSISTANT,
            (
                Text("Well."),
                Call("a", "f", '{"x":1}', "sig"),
                Call("b", "g", "{}"),
                Call("c", "h", '{"y":2}'),
            ),
        ),
        Turn(Role.USER, (Result("a", (Text("17"),)),)),
        Turn(Role.USER, (Result("b", (Text("18"), Image(url="https://x.example/a.png"))),)),
    ]


def test_deprecated_functions_are_tools():
    messages = [
        USER,
        {
            "role": "assistant",
            "content": None,
            "function_call": {"name": "f", "arguments": "{}"},
        },
        {"role": "function", "name": "f", "content": "17"},
    ]

    request = read(messages, functions=[{"name": "f"}], function_call={"name": "f"})

    assert request.turns[1:] == [
        Turn(Role.ASSISTANT, (Call("call_1", "f", "{}"),)),
        Turn(Role.USER, (Result("call_1", (Text("17"),), "f"),)),
    ]
    assert request.tools == (Tool("f"),)
    assert request.tool_choice == ToolChoice(Mode.REQUIRED, ("f",))
    assert read(function_call="none").tool_choice == ToolChoice(Mode.NONE)


@pytest.mark.parametrize(
    ("wire", "part"),
    [
        ({"type": "text", "text": "Hi"}, Text("Hi")),
        (
            {"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}},
            Text("Hi", cached=True),
        ),
        (
            {"type": "text", "text": "Hi", "prompt_cache_breakpoint": {"mode": "write"}},
            Text("Hi", cached=True),
        ),
        (
            {
                "type": "image_url",
                "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"},
            },
            Image("image/png", "AAAA", detail="low"),
        ),
        ({"type": "image_url", "image_url": "https://x.example/"}, Image(url="https://x.example/")),
        (
            {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}},
            Audio("audio/mpeg", "AAAA"),
        ),
        (
            {
                "type": "file",
                "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"},
            },
            File("application/pdf", "AAAA", name="a.pdf"),
        ),
        ({"type": "file", "file": {"file_data": "AAAA"}}, File("application/pdf", "AAAA")),
        (
            {"type": "file", "file": {"file_data": "https://x.example/a.pdf"}},
            File(url="https://x.example/a.pdf"),
        ),
        (
            {"type": "video_url", "video_url": {"url": "https://x.example/a.mp4"}},
            Video("video/mp4", url="https://x.example/a.mp4"),
        ),
        (
            {"type": "video_url", "video_url": "data:video/webm;base64,AAAA"},
            Video("video/webm", "AAAA"),
        ),
        ({"type": "refusal", "refusal": "No."}, Refusal("No.")),
    ],
)
def test_every_kind_of_part_is_read(wire: object, part: Part):
    assert parts_of([wire]) == (part,)


def test_no_content_is_a_turn_without_parts():
    assert parts_of(None, "assistant") == ()


def test_thinking_in_history_is_left_out():
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}

    assert parts_of([thinking, {"type": "text", "text": "Hi"}], "assistant") == (Text("Hi"),)


def test_tools_keep_their_schemas_as_they_came():
    tools = [
        {
            "type": "function",
            "function": {
                "name": "f",
                "description": "d",
                "parameters": Raw(b'{"type": "object"}'),
                "strict": True,
            },
        },
        {"type": "function", "function": {"name": "g", "parameters": NOTHING}},
    ]

    first, second = read(tools=tools, parallel_tool_calls=False).tools

    assert (first.name, first.description, first.strict) == ("f", "d", True)
    assert bytes(first.schema) == b'{"type": "object"}'
    assert second == Tool("g")


@pytest.mark.parametrize(
    ("wire", "choice"),
    [
        (None, None),
        ("auto", ToolChoice(Mode.AUTO)),
        ("none", ToolChoice(Mode.NONE)),
        ("required", ToolChoice(Mode.REQUIRED)),
        ("any", ToolChoice(Mode.REQUIRED)),
        ({"type": "function", "function": {"name": "f"}}, ToolChoice(Mode.REQUIRED, ("f",))),
        (
            {
                "type": "allowed_tools",
                "allowed_tools": {
                    "mode": "auto",
                    "tools": [{"type": "function", "function": {"name": "f"}}],
                },
            },
            ToolChoice(Mode.AUTO, ("f",)),
        ),
    ],
)
def test_every_tool_choice_is_read(wire: object, choice: ToolChoice | None):
    assert read(tool_choice=wire).tool_choice == choice


@pytest.mark.parametrize(
    ("wire", "form"),
    [
        (None, None),
        ({"type": "text"}, None),
        ({"type": "json_object"}, Format()),
        (
            {
                "type": "json_schema",
                "json_schema": {"name": "n", "schema": NOTHING, "strict": True},
            },
            Format(Raw(b"{}"), "n", strict=True),
        ),
    ],
)
def test_every_format_is_read(wire: object, form: Format | None):
    assert read(response_format=wire).format == form


def test_numbers_and_words_are_read():
    request = read(
        max_completion_tokens=300,
        max_tokens=5,
        temperature=1,
        top_p=0.5,
        top_k=7,
        seed=1,
        presence_penalty=-1.5,
        frequency_penalty=1.5,
        stop=["a", ""],
        n=2,
        logprobs=True,
        top_logprobs=3,
        reasoning_effort="low",
        user="ann",
        prompt_cache_key="k",
        parallel_tool_calls=False,
        stream=True,
        stream_options={"include_usage": True},
    )

    assert request == Request(
        turns=[Turn(Role.USER, (Text("Hi"),))],
        max_tokens=300,
        temperature=1.0,
        top_p=0.5,
        top_k=7,
        seed=1,
        presence_penalty=-1.5,
        frequency_penalty=1.5,
        stop=("a",),
        n=2,
        logprobs=True,
        top_logprobs=3,
        reasoning=Reasoning("low"),
        user="ann",
        cache_key="k",
        parallel=False,
        stream=True,
        usage_asked=True,
    )


def test_null_is_as_good_as_nothing():
    names = ["max_tokens", "temperature", "stop", "seed", "n", "tools", "tool_choice", "user"]

    assert read(**dict.fromkeys(names), metadata=None, x_new=None) == read()


def test_one_stop_sequence_may_stand_alone():
    assert read(stop="END").stop == ("END",)
    assert read(max_tokens=5).max_tokens == 5


def test_what_only_colours_the_answer_is_dropped_by_name():
    request = read(
        store=True,
        metadata={"a": "b"},
        prediction={"type": "content", "content": "x"},
        service_tier="flex",
        verbosity="low",
        logit_bias={"1": 5},
        x_new=1,
        reasoning_effort="default",
    )

    assert request.dropped == (
        "store",
        "metadata",
        "prediction",
        "service_tier",
        "verbosity",
        "logit_bias",
        "x_new",
        "reasoning_effort",
    )
    assert request.reasoning is None


def test_what_asks_for_nothing_is_not_worth_a_word():
    assert read(store=False, metadata={}, logit_bias={}, modalities=["text"]) == read()


@pytest.mark.parametrize(
    ("fields", "native"),
    [
        ({"modalities": ["text", "audio"]}, "audio_output"),
        ({"modalities": ["image"]}, "image_output"),
        ({"web_search_options": NOTHING}, "server_tools"),
        ({"tools": [{"type": "web_search"}]}, "server_tools"),
        ({"tools": [{"type": "custom", "custom": {"name": "c"}}]}, "custom_tools"),
        ({"tool_choice": {"type": "custom", "custom": {"name": "c"}}}, "custom_tools"),
        (
            {"tool_choice": {"type": "allowed_tools", "allowed_tools": {"tools": [{"type": "x"}]}}},
            "server_tools",
        ),
    ],
)
def test_what_only_this_dialect_can_do_is_native(fields: dict[str, object], native: str):
    assert read(**fields).native == (native,)


@pytest.mark.parametrize(
    ("message", "native"),
    [
        ({"role": "user", "content": [{"type": "file", "file": {"file_id": "f1"}}]}, "file_id"),
        ({"role": "assistant", "audio": {"id": "a1"}}, "audio_output"),
        (
            {"role": "assistant", "tool_calls": [{"id": "a", "type": "custom", "custom": NOTHING}]},
            "custom_tools",
        ),
    ],
)
def test_references_in_history_are_native(message: object, native: str):
    assert read([message]).native == (native,)


@pytest.mark.parametrize(
    ("messages", "param"),
    [
        (NO_MESSAGES, "messages"),
        ([{"role": "robot", "content": "Hi"}], "messages[0].role"),
        ([USER, {"content": "Hi"}], "messages[1]"),
        ([{"role": "user", "content": 5}], "messages[0].content"),
        ([{"role": "user", "content": [{"type": "text"}]}], "messages[0].content[0]"),
        (
            [{"role": "user", "content": [{"type": "text", "text": 1}]}],
            "messages[0].content[0].text",
        ),
        ([{"role": "user", "content": [{"type": "hologram"}]}], "messages[0].content[0]"),
        (
            [{"role": "user", "content": [{"type": "image_url", "image_url": "data:x"}]}],
            "messages[0].content[0].image_url.url",
        ),
        (
            [{"role": "user", "content": [{"type": "image_url", "image_url": ""}]}],
            "messages[0].content[0].image_url.url",
        ),
        (
            [
                {
                    "role": "user",
                    "content": [
                        {"type": "input_audio", "input_audio": {"data": "A", "format": "ogg"}}
                    ],
                }
            ],
            "messages[0].content[0].input_audio.format",
        ),
        (
            [{"role": "user", "content": [{"type": "file", "file": NOTHING}]}],
            "messages[0].content[0].file.file_data",
        ),
        (
            [{"role": "system", "content": [{"type": "image_url", "image_url": "https://x/"}]}],
            "messages[0].content",
        ),
        ([{"role": "tool", "content": "17"}], "messages[0].tool_call_id"),
        ([{"role": "function", "content": "17"}], "messages[0].name"),
        (
            [
                {
                    "role": "assistant",
                    "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": '{"x":'}}],
                }
            ],
            "messages[0].tool_calls[0].function.arguments",
        ),
        (
            [{"role": "assistant", "function_call": {"name": "f", "arguments": "[]"}}],
            "messages[0].function_call.arguments",
        ),
        (
            [{"role": "assistant", "tool_calls": [{"function": {"name": "f"}}]}],
            "messages[0].tool_calls[0].id",
        ),
        (
            [{"role": "assistant", "tool_calls": [{"id": "a"}]}],
            "messages[0].tool_calls[0].function",
        ),
    ],
)
def test_a_message_that_means_nothing_is_refused_at_its_place(messages: object, param: str):
    error = refusal(messages)

    assert (error.status, error.param) == (400, param)
    assert param in error.message


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"max_tokens": "many"}, "max_tokens"),
        ({"max_completion_tokens": 0}, "max_completion_tokens"),
        ({"temperature": "hot"}, "temperature"),
        ({"stop": [1]}, "stop[0]"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"tools": [{"function": NOTHING}]}, "tools[0].function"),
        ({"tools": [{"function": {"name": "f", "parameters": 5}}]}, "tools[0].function.parameters"),
        ({"functions": [{"name": "f", "parameters": "x"}]}, "functions[0].parameters"),
        ({"tool_choice": "maybe"}, "tool_choice"),
        ({"tool_choice": {"type": "function"}}, "tool_choice.function"),
        ({"response_format": {"type": "grammar"}}, "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema.schema"),
        ({"parallel_tool_calls": 1}, "parallel_tool_calls"),
        ({"reasoning_effort": 3}, "reasoning_effort"),
    ],
)
def test_a_field_of_a_wrong_type_is_refused_by_name(fields: dict[str, object], param: str):
    error = refusal(**fields)

    assert (error.status, error.param) == (400, param)


def test_half_a_surrogate_pair_becomes_a_replacement_character():
    body = (
        b'{"model":"m","user":"\\ud83d","messages":[{"role":"user","content":"H\\ud83d"},'
        b'{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f",'
        b'"arguments":"{\\"x\\":\\"\\\\ud83d\\"}"}}]}]}'
    )

    request = read_request(peek(body))

    assert request.user == "\N{REPLACEMENT CHARACTER}"
    assert request.turns[0].parts == (Text("H\N{REPLACEMENT CHARACTER}"),)
    assert request.turns[1].parts == (Call("a", "f", '{"x":"\\ufffd"}'),)


@pytest.mark.parametrize(
    "content", [b'"\xff"', b"[" * 3000 + b"]" * 3000, b'{"a":' * 3000 + b"1" + b"}" * 3000]
)
def test_what_cannot_be_text_is_refused(content: bytes):
    body = b'{"model":"m","messages":[{"role":"user","content":%b}]}' % content

    with pytest.raises(RefusedError) as caught:
        read_request(peek(body))

    assert caught.value.status == 400


def test_mistrals_name_of_the_seed_is_understood():
    assert read(random_seed=7).seed == 7

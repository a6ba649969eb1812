"""Neutral requests are said to providers of Anthropic's dialect."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.structs import replace

from hotswap.core.abilities import Abilities, Prefill, Thinks
from hotswap.core.terms import Target
from hotswap.dialects.anthropic.messages import peek, read_request, write_request
from hotswap.dialects.api import Outgoing, UnableError
from hotswap.dialects.neutral import (
    Audio,
    Call,
    File,
    Format,
    Image,
    Mode,
    Part,
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
from hotswap.errors import RefusedError

OLD = b"anthropic-version: 2023-06-01\r\n"
NEW = b"anthropic-version: 2026-10-21\r\n"
ABLE = Abilities(max_output=64000, thinks=Thinks.ADAPTIVE, prefill=Prefill.NATIVE)
BUDGET = replace(ABLE, thinks=Thinks.BUDGET)
HI = Turn(Role.USER, [Text("Hi")])
SCHEMA = Raw(b'{"type":"object","properties":{"a":{"type":"string"}}}')
F = Tool("f", "d", SCHEMA)


def user(*parts: Part) -> Turn:
    return Turn(Role.USER, parts)


def model(*parts: Part) -> Turn:
    return Turn(Role.ASSISTANT, parts)


def ask(*turns: Turn) -> Request:
    return Request(turns=turns or (HI,))


def out(request: Request, abilities: Abilities = ABLE, overrides: bytes = b"") -> Outgoing:
    target = Target("a/c", "a", "claude", overrides=overrides, abilities=abilities)
    return write_request(request, target, "anthropic")


def body(request: Request, abilities: Abilities = ABLE) -> dict[str, object]:
    return msgspec.json.decode(out(request, abilities).body)


def said(*turns: Turn) -> object:
    return body(ask(*turns))["messages"]


def unable(request: Request, abilities: Abilities = ABLE) -> str:
    with pytest.raises(UnableError) as refused:
        out(request, abilities)
    return refused.value.need


# Conversations


def test_the_shortest_request():
    outgoing = out(ask())

    assert outgoing == Outgoing(
        "/v1/messages",
        b'{"model":"claude","max_tokens":8192,"messages":[{"role":"user","content":"Hi"}]}',
        NEW,
        (),
        (),
    )


def test_a_second_turn_after_a_call():
    request = Request(
        turns=[
            Turn(Role.SYSTEM, [Text("Be brief.")]),
            user(Text("Warm?"), Image("image/png", "AAAA")),
            model(Call("call_A1", "get_t", '{"city":"Bern"}')),
            user(Result("call_A1", [Text("17")])),
        ],
        tools=[Tool("get_t", "", SCHEMA)],
        tool_choice=ToolChoice(Mode.AUTO),
        max_tokens=300,
    )

    assert out(request).body == (
        b'{"model":"claude","max_tokens":300,"system":"Be brief.","messages":['
        b'{"role":"user","content":[{"type":"text","text":"Warm?"},{"type":"image",'
        b'"source":{"type":"base64","media_type":"image/png","data":"AAAA"}}]},'
        b'{"role":"assistant","content":[{"type":"tool_use","id":"call_A1","name":"get_t",'
        b'"input":{"city":"Bern"}}]},'
        b'{"role":"user","content":[{"type":"tool_result","tool_use_id":"call_A1",'
        b'"content":"17"}]}],'
        b'"tools":[{"name":"get_t","input_schema":{"type":"object","properties":'
        b'{"a":{"type":"string"}}}}],"tool_choice":{"type":"auto"}}'
    )


def test_system_prompts_join_and_later_ones_are_the_users():
    request = ask(
        Turn(Role.SYSTEM, [Text("A"), Text("B")]),
        Turn(Role.SYSTEM, [Text("C")]),
        HI,
        Turn(Role.SYSTEM, [Text("D")]),
    )

    written = body(request)

    assert written["system"] == "A\n\nB\n\nC"
    assert written["messages"] == [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Hi"},
                {"type": "text", "text": "<system>\nD\n</system>"},
            ],
        }
    ]


def test_marks_for_the_cache_are_written_at_most_four_times():
    mark = {"cache_control": {"type": "ephemeral"}}
    cached = Text("x", cached=True)

    written = body(
        ask(
            Turn(Role.SYSTEM, [Text("A"), Text("B", cached=True)]),
            user(cached, cached, cached, cached),
        )
    )

    assert written["system"] == [
        {"type": "text", "text": "A"},
        {"type": "text", "text": "B", **mark},
    ]
    assert written["messages"] == [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "x", **mark},
                {"type": "text", "text": "x", **mark},
                {"type": "text", "text": "x", **mark},
                {"type": "text", "text": "x"},
            ],
        }
    ]


def test_empty_and_blank_text_is_left_out():
    assert said(HI, model(Text(" \n")), user(Text(""), Text("again"))) == [
        {
            "role": "user",
            "content": [{"type": "text", "text": "Hi"}, {"type": "text", "text": "again"}],
        }
    ]


def test_thinking_in_history_is_dropped_and_refusals_are_text():
    assert said(HI, model(Thinking("Hm", "s"), Refusal("No.")), HI) == [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "No."},
        {"role": "user", "content": "Hi"},
    ]


@pytest.mark.parametrize(
    ("part", "block"),
    [
        (
            Image("image/jpg", "AA"),
            {
                "type": "image",
                "source": {"type": "base64", "media_type": "image/jpeg", "data": "AA"},
            },
        ),
        (
            Image(url="https://x/a"),
            {"type": "image", "source": {"type": "url", "url": "https://x/a"}},
        ),
        (
            File("application/pdf", "AA", name="a.pdf"),
            {
                "type": "document",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "AA"},
                "title": "a.pdf",
            },
        ),
        (
            File(url="https://x/a.pdf"),
            {"type": "document", "source": {"type": "url", "url": "https://x/a.pdf"}},
        ),
        (
            File("text/csv; charset=utf-8", "YSxi"),
            {
                "type": "document",
                "source": {"type": "text", "media_type": "text/plain", "data": "a,b"},
            },
        ),
    ],
)
def test_media_become_blocks(part: Part, block: dict[str, object]):
    assert said(user(part)) == [{"role": "user", "content": [block]}]


@pytest.mark.parametrize(
    ("part", "need"),
    [
        (Image("image/svg+xml", "AA"), "images"),
        (Image(url="gs://bucket/a"), "images"),
        (Audio("audio/wav", "AA"), "audio"),
        (Video("video/mp4", "AA"), "video"),
        (File("application/msword", "AA"), "files"),
        (File("text/plain", "not base64!"), "files"),
        (File("application/pdf", url="gs://bucket/a"), "files"),
        (Call("t", "f", "{}"), "misplaced_part"),
    ],
)
def test_parts_that_claude_does_not_take_make_the_target_unable(part: Part, need: str):
    assert unable(ask(user(part))) == need


@pytest.mark.parametrize(
    ("part", "need"),
    [(Image(url="https://x/a"), "images"), (File(url="https://x/a.pdf"), "files")],
)
def test_an_assistant_shows_nothing(part: Part, need: str):
    assert unable(ask(HI, model(part), HI)) == need


def test_results_stand_first_in_the_order_of_their_calls():
    assert said(
        HI,
        model(Text("Wait."), Call("1", "f", ""), Call("2", "f", '{"a": 1}'), Call("3", "f", "{}")),
        user(Text("So?"), Result("2", [Text("two")], failed=True), Result("1", [Text(" ")])),
    ) == [
        {"role": "user", "content": "Hi"},
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "Wait."},
                {"type": "tool_use", "id": "1", "name": "f", "input": {}},
                {"type": "tool_use", "id": "2", "name": "f", "input": {"a": 1}},
                {"type": "tool_use", "id": "3", "name": "f", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "1"},
                {"type": "tool_result", "tool_use_id": "2", "content": "two", "is_error": True},
                {
                    "type": "tool_result",
                    "tool_use_id": "3",
                    "content": "The tool returned nothing.",
                    "is_error": True,
                },
                {"type": "text", "text": "So?"},
            ],
        },
    ]


def test_ids_are_made_plain_and_unique():
    call, result = Call("f:0/ü", "f", "{}"), Result("f:0/ü", [Text("x")])

    written = said(HI, model(call), user(result), model(call), user(result))

    ids = [
        block.get("id") or block.get("tool_use_id")
        for turn in msgspec.convert(written, list[dict[str, object]])
        if isinstance(turn["content"], list)
        for block in msgspec.convert(turn["content"], list[dict[str, str | dict[str, str]]])
    ]
    assert ids == ["f_0___65c46f95", "f_0___65c46f95", "f_0___65c46f95_2", "f_0___65c46f95_2"]


@pytest.mark.parametrize("arguments", ['{"a":', "[]", "5", "nonsense"])
def test_broken_arguments_are_the_callers_fault(arguments: str):
    with pytest.raises(RefusedError) as refused:
        out(ask(HI, model(Call("1", "f", arguments)), HI))

    assert (refused.value.status, refused.value.code) == (400, "invalid_tool_arguments")


def test_a_conversation_must_begin_with_the_user():
    assert unable(ask(model(Text("Hello")), HI)) == "first_turn"
    assert unable(ask(Turn(Role.SYSTEM, [Text("Alone")]))) == "first_turn"


def test_a_begun_answer_is_continued_where_that_works():
    begun = ask(HI, model(Text("One, two, \n")))

    assert body(begun)["messages"] == [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "One, two,"},
    ]
    assert unable(begun, Abilities()) == "prefill"
    assert unable(replace(begun, format=Format(SCHEMA))) == "prefill"


@pytest.mark.parametrize(
    ("parts", "content"),
    [
        ((Text("One,\n\n"), Text(" \n")), "One,"),
        ((Text("One, "), Text("two,\t")), [("text", "One, "), ("text", "two,")]),
        ((Thinking("Hm", "s"), Text("One, ")), "One,"),
        ((Refusal("No, "),), "No,"),
        ((Text("One,\u3000"),), "One,"),
    ],
)
def test_a_begun_answer_ends_without_space(
    parts: tuple[Part, ...], content: str | list[tuple[str, str]]
):
    written = (
        content
        if isinstance(content, str)
        else [{"type": kind, "text": text} for kind, text in content]
    )

    assert said(HI, model(*parts)) == [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": written},
    ]


def test_a_begun_answer_of_mere_space_is_none():
    assert said(HI, model(Text(" \n"))) == [{"role": "user", "content": "Hi"}]


CALLED = (model(Call("t1", "f", "{}")), user(Result("t1", [Text("17")])))
AFTER_RESULTS: list[dict[str, object]] = [
    {"role": "user", "content": "Hi"},
    {
        "role": "assistant",
        "content": [{"type": "tool_use", "id": "t1", "name": "f", "input": {}}],
    },
    {
        "role": "user",
        "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "17"}],
    },
]


def test_an_answer_that_was_begun_after_results_is_continued():
    assert said(HI, *CALLED, model(Text("It is "))) == [
        *AFTER_RESULTS,
        {"role": "assistant", "content": "It is"},
    ]


@pytest.mark.parametrize("abilities", [Abilities(), ABLE, BUDGET])
@pytest.mark.parametrize("choice", [None, ToolChoice(Mode.AUTO), ToolChoice(Mode.REQUIRED)])
def test_every_model_can_be_asked_to_go_on(abilities: Abilities, choice: ToolChoice | None):
    begun = [model(Text("It is ")), user(Text("Go on."))]
    going_on = [
        {"role": "assistant", "content": "It is "},
        {"role": "user", "content": "Go on."},
    ]
    plain = Request(turns=[HI, *begun], tools=[F], tool_choice=choice)
    after_results = replace(plain, turns=[HI, *CALLED, *begun])

    assert body(plain, abilities)["messages"] == [{"role": "user", "content": "Hi"}, *going_on]
    assert body(after_results, abilities)["messages"] == [*AFTER_RESULTS, *going_on]
    written = {None: None, Mode.AUTO: {"type": "auto"}, Mode.REQUIRED: {"type": "any"}}
    assert body(plain, abilities).get("tool_choice") == written[choice and choice.mode]


# Tools


@pytest.mark.parametrize(
    ("choice", "written"),
    [
        (ToolChoice(Mode.AUTO), {"type": "auto"}),
        (ToolChoice(Mode.NONE), {"type": "none"}),
        (ToolChoice(Mode.REQUIRED), {"type": "any"}),
        (ToolChoice(Mode.REQUIRED, ["f"]), {"type": "tool", "name": "f"}),
        (ToolChoice(Mode.REQUIRED, ["f", "g"]), {"type": "any"}),
    ],
)
def test_tool_choices_are_written(choice: ToolChoice, written: dict[str, object]):
    request = Request(turns=[HI], tools=[F, Tool("g")], tool_choice=choice)

    assert body(request)["tool_choice"] == written


def test_only_allowed_tools_are_sent():
    request = Request(
        turns=[HI], tools=[F, Tool("g"), Tool("h")], tool_choice=ToolChoice(Mode.AUTO, ["g", "h"])
    )

    tools = msgspec.convert(body(request)["tools"], list[dict[str, object]])

    assert [tool["name"] for tool in tools] == ["g", "h"]


def test_tools_without_a_choice_are_free():
    assert "tool_choice" not in body(Request(turns=[HI], tools=[F]))


def test_at_most_one_call_is_a_part_of_the_choice():
    request = Request(turns=[HI], tools=[F], parallel=False)

    assert body(request)["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
    none = replace(request, tool_choice=ToolChoice(Mode.NONE))
    assert body(none)["tool_choice"] == {"type": "none"}


def test_calls_in_history_bring_their_tools():
    written = body(ask(HI, model(Call("1", "f", "{}")), user(Result("1", [Text("x")]))))

    assert written["tools"] == [{"name": "f", "input_schema": {"type": "object"}}]
    assert written["tool_choice"] == {"type": "none"}


@pytest.mark.parametrize(
    ("given_schema", "written"),
    [
        (b"{}", {"type": "object"}),
        (b"null", {"type": "object"}),
        (b'{"properties":{}}', {"type": "object", "properties": {}}),
        (b'{"type":"object","x":1}', {"type": "object", "x": 1}),
    ],
)
def test_a_tools_schema_has_a_type(given_schema: bytes, written: dict[str, object]):
    request = Request(turns=[HI], tools=[Tool("f", schema=Raw(given_schema), strict=True)])

    assert body(request)["tools"] == [{"name": "f", "input_schema": written, "strict": True}]


@pytest.mark.parametrize(
    ("request_", "need"),
    [
        (Request(turns=[HI], native=("container", "file_id")), "container"),
        (Request(turns=[HI], n=2), "several"),
        (Request(turns=[HI], logprobs=True), "logprobs"),
        (Request(turns=[HI], format=Format()), "json_object"),
        (Request(turns=[HI], tools=[Tool("a.b")]), "tool_name"),
        (Request(turns=[HI], tools=[Tool("a", schema=Raw(b'{"anyOf":[]}'))]), "tool_schema"),
    ],
)
def test_what_cannot_be_said_makes_the_target_unable(request_: Request, need: str):
    assert unable(request_) == need


def test_a_forced_tool_needs_a_model_that_can_be_forced():
    request = Request(turns=[HI], tools=[F], tool_choice=ToolChoice(Mode.REQUIRED))

    assert unable(request, Abilities(forced_tool=False)) == "forced_tool"


# Formats


NESTED = Raw(
    b'{"type":"object","properties":{"a":{"type":["object","null"]},'
    b'"b":{"type":"array","items":{"$ref":"#/$defs/c"}},'
    b'"d":{"type":"object","additionalProperties":{"type":"string"}},'
    b'"e":{"anyOf":[{"properties":{}},{"enum":[{"type":"object"}]}]}},'
    b'"$defs":{"c":{"type":"object"}}}'
)


def test_a_schema_passes_as_it_is():
    request = Request(turns=[HI], format=Format(NESTED, "n", "d"))

    assert (
        b'"output_config":{"format":{"type":"json_schema","schema":%b}}' % NESTED
        in out(request).body
    )


def test_a_schema_that_is_nested_beyond_all_measure_makes_the_target_unable():
    deep = Raw(b'{"items":' * 5000 + b"{}" + b"}" * 5000)

    assert unable(Request(turns=[HI], format=Format(deep, strict=True))) == "json_schema"


def test_a_strict_schema_is_closed_where_it_says_nothing_itself():
    request = Request(turns=[HI], format=Format(NESTED, strict=True))

    written = msgspec.convert(body(request)["output_config"], dict[str, dict[str, object]])

    assert written["format"]["schema"] == {
        "type": "object",
        "properties": {
            "a": {"type": ["object", "null"], "additionalProperties": False},
            "b": {"type": "array", "items": {"$ref": "#/$defs/c"}},
            "d": {"type": "object", "additionalProperties": {"type": "string"}},
            "e": {
                "anyOf": [
                    {"properties": {}, "additionalProperties": False},
                    {"enum": [{"type": "object"}]},
                ]
            },
        },
        "$defs": {"c": {"type": "object", "additionalProperties": False}},
        "additionalProperties": False,
    }


# Limits, sampling, and what only colours


@pytest.mark.parametrize(
    ("asked", "highest", "written", "notices"),
    [
        (None, 0, 8192, []),
        (None, 4096, 4096, []),
        (None, 128000, 8192, []),
        (100, 4096, 100, []),
        (5000, 4096, 4096, ["max_tokens"]),
        (5000, 0, 5000, []),
    ],
)
def test_the_limit_is_kept_within_the_targets(
    asked: int | None, highest: int, written: int, notices: list[str]
):
    outgoing = out(Request(turns=[HI], max_tokens=asked), Abilities(max_output=highest))

    assert msgspec.json.decode(outgoing.body)["max_tokens"] == written
    assert list(outgoing.notices) == notices


@pytest.mark.parametrize(
    ("asked", "written", "notices", "version"),
    [
        ({"temperature": 0.0}, {"temperature": 0.0}, [], OLD),
        ({"temperature": 1.7}, {"temperature": 1.0}, ["temperature"], OLD),
        ({"top_p": 0.5, "top_k": 3}, {"top_p": 0.5, "top_k": 3}, [], OLD),
        ({"temperature": 0.5, "top_p": 0.9}, {"temperature": 0.5}, ["top_p"], OLD),
        ({}, {}, [], NEW),
    ],
)
def test_sampling_is_written_where_it_is_taken(
    asked: dict[str, float], written: dict[str, float], notices: list[str], version: bytes
):
    outgoing = out(replace(ask(), **asked))

    sent = msgspec.json.decode(outgoing.body, type=dict[str, object])
    assert {name: sent[name] for name in sent if name in {"temperature", "top_p", "top_k"}} == (
        written
    )
    assert (list(outgoing.notices), outgoing.headers) == (notices, version)


def test_sampling_is_left_out_where_it_is_refused():
    request = Request(turns=[HI], temperature=0.5, top_p=0.9, top_k=3)

    outgoing = out(request, Abilities(sampling=False))

    assert list(outgoing.notices) == ["temperature", "top_p", "top_k"]
    assert outgoing.headers == NEW
    assert outgoing.body == out(ask(), Abilities(sampling=False)).body


def test_stop_sequences_that_are_not_taken_are_left_to_the_gateway():
    request = Request(turns=[HI], stop=["END", "\n\n", ""])

    outgoing = out(request)
    nowhere = out(request, Abilities(stop=False))

    assert msgspec.json.decode(outgoing.body)["stop_sequences"] == ["END"]
    assert list(outgoing.stop) == ["\n\n"]
    assert b"stop_sequences" not in nowhere.body
    assert list(nowhere.stop) == ["END", "\n\n"]


def test_what_only_colours_is_named():
    request = Request(
        turns=[Turn(Role.USER, [Image(url="https://x/a", detail="low")], "Ann")],
        seed=1,
        presence_penalty=0.5,
        frequency_penalty=0.0,
        cache_key="k",
        user="u" * 300,
        dropped=("logit_bias",),
    )

    assert list(out(request).notices) == [
        "seed",
        "presence_penalty",
        "frequency_penalty",
        "user",
        "detail",
        "name",
        "logit_bias",
    ]


def test_a_users_id_is_metadata():
    assert body(Request(turns=[HI], user="u1"))["metadata"] == {"user_id": "u1"}


def test_overrides_come_last_and_leave_stream_and_model_alone():
    overrides = b'{"temperature":0.3,"max_tokens":7,"model":"x","stream":false}'

    outgoing = out(Request(turns=[HI], stream=True), overrides=overrides)

    assert outgoing.body == (
        b'{"model":"claude","max_tokens":7,"messages":[{"role":"user","content":"Hi"}],'
        b'"temperature":0.3,"stream":true}'
    )
    assert outgoing.headers == OLD


# Round trips

texts = st.builds(Text, st.text(min_size=1).filter(str.strip), st.booleans())
images = st.just(Image("image/png", "AAAA")) | st.just(Image(url="https://x/a.png"))
files = st.just(File("application/pdf", "AAAA", name="a.pdf")) | st.just(
    File(url="https://x/a.pdf")
)
asked_turns = st.lists(texts.map(lambda text: replace(text, cached=False)) | images | files)


@settings(max_examples=40)
@given(
    system=st.lists(st.lists(texts, min_size=1, max_size=2), max_size=2),
    asked=st.lists(asked_turns.filter(bool), min_size=1, max_size=3),
    ids=st.lists(st.sampled_from(["t1", "t2", "t_3"]), max_size=3, unique=True),
    failed=st.booleans(),
)
def test_what_is_written_reads_as_the_same(
    system: list[list[Text]], asked: list[list[Part]], ids: list[str], *, failed: bool
):
    turns = [Turn(Role.SYSTEM, [part for parts in system for part in parts])] if system else []
    for number, parts in enumerate(asked):
        calls = [Call(f"{each}_{number}", "f", '{"a":1}') for each in ids]
        results = [Result(call.id, [Text("x")], failed=failed) for call in calls]
        turns += [
            Turn(Role.USER, parts),
            Turn(Role.ASSISTANT, [Text("Well."), *calls]),
            Turn(Role.USER, [*results, Text("And?")]),
            Turn(Role.ASSISTANT, [Text("So.")]),
        ]
    request = Request(
        turns=[*turns, HI],
        usage_asked=True,
        tools=[F],
        tool_choice=ToolChoice(Mode.REQUIRED, ("f",)),
        parallel=False,
        format=Format(SCHEMA),
        max_tokens=100,
        temperature=0.5,
        top_k=3,
        stop=["END"],
        user="u1",
    )

    read = read_request(peek(out(request).body))

    assert replace(read, turns=()) == replace(request, turns=())
    assert [turn.role for turn in read.turns] == [turn.role for turn in request.turns]
    for there, back in zip(request.turns, read.turns, strict=True):
        if there.role is not Role.SYSTEM:
            assert back.parts == list(there.parts)
    joined = "\n\n".join(part.text for parts in system for part in parts)
    words = [
        p.text for t in read.turns if t.role is Role.SYSTEM for p in t.parts if type(p) is Text
    ]
    assert "\n\n".join(words) == joined

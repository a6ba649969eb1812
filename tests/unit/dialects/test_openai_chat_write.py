"""Neutral requests, written as chats of OpenAI's dialect."""

from typing import cast

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.structs import replace

from hotswap.core.abilities import UNKNOWN, Abilities
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
from hotswap.dialects.openai.write import write_request

KINDS = [
    "openai",
    "azure",
    "mistral",
    "openrouter",
    "groq",
    "deepseek",
    "vllm",
    "ollama",
    "llamacpp",
    "compatible",
]
HI = Turn(Role.USER, (Text("Hi"),))
PLAIN = Request(turns=(HI,))
TOOL = Tool("f", "d", Raw(b'{"type":"object"}'))
IMAGE = Image("image/png", "AAAA")

Object = dict[str, object]


def write(
    request: Request,
    kind: str = "openai",
    abilities: Abilities = UNKNOWN,
    overrides: bytes = b"",
) -> Outgoing:
    target = Target("p/gpt-9", "p", "gpt-9", abilities=abilities, overrides=overrides)
    return write_request(request, target, kind)


def fields(request: Request, kind: str = "openai", abilities: Abilities = UNKNOWN) -> Object:
    return msgspec.json.decode(write(request, kind, abilities).body, type=dict[str, object])


def asked(kind: str = "openai", abilities: Abilities = UNKNOWN, **wanted: object) -> Outgoing:
    """Write the plain request with further fields."""
    return write(replace(PLAIN, **wanted), kind, abilities)


def unable(request: Request, kind: str = "openai", abilities: Abilities = UNKNOWN) -> str:
    with pytest.raises(UnableError) as caught:
        write(request, kind, abilities)
    return caught.value.need


def user(*parts: Part) -> Turn:
    return Turn(Role.USER, parts)


def assistant(*parts: Part) -> Turn:
    return Turn(Role.ASSISTANT, parts)


def call(call_id: str = "a", name: str = "f") -> Call:
    return Call(call_id, name, '{"x":1}')


def result(call_id: str = "a", *parts: Text | Image | Audio | File | Video) -> Result:
    return Result(call_id, parts or (Text("17"),))


def test_a_plain_request_is_short():
    assert write(PLAIN) == Outgoing(
        "/chat/completions", b'{"model":"gpt-9","messages":[{"role":"user","content":"Hi"}]}'
    )


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("openai", b'"stream_options":{"include_usage":true,"include_obfuscation":false}'),
        ("azure", b'"stream_options":{"include_usage":true,"include_obfuscation":false}'),
        ("groq", b'"stream_options":{"include_usage":true}'),
    ],
)
def test_a_stream_is_asked_for_its_usage_and_no_padding(kind: str, options: bytes):
    assert write(replace(PLAIN, stream=True), kind).body == (
        b'{"model":"gpt-9","messages":[{"role":"user","content":"Hi"}],"stream":true,%b}' % options
    )


def test_quirk_mistral_sends_usage_unasked_and_refuses_the_question():
    assert write(replace(PLAIN, stream=True), "mistral").body == (
        b'{"model":"gpt-9","messages":[{"role":"user","content":"Hi"}],"stream":true}'
    )


@pytest.mark.parametrize(
    ("request_", "kind", "abilities", "need"),
    [
        (replace(PLAIN, native=("file_id", "x")), "openai", UNKNOWN, "file_id"),
        (replace(PLAIN, n=2), "openai", UNKNOWN, "several"),
        (replace(PLAIN, logprobs=True), "openai", UNKNOWN, "logprobs"),
        (replace(PLAIN, tools=(TOOL,)), "openai", Abilities(tools=False), "tools"),
        (replace(PLAIN, tools=(Tool("a.b"),)), "openai", UNKNOWN, "tool_names"),
        (replace(PLAIN, tools=(Tool("a" * 65),)), "openai", UNKNOWN, "tool_names"),
        (
            replace(PLAIN, tools=(TOOL,), tool_choice=ToolChoice(Mode.REQUIRED)),
            "openai",
            Abilities(forced_tool=False),
            "forced_tool",
        ),
        (
            replace(PLAIN, tools=(TOOL,), tool_choice=ToolChoice(Mode.REQUIRED)),
            "ollama",
            UNKNOWN,
            "forced_tool",
        ),
        (replace(PLAIN, format=Format()), "openai", Abilities(json_object=False), "json_object"),
        (
            replace(PLAIN, format=Format(Raw(b"{}"))),
            "openai",
            Abilities(json_schema=False),
            "json_schema",
        ),
        (replace(PLAIN, format=Format(Raw(b"{}"))), "deepseek", UNKNOWN, "json_schema"),
        (Request(turns=(HI, assistant(Text("The answer")))), "openai", UNKNOWN, "prefill"),
    ],
)
def test_what_would_change_the_meaning_is_named(
    request_: Request, kind: str, abilities: Abilities, need: str
):
    assert unable(request_, kind, abilities) == need


def test_tools_are_written_with_their_schema_as_it_came():
    tool = Tool("f", "d", Raw(b'{"type": "object"}'), strict=True)

    body = write(replace(PLAIN, tools=(tool,), parallel=False)).body

    assert body == (
        b'{"model":"gpt-9","messages":[{"role":"user","content":"Hi"}],"tools":[{"type":"function",'
        b'"function":{"name":"f","description":"d","parameters":{"type": "object"},'
        b'"strict":true}}],"parallel_tool_calls":false}'
    )


def test_strict_is_left_out_and_named_where_nobody_knows_it():
    said = asked("deepseek", tools=(Tool("f", strict=True),))

    assert b"strict" not in said.body
    assert said.notices == ("strict",)
    assert asked("deepseek", tools=(Tool("f", strict=False),)).notices == ()


def test_parallel_calls_are_spoken_of_only_with_tools_and_where_they_are_known():
    assert b"parallel" not in asked(parallel=False).body
    assert asked("ollama", tools=(TOOL,), parallel=False).notices == ("parallel_tool_calls",)


@pytest.mark.parametrize(
    ("kind", "choice", "wire"),
    [
        ("openai", ToolChoice(Mode.AUTO), "auto"),
        ("openai", ToolChoice(Mode.NONE), "none"),
        ("openai", ToolChoice(Mode.REQUIRED), "required"),
        ("mistral", ToolChoice(Mode.REQUIRED), "any"),
        (
            "mistral",
            ToolChoice(Mode.REQUIRED, ("f",)),
            {"type": "function", "function": {"name": "f"}},
        ),
        (
            "openai",
            ToolChoice(Mode.REQUIRED, ("f", "g")),
            {
                "type": "allowed_tools",
                "allowed_tools": {
                    "mode": "required",
                    "tools": [
                        {"type": "function", "function": {"name": "f"}},
                        {"type": "function", "function": {"name": "g"}},
                    ],
                },
            },
        ),
    ],
)
def test_every_tool_choice_is_written(kind: str, choice: ToolChoice, wire: object):
    said = fields(replace(PLAIN, tools=(TOOL, Tool("g")), tool_choice=choice), kind)

    assert said["tool_choice"] == wire


def test_other_tools_are_left_out_where_a_choice_cannot_name_several():
    choice = ToolChoice(Mode.AUTO, ("g",))

    said = fields(replace(PLAIN, tools=(TOOL, Tool("g")), tool_choice=choice), "vllm")

    assert said["tool_choice"] == "auto"
    assert [
        cast("Object", tool["function"])["name"] for tool in cast("list[Object]", said["tools"])
    ] == ["g"]


def test_quirk_ollama_ignores_the_choice_so_no_tools_means_none():
    said = fields(replace(PLAIN, tools=(TOOL,), tool_choice=ToolChoice(Mode.NONE)), "ollama")

    assert "tools" not in said
    assert "tool_choice" not in fields(
        replace(PLAIN, tools=(TOOL,), tool_choice=ToolChoice(Mode.AUTO)), "ollama"
    )


def test_a_schema_is_written_as_it_came():
    form = Format(Raw(b'{"type": "object"}'), "n", "d", strict=True)

    assert asked(format=form).body.endswith(
        b'"response_format":{"type":"json_schema","json_schema":'
        b'{"name":"n","schema":{"type": "object"},"description":"d","strict":true}}}'
    )


def test_quirk_json_is_spoken_of_where_a_server_insists():
    asked_already = Request(turns=(user(Text("As JSON!")),), format=Format())

    assert fields(replace(PLAIN, format=Format())) == {
        "model": "gpt-9",
        "messages": [
            {"role": "system", "content": "Answer with a JSON object."},
            {"role": "user", "content": "Hi"},
        ],
        "response_format": {"type": "json_object"},
    }
    assert fields(asked_already)["messages"] == [{"role": "user", "content": "As JSON!"}]
    assert fields(replace(PLAIN, format=Format()), "vllm")["messages"] == [
        {"role": "user", "content": "Hi"}
    ]


@pytest.mark.parametrize(
    ("kind", "limit", "seed"),
    [
        ("openai", "max_completion_tokens", "seed"),
        ("groq", "max_completion_tokens", "seed"),
        ("mistral", "max_tokens", "random_seed"),
        ("vllm", "max_tokens", "seed"),
    ],
)
def test_limit_and_seed_go_by_the_names_of_each_kind(kind: str, limit: str, seed: str):
    said = fields(replace(PLAIN, max_tokens=5, seed=1), kind)

    assert (said[limit], said[seed]) == (5, 1)


def test_the_limit_is_clamped_to_what_the_model_can_write():
    said = asked(abilities=Abilities(max_output=100), max_tokens=300)

    assert b'"max_completion_tokens":100' in said.body
    assert said.notices == ("max_tokens",)


def test_sampling_is_dropped_by_name_where_it_is_refused():
    request = replace(
        PLAIN, temperature=0.5, top_p=0.9, presence_penalty=1.0, frequency_penalty=1.0, seed=1
    )

    said = write(request, "openai", Abilities(sampling=False))

    assert said.notices == ("temperature", "top_p", "presence_penalty", "frequency_penalty")
    assert said.body.endswith(b'"messages":[{"role":"user","content":"Hi"}],"seed":1}')
    assert write(request).notices == ()


@pytest.mark.parametrize("kind", ["vllm", "llamacpp", "mistral"])
def test_top_k_is_written_where_it_is_known(kind: str):
    assert fields(replace(PLAIN, top_k=7), kind)["top_k"] == 7


@pytest.mark.parametrize("kind", ["openai", "azure", "groq", "openrouter", "deepseek", "ollama"])
def test_top_k_is_dropped_by_name_elsewhere(kind: str):
    assert asked(kind, top_k=7).notices == ("top_k",)


def test_quirk_mistral_takes_a_temperature_of_one_at_most():
    said = asked("mistral", temperature=1.5)

    assert b'"temperature":1.0' in said.body
    assert said.notices == ("temperature",)


def test_quirk_mistral_takes_only_fields_that_it_knows():
    said = asked("mistral", user="ann", cache_key="k", seed=1)

    assert said.notices == ("user",)
    assert b'"prompt_cache_key":"k"' in said.body


def test_quirk_deepseek_knows_no_seed():
    assert asked("deepseek", seed=1, cache_key="k").notices == ("seed",)


@pytest.mark.parametrize(
    ("kind", "taken", "cut"),
    [
        ("openai", ["a", "b", "c", "d"], ("e",)),
        ("vllm", ["a", "b", "c", "d", "e"], ()),
    ],
)
def test_stop_sequences_beyond_those_that_a_kind_takes_are_cut_by_the_gateway(
    kind: str, taken: list[str], cut: tuple[str, ...]
):
    said = asked(kind, stop=("a", "b", "c", "d", "e"))

    assert msgspec.json.decode(said.body)["stop"] == taken
    assert said.stop == cut


def test_stop_sequences_that_a_model_refuses_are_cut_by_the_gateway():
    said = asked(abilities=Abilities(stop=False), stop=("a", "b"))

    assert b"stop" not in said.body
    assert said.stop == ("a", "b")


def test_what_the_caller_said_in_vain_is_named_once():
    assert asked("openrouter", dropped=("store", "top_k"), top_k=7).notices == ("store", "top_k")


def test_overrides_replace_fields_but_neither_model_nor_stream():
    request = replace(PLAIN, temperature=1.0, max_tokens=5)
    overrides = b'{"temperature":0,"model":"x","stream":true,"max_tokens":9,"extra":{"a": 1}}'

    assert write(request, "openai", overrides=overrides).body == (
        b'{"model":"gpt-9","messages":[{"role":"user","content":"Hi"}],"temperature":0,'
        b'"max_tokens":9,"extra":{"a": 1}}'
    )


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_takes_a_second_turn_with_tools(kind: str):
    request = Request(
        turns=(
            Turn(Role.SYSTEM, (Text("Be brief."),)),
            user(Text("What is it?"), IMAGE),
            assistant(call("call_A1")),
            user(result("call_A1")),
        ),
        tools=(TOOL,),
        max_tokens=2000,
        stream=True,
    )

    said = fields(request, kind)

    roles = [m["role"] for m in cast("list[Object]", said["messages"])]
    assert roles == ["system", "user", "assistant", "tool"]
    assert said["stream"] is True


WORDS = st.text(min_size=1, max_size=6)
TEXTS = st.builds(Text, WORDS)


@st.composite
def conversations(draw: st.DrawFn) -> list[Turn]:
    """Turns as the wire has them: one turn a message, each call answered."""
    turns = [Turn(Role.SYSTEM, (draw(TEXTS),))] if draw(st.booleans()) else []
    for number in range(draw(st.integers(1, 3))):
        words = draw(st.lists(st.one_of(TEXTS, st.just(IMAGE)), min_size=1, max_size=3))
        turns.append(Turn(Role.USER, tuple(words), draw(st.sampled_from(["", "ann"]))))
        ids = [f"c{number}_{at}" for at in range(draw(st.integers(0, 2)))]
        calls = [Call(one, "f", '{"x":1}', draw(st.sampled_from(["", "sig"]))) for one in ids]
        turns.append(Turn(Role.ASSISTANT, (draw(TEXTS), *calls)))
        turns += [Turn(Role.USER, (Result(one, (draw(TEXTS),)),)) for one in ids]
    return [*turns, HI]


REQUESTS = st.builds(
    Request,
    turns=conversations(),
    stream=st.booleans(),
    tools=st.sampled_from([(), (TOOL, Tool("g", strict=True))]),
    format=st.sampled_from([None, Format(Raw(b'{"a":1}'), "n", "d", strict=False)]),
    max_tokens=st.none() | st.integers(1, 9999),
    temperature=st.none() | st.floats(0, 2),
    top_p=st.none() | st.floats(0, 1),
    seed=st.none() | st.integers(0, 99),
    presence_penalty=st.none() | st.floats(-2, 2),
    frequency_penalty=st.none() | st.floats(-2, 2),
    stop=st.lists(WORDS, max_size=4).map(tuple),
    reasoning=st.sampled_from([None, Reasoning("low"), Reasoning("none")]),
    user=st.sampled_from(["", "ann"]),
)
CHOICES = st.sampled_from(
    [None, ToolChoice(Mode.AUTO), ToolChoice(Mode.NONE), ToolChoice(Mode.REQUIRED, ("f",))]
)


@settings(max_examples=40)
@given(REQUESTS, CHOICES, st.sampled_from([None, True, False]))
def test_what_is_written_is_read_again(
    request: Request,
    choice: ToolChoice | None,
    parallel: bool | None,  # noqa: FBT001 - drawn
):
    if request.tools:
        request = replace(request, tool_choice=choice, parallel=parallel)

    again = read_request(peek(write(request, "compatible").body))

    assert again == replace(request, usage_asked=request.stream)
    assert write(again, "compatible") == write(request, "compatible")

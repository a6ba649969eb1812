"""A request is said to Gemini so that Gemini takes it."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotswap.core.abilities import Abilities, Prefill, Thinks
from hotswap.core.terms import Target
from hotswap.dialects.api import Outgoing, UnableError
from hotswap.dialects.gemini.generate import peek, read_request, write_request
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

NO_FIELDS: dict[str, object] = {}
HI = Turn(Role.USER, [Text("Hi")])
DUMMY = "skip_thought_signature_validator"


def target(overrides: bytes = b"", /, **abilities: object) -> Target:
    able = msgspec.structs.replace(Abilities(), **abilities)
    return Target("google/g", "google", "gemini-3-pro", overrides=overrides, abilities=able)


def said(request: Request, to: Target | None = None) -> Outgoing:
    return write_request(request, to or target(), "google")


def body_of(request: Request, to: Target | None = None) -> dict[str, object]:
    return msgspec.json.decode(said(request, to).body, type=dict[str, object])


def config_of(to: Target | None = None, **fields: object) -> object:
    request = msgspec.structs.replace(Request(turns=(HI,)), **fields)
    return body_of(request, to).get("generationConfig", NO_FIELDS)


def contents_of(*turns: Turn) -> object:
    return body_of(Request(turns=turns))["contents"]


def unable(request: Request, to: Target | None = None) -> str:
    with pytest.raises(UnableError) as raised:
        said(request, to)
    return raised.value.need


def raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


def test_a_plain_request():
    outgoing = said(Request(turns=(HI,)))

    assert outgoing == Outgoing(
        "/v1beta/models/gemini-3-pro:generateContent",
        b'{"contents":[{"role":"user","parts":[{"text":"Hi"}]}]}',
    )


def test_a_stream_is_asked_for_as_events():
    outgoing = said(Request(turns=(HI,), stream=True))

    assert outgoing.path == "/v1beta/models/gemini-3-pro:streamGenerateContent?alt=sse"


def test_a_second_turn_after_a_tool_call():
    request = Request(
        turns=(
            Turn(Role.SYSTEM, [Text("Be brief.")]),
            Turn(
                Role.USER,
                [
                    Text("What is in this picture and how warm is it there?"),
                    Image("image/png", "AAAA"),
                ],
            ),
            Turn(Role.ASSISTANT, [Call("call_A1", "get_t", '{"city":"Bern"}')]),
            Turn(Role.USER, [Result("call_A1", [Text("17")])]),
        ),
        tools=(Tool("get_t", schema=raw({"type": "object", "required": ["city"]})),),
        tool_choice=ToolChoice(Mode.AUTO),
        max_tokens=3000,
    )

    assert body_of(request) == {
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "contents": [
            {
                "role": "user",
                "parts": [
                    {"text": "What is in this picture and how warm is it there?"},
                    {"inlineData": {"mimeType": "image/png", "data": "AAAA"}},
                ],
            },
            {
                "role": "model",
                "parts": [
                    {
                        "functionCall": {
                            "id": "call_A1",
                            "name": "get_t",
                            "args": {"city": "Bern"},
                        },
                        "thoughtSignature": DUMMY,
                    }
                ],
            },
            {
                "role": "user",
                "parts": [
                    {
                        "functionResponse": {
                            "id": "call_A1",
                            "name": "get_t",
                            "response": {"output": "17"},
                        }
                    }
                ],
            },
        ],
        "tools": [
            {
                "functionDeclarations": [
                    {
                        "name": "get_t",
                        "parametersJsonSchema": {"type": "object", "required": ["city"]},
                    }
                ]
            }
        ],
        "toolConfig": {"functionCallingConfig": {"mode": "AUTO"}},
        "generationConfig": {"maxOutputTokens": 3000},
    }


def test_system_texts_are_joined_and_later_ones_marked():
    request = Request(
        turns=(
            Turn(Role.SYSTEM, [Text("One."), Text("Two.")]),
            Turn(Role.SYSTEM, [Text("Three.")]),
            HI,
            Turn(Role.SYSTEM, [Text("Hurry.")]),
        )
    )

    body = body_of(request)

    assert body["systemInstruction"] == {"parts": [{"text": "One.\n\nTwo.\n\nThree."}]}
    assert body["contents"] == [
        {"role": "user", "parts": [{"text": "Hi"}, {"text": "<system>\nHurry.\n</system>"}]}
    ]


def test_roles_alternate_and_empty_turns_vanish():
    contents = contents_of(
        HI,
        Turn(Role.USER, [Text(""), Text("there")]),
        Turn(Role.ASSISTANT, [Thinking("Hmm", "sig")]),
        Turn(Role.ASSISTANT, [Refusal("I had rather not.")]),
        Turn(Role.USER, [Text("Why?")]),
    )

    assert contents == [
        {"role": "user", "parts": [{"text": "Hi"}, {"text": "there"}]},
        {"role": "model", "parts": [{"text": "I had rather not."}]},
        {"role": "user", "parts": [{"text": "Why?"}]},
    ]


@pytest.mark.parametrize("turns", [(), (Turn(Role.ASSISTANT, [Text("Hi")]), HI)])
def test_the_first_turn_has_to_be_the_users(turns: tuple[Turn, ...]):
    assert unable(Request(turns=turns)) == "first_turn"


def test_a_begun_answer_goes_only_to_models_that_continue_it():
    request = Request(turns=(HI, Turn(Role.ASSISTANT, [Text("Once upon")])))

    assert unable(request) == "prefill"
    assert body_of(request, target(prefill=Prefill.NATIVE))["contents"] == [
        {"role": "user", "parts": [{"text": "Hi"}]},
        {"role": "model", "parts": [{"text": "Once upon"}]},
    ]


@pytest.mark.parametrize(
    ("part", "wire"),
    [
        (Image("image/png", "AAAA"), {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}),
        (Audio("audio/wav", "AAAA"), {"inlineData": {"mimeType": "audio/wav", "data": "AAAA"}}),
        (Video("video/mp4", "AAAA"), {"inlineData": {"mimeType": "video/mp4", "data": "AAAA"}}),
        (
            File("application/pdf", "AAAA", name="a.pdf"),
            {"inlineData": {"mimeType": "application/pdf", "data": "AAAA"}},
        ),
        (Image(url="gs://b/f"), {"fileData": {"fileUri": "gs://b/f"}}),
        (
            File("application/pdf", url="https://generativelanguage.googleapis.com/v1beta/files/1"),
            {
                "fileData": {
                    "mimeType": "application/pdf",
                    "fileUri": "https://generativelanguage.googleapis.com/v1beta/files/1",
                }
            },
        ),
    ],
)
def test_media(part: Part, wire: object):
    assert contents_of(Turn(Role.USER, [part])) == [{"role": "user", "parts": [wire]}]


@pytest.mark.parametrize(
    ("part", "need"),
    [
        (Image(url="https://a.example/b.png"), "images"),
        (File(url="https://a.example/b.pdf"), "files"),
        (Video("video/mp4", url="https://a.example/b.mp4"), "video"),
        (Result("c1", [Image(url="https://a.example/b.png")]), "images"),
    ],
)
def test_nobody_fetches_addresses_on_the_web(part: Part, need: str):
    turns = (HI, Turn(Role.ASSISTANT, [Call("c1", "f", "{}")]), Turn(Role.USER, [part]))

    assert unable(Request(turns=turns)) == need


def written_calls(*calls: Call) -> list[dict[str, object]]:
    results = [Result(call.id, [Text("ok")]) for call in calls]
    contents = contents_of(HI, Turn(Role.ASSISTANT, calls), Turn(Role.USER, results))
    turns = msgspec.convert(contents, list[dict[str, object]])
    return msgspec.convert(turns[1]["parts"], list[dict[str, object]])


def test_the_first_call_of_a_step_has_a_signature():
    first, second = written_calls(Call("a", "f", "{}"), Call("b", "g", "{}"))

    assert first["thoughtSignature"] == DUMMY
    assert "thoughtSignature" not in second


def test_signatures_of_geminis_own_calls_are_returned():
    first, second = written_calls(
        Call("a", "f", "{}", "c2lnMQ=="), Call("b", "g", "{}", "c2lnMg==")
    )

    assert first["thoughtSignature"] == "c2lnMQ=="
    assert second["thoughtSignature"] == "c2lnMg=="


@pytest.mark.parametrize(
    ("arguments", "args"),
    [("", NO_FIELDS), (" ", NO_FIELDS), ('{"a":[1,{"b":null}]}', {"a": [1, {"b": None}]})],
)
def test_arguments_become_an_object(arguments: str, args: object):
    (part,) = written_calls(Call("a", "f", arguments))

    assert part["functionCall"] == {"id": "a", "name": "f", "args": args}


@pytest.mark.parametrize("arguments", ['{"a":', "[]", "null", "7", "{" * 5000])
def test_arguments_that_are_no_object_skip_the_target(arguments: str):
    turns = (HI, Turn(Role.ASSISTANT, [Call("a", "f", arguments)]))

    assert unable(Request(turns=turns)) == "call_arguments"


def test_results_are_wrapped_and_named():
    contents = contents_of(
        HI,
        Turn(Role.ASSISTANT, [Call("a", "f", "{}"), Call("b", "g", "{}"), Call("c", "h", "{}")]),
        Turn(Role.USER, [Text("So?"), Result("b", [Text("no"), Text("pe")], failed=True)]),
        Turn(Role.USER, [Result("a", [Text("17"), Image("image/png", "AAAA")])]),
    )

    turns = msgspec.convert(contents, list[dict[str, object]])
    assert turns[2]["parts"] == [
        {
            "functionResponse": {
                "id": "a",
                "name": "f",
                "response": {"output": "17"},
                "parts": [{"inlineData": {"mimeType": "image/png", "data": "AAAA"}}],
            }
        },
        {"functionResponse": {"id": "b", "name": "g", "response": {"error": "nope"}}},
        {
            "functionResponse": {
                "id": "c",
                "name": "h",
                "response": {"error": "The tool returned nothing."},
            }
        },
        {"text": "So?"},
    ]


def with_tools(choice: ToolChoice | None, *tools: Tool) -> dict[str, object]:
    return body_of(Request(turns=(HI,), tools=tools, tool_choice=choice))


def names_of(body: dict[str, object]) -> list[object]:
    tools = msgspec.convert(body["tools"], list[dict[str, list[dict[str, object]]]])
    return [declared["name"] for declared in tools[0]["functionDeclarations"]]


@pytest.mark.parametrize(
    ("choice", "config", "declared"),
    [
        (ToolChoice(Mode.AUTO), {"mode": "AUTO"}, ["f", "g"]),
        (ToolChoice(Mode.AUTO, ("g",)), {"mode": "AUTO"}, ["g"]),
        (ToolChoice(Mode.NONE), {"mode": "NONE"}, ["f", "g"]),
        (ToolChoice(Mode.REQUIRED), {"mode": "ANY"}, ["f", "g"]),
        (
            ToolChoice(Mode.REQUIRED, ("g",)),
            {"mode": "ANY", "allowedFunctionNames": ["g"]},
            ["f", "g"],
        ),
    ],
)
def test_tool_choices(choice: ToolChoice, config: object, declared: list[object]):
    body = with_tools(choice, Tool("f"), Tool("g"))

    assert body["toolConfig"] == {"functionCallingConfig": config}
    assert names_of(body) == declared


def test_tools_without_a_choice_are_declared_only():
    assert "toolConfig" not in with_tools(None, Tool("f"))


def test_a_choice_without_tools_says_nothing():
    assert "toolConfig" not in with_tools(ToolChoice(Mode.NONE))
    assert "tools" not in with_tools(ToolChoice(Mode.AUTO, ("g",)), Tool("f"))


def test_a_name_that_gemini_refuses_skips_the_target():
    assert unable(Request(turns=(HI,), tools=(Tool("1st"),))) == "tool_name"


def test_schemas_lose_what_gemini_does_not_take_with_a_notice():
    schema = raw({"type": "object", "$schema": "x", "properties": {"a": {"pattern": "b"}}})
    request = Request(turns=(HI,), tools=(Tool("f", "d", schema, strict=True),), parallel=False)

    outgoing = said(request)

    assert outgoing.notices == ("$schema", "pattern", "strict", "parallel_tool_calls")
    assert body_of(request)["tools"] == [
        {
            "functionDeclarations": [
                {
                    "name": "f",
                    "description": "d",
                    "parametersJsonSchema": {"type": "object", "properties": {"a": NO_FIELDS}},
                }
            ]
        }
    ]


def test_limits_and_sampling():
    config = config_of(
        max_tokens=3000,
        temperature=1.5,
        top_p=0.9,
        top_k=40,
        seed=7,
        presence_penalty=0.1,
        frequency_penalty=0.2,
        stop=("a", "", "b"),
    )

    assert config == {
        "maxOutputTokens": 3000,
        "temperature": 1.5,
        "topP": 0.9,
        "topK": 40,
        "seed": 7,
        "presencePenalty": 0.1,
        "frequencyPenalty": 0.2,
        "stopSequences": ["a", "b"],
    }


def test_sampling_that_is_refused_is_left_out_and_named():
    request = Request(turns=(HI,), temperature=0.0, top_p=0.9, top_k=4, presence_penalty=0.1)

    outgoing = said(request, target(sampling=False))

    assert outgoing.notices == ("temperature", "top_p", "top_k", "presence_penalty")
    assert b"generationConfig" not in outgoing.body


def test_quirk_a_seed_has_32_bits():
    assert config_of(seed=2**31 - 1) == {"seed": 2147483647}
    assert config_of(seed=2**31) == NO_FIELDS
    assert said(Request(turns=(HI,), seed=2**31)).notices == ("seed",)


def test_the_output_limit_is_clamped_with_a_notice():
    request = Request(turns=(HI,), max_tokens=100_000)

    outgoing = said(request, target(max_output=65_536))

    assert outgoing.notices == ("max_tokens",)
    assert b'"maxOutputTokens":65536' in outgoing.body


def test_five_stop_sequences_go_and_the_gateway_keeps_the_rest():
    request = Request(turns=(HI,), stop=("a", "b", "c", "d", "e", "f", "g"))

    assert said(request).stop == ("f", "g")
    assert config_of(stop=request.stop) == {"stopSequences": ["a", "b", "c", "d", "e"]}
    assert said(request, target(stop=False)).stop == request.stop


def test_forms():
    schema = raw({"type": "object", "properties": {"a": {"const": 1}}, "not": NO_FIELDS})

    assert config_of(format=Format()) == {"responseMimeType": "application/json"}
    assert config_of(format=Format(schema)) == {
        "responseMimeType": "application/json",
        "responseJsonSchema": {"type": "object", "properties": {"a": {"enum": [1]}}},
    }
    assert said(Request(turns=(HI,), format=Format(schema))).notices == ("not",)


EFFORT = {"thinks": Thinks.EFFORT}
LOW_HIGH = {"thinks": Thinks.EFFORT, "efforts": ("low", "high")}
BUDGET = {"thinks": Thinks.BUDGET}
ALWAYS = {"thinks": Thinks.BUDGET, "thinking_off": False}


@pytest.mark.parametrize(
    ("abilities", "reasoning", "thinking", "noticed"),
    [
        (EFFORT, Reasoning("high"), {"thinkingLevel": "HIGH"}, False),
        (EFFORT, Reasoning("minimal"), {"thinkingLevel": "MINIMAL"}, False),
        (EFFORT, Reasoning("max"), {"thinkingLevel": "XHIGH"}, True),
        (EFFORT, Reasoning("none"), {"thinkingLevel": "MINIMAL"}, True),
        (EFFORT, Reasoning("wild"), {"thinkingLevel": "MEDIUM"}, True),
        (EFFORT, Reasoning(budget_tokens=9000), {"thinkingLevel": "MEDIUM"}, False),
        (EFFORT, Reasoning(budget_tokens=100), {"thinkingLevel": "MINIMAL"}, False),
        (EFFORT, Reasoning(budget_tokens=0), {"thinkingLevel": "MINIMAL"}, True),
        (EFFORT, Reasoning(shown=True), {"includeThoughts": True}, False),
        (LOW_HIGH, Reasoning("medium"), {"thinkingLevel": "LOW"}, True),
        (LOW_HIGH, Reasoning("max"), {"thinkingLevel": "HIGH"}, True),
        (LOW_HIGH, Reasoning("minimal"), {"thinkingLevel": "LOW"}, True),
        (
            BUDGET,
            Reasoning("low", shown=True),
            {"thinkingBudget": 2048, "includeThoughts": True},
            False,
        ),
        (BUDGET, Reasoning("none"), {"thinkingBudget": 0}, False),
        (BUDGET, Reasoning("minimal"), {"thinkingBudget": 512}, False),
        (BUDGET, Reasoning("medium"), {"thinkingBudget": 8192}, False),
        (BUDGET, Reasoning("high"), {"thinkingBudget": 16384}, False),
        (BUDGET, Reasoning("xhigh"), {"thinkingBudget": 24576}, False),
        (BUDGET, Reasoning("max"), {"thinkingBudget": 32768}, False),
        (BUDGET, Reasoning(budget_tokens=1500), {"thinkingBudget": 1500}, False),
        (ALWAYS, Reasoning("none"), {"thinkingBudget": 512}, True),
        ({"thinks": Thinks.SWITCH}, Reasoning("none"), {"thinkingBudget": 0}, False),
        ({"thinks": Thinks.SWITCH}, Reasoning("high"), None, True),
        ({"thinks": Thinks.NO}, Reasoning("high", shown=True), None, True),
        ({"thinks": Thinks.NO}, Reasoning("none"), None, False),
    ],
)
def test_reasoning(
    abilities: dict[str, object], reasoning: Reasoning, thinking: object, *, noticed: bool
):
    request = Request(turns=(HI,), reasoning=reasoning)
    to = target(**abilities)

    expected = NO_FIELDS if thinking is None else {"thinkingConfig": thinking}
    assert config_of(to, reasoning=reasoning) == expected
    assert said(request, to).notices == (("reasoning_effort",) if noticed else ())


@pytest.mark.parametrize(
    ("abilities", "limit", "budget"),
    [(BUDGET, 2001, 2000), (BUDGET, 300, 0), (ALWAYS, 300, 299), (ALWAYS, 20, 128)],
)
def test_a_budget_stays_below_the_output_limit(
    abilities: dict[str, object], limit: int, budget: int
):
    config = config_of(target(**abilities), reasoning=Reasoning("high"), max_tokens=limit)

    assert config == {"maxOutputTokens": limit, "thinkingConfig": {"thinkingBudget": budget}}


@pytest.mark.parametrize(
    ("abilities", "limit", "thinking"),
    [
        (BUDGET, 1023, {"thinkingBudget": 0}),
        (BUDGET, 1024, None),
        (ALWAYS, 100, None),
        (LOW_HIGH, 100, {"thinkingLevel": "LOW"}),
        (EFFORT, 100, None),
    ],
)
def test_a_short_answer_is_not_thought_away(
    abilities: dict[str, object], limit: int, thinking: object
):
    expected: dict[str, object] = {"maxOutputTokens": limit}
    if thinking is not None:
        expected["thinkingConfig"] = thinking

    assert config_of(target(**abilities), max_tokens=limit) == expected


@pytest.mark.parametrize(
    ("details", "config"),
    [
        (("low", "low"), {"mediaResolution": "MEDIA_RESOLUTION_LOW"}),
        (("high",), {"mediaResolution": "MEDIA_RESOLUTION_HIGH"}),
        (("low", "high"), NO_FIELDS),
        (("auto",), NO_FIELDS),
        ((), NO_FIELDS),
    ],
)
def test_detail_is_said_where_all_pictures_agree(details: tuple[str, ...], config: object):
    parts = [Text("Look"), *(Image("image/png", "AAAA", detail=detail) for detail in details)]

    assert config_of(turns=(Turn(Role.USER, parts),)) == config


def test_what_has_no_place_is_named():
    request = Request(
        turns=(Turn(Role.USER, [Text("Hi")], name="ann"),),
        user="u1",
        cache_key="k",
        dropped=("logit_bias", "store"),
    )

    assert said(request).notices == ("logit_bias", "store", "user", "name")


@pytest.mark.parametrize(
    ("fields", "need"),
    [
        ({"native": ("server_tools", "x")}, "server_tools"),
        ({"n": 2}, "several"),
        ({"logprobs": True}, "logprobs"),
    ],
)
def test_what_an_answer_cannot_hold_skips_the_target(fields: dict[str, object], need: str):
    assert unable(msgspec.structs.replace(Request(turns=(HI,)), **fields)) == need


def test_overrides_have_the_last_word():
    overrides = b'{"generation_config":{"topK":1},"stream":true,"labels":{"a":"b"}}'

    assert body_of(Request(turns=(HI,), temperature=1.0), target(overrides)) == {
        "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
        "generation_config": {"topK": 1},
        "labels": {"a": "b"},
    }


WORDS = st.text(min_size=1, max_size=8)
NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True)
USER_PARTS = st.one_of(
    st.builds(Text, WORDS),
    st.builds(Image, st.just("image/png"), st.just("AA+/")),
    st.builds(Audio, st.just("audio/wav"), st.just("AAAA")),
    st.builds(File, st.just("application/pdf"), st.just("AAAA")),
    st.builds(Video, st.just("video/mp4"), st.just("AAAA")),
)


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """Requests that Gemini's dialect can say in full."""
    turns: list[Turn] = []
    if draw(st.booleans()):
        turns.append(Turn(Role.SYSTEM, [Text(draw(WORDS))]))
    turns.append(Turn(Role.USER, draw(st.lists(USER_PARTS, min_size=1, max_size=3))))
    for step in range(draw(st.integers(0, 2))):
        calls = [
            Call(f"c{step}.{at}", name, '{"a":1}', "c2ln")
            for at, name in enumerate(draw(st.lists(NAMES, min_size=1, max_size=3)))
        ]
        turns.append(Turn(Role.ASSISTANT, [Text(draw(WORDS)), *calls]))
        results = [
            Result(call.id, [Text(draw(WORDS))], call.name, draw(st.booleans())) for call in calls
        ]
        turns.append(Turn(Role.USER, [*results, Text(draw(WORDS))]))
    names = draw(st.lists(NAMES, max_size=2, unique=True))
    return Request(
        turns=tuple(turns),
        stream=draw(st.booleans()),
        usage_asked=True,
        tools=tuple(Tool(name, "d", raw({"type": "object"})) for name in names),
        tool_choice=ToolChoice(Mode.REQUIRED, (names[0],)) if names else None,
        format=Format(raw({"type": "array"})) if draw(st.booleans()) else None,
        max_tokens=draw(st.none() | st.integers(1024, 9000)),
        temperature=draw(st.none() | st.floats(0, 2)),
        top_p=draw(st.none() | st.floats(0, 1)),
        top_k=draw(st.none() | st.integers(1, 99)),
        seed=draw(st.none() | st.integers(-(2**31), 2**31 - 1)),
        presence_penalty=draw(st.none() | st.floats(-2, 2)),
        frequency_penalty=draw(st.none() | st.floats(-2, 2)),
        stop=tuple(draw(st.lists(WORDS, max_size=5))),
        reasoning=draw(st.none() | st.builds(Reasoning, st.just("low"), shown=st.booleans())),
    )


@settings(max_examples=30)
@given(requests())
def test_what_is_written_is_read_again(request: Request):
    outgoing = said(request)
    path, _, query = outgoing.path.partition("?")

    again = read_request(peek(outgoing.body, path, query))

    assert msgspec.json.encode(again) == msgspec.json.encode(request)
    assert outgoing.notices == ()
    assert said(again) == outgoing

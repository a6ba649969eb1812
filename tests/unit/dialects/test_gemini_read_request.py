"""A caller of Gemini's dialect is understood."""

import msgspec
import pytest

from hotswap.dialects.gemini.generate import peek, read_request
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
    Thinking,
    ToolChoice,
    Turn,
    Video,
)
from hotswap.errors import RefusedError

NO_FIELDS: dict[str, object] = {}
PATH = "/v1beta/models/smart:generateContent"
HI = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}


def understood(body: object, path: str = PATH) -> Request:
    return read_request(peek(msgspec.json.encode(body), path, "alt=sse"))


def with_fields(**fields: object) -> Request:
    return understood({**HI, **fields})


def configured(**config: object) -> Request:
    return with_fields(generationConfig=config)


def parts_of(*parts: object, role: str = "user") -> list[Part]:
    return list(understood({"contents": [{"role": role, "parts": parts}]}).turns[0].parts)


def test_a_plain_request():
    assert understood(HI) == Request(turns=(Turn(Role.USER, [Text("Hi")]),), usage_asked=True)


def test_a_stream_is_told_by_the_path():
    assert understood(HI, "/v1/models/smart:streamGenerateContent").stream


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("user", Role.USER),
        ("model", Role.ASSISTANT),
        ("function", Role.USER),
        ("system", Role.SYSTEM),
        ("", Role.USER),
        (None, Role.USER),
    ],
)
def test_roles(role: str | None, expected: Role):
    request = understood({"contents": [{"role": role, "parts": [{"text": "x"}]}]})

    assert request.turns == (Turn(expected, [Text("x")]),)


@pytest.mark.parametrize(
    "system",
    [
        "Be brief.",
        {"parts": [{"text": "Be brief."}]},
        {"role": "user", "parts": [{"text": "Be brief."}]},
        {"text": "Be brief."},
        [{"text": "Be brief."}],
    ],
)
@pytest.mark.parametrize("name", ["systemInstruction", "system_instruction"])
def test_the_system_instruction_in_every_shape(system: object, name: str):
    request = understood({**HI, name: system})

    assert request.turns[0] == Turn(Role.SYSTEM, [Text("Be brief.")])


def test_no_system_instruction_is_none():
    assert len(with_fields(systemInstruction=None).turns) == 1


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"text": "a"}, Text("a")),
        ({"text": "a", "thought": False}, Text("a")),
        (
            {"text": "Hmm", "thought": True, "thoughtSignature": "c2ln"},
            Thinking("Hmm", "c2ln"),
        ),
        ({"text": "Hmm", "thought": True, "thought_signature": "c2ln"}, Thinking("Hmm", "c2ln")),
        (
            {"inlineData": {"mimeType": "image/png", "data": "AAAA"}},
            Image("image/png", "AAAA"),
        ),
        (
            {"inline_data": {"mime_type": "image/png", "data": "AAAA"}},
            Image("image/png", "AAAA"),
        ),
        ({"inlineData": {"mime_type": "audio/wav", "data": "AAAA"}}, Audio("audio/wav", "AAAA")),
        ({"inlineData": {"mimeType": "video/mp4", "data": "AAAA"}}, Video("video/mp4", "AAAA")),
        (
            {"inlineData": {"mimeType": "application/pdf", "data": "AAAA"}, "videoMetadata": None},
            File("application/pdf", "AAAA"),
        ),
        (
            {"fileData": {"mimeType": "image/png", "fileUri": "https://a.example/b.png"}},
            Image("image/png", url="https://a.example/b.png"),
        ),
        (
            {"file_data": {"file_uri": "https://a.example/b"}},
            File("application/octet-stream", url="https://a.example/b"),
        ),
        (
            {
                "functionCall": {"id": "c1", "name": "f", "args": {"a": 1.0}},
                "thoughtSignature": "c2ln",
            },
            Call("c1", "f", '{"a":1.0}', "c2ln"),
        ),
        ({"function_call": {"id": "c1", "name": "f"}}, Call("c1", "f", "{}")),
        ({"functionCall": {"id": "c1", "name": "f", "args": None}}, Call("c1", "f", "{}")),
    ],
)
def test_parts(part: object, expected: Part):
    assert parts_of(part, role="model") == [expected]


def test_quirk_googles_sdk_writes_base64_in_the_alphabet_of_urls():
    part = {"inlineData": {"mimeType": "image/png", "data": "iVBO-_8_"}}

    assert parts_of(part) == [Image("image/png", "iVBO+/8/")]


@pytest.mark.parametrize(
    ("response", "text", "failed"),
    [
        ({"output": "17"}, "17", False),
        ({"result": "17"}, "17", False),
        ({"output": {"t": 17}}, '{"t":17}', False),
        ({"error": "no such city"}, "no such city", True),
        ({"temperature": 17}, '{"temperature":17}', False),
        ({"output": "17", "unit": "C"}, '{"output":"17","unit":"C"}', False),
    ],
)
def test_a_tools_result_is_what_its_wrap_holds(response: object, text: str, *, failed: bool):
    part = {"functionResponse": {"id": "c1", "name": "f", "response": response}}

    assert parts_of(part) == [Result("c1", [Text(text)], "f", failed)]


def test_a_result_may_hold_pictures():
    wire = {
        "id": "c1",
        "name": "f",
        "response": NO_FIELDS,
        "parts": [{"inline_data": {"mime_type": "image/png", "data": "AAAA"}}],
    }

    assert parts_of({"function_response": wire}) == [
        Result("c1", [Image("image/png", "AAAA")], "f")
    ]


def test_a_result_without_a_call_keeps_its_own_name():
    parts = parts_of({"functionResponse": {"name": "f"}})

    assert parts == [Result("call_3c0f4cb7ba9ea9b056e6d555", [], "f")]


def called(*names: str) -> dict[str, object]:
    return {
        "role": "model",
        "parts": [{"functionCall": {"name": n, "args": {"n": n}}} for n in names],
    }


def answered(*names: str) -> dict[str, object]:
    parts = [{"functionResponse": {"name": n, "response": {"output": n}}} for n in names]
    return {"role": "user", "parts": parts}


def test_calls_without_ids_get_ids_that_their_results_share():
    request = understood({"contents": [called("f", "g", "f"), answered("f", "f", "g")]})

    calls, results = (turn.parts for turn in request.turns)
    ids = [part.id for part in calls if isinstance(part, Call)]
    assert ids == [
        "call_1530775cab1efd00d9ca7fd4",
        "call_5a1b9c07a08d0661b9d4e794",
        "call_a083bfd5e73203fc6c6fa2c7",
    ]
    assert [part.call_id for part in results if isinstance(part, Result)] == [
        ids[0],
        ids[2],
        ids[1],
    ]


def test_ids_are_the_same_for_every_reading_and_differ_between_turns():
    body = {"contents": [called("f"), answered("f"), called("f"), answered("f")]}

    first, again = understood(body), understood(body)

    ids = [part.id for turn in first.turns for part in turn.parts if isinstance(part, Call)]
    assert len(set(ids)) == 2
    assert first == again


def test_functions_and_their_schemas_in_both_forms():
    schema = {"type": "object", "properties": {"a_b": {"type": "string"}}}
    request = with_fields(
        tools=[
            {
                "functionDeclarations": [
                    {"name": "f", "description": "d", "parametersJsonSchema": schema}
                ]
            },
            {"function_declarations": [{"name": "g", "parameters_json_schema": schema}]},
            {
                "functionDeclarations": [
                    {"name": "h", "parameters": {"type": "OBJECT"}},
                    {"name": "i"},
                ]
            },
        ]
    )

    assert [(tool.name, tool.description) for tool in request.tools] == [
        ("f", "d"),
        ("g", ""),
        ("h", ""),
        ("i", ""),
    ]
    assert [msgspec.json.decode(tool.schema) for tool in request.tools] == [
        schema,
        schema,
        {"type": "object"},
        {"type": "object", "properties": NO_FIELDS},
    ]
    assert request.native == ()


@pytest.mark.parametrize(
    ("config", "choice"),
    [
        ({"mode": "AUTO"}, ToolChoice(Mode.AUTO)),
        ({"mode": "NONE"}, ToolChoice(Mode.NONE)),
        ({"mode": "VALIDATED"}, ToolChoice(Mode.AUTO)),
        (
            {"mode": "ANY", "allowedFunctionNames": ["f"]},
            ToolChoice(Mode.REQUIRED, ("f",)),
        ),
        (
            {"mode": "ANY", "allowed_function_names": ["f", "g"]},
            ToolChoice(Mode.REQUIRED, ("f", "g")),
        ),
        (NO_FIELDS, None),
        (None, None),
    ],
)
def test_tool_choices(config: object, choice: ToolChoice | None):
    assert with_fields(toolConfig={"functionCallingConfig": config}).tool_choice == choice
    assert with_fields(tool_config={"function_calling_config": config}).tool_choice == choice


def test_a_configuration_of_other_tools_is_no_choice():
    assert with_fields(toolConfig={"retrievalConfig": {"languageCode": "de"}}).tool_choice is None


def test_the_configuration_in_camel_case():
    request = configured(
        temperature=0.5,
        topP=0.9,
        topK=40.0,
        candidateCount=2,
        maxOutputTokens="300",
        stopSequences=["a", "b"],
        responseLogprobs=True,
        logprobs=3,
        presencePenalty=0.1,
        frequencyPenalty=0.2,
        seed=7,
        mediaResolution="MEDIA_RESOLUTION_LOW",
    )

    assert request == Request(
        turns=(Turn(Role.USER, [Text("Hi")]),),
        usage_asked=True,
        temperature=0.5,
        top_p=0.9,
        top_k=40,
        n=2,
        max_tokens=300,
        stop=("a", "b"),
        logprobs=True,
        top_logprobs=3,
        presence_penalty=0.1,
        frequency_penalty=0.2,
        seed=7,
        dropped=("mediaResolution",),
    )


def test_the_configuration_in_snake_case():
    request = with_fields(
        generation_config={"top_p": 0.9, "max_output_tokens": 300, "stop_sequences": ["a"]}
    )

    assert (request.top_p, request.max_tokens, request.stop) == (0.9, 300, ("a",))


@pytest.mark.parametrize(
    ("thinking", "expected"),
    [
        ({"thinkingLevel": "HIGH"}, Reasoning("high")),
        ({"thinking_level": "MINIMAL", "include_thoughts": True}, Reasoning("minimal", shown=True)),
        ({"thinkingBudget": 2048}, Reasoning(budget_tokens=2048)),
        ({"thinkingBudget": 0}, Reasoning(budget_tokens=0)),
        ({"thinking_budget": -1, "includeThoughts": True}, Reasoning(shown=True)),
        ({"thinkingLevel": "THINKING_LEVEL_UNSPECIFIED"}, Reasoning()),
    ],
)
def test_thinking(thinking: object, expected: Reasoning):
    assert configured(thinkingConfig=thinking).reasoning == expected
    assert configured(thinking_config=thinking).reasoning == expected


def test_the_form_of_the_answer():
    assert configured(responseMimeType="text/plain").format is None
    assert configured(responseMimeType="application/json").format == Format()


@pytest.mark.parametrize(
    ("config", "schema"),
    [
        ({"responseJsonSchema": {"type": "object", "x_y": 1}}, {"type": "object", "x_y": 1}),
        ({"response_schema": {"type": "ARRAY"}}, {"type": "array"}),
    ],
)
def test_the_schema_of_the_answer(config: dict[str, object], schema: object):
    form = configured(responseMimeType="application/json", **config).format

    assert form is not None
    assert form.schema is not None
    assert msgspec.json.decode(form.schema) == schema


@pytest.mark.parametrize(
    ("fields", "native"),
    [
        ({"cachedContent": "cachedContents/1"}, "cached_content"),
        ({"cached_content": "cachedContents/1"}, "cached_content"),
        ({"continuationToken": "t"}, "continuation"),
        ({"tools": [{"googleSearch": NO_FIELDS}]}, "server_tools"),
        ({"tools": [{"code_execution": NO_FIELDS}]}, "server_tools"),
        ({"tools": [{"urlContext": NO_FIELDS, "functionDeclarations": None}]}, "server_tools"),
        ({"generationConfig": {"responseModalities": ["TEXT", "AUDIO"]}}, "audio_output"),
        ({"generationConfig": {"response_modalities": ["Image"]}}, "image_output"),
        ({"generationConfig": {"responseMimeType": "text/x.enum"}}, "enum_output"),
    ],
)
def test_what_only_gemini_can_do_is_native(fields: dict[str, object], native: str):
    assert with_fields(**fields).native == (native,)


@pytest.mark.parametrize(
    ("part", "native"),
    [
        ({"executableCode": {"language": "PYTHON", "code": "1"}}, "server_tools"),
        ({"code_execution_result": {"outcome": "OUTCOME_OK"}}, "server_tools"),
        ({"fileData": {"fileUri": "gs://b/f", "mimeType": "image/png"}}, "file_id"),
        (
            {"fileData": {"fileUri": "https://generativelanguage.googleapis.com/v1beta/files/1"}},
            "file_id",
        ),
        (
            {"fileData": {"fileUri": "https://a.example/b.wav", "mimeType": "audio/wav"}},
            "file_id",
        ),
        ({"hologramData": {"a": 1}}, "unknown_part"),
    ],
)
def test_parts_that_only_gemini_understands_are_native(part: object, native: str):
    assert understood({"contents": [{"parts": [part]}]}).native == (native,)


def test_what_only_colours_the_answer_is_named():
    request = with_fields(safetySettings=[], service_tier="flex", labels={"a": "b"})

    assert request.dropped == ("safetySettings", "serviceTier", "labels")
    assert request.native == ()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"contents": [{"role": "narrator"}]}, "invalid_type"),
        ({"contents": [{"parts": [{"text": 7}]}]}, "invalid_type"),
        ({"contents": [{"parts": [{"functionCall": "f"}]}]}, "invalid_type"),
        ({"contents": [{"parts": [{"functionCall": {"name": "f", "args": "x"}}]}]}, "invalid_type"),
        ({**HI, "tools": [{"functionDeclarations": [{"name": 7}]}]}, "invalid_type"),
        ({**HI, "generationConfig": {"temperature": "warm"}}, "invalid_type"),
        ({**HI, "systemInstruction": 7}, "invalid_type"),
    ],
)
def test_a_request_of_wrong_types_is_refused(body: object, code: str):
    with pytest.raises(RefusedError) as refused:
        understood(body)

    assert (refused.value.status, refused.value.code) == (400, code)


def test_text_that_is_no_utf8_is_refused():
    body = b'{"contents":[{"parts":[{"text":"\xff"}]}]}'

    with pytest.raises(RefusedError) as refused:
        read_request(peek(body, PATH, ""))

    assert refused.value.status == 400


def test_half_a_surrogate_pair_becomes_a_replacement():
    body = b'{"contents":[{"parts":[{"text":"a\\ud83d"}]}]}'

    assert read_request(peek(body, PATH, "")).turns[0].parts == [Text("a\ufffd")]

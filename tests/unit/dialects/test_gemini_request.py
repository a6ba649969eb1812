"""Requests of Gemini's dialect: what the line reads of them, and what passes on to Gemini."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap.core.terms import Credential, Needs, Target
from hotswap.dialects.api import Peek
from hotswap.dialects.gemini.generate import (
    credential_headers,
    pass_headers,
    pass_request,
    peek,
    split_path,
    stream_type,
    write_probe,
)
from hotswap.errors import RefusedError

GENERATE = "/v1beta/models/smart:generateContent"
STREAM = "/v1beta/models/smart:streamGenerateContent"
TARGET = Target("google/gemini-3", "google", "gemini-3")
HI = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}


def looked_at(body: object, path: str = GENERATE, query: str = "") -> Peek:
    return peek(msgspec.json.encode(body), path, query)


def needs_of(**fields: object) -> Needs:
    needs = looked_at({**HI, **fields}).needs
    return msgspec.structs.replace(needs, prompt_tokens=0)


def needs_of_part(part: object) -> Needs:
    needs = looked_at({"contents": [{"parts": [part]}]}).needs
    return msgspec.structs.replace(needs, prompt_tokens=0)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/v1beta/models/smart:generateContent", ("smart", "generateContent")),
        ("/v1/models/smart:streamGenerateContent", ("smart", "streamGenerateContent")),
        ("/v1beta/models/openai/gpt-5:countTokens", ("openai/gpt-5", "countTokens")),
        ("/v1beta/models/openai%2Fgpt-5:embedContent", ("openai/gpt-5", "embedContent")),
        ("/v1beta/models/models/smart:generateContent", ("smart", "generateContent")),
        ("/v1/models/llama3:8b:generateContent", ("llama3:8b", "generateContent")),
        ("/v1/models/smart%3AgenerateContent", ("smart", "generateContent")),
        ("/v1beta/models/m%C3%BCnster:generateContent", ("münster", "generateContent")),
        ("/v1beta/models/:generateContent", ("", "generateContent")),
        ("/v1beta/models", None),
        ("/v1beta/models/smart", None),
        ("/v1beta/models/smart:", None),
        ("/v1beta/models/sm:art/more", None),
        ("/v1/chat/completions", None),
    ],
)
def test_a_path_names_model_and_action(path: str, found: tuple[str, str] | None):
    assert split_path(path) == found


def test_a_request_is_read_as_far_as_the_line_needs():
    request = looked_at(HI)

    assert (request.model, request.action) == ("smart", "generateContent")
    assert not request.stream
    assert request.usage_asked
    assert request.needs == Needs(prompt_tokens=15)
    assert request.needs.plain
    assert not request.sampled
    assert not request.stops


@pytest.mark.parametrize(
    ("query", "array", "content_type"),
    [
        ("alt=sse", False, b"text/event-stream; charset=utf-8"),
        ("key=k&alt=sse", False, b"text/event-stream; charset=utf-8"),
        ("%24alt=sse", False, b"text/event-stream; charset=utf-8"),
        ("", True, b"application/json; charset=utf-8"),
        ("alt=json", True, b"application/json; charset=utf-8"),
    ],
)
def test_a_stream_is_an_array_unless_events_are_asked_for(
    query: str, content_type: bytes, *, array: bool
):
    request = looked_at(HI, STREAM, query)

    assert request.stream
    assert request.array is array
    assert stream_type(request) == content_type


@pytest.mark.parametrize(
    ("part", "needs"),
    [
        ({"text": "image/png"}, Needs()),
        ({"inlineData": {"mimeType": "image/png", "data": "AAAA"}}, Needs(images=True)),
        ({"inline_data": {"mime_type": "image/png", "data": "AAAA"}}, Needs(images=True)),
        ({"inlineData": {"mime_type": "audio/wav", "data": "AAAA"}}, Needs(audio=True)),
        ({"fileData": {"fileUri": "gs://b/f", "mimeType": "video/mp4"}}, Needs(video=True)),
        ({"file_data": {"file_uri": "gs://b/f"}}, Needs(files=True)),
        ({"inlineData": {"mimeType": "application/pdf", "data": "AAAA"}}, Needs(files=True)),
        ({"inlineData": None}, Needs()),
        (
            {
                "functionResponse": {
                    "name": "f",
                    "parts": [{"inlineData": {"mimeType": "image/png", "data": "AAAA"}}],
                }
            },
            Needs(images=True),
        ),
    ],
)
def test_parts_tell_what_a_target_must_take(part: object, needs: Needs):
    assert needs_of_part(part) == needs


@pytest.mark.parametrize(
    ("fields", "needs"),
    [
        ({"tools": [{"functionDeclarations": [{"name": "f"}]}]}, Needs(tools=True)),
        ({"tools": []}, Needs()),
        ({"tools": None}, Needs()),
        ({"toolConfig": {"functionCallingConfig": {"mode": "ANY"}}}, Needs(forced_tool=True)),
        ({"tool_config": {"function_calling_config": {"mode": "ANY"}}}, Needs(forced_tool=True)),
        ({"toolConfig": {"functionCallingConfig": {"mode": "AUTO"}}}, Needs()),
        ({"generationConfig": {"responseMimeType": "application/json"}}, Needs(json_object=True)),
        ({"generationConfig": {"responseMimeType": "text/plain"}}, Needs()),
        (
            {"generation_config": {"response_json_schema": {"type": "object"}}},
            Needs(json_schema=True),
        ),
        (
            {
                "generationConfig": {
                    "responseMimeType": "application/json",
                    "responseSchema": {"type": "OBJECT"},
                }
            },
            Needs(json_schema=True),
        ),
        ({"generationConfig": {"candidateCount": 2}}, Needs(several=True)),
        ({"generationConfig": {"candidateCount": 1}}, Needs()),
        ({"generationConfig": {"responseLogprobs": True}}, Needs(logprobs=True)),
        ({"generationConfig": {"responseModalities": ["AUDIO"]}}, Needs(audio=True)),
        ({"generationConfig": {"thinkingConfig": {"thinkingLevel": "LOW"}}}, Needs(reasoning=True)),
        (
            {"generationConfig": {"thinkingConfig": {"thinking_budget": 100}}},
            Needs(reasoning=True),
        ),
        ({"generationConfig": {"thinkingConfig": {"thinkingBudget": 0}}}, Needs()),
        ({"generationConfig": None}, Needs()),
    ],
)
def test_fields_tell_what_a_target_must_do(fields: dict[str, object], needs: Needs):
    assert needs_of(**fields) == needs


def test_the_bytes_of_media_do_not_count_as_words():
    part = {"inlineData": {"mimeType": "image/png", "data": "A" * 400_000}}

    tokens = looked_at({"contents": [{"parts": [part]}]}).needs.prompt_tokens

    assert tokens == 1011


@pytest.mark.parametrize("name", ["temperature", "topP", "top_p", "topK", "top_k"])
def test_sampling_is_noted_in_either_spelling(name: str):
    assert looked_at({**HI, "generationConfig": {name: 0.5}}).sampled


@pytest.mark.parametrize("name", ["stopSequences", "stop_sequences"])
def test_stop_sequences_are_noted_in_either_spelling(name: str):
    assert looked_at({**HI, "generation_config": {name: ["x"]}}).stops


def test_tokens_can_be_counted_of_a_wrapped_request():
    path = "/v1beta/models/smart:countTokens"

    request = looked_at({"generateContentRequest": {"model": "models/smart", **HI}}, path)

    assert request.action == "countTokens"
    assert request.needs.prompt_tokens == 28


@pytest.mark.parametrize(
    ("body", "path", "code", "param"),
    [
        (b"{}", GENERATE, "missing_required_parameter", "contents"),
        (b'{"generateContentRequest":{}}', GENERATE, "missing_required_parameter", "contents"),
        (b'{"generateContentRequest":1}', GENERATE, "invalid_type", "generateContentRequest"),
        (b'{"contents":[]}', "/v1/models/:generateContent", "missing_required_parameter", "model"),
        (b'{"contents":"Hi"}', GENERATE, "invalid_type", None),
        (b'{"contents":[{"parts":[1]}]}', GENERATE, "invalid_type", None),
        (b'{"contents":[],"generationConfig":7}', GENERATE, "invalid_type", "generationConfig"),
        (b'{"contents":[],"toolConfig":7}', GENERATE, "invalid_type", None),
        (b"[]", GENERATE, "invalid_request", None),
        (b"\xff", GENERATE, "invalid_request", None),
        (b"[" * 5000, GENERATE, "invalid_request", None),
        (b'{"contents":' + b"[" * 5000 + b"]" * 5000 + b"}", GENERATE, "invalid_request", None),
    ],
)
def test_a_body_that_is_no_request_is_refused(body: bytes, path: str, code: str, param: str | None):
    with pytest.raises(RefusedError) as refused:
        peek(body, path, "")

    assert (refused.value.status, refused.value.code) == (400, code)
    assert refused.value.param == param


def status_of(body: bytes) -> int:
    try:
        peek(body, GENERATE, "")
    except RefusedError as refused:
        return refused.status
    return 200


@given(st.binary(max_size=40))
def test_no_bytes_break_the_line(body: bytes):
    assert status_of(body) in {200, 400}


def test_a_request_passes_in_its_own_words():
    body = {
        "contents": [{"parts": [{"inline_data": {"mime_type": "image/png", "data": "AA_-"}}]}],
        "generation_config": {"thinking_config": {"include_thoughts": True}},
        "safetySettings": [],
        "model": "models/smart",
        "fieldOfTomorrow": 1.50,
    }

    outgoing = pass_request(looked_at(body), TARGET, "google")

    assert outgoing.path == "/v1beta/models/gemini-3:generateContent"
    assert msgspec.json.decode(outgoing.body) == {k: v for k, v in body.items() if k != "model"}
    assert outgoing.notices == ()


@pytest.mark.parametrize("query", ["alt=sse", ""])
def test_streams_are_always_asked_for_as_events(query: str):
    outgoing = pass_request(
        looked_at(HI, "/v1/models/smart:streamGenerateContent", query), TARGET, ""
    )

    assert outgoing.path == "/v1beta/models/gemini-3:streamGenerateContent?alt=sse"


def test_a_models_name_is_a_safe_path():
    target = Target("google/x", "google", "models/tuned one?#")

    assert pass_request(looked_at(HI), target, "").path == (
        "/v1beta/models/tuned%20one%3F%23:generateContent"
    )


def test_overrides_replace_fields_in_either_spelling_but_never_stream_or_model():
    overrides = b'{"generationConfig":{"topK":1},"stream":true,"model":"x","labels":{"a":"b"}}'
    target = msgspec.structs.replace(TARGET, overrides=overrides)

    outgoing = pass_request(looked_at({**HI, "generation_config": {"topK": 9}}), target, "google")

    assert msgspec.json.decode(outgoing.body) == {
        **HI,
        "generationConfig": {"topK": 1},
        "labels": {"a": "b"},
    }


def test_the_key_goes_in_googles_header():
    assert credential_headers(Credential("a", "AIza1"), "google") == b"x-goog-api-key: AIza1\r\n"
    assert credential_headers(Credential("a", ""), "google") == b""


def test_no_header_of_the_caller_travels_on():
    assert pass_headers({b"x-goog-api-key": b"secret", b"anthropic-beta": b"x"}) == b""


def test_a_probe_asks_for_one_token():
    target = msgspec.structs.replace(TARGET, overrides=b'{"labels":{"a":"b"},"contents":[]}')

    probe = write_probe(target, "google")

    assert probe.path == "/v1beta/models/gemini-3:generateContent"
    assert msgspec.json.decode(probe.body) == {
        "labels": {"a": "b"},
        "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
        "generationConfig": {"maxOutputTokens": 1},
    }

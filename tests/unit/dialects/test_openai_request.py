"""Requests of OpenAI's dialect: what is read of them, and what a provider gets."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotswap.core.abilities import Abilities
from hotswap.core.terms import Credential, Needs, Target
from hotswap.dialects.openai import chat as openai_chat
from hotswap.dialects.openai import embeddings as openai_embeddings
from hotswap.errors import RefusedError

TARGET = Target(id="p/gpt-9", provider="p", model="gpt-9")
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
    "a kind of tomorrow",
]


def chat(**fields: object) -> bytes:
    whole = {"model": "main", "messages": [{"role": "user", "content": "Hi"}], **fields}
    return msgspec.json.encode(whole)


def needs(**fields: object) -> Needs:
    found = openai_chat.peek(chat(**fields)).needs
    return msgspec.structs.replace(found, prompt_tokens=0)


def written(body: bytes, kind: str = "openai", target: Target = TARGET) -> bytes:
    return openai_chat.pass_request(openai_chat.peek(body), target, kind).body


def test_a_peek_names_what_the_line_must_know():
    request = openai_chat.peek(chat(stream=True, stream_options={"include_usage": True}))

    assert request.model == "main"
    assert request.stream
    assert request.usage_asked
    assert list(request.fields) == ["model", "messages", "stream", "stream_options"]


@pytest.mark.parametrize(
    ("fields", "stream", "usage_asked"),
    [
        ({}, False, False),
        ({"stream": None}, False, False),
        ({"stream": False}, False, False),
        ({"stream": True}, True, False),
        ({"stream": True, "stream_options": None}, True, False),
        ({"stream": True, "stream_options": {}}, True, False),
        ({"stream": True, "stream_options": {"include_usage": False}}, True, False),
        ({"stream": True, "stream_options": []}, True, False),
    ],
)
def test_streams_and_usage_must_be_asked_for(
    *, fields: dict[str, object], stream: bool, usage_asked: bool
):
    request = openai_chat.peek(chat(**fields))

    assert (request.stream, request.usage_asked) == (stream, usage_asked)


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        (b"", "invalid_request", None),
        (b"{", "invalid_request", None),
        (b"not json", "invalid_request", None),
        (b"\xef\xbb\xbf{}", "invalid_request", None),
        (b'{"\xff":1}', "invalid_request", None),
        (b'{"a":' * 5000, "invalid_request", None),
        (b"[]", "invalid_request", None),
        (b'"text"', "invalid_request", None),
        (b"{}", "missing_required_parameter", "model"),
        (chat(model=None), "invalid_type", "model"),
        (chat(model=4), "invalid_type", "model"),
        (chat(model=""), "invalid_type", "model"),
        (chat(stream="yes"), "invalid_type", "stream"),
        (chat(stream=1), "invalid_type", "stream"),
        (b'{"model":"m"}', "missing_required_parameter", "messages"),
        (chat(messages=None), "invalid_type", "messages"),
        (chat(messages="Hi"), "invalid_type", "messages"),
        (chat(messages=["Hi"]), "invalid_type", "messages"),
    ],
)
def test_what_is_no_request_is_refused(body: bytes, code: str, param: str | None):
    with pytest.raises(RefusedError) as refused:
        openai_chat.peek(body)

    assert (refused.value.status, refused.value.code, refused.value.param) == (400, code, param)


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        (b'{"model":"m"}', "missing_required_parameter", "input"),
        (b'{"model":"m","input":null}', "invalid_type", "input"),
        (b'{"model":"m","input":4}', "invalid_type", "input"),
        (b'{"input":"x"}', "missing_required_parameter", "model"),
    ],
)
def test_what_is_no_embeddings_request_is_refused(body: bytes, code: str, param: str | None):
    with pytest.raises(RefusedError) as refused:
        openai_embeddings.peek(body)

    assert (refused.value.status, refused.value.code, refused.value.param) == (400, code, param)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, Needs()),
        ({"stream": True}, Needs()),
        ({"temperature": 0.5, "tools": [], "n": 1, "logprobs": False}, Needs()),
        ({"tools": None, "tool_choice": None, "response_format": None, "n": None}, Needs()),
        ({"tools": [{"type": "function"}]}, Needs(tools=True)),
        ({"functions": [{"name": "f"}]}, Needs(tools=True)),
        ({"tool_choice": "auto"}, Needs()),
        ({"tool_choice": "required"}, Needs(forced_tool=True)),
        ({"tool_choice": "any"}, Needs(forced_tool=True)),
        ({"tool_choice": {"type": "function"}}, Needs(forced_tool=True)),
        ({"function_call": {"name": "f"}}, Needs(forced_tool=True)),
        ({"response_format": {"type": "json_schema"}}, Needs(json_schema=True)),
        ({"response_format": {"type": "json_object"}}, Needs(json_object=True)),
        ({"max_tokens": 300}, Needs(output_tokens=300)),
        ({"max_tokens": 300, "max_completion_tokens": 200}, Needs(output_tokens=200)),
        ({"max_tokens": "many"}, Needs()),
        ({"response_format": "text"}, Needs()),
        ({"n": 2}, Needs(several=True)),
        ({"n": "two"}, Needs()),
        ({"logprobs": True}, Needs(logprobs=True)),
        ({"reasoning_effort": "high"}, Needs(reasoning=True)),
        ({"reasoning_effort": "none"}, Needs()),
        ({"reasoning_effort": None}, Needs()),
        ({"audio": {"voice": "x"}}, Needs(audio=True)),
    ],
)
def test_needs_are_read_from_the_fields(fields: dict[str, object], expected: Needs):
    assert needs(**fields) == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("plain image_url input_audio", Needs()),
        (None, Needs()),
        ([], Needs()),
        ([{"type": "text", "text": "image_url"}], Needs()),
        ([{"type": "image_url", "image_url": {"url": "u"}}], Needs(images=True)),
        ([{"type": "input_audio", "input_audio": {"data": "d"}}], Needs(audio=True)),
        (
            [{"type": "text", "text": "a"}, {"type": "file", "file": {"file_id": "f"}}],
            Needs(files=True),
        ),
    ],
)
def test_needs_are_read_from_the_messages(content: object, expected: Needs):
    messages = [{"role": "system"}, {"role": "user", "content": content}]

    assert needs(messages=messages) == expected


def test_the_prompt_is_estimated_from_its_bytes():
    assert openai_chat.peek(chat(messages=[{"content": "x" * 36_000}])).needs.prompt_tokens == 10012


def test_the_bytes_of_an_image_are_no_prompt():
    part = {"type": "image_url", "image_url": {"url": "x" * 500_000}}

    assert openai_chat.peek(chat(messages=[{"content": [part]}])).needs.prompt_tokens == 1021


def test_only_the_model_changes():
    body = (
        b'{"seed":1e2,"model":"main","x_new":{"b" : 1,"a":[1.50]},'
        b'"messages":[{"content":"\xc3\xa9\\u00e9"}]}'
    )

    assert written(body) == body.replace(b'"main"', b'"gpt-9"')


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("openai", b'{"include_usage":true,"include_obfuscation":false}'),
        ("azure", b'{"include_usage":true,"include_obfuscation":false}'),
        ("groq", b'{"include_usage":true}'),
        ("a kind of tomorrow", b'{"include_usage":true}'),
    ],
)
def test_a_stream_is_asked_for_its_usage(kind: str, options: bytes):
    body = b'{"model":"main","messages":[],"stream":true}'

    expected = b'{"model":"gpt-9","messages":[],"stream":true,"stream_options":%b}' % options
    assert written(body, kind) == expected


def test_the_callers_stream_options_are_kept():
    body = (
        b'{"model":"m","stream_options":{"x": 1,"include_usage":false},"messages":[],"stream":true}'
    )

    assert written(body) == (
        b'{"model":"gpt-9","stream_options":{"x":1,"include_usage":true,"include_obfuscation":false}'
        b',"messages":[],"stream":true}'
    )


def test_quirk_mistral_knows_no_stream_options():
    body = chat(stream=True, stream_options={"include_usage": True}, max_completion_tokens=5)

    fields = msgspec.json.decode(written(body, "mistral"))

    assert fields == {
        "model": "gpt-9",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": True,
        "max_tokens": 5,
    }


@pytest.mark.parametrize("kind", ["deepseek", "llamacpp", "mistral", "ollama", "vllm"])
def test_quirk_older_servers_know_max_tokens_and_system_only(kind: str):
    body = (
        b'{"model":"m","max_completion_tokens":5,"max_tokens":9,'
        b'"messages":[{"role":"developer","content":"\\"role\\":\\"developer\\""},'
        b'{"role": "developer"}]}'
    )

    assert written(body, kind) == (
        b'{"model":"gpt-9","max_tokens":5,'
        b'"messages":[{"role":"system","content":"\\"role\\":\\"developer\\""},'
        b'{"role": "system"}]}'
    )


@pytest.mark.parametrize("kind", ["openai", "azure", "groq", "openrouter"])
def test_current_servers_get_the_fields_as_they_are(kind: str):
    body = b'{"model":"m","max_completion_tokens":5,"messages":[{"role":"developer"}]}'

    assert written(body, kind) == body.replace(b'"m"', b'"gpt-9"')


@pytest.mark.parametrize("kind", ["openai", "azure"])
@pytest.mark.parametrize(
    ("limits", "left"),
    [
        (b'"max_tokens":9,', b'"max_completion_tokens":9,'),
        (b'"max_tokens":9,"max_completion_tokens":5,', b'"max_completion_tokens":5,'),
    ],
)
def test_quirk_reasoning_models_refuse_max_tokens(kind: str, limits: bytes, left: bytes):
    reasons = msgspec.structs.replace(TARGET, abilities=Abilities(sampling=False))
    body = b'{"model":"gpt-9",%b"messages":[]}'

    assert written(body % limits, kind, reasons) == body % left
    assert written(body % limits, kind) == body % limits


def test_overrides_replace_fields_but_neither_model_nor_stream():
    target = Target(
        id="p/gpt-9",
        provider="p",
        model="gpt-9",
        overrides=b'{"temperature":0,"model":"x","stream":true,"extra":{"a":1}}',
    )

    fields = msgspec.json.decode(written(chat(temperature=1), target=target))

    assert fields == {
        "model": "gpt-9",
        "messages": [{"role": "user", "content": "Hi"}],
        "temperature": 0,
        "extra": {"a": 1},
    }


def test_of_a_repeated_field_the_last_counts_and_travels_on():
    body = b'{"model":"a","messages":[1],"model":"b","messages":[]}'

    assert openai_chat.peek(body).model == "b"
    assert written(body) == b'{"model":"gpt-9","messages":[]}'


def test_half_a_surrogate_pair_becomes_a_replacement_character():
    body = rb'{"model":"m","messages":[{"content":"\ud83d\ude00 \ud83d \\ud83d"}]}'

    assert written(body) == (
        rb'{"model":"gpt-9","messages":[{"content":"\ud83d\ude00 \ufffd \\ud83d"}]}'
    )


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


@settings(max_examples=25)
@given(
    extra=st.dictionaries(st.text(min_size=1, max_size=6), VALUES, max_size=5),
    stream=st.booleans(),
    kind=st.sampled_from(KINDS),
)
def test_unknown_fields_survive_byte_for_byte(
    *,
    extra: dict[str, object],
    stream: bool,
    kind: str,
):
    unknown = {f"x_{key}": msgspec.Raw(msgspec.json.encode(value)) for key, value in extra.items()}

    fields = msgspec.json.decode(
        written(chat(stream=stream, **unknown), kind), type=dict[str, msgspec.Raw]
    )

    assert {key: bytes(fields[key]) for key in unknown} == {k: bytes(v) for k, v in unknown.items()}
    assert bytes(fields["messages"]) == b'[{"role":"user","content":"Hi"}]'


def test_an_embeddings_request_passes_with_its_model():
    body = b'{"input":["a","b"],"model":"main","encoding_format":"base64","stream":true}'

    request = openai_embeddings.peek(body)

    assert (request.model, request.stream, request.usage_asked) == ("main", False, False)
    assert request.needs == Needs(prompt_tokens=2)
    assert openai_embeddings.pass_request(request, TARGET, "openai").body == body.replace(
        b'"main"', b'"gpt-9"'
    )


@pytest.mark.parametrize(
    ("model", "kind", "expected"),
    [
        ("gpt-4o", "openai", {"max_completion_tokens": 1}),
        ("o4-mini", "openai", {"max_completion_tokens": 16}),
        ("openai/gpt-5.6", "openrouter", {"max_completion_tokens": 16}),
        ("mistral-small", "mistral", {"max_tokens": 1}),
        ("llama", "vllm", {"max_tokens": 1}),
    ],
)
def test_a_probe_asks_for_next_to_nothing(model: str, kind: str, expected: dict[str, int]):
    probe = openai_chat.write_probe(Target(id="t", provider="p", model=model), kind).body

    assert msgspec.json.decode(probe) == {
        "model": model,
        "messages": [{"role": "user", "content": "Hi"}],
        **expected,
    }


def test_a_probe_carries_the_overrides_that_it_does_not_set():
    target = Target(
        id="t", provider="p", model="m", overrides=b'{"max_completion_tokens":9,"user":"u"}'
    )

    fields = msgspec.json.decode(openai_chat.write_probe(target, "openai").body)

    assert fields["user"] == "u"
    assert fields["max_completion_tokens"] == 1


def test_an_embeddings_probe_embeds_a_word():
    assert openai_embeddings.write_probe(TARGET, "openai").body == b'{"model":"gpt-9","input":"Hi"}'


@pytest.mark.parametrize(
    ("kind", "secret", "expected"),
    [
        ("openai", "sk-1", b"authorization: Bearer sk-1\r\n"),
        ("azure", "k", b"api-key: k\r\n"),
        ("vllm", "", b""),
    ],
)
def test_the_credential_goes_where_the_kind_reads_it(kind: str, secret: str, expected: bytes):
    assert openai_chat.credential_headers(Credential("1", secret), kind) == expected

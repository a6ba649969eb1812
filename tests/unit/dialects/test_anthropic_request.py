"""Requests of Anthropic's dialect: what is known of them, and how they pass to a provider."""

import msgspec
import pytest

from hotswap.core.abilities import Abilities
from hotswap.core.terms import Credential, Needs, Target
from hotswap.dialects.anthropic import messages
from hotswap.dialects.api import AttemptNote, Peek, Translator
from hotswap.errors import RefusedError

TARGET = Target("a/claude", "a", "claude")
COUNT = "/v1/messages/count_tokens"
DIALECT: Translator = messages


def peek(**fields: object) -> Peek:
    whole = {"model": "main", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
    return messages.peek(msgspec.json.encode({**whole, **fields}))


def user(*blocks: object) -> list[object]:
    return [{"role": "user", "content": list(blocks)}]


def sent(request: Peek, target: Target = TARGET) -> dict[str, object]:
    return msgspec.json.decode(messages.pass_request(request, target, "anthropic").body)


IMAGE = {"type": "image", "source": {"type": "url", "url": "https://x/a.png"}}
PDF = {
    "type": "document",
    "source": {"type": "base64", "media_type": "application/pdf", "data": "AAAA"},
}
TOOL = {"name": "f", "input_schema": {"type": "object"}}


def test_a_plain_request_needs_nothing():
    request = peek(stream=True)

    assert (request.model, request.stream, request.usage_asked) == ("main", True, True)
    assert (request.sampled, request.stops) == (False, False)
    assert request.needs == Needs(prompt_tokens=24, output_tokens=9)


@pytest.mark.parametrize(
    ("fields", "need"),
    [
        ({"messages": user(IMAGE)}, "images"),
        ({"messages": user(PDF)}, "files"),
        (
            {"messages": user({"type": "tool_result", "tool_use_id": "t", "content": [IMAGE]})},
            "images",
        ),
        ({"tools": [TOOL]}, "tools"),
        ({"tool_choice": {"type": "any"}}, "forced_tool"),
        ({"tool_choice": {"type": "tool", "name": "f"}}, "forced_tool"),
        ({"output_config": {"format": {"type": "json_schema", "schema": {}}}}, "json_schema"),
        ({"output_format": {"type": "json_schema", "schema": {}}}, "json_schema"),
        ({"output_config": {"effort": "low"}}, "reasoning"),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, "reasoning"),
        ({"thinking": {"type": "adaptive"}}, "reasoning"),
    ],
)
def test_needs_are_read_from_the_fields(fields: dict[str, object], need: str):
    needs = peek(**fields).needs

    assert [name for name in Needs.__struct_fields__[:-2] if getattr(needs, name)] == [need]


@pytest.mark.parametrize(
    "fields",
    [
        {"tools": []},
        {"tools": None},
        {"tool_choice": {"type": "auto"}},
        {"tool_choice": {"type": "none"}},
        {"thinking": {"type": "disabled"}},
        {"output_config": {}},
        {"output_config": None},
        {"messages": user({"type": "text", "text": 'a "source" of {"type":"image"}'})},
    ],
)
def test_what_asks_nothing_needs_nothing(fields: dict[str, object]):
    assert peek(**fields).needs.plain
    assert not peek(**fields).needs.reasoning


def test_stop_sequences_are_seen():
    assert peek(stop_sequences=["x"]).stops
    assert not peek(stop_sequences=[], temperature=None).stops


def test_the_bytes_of_an_image_are_not_taken_for_words():
    data = "A" * 100_000
    source = {"type": "base64", "media_type": "image/png", "data": data}

    request = peek(messages=user({"type": "image", "source": source}))

    assert 1000 < request.needs.prompt_tokens < 1100


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (b'{"max_tokens":1,"messages":[]}', "missing_required_parameter", "model: Field required"),
        (
            b'{"model":"m","messages":[]}',
            "missing_required_parameter",
            "max_tokens: Field required",
        ),
        (
            b'{"model":"m","max_tokens":1}',
            "missing_required_parameter",
            "messages: Field required",
        ),
        (
            b'{"model":5,"max_tokens":1,"messages":[]}',
            "invalid_type",
            "model: Input should be a valid string",
        ),
        (
            b'{"model":"","max_tokens":1,"messages":[]}',
            "invalid_type",
            "model: Input should be a string of at least 1 character",
        ),
        (
            b'{"model":"m","max_tokens":"9","messages":[]}',
            "invalid_type",
            "max_tokens: Input should be a valid integer",
        ),
        (
            b'{"model":"m","max_tokens":true,"messages":[]}',
            "invalid_type",
            "max_tokens: Input should be a valid integer",
        ),
        (
            b'{"model":"m","max_tokens":-1,"messages":[]}',
            "invalid_type",
            "max_tokens: Input should be greater than or equal to 0",
        ),
        (
            b'{"model":"m","max_tokens":1,"messages":{}}',
            "invalid_type",
            "messages: Input should be a valid list",
        ),
        (
            b'{"model":"m","max_tokens":1,"messages":[{"content":[{"source":5,"type":[]}]}]}',
            "invalid_type",
            "messages: Input should be a valid list of messages",
        ),
        (
            b'{"model":"m","max_tokens":1,"messages":[],"stream":"yes"}',
            "invalid_type",
            "stream: Input should be a valid boolean",
        ),
        (
            b'{"model":"m","max_tokens":1,"messages":[],"thinking":5}',
            "invalid_type",
            "thinking: Input should be a valid dictionary",
        ),
        (b"[]", "invalid_request", "The body must be a JSON object."),
    ],
)
def test_what_is_no_request_is_refused_in_clear_words(body: bytes, code: str, message: str):
    with pytest.raises(RefusedError) as refused:
        messages.peek(body, "/v1/messages")

    assert (refused.value.status, refused.value.code) == (400, code)
    assert refused.value.message == message


def test_counting_tokens_needs_no_limit():
    body = b'{"model":"main","messages":[{"role":"user","content":"Hi"}]}'

    assert messages.peek(body, COUNT).model == "main"
    assert messages.write_count(17) == b'{"input_tokens":17}'


def test_a_request_passes_as_it_came_but_for_its_model():
    body = (
        b'{"model":"main","max_tokens":9,"temperature":0.5,"new_field":{"a":[1]},'
        b'"messages":[{"role":"user","content":"Hi"}],"stream":true}'
    )

    outgoing = messages.pass_request(messages.peek(body), TARGET, "anthropic")

    assert outgoing.path == "/v1/messages"
    assert outgoing.body == body.replace(b'"main"', b'"claude"')
    assert (outgoing.headers, list(outgoing.notices)) == (b"", [])


def test_overrides_replace_fields_but_not_stream():
    target = Target(
        "a/c", "a", "claude", overrides=b'{"max_tokens":5,"stream":true,"speed":"fast"}'
    )

    assert sent(peek(), target) == {
        "model": "claude",
        "max_tokens": 5,
        "messages": [{"role": "user", "content": "Hi"}],
        "speed": "fast",
    }


def test_sampling_that_the_target_refuses_does_not_pass():
    target = Target("a/c", "a", "claude", abilities=Abilities(sampling=False))

    outgoing = messages.pass_request(peek(temperature=1, top_k=3), target, "anthropic")

    assert "temperature" not in msgspec.json.decode(outgoing.body, type=dict[str, object])
    assert list(outgoing.notices) == ["temperature", "top_k"]


def test_thinking_that_somebody_else_made_does_not_pass():
    ours = {"type": "thinking", "thinking": "Hm", "signature": "c2ln"}
    foreign = {"type": "thinking", "thinking": "Hm", "signature": ""}
    said = {"type": "text", "text": "Hi"}
    history = [
        {"role": "user", "content": 'a "thinking" user'},
        {"role": "assistant", "content": [foreign, said]},
        {"role": "assistant", "content": [foreign]},
        {"role": "user", "content": [said]},
        {"role": "assistant", "content": [ours, said]},
    ]

    assert sent(peek(messages=history))["messages"] == [
        {"role": "user", "content": 'a "thinking" user'},
        {"role": "assistant", "content": [said]},
        {"role": "user", "content": [said]},
        {"role": "assistant", "content": [ours, said]},
    ]


def test_signed_thinking_passes_byte_for_byte():
    turns = (
        b'[{"role": "assistant", "content": [{"type": "thinking", "thinking": "", '
        b'"signature": "c2ln"}]}]'
    )
    body = b'{"model":"main","max_tokens":9,"messages":' + turns + b"}"

    assert turns in messages.pass_request(messages.peek(body), TARGET, "anthropic").body


@pytest.mark.parametrize(
    ("headers", "lines"),
    [
        ({}, b"anthropic-version: 2023-06-01\r\n"),
        ({b"anthropic-version": b"2026-10-21"}, b"anthropic-version: 2026-10-21\r\n"),
        (
            {b"anthropic-version": b"2023-06-01", b"anthropic-beta": b"a,b", b"x-api-key": b"k"},
            b"anthropic-version: 2023-06-01\r\nanthropic-beta: a,b\r\n",
        ),
    ],
)
def test_version_and_betas_travel_on(headers: dict[bytes, bytes], lines: bytes):
    assert messages.pass_headers(headers) == lines


@pytest.mark.parametrize(
    ("kind", "lines"),
    [
        ("anthropic", b"x-api-key: s3cret\r\n"),
        ("deepseek", b"x-api-key: s3cret\r\n"),
        ("vllm", b"authorization: Bearer s3cret\r\n"),
    ],
)
def test_the_key_stands_where_the_kind_looks_for_it(kind: str, lines: bytes):
    assert messages.credential_headers(Credential("k", "s3cret"), kind) == lines
    assert messages.credential_headers(Credential("k", ""), kind) == b""


def test_a_probe_asks_for_one_token():
    outgoing = messages.write_probe(TARGET, "anthropic")

    assert outgoing.path == "/v1/messages"
    assert outgoing.headers == b"anthropic-version: 2023-06-01\r\n"
    assert outgoing.body == (
        b'{"model":"claude","max_tokens":1,"messages":[{"role":"user","content":"Hi"}]}'
    )


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (402, "billing_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (413, "request_too_large"),
        (422, "invalid_request_error"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (503, "overloaded_error"),
        (504, "timeout_error"),
    ],
)
def test_errors_have_the_type_that_anthropic_gives_the_status(status: int, kind: str):
    body = msgspec.json.decode(messages.write_error(status, "c", "words", None, []))

    assert body["type"] == "error"
    assert (body["error"]["type"], body["error"]["message"]) == (kind, "words")


def test_an_error_lists_the_attempts_in_its_details():
    note = AttemptNote("a/m", "hard", "overloaded", 529, 12.5)

    body = messages.write_error(503, "all_failed", "Nobody answered.", "model", [note])

    assert msgspec.json.decode(body) == {
        "type": "error",
        "error": {
            "type": "overloaded_error",
            "message": "Nobody answered.",
            "details": {
                "error_code": "all_failed",
                "param": "model",
                "attempts": [
                    {
                        "target": "a/m",
                        "cause": "hard",
                        "detail": "overloaded",
                        "status": 529,
                        "ms": 12.5,
                    }
                ],
            },
        },
        "request_id": None,
    }


@pytest.mark.parametrize(
    ("code", "kind"), [("upstream_interrupted", "api_error"), ("overloaded", "overloaded_error")]
)
def test_an_error_in_a_stream_is_a_named_event(code: str, kind: str):
    event = messages.write_stream_error(code, "Broke off.", peek())

    head, payload = event.split(b"\ndata: ")
    assert head == b"event: error"
    assert payload.endswith(b"}\n\n")
    assert msgspec.json.decode(payload)["error"]["type"] == kind


def test_keep_alives_are_pings():
    assert messages.KEEP_ALIVE == b'event: ping\ndata: {"type":"ping"}\n\n'
    assert messages.stream_type(peek()) == b"text/event-stream; charset=utf-8"


def test_the_models_are_listed_in_anthropics_form():
    body = messages.write_models(["main", "a/m"], 1_795_000_000)

    assert msgspec.json.decode(body) == {
        "data": [
            {
                "type": "model",
                "id": "main",
                "display_name": "main",
                "created_at": "2026-11-18T11:06:40Z",
                "lifecycle": "active",
            },
            {
                "type": "model",
                "id": "a/m",
                "display_name": "a/m",
                "created_at": "2026-11-18T11:06:40Z",
                "lifecycle": "active",
            },
        ],
        "has_more": False,
        "first_id": "main",
        "last_id": "a/m",
    }
    assert msgspec.json.decode(messages.write_models([], 0))["first_id"] is None

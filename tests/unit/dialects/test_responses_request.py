"""Requests of the Responses dialect: what the line knows of them, and how they are passed on."""

import msgspec
import pytest

from hotswap.core.abilities import Abilities
from hotswap.core.terms import Credential, Needs, Target
from hotswap.dialects.api import Peek
from hotswap.dialects.responses import responses
from hotswap.errors import RefusedError

TARGET = Target(id="p/m-1", provider="p", model="m-1")
FUNCTION = {"type": "function", "name": "f", "parameters": {"type": "object"}}


def peek(**fields: object) -> Peek:
    return responses.peek(msgspec.json.encode({"model": "main", "input": "Hi", **fields}))


def needs(**fields: object) -> Needs:
    return msgspec.structs.replace(peek(**fields).needs, prompt_tokens=0)


def user(*parts: object) -> list[object]:
    return [{"role": "user", "content": parts}]


def passed(request: Peek, target: Target = TARGET) -> object:
    return msgspec.json.decode(responses.pass_request(request, target, "openai").body)


def test_a_request_is_read_as_far_as_the_line_must_know_it():
    request = peek(stream=True)

    assert (request.model, request.stream, request.usage_asked) == ("main", True, True)
    assert request.needs == Needs(prompt_tokens=11)
    assert not request.stops


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, Needs()),
        ({"tools": [FUNCTION]}, Needs(tools=True)),
        ({"tools": []}, Needs()),
        ({"max_output_tokens": 300}, Needs(output_tokens=300)),
        ({"tool_choice": "required"}, Needs(forced_tool=True)),
        ({"tool_choice": "auto"}, Needs()),
        ({"tool_choice": {"type": "function", "name": "f"}}, Needs(forced_tool=True)),
        ({"tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": []}}, Needs()),
        (
            {"tool_choice": {"type": "allowed_tools", "mode": "required", "tools": []}},
            Needs(forced_tool=True),
        ),
        ({"text": {"format": {"type": "json_object"}}}, Needs(json_object=True)),
        ({"text": {"format": {"type": "json_schema"}}}, Needs(json_schema=True)),
        ({"text": {"format": {"type": "text"}}}, Needs()),
        ({"text": None}, Needs()),
        ({"reasoning": {"effort": "low"}}, Needs(reasoning=True)),
        ({"reasoning": {"effort": "none"}}, Needs()),
        ({"reasoning": {"effort": None, "summary": "auto"}}, Needs()),
        ({"top_logprobs": 2}, Needs(logprobs=True)),
        ({"top_logprobs": 0}, Needs()),
        ({"include": ["message.output_text.logprobs"]}, Needs(logprobs=True)),
        ({"include": ["reasoning.encrypted_content"]}, Needs()),
        ({"input": user({"type": "input_text", "text": "Hi"})}, Needs()),
        ({"input": user({"type": "input_image", "image_url": "u"})}, Needs(images=True)),
        ({"input": user({"type": "input_file", "file_url": "u"})}, Needs(files=True)),
        ({"input": user({"type": "input_audio", "input_audio": {}})}, Needs(audio=True)),
        (
            {
                "input": [
                    {
                        "type": "function_call_output",
                        "call_id": "c",
                        "output": [{"type": "input_image", "image_url": "u"}],
                    }
                ]
            },
            Needs(images=True),
        ),
    ],
)
def test_what_a_request_asks_beyond_text_is_known(fields: dict[str, object], expected: Needs):
    assert needs(**fields) == expected


def test_the_bytes_of_a_picture_are_not_taken_for_words():
    large = peek(input=user({"type": "input_image", "image_url": "data:," + "A" * 360_000}))

    assert 1000 < large.needs.prompt_tokens < 1100


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        (b'{"input":"Hi"}', "missing_required_parameter", "model"),
        (b'{"model":"","input":"Hi"}', "invalid_type", "model"),
        (b'{"model":"m"}', "missing_required_parameter", "input"),
        (b'{"model":"m","input":null}', "missing_required_parameter", "input"),
        (b'{"model":"m","input":5}', "invalid_type", "input"),
        (b'{"model":"m","input":{}}', "invalid_type", "input"),
        (b'{"model":"m","input":["Hi"]}', "invalid_type", "input"),
        (b'{"model":"m","input":[{"content":[5]}]}', "invalid_type", "input"),
        (b'{"model":"m","input":"Hi","stream":5}', "invalid_type", "stream"),
        (b"[]", "invalid_request", None),
        (b"{", "invalid_request", None),
    ],
)
def test_what_is_no_request_is_refused(body: bytes, code: str, param: str | None):
    with pytest.raises(RefusedError) as refused:
        responses.peek(body)

    assert (refused.value.status, refused.value.code, refused.value.param) == (400, code, param)


@pytest.mark.parametrize("name", ["previous_response_id", "conversation", "prompt"])
def test_what_lies_at_a_provider_may_stand_for_the_input(name: str):
    request = responses.peek(msgspec.json.encode({"model": "m", name: "x"}))

    assert request.needs.prompt_tokens > 0


@pytest.mark.parametrize("name", ["text", "reasoning", "tool_choice"])
def test_fields_of_a_wrong_type_ask_for_nothing(name: str):
    assert needs(**{name: {"format": 5, "effort": 5, "type": 5}}) == Needs()


def test_a_request_is_passed_on_as_it_came_but_for_its_model():
    request = responses.peek(
        b'{"model":"main","previous_response_id":"resp_1","input":"Hi", "x":{"a": 1.0},'
        b'"temperature":0.5}'
    )

    written = responses.pass_request(request, TARGET, "openai")

    assert written.path == "/responses"
    assert written.notices == []
    assert written.body == (
        b'{"model":"m-1","previous_response_id":"resp_1","input":"Hi","x":{"a": 1.0},'
        b'"temperature":0.5}'
    )


def test_the_targets_own_fields_replace_the_callers_but_for_the_stream():
    target = Target("p/m-1", "p", "m-1", overrides=b'{"store":false,"stream":false,"model":"x"}')

    assert passed(peek(stream=True, store=True), target) == {
        "model": "m-1",
        "input": "Hi",
        "stream": True,
        "store": False,
    }


def test_sampling_goes_where_the_target_refuses_it():
    target = Target("p/m-1", "p", "m-1", abilities=Abilities(sampling=False))

    written = responses.pass_request(peek(temperature=1.0, top_p=1), target, "openai")

    assert msgspec.json.decode(written.body) == {"model": "m-1", "input": "Hi"}
    assert written.notices == ["temperature", "top_p"]


def test_reasoning_that_was_translated_is_left_out_and_the_providers_own_stays():
    own = {"type": "reasoning", "id": "rs_1", "summary": None, "encrypted_content": "gAAA"}
    stored = {"type": "reasoning", "id": "rs_2", "summary": None}
    ours = {"type": "reasoning", "id": "rs_3", "summary": None, "encrypted_content": ""}
    asked = {"role": "user", "content": "Hi"}

    assert passed(peek(input=[own, stored, ours, asked])) == {
        "model": "m-1",
        "input": [own, stored, asked],
    }


def test_an_input_that_holds_no_translated_reasoning_keeps_its_bytes():
    body = b'{"model":"m","input":[{"role":"user", "content":"\\"encrypted_content\\":\\"\\""}]}'

    written = responses.pass_request(responses.peek(body), TARGET, "openai")

    assert written.body == body.replace(b'"m"', b'"m-1"')


def test_a_probe_asks_for_few_tokens_and_leaves_nothing_behind():
    written = responses.write_probe(TARGET, "openai")

    assert written.path == "/responses"
    assert written.body == b'{"model":"m-1","input":"Hi","max_output_tokens":16,"store":false}'


def test_opt_ins_travel_on():
    assert responses.pass_headers({b"openai-beta": b"x=v1"}) == b"openai-beta: x=v1\r\n"
    assert responses.pass_headers({}) == b""


def test_the_key_goes_where_the_kind_looks_for_it():
    key = Credential("1", "sk")

    assert responses.credential_headers(key, "openai") == b"authorization: Bearer sk\r\n"
    assert responses.credential_headers(key, "azure") == b"api-key: sk\r\n"


def test_errors_have_the_form_of_openai():
    assert responses.write_error(404, "model_not_found", "No.", "model", ()) == (
        b'{"error":{"message":"No.","type":"not_found_error","code":"model_not_found",'
        b'"param":"model","attempts":[]}}'
    )


def test_a_stream_that_breaks_off_says_so_twice():
    assert responses.write_stream_error("upstream_interrupted", "Broke.", peek()) == (
        b"event: response.failed\n"
        b'data: {"type":"response.failed","sequence_number":1000000000,"response":'
        b'{"id":"resp_failed","object":"response","created_at":0,"status":"failed",'
        b'"error":{"code":"server_error","message":"Broke."},"incomplete_details":null,'
        b'"model":"main","output":[],"parallel_tool_calls":true,"tool_choice":"auto","tools":[]},'
        b'"error":{"type":"server_error","code":"upstream_interrupted","message":"Broke.",'
        b'"param":null}}\n\n'
        b"event: error\n"
        b'data: {"type":"error","sequence_number":1000000001,"code":"upstream_interrupted",'
        b'"message":"Broke.","param":null,"error":{"type":"server_error",'
        b'"code":"upstream_interrupted","message":"Broke.","param":null}}\n\n'
    )


def test_a_caller_is_kept_alive_by_a_comment():
    assert responses.KEEP_ALIVE == b": ping\n\n"
    assert responses.stream_type(peek()) == b"text/event-stream; charset=utf-8"

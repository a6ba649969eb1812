"""What every dialect of the registry keeps to."""

import msgspec
import pytest

from hotswap.core.terms import Cause, Credential, Failure, Target
from hotswap.dialects.api import Dialect, Peek
from hotswap.dialects.registry import DIALECTS, FALLBACK
from hotswap.errors import RefusedError

TARGET = Target(id="p/m-1", provider="p", model="m-1")
OPENAI_FAMILY = [
    "openai",
    "azure",
    "mistral",
    "openrouter",
    "groq",
    "deepseek",
    "vllm",
    "ollama",
    "llamacpp",
]
REQUESTS = {
    "openai_chat": (
        "/v1/chat/completions",
        (
            b'{"model":"main","messages":[{"role":"user","content":[{"type":"image_url",'
            b'"image_url":{"url":"u"}}]}],"stream":true,"tools":[{"type":"function"}],"n":2}'
        ),
    ),
    "openai_embeddings": ("/v1/embeddings", b'{"model":"main","input":"Hi"}'),
    "openai_responses": (
        "/v1/responses",
        (
            b'{"model":"main","input":[{"role":"user","content":[{"type":"input_image",'
            b'"image_url":"u"}]}],"stream":true,"tools":[{"type":"function","name":"f"}]}'
        ),
    ),
    "anthropic": (
        "/v1/messages",
        (
            b'{"model":"main","max_tokens":9,"messages":[{"role":"user","content":[{"type":"image",'
            b'"source":{"type":"url","url":"u"}}]}],"stream":true,'
            b'"tools":[{"name":"f","input_schema":{"type":"object"}}]}'
        ),
    ),
    "gemini": (
        "/v1beta/models/main:streamGenerateContent",
        (
            b'{"contents":[{"role":"user","parts":[{"inlineData":{"mimeType":"image/png","data":"AA"}}'
            b']}],"tools":[{"functionDeclarations":[{"name":"f"}]}]}'
        ),
    ),
    "gemini_embeddings": (
        "/v1beta/models/main:embedContent",
        b'{"content":{"parts":[{"text":"Hi"}]}}',
    ),
}
CASES = [
    (name, kind)
    for name in REQUESTS
    for kind in (
        OPENAI_FAMILY
        if name.startswith("openai")
        else ["google" if name.startswith("gemini") else name]
    )
]
BODIES = [
    b"",
    b"{}",
    b"[]",
    b"null",
    b"<html></html>",
    b"\xff",
    b'{"error":5}',
    b'{"choices":[{}]}',
]
"""Neither requests nor answers."""


@pytest.fixture(params=sorted(REQUESTS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def dialect(name: str) -> Dialect:
    return DIALECTS[name]


def peeked(name: str) -> Peek:
    path, body = REQUESTS[name]
    return DIALECTS[name].peek(body, path, "")


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_what_is_passed_on_reads_as_the_same_request(name: str, kind: str):
    request = peeked(name)

    written = DIALECTS[name].pass_request(request, TARGET, kind)
    path, _, query = written.path.partition("?")
    again = DIALECTS[name].peek(written.body, path, query)

    assert again.model == "m-1"
    assert again.stream == request.stream
    assert msgspec.structs.replace(again.needs, prompt_tokens=0) == msgspec.structs.replace(
        request.needs, prompt_tokens=0
    )


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_a_probe_is_a_request_for_the_target_that_does_not_stream(name: str, kind: str):
    written = DIALECTS[name].write_probe(TARGET, kind)
    path, _, query = written.path.partition("?")

    probe = DIALECTS[name].peek(written.body, path, query)

    assert (probe.model, probe.stream) == ("m-1", False)


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_credential_headers_are_whole_lines(name: str, kind: str):
    lines = DIALECTS[name].credential_headers(Credential("1", "secret"), kind)

    assert lines.endswith(b"secret\r\n")
    assert lines.count(b"\r\n") == 1


@pytest.mark.parametrize("body", BODIES)
def test_no_body_is_read_as_an_answer_that_it_is_not(dialect: Dialect, body: bytes):
    assert isinstance(dialect.judge_reply(body), Failure)


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("status", [301, 400, 418, 500, 599])
def test_every_answer_that_is_no_success_is_classified(dialect: Dialect, status: int, body: bytes):
    assert dialect.read_fault("openai", status, {}, body).status == status


@pytest.mark.parametrize("body", BODIES)
def test_what_is_no_request_is_refused_and_never_a_bug(name: str, body: bytes):
    with pytest.raises(RefusedError) as refused:
        DIALECTS[name].peek(body, REQUESTS[name][0], "")

    assert refused.value.status == 400


def test_its_own_stream_error_is_a_failure_to_its_own_passage(name: str, dialect: Dialect):
    request = peeked(name)
    watched = dialect.passage(request, hold_calls=False)

    watched.feed(dialect.write_stream_error("upstream_interrupted", "m", request))
    watched.end()

    assert watched.failure is not None
    assert watched.failure.cause is Cause.HARD


def test_its_keep_alive_means_nothing_to_its_own_passage(name: str, dialect: Dialect):
    watched = dialect.passage(peeked(name), hold_calls=False)

    watched.feed(dialect.KEEP_ALIVE)

    assert (watched.started, watched.failure, watched.progress) == (False, None, 0)


def test_an_error_that_it_writes_is_one_that_it_reads(dialect: Dialect):
    body = dialect.write_error(429, "rate_limit_exceeded", "Later.", None, ())

    assert dialect.read_fault("openai", 429, {}, body).cause is Cause.THROTTLE


def test_errors_on_unknown_paths_have_openais_form():
    assert FALLBACK is DIALECTS["openai_chat"]

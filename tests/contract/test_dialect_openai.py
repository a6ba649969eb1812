"""What every dialect of the registry keeps to, proven on those of OpenAI."""

import msgspec
import pytest

from hotswap.core.terms import Cause, Credential, Failure, Target
from hotswap.dialects.api import Dialect
from hotswap.dialects.registry import DIALECTS, FALLBACK
from hotswap.errors import RefusedError

TARGET = Target(id="p/m-1", provider="p", model="m-1")
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
]
REQUESTS = {
    "openai_chat": (
        b'{"model":"main","messages":[{"role":"user","content":[{"type":"image_url",'
        b'"image_url":{"url":"u"}}]}],"stream":true,"tools":[{"type":"function"}],"n":2}'
    ),
    "openai_embeddings": b'{"model":"main","input":"Hi"}',
}
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


@pytest.fixture(params=sorted(REQUESTS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def dialect(name: str) -> Dialect:
    return DIALECTS[name]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_reads_as_the_same_request(name: str, dialect: Dialect, kind: str):
    request = dialect.peek(REQUESTS[name])

    again = dialect.peek(dialect.write_request(request, TARGET, kind))

    assert again.model == "m-1"
    assert again.stream == request.stream
    assert msgspec.structs.replace(again.needs, prompt_tokens=0) == msgspec.structs.replace(
        request.needs, prompt_tokens=0
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_probe_is_a_request_for_the_target_that_does_not_stream(dialect: Dialect, kind: str):
    probe = dialect.peek(dialect.write_probe(TARGET, kind))

    assert (probe.model, probe.stream) == ("m-1", False)


@pytest.mark.parametrize("kind", KINDS)
def test_credential_headers_are_whole_lines(dialect: Dialect, kind: str):
    lines = dialect.credential_headers(Credential("1", "secret"), kind)

    assert lines.endswith(b"secret\r\n")
    assert lines.count(b"\r\n") == 1


@pytest.mark.parametrize("body", BODIES)
def test_no_body_is_read_as_an_answer_that_it_is_not(dialect: Dialect, body: bytes):
    assert isinstance(dialect.read_reply(body), Failure)


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("status", [301, 400, 418, 500, 599])
def test_every_answer_that_is_no_success_is_classified(dialect: Dialect, status: int, body: bytes):
    assert dialect.read_fault("openai", status, {}, body).status == status


@pytest.mark.parametrize("body", BODIES)
def test_what_is_no_request_is_refused_and_never_a_bug(dialect: Dialect, body: bytes):
    with pytest.raises(RefusedError) as refused:
        dialect.peek(body)

    assert refused.value.status == 400


def test_its_own_stream_error_is_a_failure_to_its_own_passage(dialect: Dialect):
    watched = dialect.passage(usage_asked=True)

    assert watched.feed(dialect.write_stream_error("upstream_interrupted", "m")) == b""
    assert watched.failure == Failure(Cause.HARD, "server_error", 200)


def test_its_keep_alive_means_nothing_to_its_own_passage(dialect: Dialect):
    watched = dialect.passage(usage_asked=True)

    assert watched.feed(dialect.KEEP_ALIVE) == b""
    assert (watched.started, watched.failure, watched.progress) == (False, None, 0)


def test_an_error_that_it_writes_is_one_that_it_reads(dialect: Dialect):
    body = dialect.write_error(429, "rate_limit_exceeded", "Later.", None, ())

    assert dialect.read_fault("openai", 429, {}, body).cause is Cause.THROTTLE


def test_errors_on_unknown_paths_have_openais_form():
    assert FALLBACK is DIALECTS["openai_chat"]

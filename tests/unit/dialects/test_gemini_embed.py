"""Gemini's embeddings pass, for callers and targets of Gemini."""

import msgspec
import pytest

from hotswap.core.terms import Cause, Failure, Needs, Target, Usage
from hotswap.dialects.api import Verdict
from hotswap.dialects.gemini.embed import judge_reply, pass_request, peek, write_probe
from hotswap.errors import RefusedError

SINGLE = "/v1beta/models/vectors:embedContent"
BATCH = "/v1/models/vectors:batchEmbedContents"
TARGET = Target("google/e", "google", "gemini-embedding-2", overrides=b'{"taskType":"X"}')
HI = {"content": {"parts": [{"text": "Hi"}]}}


def test_a_single_request_passes_without_its_model():
    request = peek(
        msgspec.json.encode({"model": "models/vectors", **HI, "outputDimensionality": 8}),
        SINGLE,
        "",
    )

    outgoing = pass_request(request, TARGET, "google")

    assert (request.model, request.stream) == ("vectors", False)
    assert request.needs == Needs(prompt_tokens=6)
    assert outgoing.path == "/v1beta/models/gemini-embedding-2:embedContent"
    assert msgspec.json.decode(outgoing.body) == {**HI, "outputDimensionality": 8, "taskType": "X"}


def test_a_batch_names_the_targets_model_in_every_request():
    body = {"requests": [{"model": "models/vectors", **HI}, {**HI, "title": "t"}]}
    target = msgspec.structs.replace(TARGET, overrides=b"")

    outgoing = pass_request(peek(msgspec.json.encode(body), BATCH, ""), target, "google")

    assert outgoing.path == "/v1beta/models/gemini-embedding-2:batchEmbedContents"
    assert msgspec.json.decode(outgoing.body) == {
        "requests": [
            {"model": "models/gemini-embedding-2", **HI},
            {"model": "models/gemini-embedding-2", **HI, "title": "t"},
        ]
    }


@pytest.mark.parametrize(
    ("body", "path", "code", "param"),
    [
        (b"{}", SINGLE, "missing_required_parameter", "content"),
        (b"{}", BATCH, "missing_required_parameter", "requests"),
        (b'{"requests":[7]}', BATCH, "invalid_type", "requests"),
        (b'{"content":{}}', "/v1/models/:embedContent", "missing_required_parameter", "model"),
        (b"7", SINGLE, "invalid_request", None),
    ],
)
def test_a_body_that_is_no_request_is_refused(body: bytes, path: str, code: str, param: str | None):
    with pytest.raises(RefusedError) as refused:
        peek(body, path, "")

    assert (refused.value.status, refused.value.code) == (400, code)
    assert refused.value.param == param


def test_a_probe_asks_for_one_vector():
    probe = write_probe(TARGET, "google")

    assert probe.path == "/v1beta/models/gemini-embedding-2:embedContent"
    assert msgspec.json.decode(probe.body) == {"taskType": "X", **HI}


@pytest.mark.parametrize(
    ("body", "judged"),
    [
        (b'{"embedding":{"values":[0.1]}}', Verdict()),
        (
            b'{"embeddings":[{"values":[0.1]}],"usageMetadata":{"promptTokenCount":3}}',
            Verdict(Usage(input_tokens=3)),
        ),
        (b'{"embeddings":[]}', Failure(Cause.QUALITY, "empty", 200)),
        (b"{}", Failure(Cause.HARD, "malformed", 200)),
        (b"<html>", Failure(Cause.HARD, "malformed", 200)),
        (
            b'{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}',
            Failure(Cause.HARD, "overloaded", 200),
        ),
    ],
)
def test_answers_are_judged(body: bytes, judged: Verdict | Failure):
    assert judge_reply(body) == judged

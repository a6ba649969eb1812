"""What the gateway says of its own in Gemini's dialect: errors, models, counts."""

import msgspec
import pytest

from hotswap.dialects.api import AttemptNote, Peek
from hotswap.dialects.gemini.generate import (
    KEEP_ALIVE,
    peek,
    write_count,
    write_error,
    write_models,
    write_stream_error,
)


def request(query: str) -> Peek:
    return peek(b'{"contents":[]}', "/v1beta/models/m:streamGenerateContent", query)


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (400, "INVALID_ARGUMENT"),
        (401, "UNAUTHENTICATED"),
        (402, "RESOURCE_EXHAUSTED"),
        (403, "PERMISSION_DENIED"),
        (404, "NOT_FOUND"),
        (413, "INVALID_ARGUMENT"),
        (429, "RESOURCE_EXHAUSTED"),
        (500, "INTERNAL"),
        (502, "UNAVAILABLE"),
        (503, "UNAVAILABLE"),
        (504, "DEADLINE_EXCEEDED"),
        (599, "INTERNAL"),
    ],
)
def test_an_error_has_googles_word_for_its_status(status: int, word: str):
    assert msgspec.json.decode(write_error(status, "some_code", "Words.", None, ())) == {
        "error": {
            "code": status,
            "message": "Words.",
            "status": word,
            "details": [
                {
                    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                    "reason": "some_code",
                    "domain": "hotswap",
                }
            ],
        }
    }


def test_the_parameter_and_the_attempts_are_details():
    attempts = (AttemptNote("google/g", "hard", "overloaded", 503, 12.5),)

    body = msgspec.json.decode(write_error(503, "chain_exhausted", "Words.", "contents", attempts))

    assert body["error"]["details"] == [
        {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "chain_exhausted",
            "domain": "hotswap",
            "metadata": {"param": "contents"},
        },
        {
            "@type": "type.googleapis.com/google.protobuf.Struct",
            "value": {
                "attempts": [
                    {
                        "target": "google/g",
                        "cause": "hard",
                        "detail": "overloaded",
                        "status": 503,
                        "ms": 12.5,
                    }
                ]
            },
        },
    ]


@pytest.mark.parametrize(
    ("code", "status", "word"),
    [
        ("upstream_interrupted", 503, "UNAVAILABLE"),
        ("rate_limit_exceeded", 429, "RESOURCE_EXHAUSTED"),
        ("timeout", 504, "DEADLINE_EXCEEDED"),
    ],
)
def test_an_error_inside_a_stream_is_one_data_line(code: str, status: int, word: str):
    event = write_stream_error(code, "Words.\nMore.", request("alt=sse"))

    assert event.startswith(b'data: {"error":')
    assert event.endswith(b"}\n\n")
    assert event.count(b"\n") == 2
    error = msgspec.json.decode(event[6:])["error"]
    assert (error["code"], error["status"], error["message"]) == (status, word, "Words.\nMore.")


def test_an_error_inside_an_array_is_its_last_element():
    event = write_stream_error("upstream_interrupted", "Words.", request(""))

    first, last = msgspec.json.decode(b'[{"candidates":[]}' + event)
    assert first == {"candidates": []}
    assert last["error"]["code"] == 503


def test_quirk_googles_sdk_dies_on_comments_so_keep_alives_are_blank():
    assert KEEP_ALIVE == b"\r\n\r\n"


def test_models_are_listed_in_geminis_form():
    assert msgspec.json.decode(write_models(["smart", "fast"], 1_800_000_000)) == {
        "models": [
            {
                "name": f"models/{name}",
                "displayName": name,
                "supportedGenerationMethods": [
                    "generateContent",
                    "streamGenerateContent",
                    "countTokens",
                ],
            }
            for name in ("smart", "fast")
        ]
    }


def test_tokens_are_told():
    assert write_count(17) == b'{"totalTokens":17}'

"""What the gateway itself says in OpenAI's dialect."""

import msgspec
import pytest

from hotswap.core.terms import Needs
from hotswap.dialects.api import AttemptNote, Peek
from hotswap.dialects.openai import chat as openai_chat

PEEK = Peek("main", stream=True, usage_asked=False, needs=Needs(), fields={})


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (413, "invalid_request_error"),
        (429, "rate_limit_error"),
        (500, "server_error"),
        (503, "server_error"),
        (504, "server_error"),
    ],
)
def test_an_error_has_the_type_of_its_status(status: int, expected: str):
    body = msgspec.json.decode(openai_chat.write_error(status, "c", "m", None, ()))

    assert body == {
        "error": {"message": "m", "type": expected, "code": "c", "param": None, "attempts": []}
    }


def test_an_error_lists_the_attempts():
    note = AttemptNote("p/m", "throttle", "rate_limit", 429, 12.5)

    body = msgspec.json.decode(openai_chat.write_error(503, "c", "m", "model", [note]))

    assert body["error"]["param"] == "model"
    assert body["error"]["attempts"] == [
        {"target": "p/m", "cause": "throttle", "detail": "rate_limit", "status": 429, "ms": 12.5}
    ]


def test_an_error_inside_a_stream_is_one_event():
    assert openai_chat.write_stream_error("upstream_interrupted", 'cut "off"\n', PEEK) == (
        b'data: {"error":{"message":"cut \\"off\\"\\n","type":"server_error",'
        b'"code":"upstream_interrupted","param":null}}\n\n'
    )


def test_the_keep_alive_is_a_comment():
    assert openai_chat.KEEP_ALIVE == b": ping\n\n"

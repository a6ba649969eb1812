"""An error inside a stream, in the form of every provider: found, named, and never passed on.

Both the passage, where the caller speaks alike, and the reader, for translation, must find it.
"""

from collections.abc import Sequence
from typing import Final

import pytest

from hotswap.core.terms import Failure
from hotswap.dialects.api import Passage, Reader
from hotswap.dialects.neutral import FinishPiece, Piece, TextPiece
from hotswap.dialects.registry import TRANSLATORS

CHAT: Final = (
    b'data: {"id":"1","object":"chat.completion.chunk","created":1,"model":"m","choices":'
    b'[{"index":0,"delta":{"role":"assistant","content":"Hi"},"finish_reason":null}]}\n\n'
)
RESPONSES: Final = (
    b'event: response.created\ndata: {"type":"response.created","sequence_number":0,"response":'
    b'{"id":"r","object":"response","status":"in_progress","output":[]}}\n\n'
    b'event: response.output_item.added\ndata: {"type":"response.output_item.added",'
    b'"sequence_number":1,"output_index":0,"item":{"id":"i","type":"message","status":'
    b'"in_progress","role":"assistant","content":[]}}\n\n'
    b'event: response.content_part.added\ndata: {"type":"response.content_part.added",'
    b'"sequence_number":2,"item_id":"i","output_index":0,"content_index":0,'
    b'"part":{"type":"output_text","text":"","annotations":[]}}\n\n'
    b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta",'
    b'"sequence_number":3,"item_id":"i","output_index":0,"content_index":0,"delta":"Hi"}\n\n'
)
ANTHROPIC: Final = (
    b'event: message_start\ndata: {"type":"message_start","message":{"id":"m","type":"message",'
    b'"role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,'
    b'"usage":{"input_tokens":9,"output_tokens":1}}}\n\n'
    b'event: content_block_start\ndata: {"type":"content_block_start","index":0,'
    b'"content_block":{"type":"text","text":""}}\n\n'
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
    b'"delta":{"type":"text_delta","text":"Hi"}}\n\n'
)
GEMINI: Final = (
    b'data: {"candidates":[{"content":{"parts":[{"text":"Hi"}],"role":"model"}}],'
    b'"usageMetadata":{"promptTokenCount":1}}\r\n\r\n'
)
BEGINNINGS: Final = {
    "openai_chat": CHAT,
    "openai_responses": RESPONSES,
    "anthropic": ANTHROPIC,
    "gemini": GEMINI,
}
DONE: Final = b"data: [DONE]\n\n"
FAILED: Final = (
    b'event: response.failed\ndata: {"type":"response.failed","sequence_number":4,"response":'
    b'{"id":"r","object":"response","status":"failed","output":[],"error":%s}}\n\n'
)
REQUESTS: Final = {
    "openai_chat": (
        "/v1/chat/completions",
        b'{"model":"m","stream":true,"messages":[{"role":"user","content":"Hi"}]}',
    ),
    "openai_responses": ("/v1/responses", b'{"model":"m","stream":true,"input":"Hi"}'),
    "anthropic": (
        "/v1/messages",
        b'{"model":"m","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"Hi"}]}',
    ),
    "gemini": (
        "/v1beta/models/m:streamGenerateContent",
        b'{"contents":[{"role":"user","parts":[{"text":"Hi"}]}]}',
    ),
}
ERRORS: Final = {
    "OpenAI, Azure": (
        "openai_chat",
        b'data: {"error":{"message":"m","type":"server_error","code":null}}\n\n',
        "hard server_error",
    ),
    "Azure, filtered": (
        "openai_chat",
        b'data: {"error":{"message":"m","code":"content_filter"}}\n\n',
        "policy content_policy",
    ),
    "Mistral, finish": (
        "openai_chat",
        b'data: {"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}\n\n',
        "hard server_error",
    ),
    "Mistral, object": (
        "openai_chat",
        (
            b'data: {"error":{"object":"error","message":"m","code":"3505",'
            b'"type":"service_tier_capacity_exceeded"}}\n\n'
        ),
        "hard overloaded",
    ),
    "OpenRouter": (
        "openai_chat",
        (
            b'data: {"id":"1","error":{"code":429,"message":"m","metadata":{"error_type":'
            b'"rate_limit_exceeded"}},"choices":[{"index":0,"delta":{"content":""},'
            b'"finish_reason":"error"}]}\n\n'
        ),
        "throttle rate_limit",
    ),
    "Groq, x_groq": (
        "openai_chat",
        b'data: {"id":"1","choices":[],"x_groq":{"id":"req_1","error":"over capacity"}}\n\n',
        "hard server_error",
    ),
    "Groq, event": (
        "openai_chat",
        b'event: error\ndata: {"error":{"message":"m","code":"tool_use_failed"}}\n\n',
        "quality server_error",
    ),
    "DeepSeek": (
        "openai_chat",
        (
            b'data: {"choices":[{"index":0,"delta":{},'
            b'"finish_reason":"insufficient_system_resource"}]}\n\n'
        ),
        "hard overloaded",
    ),
    "vLLM": (
        "openai_chat",
        b'data: {"error":{"message":"m","type":"InternalServerError","param":null,"code":500}}\n\n'
        + DONE,
        "hard server_error",
    ),
    "llama.cpp": (
        "openai_chat",
        b'data: {"error":{"code":500,"message":"m","type":"server_error"}}\n\n',
        "hard server_error",
    ),
    "llama.cpp, older": (
        "openai_chat",
        b'error: {"code":503,"message":"m","type":"unavailable_error"}\n\n',
        "hard overloaded",
    ),
    "a proxy": (
        "openai_chat",
        b"<html><title>502 Bad Gateway</title></html>\n\n",
        "hard server_error",
    ),
    "Responses, flat": (
        "openai_responses",
        (
            b'event: error\ndata: {"type":"error","code":"rate_limit_exceeded","message":"m",'
            b'"param":null,"sequence_number":4}\n\n'
        ),
        "throttle rate_limit",
    ),
    "Responses, nested": (
        "openai_responses",
        (
            b'event: error\ndata: {"type":"error","error":{"type":"server_error",'
            b'"code":"server_is_overloaded","message":"m"},"sequence_number":4}\n\n'
        ),
        "hard overloaded",
    ),
    "Responses, failed": (
        "openai_responses",
        FAILED % b'{"code":"server_error","message":"m"}',
        "hard server_error",
    ),
    "Responses, residency": (
        "openai_responses",
        FAILED % b'{"code":"data_residency_mismatch","message":"m"}',
        "hard region_unavailable",
    ),
    "Responses, timeout": (
        "openai_responses",
        FAILED % b'{"code":"vector_store_timeout","message":"m"}',
        "hard timeout",
    ),
    "Anthropic, overloaded": (
        "anthropic",
        (
            b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error",'
            b'"message":"Overloaded"},"request_id":"req_1"}\n\n'
        ),
        "hard overloaded",
    ),
    "Anthropic, broken": (
        "anthropic",
        b'event: error\ndata: {"type":"error","error":{"type":"api_error","message":"m"}}\n\n',
        "hard server_error",
    ),
    "Gemini": (
        "gemini",
        b'data: {"error":{"code":503,"message":"m","status":"UNAVAILABLE"}}\r\n\r\n',
        "hard overloaded",
    ),
    "Gemini, raw tail": (
        "gemini",
        (
            b'{\n  "error": {\n    "code": 503,\n    "message": "m",\n    "status": "UNAVAILABLE"\n'
            b"  }\n}\n"
        ),
        "hard overloaded",
    ),
    "Gemini, quota": (
        "gemini",
        b'data: {"error":{"code":429,"message":"m","status":"RESOURCE_EXHAUSTED"}}\r\n\r\n',
        "throttle rate_limit",
    ),
}


def cut(stream: bytes, size: int) -> list[bytes]:
    return [stream[at : at + size] for at in range(0, len(stream), size)]


def passage(dialect: str) -> Passage:
    path, body = REQUESTS[dialect]
    translator = TRANSLATORS[dialect]
    return translator.passage(translator.peek(body, path, "alt=sse"), hold_calls=False)


def said(failure: Failure | None) -> str:
    assert failure is not None
    assert failure.status == 200
    return f"{failure.cause} {failure.detail}"


@pytest.mark.parametrize("size", [1, 1_000_000], ids=["byte by byte", "at once"])
@pytest.mark.parametrize("name", ERRORS)
def test_a_passage_finds_the_error_and_keeps_it_back(name: str, size: int):
    dialect, error, expected = ERRORS[name]
    watched: Passage = passage(dialect)

    given = b"".join([watched.feed(part) for part in cut(BEGINNINGS[dialect] + error, size)])
    given += watched.end()

    assert said(watched.failure) == expected
    assert watched.started
    assert not watched.complete
    assert given == BEGINNINGS[dialect].replace(b"\r\n", b"\n")


@pytest.mark.parametrize("size", [1, 1_000_000], ids=["byte by byte", "at once"])
@pytest.mark.parametrize("name", ERRORS)
def test_a_reader_finds_the_error_and_finishes_nothing(name: str, size: int):
    dialect, error, expected = ERRORS[name]
    reader: Reader = TRANSLATORS[dialect].reader()

    pieces: list[Piece] = []
    for part in cut(BEGINNINGS[dialect] + error, size):
        pieces += reader.feed(part)
    pieces += reader.end()

    assert said(reader.failure) == expected
    assert reader.started
    assert not reader.complete
    assert texts(pieces) == ["Hi"]
    assert not any(isinstance(piece, FinishPiece) for piece in pieces)


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_before_any_content_is_found_as_well(name: str):
    dialect, error, expected = ERRORS[name]
    reader, watched = TRANSLATORS[dialect].reader(), passage(dialect)

    pieces = [*reader.feed(error), *reader.end()]
    given = watched.feed(error) + watched.end()

    assert (said(reader.failure), said(watched.failure)) == (expected, expected)
    assert not reader.started
    assert not watched.started
    assert (pieces, given) == ([], b"")


@pytest.mark.parametrize("dialect", sorted(BEGINNINGS))
def test_a_stream_that_just_ends_is_truncated(dialect: str):
    reader, watched = TRANSLATORS[dialect].reader(), passage(dialect)

    pieces = [*reader.feed(BEGINNINGS[dialect]), *reader.end()]
    watched.feed(BEGINNINGS[dialect])
    watched.end()

    assert (said(reader.failure), said(watched.failure)) == ("hard truncated", "hard truncated")
    assert texts(pieces) == ["Hi"]


@pytest.mark.parametrize("dialect", ["openai_chat"])
def test_done_alone_never_proves_success(dialect: str):
    reader, watched = TRANSLATORS[dialect].reader(), passage(dialect)

    reader.feed(CHAT + DONE)
    reader.end()
    watched.feed(CHAT + DONE)
    watched.end()

    assert (said(reader.failure), said(watched.failure)) == ("hard truncated", "hard truncated")


def texts(pieces: Sequence[Piece]) -> list[str]:
    return [piece.text for piece in pieces if isinstance(piece, TextPiece)]

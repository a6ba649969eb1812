"""Bodies and stream events as an OpenAI-compatible server writes them."""

import base64
import struct
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from msgspec import Struct
from msgspec.json import Decoder, Encoder

from .step import ToolCall

CREATED: Final = 1_795_000_000
DONE: Final = b"data: [DONE]\n\n"
_encode: Final = Encoder().encode


class ErrorForm(Struct, frozen=True, gc=False):
    """The words of an error."""

    message: str
    type: str
    code: str | None = None
    param: str | None = None


ERRORS: Final[Mapping[int, ErrorForm]] = MappingProxyType(
    {
        400: ErrorForm("The request is malformed.", "invalid_request_error"),
        401: ErrorForm(
            "Incorrect API key provided.", "invalid_request_error", code="invalid_api_key"
        ),
        402: ErrorForm(
            "The account has no credits left.", "insufficient_quota", code="insufficient_quota"
        ),
        403: ErrorForm("This key may not do that.", "invalid_request_error", code="forbidden"),
        404: ErrorForm("There is nothing here.", "invalid_request_error", code="not_found"),
        429: ErrorForm("Rate limit reached.", "requests", code="rate_limit_exceeded"),
        503: ErrorForm("The engine is overloaded.", "server_error", code="overloaded"),
    }
)
"""What a status says when the step brings no body of its own; others are a `server_error`."""
OTHER_ERROR: Final = ErrorForm("The server had an error.", "server_error")


class _StreamOptions(Struct, frozen=True, gc=False):
    include_usage: bool = False


class Asked(Struct, frozen=True):
    """What a request body says that the answer depends on."""

    model: str = ""
    stream: bool = False
    stream_options: _StreamOptions | None = None
    input: str | list[object] = ""
    encoding_format: str = "float"
    dimensions: int | None = None


read_asked: Final = Decoder(Asked).decode


class Answer(Struct, frozen=True):
    """The content of one chat answer."""

    id: str
    model: str
    pieces: tuple[str, ...]
    tool: ToolCall | None
    finish_reason: str | None
    prompt_tokens: int
    completion_tokens: int


class _Usage(Struct, frozen=True, gc=False):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


def error_body(form: ErrorForm) -> bytes:
    """Write an error answer."""
    return _encode({"error": form})


def models_body(models: tuple[str, ...], owner: str) -> bytes:
    """Write the list of models."""
    rows = [{"id": m, "object": "model", "created": CREATED, "owned_by": owner} for m in models]
    return _encode({"object": "list", "data": rows})


def embeddings_body(asked: Asked, prompt_tokens: int) -> bytes:
    """Write one vector per input, as floats or in base64; 8 dimensions unless asked for others."""
    count = len(asked.input) if isinstance(asked.input, list) else 1
    size = asked.dimensions or 8
    vector: object = [0.125] * size
    if asked.encoding_format == "base64":
        vector = base64.b64encode(struct.pack(f"<{size}f", *[0.125] * size)).decode()
    rows = [{"object": "embedding", "index": i, "embedding": vector} for i in range(count)]
    usage = {"prompt_tokens": prompt_tokens, "total_tokens": prompt_tokens}
    return _encode({"object": "list", "model": asked.model, "data": rows, "usage": usage})


def chat_body(answer: Answer) -> bytes:
    """Write a chat answer that is not streamed."""
    message: dict[str, object] = {"role": "assistant", "refusal": None}
    message["content"] = None if answer.tool else "".join(answer.pieces)
    if answer.tool is not None:
        message["tool_calls"] = [_call(answer.tool, answer.tool.arguments)]
    choice = {
        "index": 0,
        "message": message,
        "logprobs": None,
        "finish_reason": answer.finish_reason,
    }
    return _encode(
        {
            "id": answer.id,
            "object": "chat.completion",
            "created": CREATED,
            "model": answer.model,
            "choices": [choice],
            "usage": _usage(answer),
        }
    )


def chat_events(answer: Answer, *, usage: bool) -> Iterator[bytes]:
    """Write a stream's events: role, content, finish, usage when asked; without `[DONE]`."""
    # Assembled by hand: a stream of 100 events costs a tenth of encoding as many values.
    start = (
        b'data: {"id":%b,"object":"chat.completion.chunk","created":%d,"model":%b,"choices":['
        % (_encode(answer.id), CREATED, _encode(answer.model))
    )
    close = b',"usage":null}\n\n' if usage else b"}\n\n"
    delta = start + b'{"index":0,"delta":{"content":'
    end = b'},"finish_reason":null}]' + close
    yield delta + b'"","role":"assistant"' + end
    if answer.tool is not None:
        for part in _tool_deltas(answer.tool):
            yield b'%b{"index":0,"delta":{"tool_calls":[%b]' % (start, part) + end
    else:
        for piece in answer.pieces:
            yield delta + _encode(piece) + end
    if answer.finish_reason is not None:
        reason = _encode(answer.finish_reason)
        yield b'%b{"index":0,"delta":{},"finish_reason":%b}]' % (start, reason) + close
    if usage:
        yield b'%b],"usage":%b}\n\n' % (start, _encode(_usage(answer)))


def error_event(error: object) -> bytes:
    """Write an in-band error."""
    return b"data: %b\n\n" % _encode(error)


def _usage(answer: Answer) -> _Usage:
    total = answer.prompt_tokens + answer.completion_tokens
    return _Usage(answer.prompt_tokens, answer.completion_tokens, total)


def _call(tool: ToolCall, arguments: str) -> dict[str, object]:
    function = {"name": tool.name, "arguments": arguments}
    return {"id": tool.id, "type": "function", "function": function}


def _tool_deltas(tool: ToolCall) -> Iterator[bytes]:
    half = len(tool.arguments) // 2
    yield _encode({"index": 0, **_call(tool, "")})
    for part in (tool.arguments[:half], tool.arguments[half:]):
        yield _encode({"index": 0, "function": {"arguments": part}})

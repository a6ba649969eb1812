"""Chat and embeddings as an OpenAI-compatible server writes them: see `form.Form`."""

import base64
import math
import struct
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from msgspec import Struct
from msgspec.json import Decoder

from .form import CREATED, Answer, Asked, decode_asked, encode, halves, vector
from .step import Seen, Step, ToolCall

REQUEST_ID: Final = "x-request-id"
PING: Final = b": keep-alive\n\n"
DONE: Final = b"data: [DONE]\n\n"


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


class _Embed(Struct, frozen=True):
    model: str = ""
    input: str | list[object] = ""
    encoding_format: str = "float"
    dimensions: int | None = None


_decode_embed: Final = Decoder(_Embed).decode


def read_asked(seen: Seen) -> Asked:
    """Read a chat request."""
    return decode_asked(seen.body)


def answer_body(answer: Answer, _asked: Asked) -> bytes:
    """Write a chat answer that is not streamed."""
    message: dict[str, object] = {"role": "assistant", "refusal": None}
    message["content"] = "".join(answer.pieces) if answer.pieces or not answer.tools else None
    if answer.thinking:
        message["reasoning_content"] = "".join(answer.thinking)
    if answer.tools:
        message["tool_calls"] = [_call(answer, tool, tool.arguments) for tool in answer.tools]
    choice = {
        "index": 0,
        "message": message,
        "logprobs": None,
        "finish_reason": answer.finish_reason,
    }
    return encode(
        {
            "id": f"chatcmpl-{answer.id}",
            "object": "chat.completion",
            "created": CREATED,
            "model": answer.model,
            "choices": [choice],
            "usage": _usage(answer),
        }
    )


def answer_events(answer: Answer, asked: Asked) -> Iterator[bytes]:
    """Write a stream's events: role, content, finish, usage when asked; without `[DONE]`."""
    # Assembled by hand: a stream of 100 events costs a tenth of encoding as many values.
    usage = asked.stream_options is not None and asked.stream_options.include_usage
    start = (
        b'data: {"id":%b,"object":"chat.completion.chunk","created":%d,"model":%b,"choices":['
        % (encode(f"chatcmpl-{answer.id}"), CREATED, encode(answer.model))
    )
    close = b',"usage":null}\n\n' if usage else b"}\n\n"
    delta = start + b'{"index":0,"delta":{"content":'
    end = b'},"finish_reason":null}]' + close
    yield delta + b'"","role":"assistant"' + end
    for piece in answer.thinking:
        yield b'%b{"index":0,"delta":{"reasoning_content":%b' % (start, encode(piece)) + end
    for piece in answer.pieces:
        yield delta + encode(piece) + end
    for index, tool in enumerate(answer.tools):
        for part in _tool_deltas(answer, tool, index):
            yield b'%b{"index":0,"delta":{"tool_calls":[%b]' % (start, part) + end
    if answer.finish_reason is not None:
        reason = encode(answer.finish_reason)
        yield b'%b{"index":0,"delta":{},"finish_reason":%b}]' % (start, reason) + close
    if usage:
        yield b'%b],"usage":%b}\n\n' % (start, encode(_usage(answer)))


def error_body(status: int, message: str = "") -> bytes:
    """Write an error answer."""
    form = ERRORS.get(status, OTHER_ERROR)
    if message:
        form = ErrorForm(message, form.type, form.code)
    return encode({"error": form})


def error_event(error: object, _number: int) -> bytes:
    """Write an in-band error."""
    if isinstance(error, str):
        error = {"error": ErrorForm(error, OTHER_ERROR.type)}
    return b"data: %b\n\n" % encode(error)


def wrong_key() -> Step:
    """Say how a key is refused."""
    return Step(status=401, body=error_body(401))


def limited(wait_s: float) -> Step:
    """Say how a used-up limit is answered."""
    headers = {
        "retry-after-ms": str(math.ceil(wait_s * 1000)),
        "retry-after": str(math.ceil(wait_s)),
    }
    return Step(status=429, headers=headers, body=error_body(429))


def models_body(models: tuple[str, ...], owner: str) -> bytes:
    """Write the list of models."""
    rows = [{"id": m, "object": "model", "created": CREATED, "owned_by": owner} for m in models]
    return encode({"object": "list", "data": rows})


def embeddings_body(seen: Seen, prompt_tokens: int) -> bytes:
    """Write one vector per input, as floats or in base64."""
    asked = _decode_embed(seen.body)
    count = len(asked.input) if isinstance(asked.input, list) else 1
    numbers = vector(asked.dimensions)
    row: object = numbers
    if asked.encoding_format == "base64":
        row = base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()
    rows = [{"object": "embedding", "index": i, "embedding": row} for i in range(count)]
    usage = {"prompt_tokens": prompt_tokens, "total_tokens": prompt_tokens}
    return encode({"object": "list", "model": asked.model, "data": rows, "usage": usage})


def _usage(answer: Answer) -> dict[str, object]:
    usage: dict[str, object] = {
        "prompt_tokens": answer.prompt_tokens,
        "completion_tokens": answer.completion_tokens,
        "total_tokens": answer.prompt_tokens + answer.completion_tokens,
    }
    if answer.cached_tokens:
        usage["prompt_tokens_details"] = {"cached_tokens": answer.cached_tokens}
    if answer.thinking:
        usage["completion_tokens_details"] = {"reasoning_tokens": answer.reasoning_tokens}
    return usage


def _call(answer: Answer, tool: ToolCall, arguments: str) -> dict[str, object]:
    function = {"name": tool.name, "arguments": arguments}
    call: dict[str, object] = {"id": tool.id, "type": "function", "function": function}
    if answer.signature and tool is answer.tools[0]:
        call["extra_content"] = {"google": {"thought_signature": answer.signature}}
    return call


def _tool_deltas(answer: Answer, tool: ToolCall, index: int) -> Iterator[bytes]:
    yield encode({"index": index, **_call(answer, tool, "")})
    for part in halves(tool.arguments):
        yield encode({"index": index, "function": {"arguments": part}})

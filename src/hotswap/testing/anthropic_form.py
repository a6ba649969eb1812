"""Messages as Anthropic writes them: see `form.Form`."""

import math
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from msgspec import Raw

from .form import Answer, Asked, decode_asked, encode, events_of, halves
from .step import Seen, Step, ToolCall

REQUEST_ID: Final = "request-id"
PING: Final = b'event: ping\ndata: {"type":"ping"}\n\n'
DONE: Final = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
SIGNATURE: Final = "c2NyaXB0ZWQ="
"""Of thinking to which the step gives none."""

ERRORS: Final[Mapping[int, tuple[str, str]]] = MappingProxyType(
    {
        400: ("invalid_request_error", "The request is malformed."),
        401: ("authentication_error", "invalid x-api-key"),
        402: ("billing_error", "The account has no credits left."),
        403: ("permission_error", "This key may not do that."),
        404: ("not_found_error", "There is nothing here."),
        413: ("request_too_large", "The request is too large."),
        429: ("rate_limit_error", "Rate limit reached."),
        504: ("timeout_error", "The request took too long."),
        529: ("overloaded_error", "Overloaded"),
    }
)
"""Type and message of an error status; others are an `api_error`."""
OTHER_ERROR: Final = ("api_error", "Internal server error")

STOP_REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "stop": "end_turn",
        "length": "max_tokens",
        "tool_calls": "tool_use",
        "content_filter": "refusal",
    }
)


def read_asked(seen: Seen) -> Asked:
    """Read a request."""
    return decode_asked(seen.body)


def answer_body(answer: Answer, _asked: Asked) -> bytes:
    """Write an answer that is not streamed."""
    content: list[dict[str, object]] = []
    if answer.thinking:
        text = "".join(answer.thinking)
        content.append({"type": "thinking", "thinking": text, "signature": _signature(answer)})
    if answer.pieces:
        content.append({"type": "text", "text": "".join(answer.pieces)})
    content += [_call(tool, Raw(tool.arguments)) for tool in answer.tools]
    return encode(
        _message(answer)
        | {"content": content, "stop_reason": _stop_reason(answer), "usage": _usage(answer)}
    )


def answer_events(answer: Answer, _asked: Asked) -> Iterator[bytes]:
    """Write a stream's events: opening, one per piece, finish; without `message_stop`."""
    return events_of(_frames(answer))


def error_body(status: int, message: str = "") -> bytes:
    """Write an error answer."""
    kind, words = ERRORS.get(status, OTHER_ERROR)
    error = {"type": kind, "message": message or words}
    return encode({"type": "error", "error": error, "request_id": "req_scripted"})


def error_event(error: object, _number: int) -> bytes:
    """Write an in-band error."""
    if isinstance(error, str):
        said = {"type": OTHER_ERROR[0], "message": error}
        error = {"type": "error", "error": said, "request_id": "req_scripted"}
    return b"event: error\ndata: %b\n\n" % encode(error)


def wrong_key() -> Step:
    """Say how a key is refused."""
    return Step(status=401, body=error_body(401))


def limited(wait_s: float) -> Step:
    """Say how a used-up limit is answered."""
    headers = {"retry-after": str(math.ceil(wait_s))}
    return Step(status=429, headers=headers, body=error_body(429))


def models_body(models: tuple[str, ...], _owner: str) -> bytes:
    """Write the list of models."""
    created = "2026-11-18T11:06:40Z"
    rows = [
        {"type": "model", "id": model, "display_name": model, "created_at": created}
        for model in models
    ]
    ends = {"first_id": models[0] if models else None, "last_id": models[-1] if models else None}
    return encode({"data": rows, "has_more": False, **ends})


def count_body(_seen: Seen, prompt_tokens: int) -> bytes:
    """Write how many tokens a request has."""
    return encode({"input_tokens": prompt_tokens})


def _frames(answer: Answer) -> Iterator[bytes | None]:
    message = _message(answer)
    message |= {"content": (), "stop_reason": None, "usage": _usage(answer) | {"output_tokens": 1}}
    yield _event("message_start", message=message)
    index = 0
    if answer.thinking:
        yield from _thinking(answer)
        index += 1
    if answer.pieces:
        yield from _text(answer, index)
        index += 1
    if answer.tools and index == 0:
        yield None
    for tool in answer.tools:
        yield from _tool(tool, index)
        index += 1
    if index == 0:
        yield None
    if answer.finish_reason is not None:
        delta = {"stop_reason": _stop_reason(answer), "stop_sequence": None}
        yield _event("message_delta", delta=delta, usage=_usage(answer))


def _thinking(answer: Answer) -> Iterator[bytes | None]:
    yield _start(0, {"type": "thinking", "thinking": "", "signature": ""})
    yield PING
    yield None
    for piece in answer.thinking:
        yield _delta(0, {"type": "thinking_delta", "thinking": piece})
        yield None
    yield _delta(0, {"type": "signature_delta", "signature": _signature(answer)})
    yield _event("content_block_stop", index=0)


def _text(answer: Answer, index: int) -> Iterator[bytes | None]:
    yield _start(index, {"type": "text", "text": ""})
    if index == 0:
        yield PING
        yield None
    for piece in answer.pieces:
        yield _delta(index, {"type": "text_delta", "text": piece})
        yield None
    yield _event("content_block_stop", index=index)


def _tool(tool: ToolCall, index: int) -> Iterator[bytes | None]:
    yield _start(index, _call(tool, Raw("{}")))
    yield _delta(index, {"type": "input_json_delta", "partial_json": ""})
    yield None
    for half in halves(tool.arguments):
        yield _delta(index, {"type": "input_json_delta", "partial_json": half})
        yield None
    yield _event("content_block_stop", index=index)


def _call(tool: ToolCall, arguments: Raw) -> dict[str, object]:
    return {"type": "tool_use", "id": tool.id, "name": tool.name, "input": arguments}


def _start(index: int, block: dict[str, object]) -> bytes:
    return _event("content_block_start", index=index, content_block=block)


def _delta(index: int, delta: dict[str, str]) -> bytes:
    return _event("content_block_delta", index=index, delta=delta)


def _event(kind: str, **fields: object) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), encode({"type": kind, **fields}))


def _message(answer: Answer) -> dict[str, object]:
    return {
        "id": f"msg_{answer.id}",
        "type": "message",
        "role": "assistant",
        "model": answer.model,
        "stop_sequence": None,
    }


def _usage(answer: Answer) -> dict[str, object]:
    usage: dict[str, object] = {
        "input_tokens": answer.prompt_tokens - answer.cached_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": answer.cached_tokens,
        "output_tokens": answer.completion_tokens,
    }
    if answer.thinking:
        usage["output_tokens_details"] = {"thinking_tokens": answer.reasoning_tokens}
    return usage


def _signature(answer: Answer) -> str:
    return answer.signature or SIGNATURE


def _stop_reason(answer: Answer) -> str | None:
    reason = answer.finish_reason
    return None if reason is None else STOP_REASONS.get(reason, reason)

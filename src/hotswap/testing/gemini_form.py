"""Content, counts and embeddings as Google's Gemini API writes them: see `form.Form`.

The model and the kind of the answer are in the path. Only with `alt=sse` a stream is one of events;
otherwise it is a JSON array, which is sent at once here.
"""

import math
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from msgspec import Raw, Struct
from msgspec.json import Decoder

from .form import Answer, Asked, encode, events_of, vector
from .step import Seen, Step

REQUEST_ID: Final = ""
PING: Final = b"\r\n\r\n"
DONE: Final = b""

STATUSES: Final[Mapping[int, tuple[str, str]]] = MappingProxyType(
    {
        400: ("INVALID_ARGUMENT", "The request is malformed."),
        401: ("UNAUTHENTICATED", "The request has no valid credential."),
        403: ("PERMISSION_DENIED", "This key may not do that."),
        404: ("NOT_FOUND", "There is nothing here."),
        429: ("RESOURCE_EXHAUSTED", "You exceeded your current quota."),
        499: ("CANCELLED", "The operation was cancelled."),
        503: ("UNAVAILABLE", "The model is overloaded."),
        504: ("DEADLINE_EXCEEDED", "The deadline expired."),
    }
)
"""Status and message of an error; others are `INTERNAL`."""
OTHER_STATUS: Final = ("INTERNAL", "An internal error has occurred.")
STREAM: Final = "streamGenerateContent"

FINISH_REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "stop": "STOP",
        "length": "MAX_TOKENS",
        "tool_calls": "STOP",
        "content_filter": "SAFETY",
    }
)


class _Embed(Struct, frozen=True):
    requests: list["_Embed"] | None = None
    outputDimensionality: int | None = None  # noqa: N815 - a name of the wire
    output_dimensionality: int | None = None


class _Anything(Struct, frozen=True):
    pass


_decode_embed: Final = Decoder(_Embed).decode
_check: Final = Decoder(_Anything).decode


def read_asked(seen: Seen) -> Asked:
    """Read a request."""
    _check(seen.body)
    path, _, query = seen.path.partition("?")
    model, _, verb = path.rpartition("/")[2].partition(":")
    events = "alt=sse" in query.split("&")
    return Asked(model, stream=verb == STREAM and events, in_array=verb == STREAM and not events)


def answer_body(answer: Answer, asked: Asked) -> bytes:
    """Write an answer that is not streamed as events."""
    parts: list[dict[str, object]] = []
    if answer.thinking:
        parts.append({"text": "".join(answer.thinking), "thought": True})
    if answer.pieces:
        parts.append({"text": "".join(answer.pieces)})
    parts += _calls(answer)
    if answer.signature and parts and not answer.tools:
        parts[-1]["thoughtSignature"] = answer.signature
    body = encode(_response(answer, parts, last=True))
    return b"[%b\n]" % body if asked.in_array else body


def answer_events(answer: Answer, _asked: Asked) -> Iterator[bytes]:
    """Write a stream's events: an empty opening, one per piece and call, the finish."""
    return events_of(_frames(answer))


def error_body(status: int, message: str = "") -> bytes:
    """Write an error answer."""
    return encode({"error": _error(status, message)})


def error_event(error: object, _number: int) -> bytes:
    """Write an in-band error."""
    if isinstance(error, str):
        error = {"error": _error(503, error)}
    return b"data: %b\r\n\r\n" % encode(error)


def wrong_key() -> Step:
    """Say how a key is refused: as a bad argument."""
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "API_KEY_INVALID",
        "domain": "googleapis.com",
    }
    message = "API key not valid. Please pass a valid API key."
    return Step(status=400, body={"error": _error(400, message) | {"details": [info]}})


def limited(wait_s: float) -> Step:
    """Say how a used-up limit is answered: the wait is in the body only."""
    retry = {
        "@type": "type.googleapis.com/google.rpc.RetryInfo",
        "retryDelay": f"{math.ceil(wait_s * 1000) / 1000:g}s",
    }
    return Step(status=429, body={"error": _error(429) | {"details": [retry]}})


def models_body(models: tuple[str, ...], _owner: str) -> bytes:
    """Write the list of models."""
    methods = ["generateContent", "countTokens", "embedContent"]
    rows = [
        {"name": f"models/{model}", "displayName": model, "supportedGenerationMethods": methods}
        for model in models
    ]
    return encode({"models": rows})


def count_body(seen: Seen, prompt_tokens: int) -> bytes:
    """Write how many tokens a request has."""
    _check(seen.body)
    return encode({"totalTokens": prompt_tokens})


def embedding_body(seen: Seen, _prompt_tokens: int) -> bytes:
    """Write one vector."""
    return encode({"embedding": _embedding(_decode_embed(seen.body))})


def embeddings_body(seen: Seen, _prompt_tokens: int) -> bytes:
    """Write one vector per request of the batch."""
    requests = _decode_embed(seen.body).requests or []
    return encode({"embeddings": [_embedding(each) for each in requests]})


def _embedding(asked: _Embed) -> dict[str, object]:
    return {"values": vector(asked.outputDimensionality or asked.output_dimensionality)}


def _frames(answer: Answer) -> Iterator[bytes | None]:
    yield None
    for piece in answer.thinking:
        yield _event(answer, {"text": piece, "thought": True})
        yield None
    for piece in answer.pieces:
        yield _event(answer, {"text": piece})
        yield None
    for call in _calls(answer):
        yield _event(answer, call)
        yield None
    if answer.finish_reason is not None:
        part: dict[str, object] = {"text": ""}
        if answer.signature and not answer.tools:
            part["thoughtSignature"] = answer.signature
        yield _event(answer, part, last=True)


def _event(answer: Answer, part: dict[str, object], *, last: bool = False) -> bytes:
    return b"data: %b\r\n\r\n" % encode(_response(answer, [part], last=last))


def _response(answer: Answer, parts: list[dict[str, object]], *, last: bool) -> dict[str, object]:
    candidate: dict[str, object] = {"content": {"parts": parts, "role": "model"}}
    usage: dict[str, object] = {"promptTokenCount": answer.prompt_tokens}
    if answer.cached_tokens:
        usage["cachedContentTokenCount"] = answer.cached_tokens
    total = answer.prompt_tokens
    if last:
        if answer.finish_reason is not None:
            reason = answer.finish_reason
            candidate["finishReason"] = FINISH_REASONS.get(reason, reason)
        usage["candidatesTokenCount"] = answer.completion_tokens - answer.reasoning_tokens
        if answer.thinking:
            usage["thoughtsTokenCount"] = answer.reasoning_tokens
        total += answer.completion_tokens
    return {
        "candidates": [{**candidate, "index": 0}],
        "usageMetadata": {**usage, "totalTokenCount": total},
        "modelVersion": answer.model,
        "responseId": answer.id,
    }


def _calls(answer: Answer) -> list[dict[str, object]]:
    parts: list[dict[str, object]] = [
        {"functionCall": {"id": tool.id, "name": tool.name, "args": Raw(tool.arguments)}}
        for tool in answer.tools
    ]
    if answer.signature and parts:
        # Parallel calls are proved by the first of them.
        parts[0]["thoughtSignature"] = answer.signature
    return parts


def _error(status: int, message: str = "") -> dict[str, object]:
    word, usual = STATUSES.get(status, OTHER_STATUS)
    return {"code": status, "message": message or usual, "status": word}

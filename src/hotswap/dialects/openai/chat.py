"""OpenAI's chat completions, and the many servers that speak them."""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct
from msgspec.json import Encoder

from ...core.terms import Credential, Failure, Target
from ..api import AttemptNote, Passage, Peek, Reply
from ..fault import read_fault
from .kinds import kind_named
from .reply import read_chat
from .request import (
    read_fields,
    read_model,
    read_needs,
    read_stream,
    read_usage_asked,
    write_chat,
    write_minimal,
)
from .passthrough import OpenAIPassage

__all__ = [
    "KEEP_ALIVE",
    "credential_headers",
    "passage",
    "peek",
    "read_fault",
    "read_reply",
    "write_error",
    "write_models",
    "write_probe",
    "write_request",
    "write_stream_error",
]

KEEP_ALIVE: bytes = b": ping\n\n"

PROBE_TOKENS: Final = 1
REASONING_PROBE_TOKENS: Final = 16
"""Reasoning models refuse fewer."""

_REASONING_MODELS: Final = ("o1", "o3", "o4", "gpt-5", "gpt-6")

_TYPES: Final[Mapping[int, str]] = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    402: "rate_limit_error",
    429: "rate_limit_error",
}


class _Error(Struct):
    message: str
    type: str
    code: str
    param: str | None
    attempts: Sequence[AttemptNote]


class _ErrorBody(Struct):
    error: _Error


class _StreamError(Struct):
    message: str
    type: str
    code: str
    param: None = None


class _StreamErrorBody(Struct):
    error: _StreamError


class _Model(Struct):
    id: str
    created: int
    object: str = "model"
    owned_by: str = "hotswap"


class _Models(Struct):
    data: list[_Model]
    object: str = "list"


_encode: Final = Encoder().encode


def peek(body: bytes) -> Peek:
    """Read what the line needs; raises `RefusedError` (400) for a body that is no request."""
    fields = read_fields(body)
    return Peek(
        read_model(fields),
        read_stream(fields),
        read_usage_asked(fields),
        read_needs(fields, len(body)),
        fields,
    )


def write_request(request: Peek, target: Target, kind: str) -> bytes:
    """Write the body for `target` at a provider of `kind`: same request, its model."""
    return write_chat(request, target, kind)


def write_probe(target: Target, kind: str) -> bytes:
    """Write the cheapest request that shows whether `target` answers (one token)."""
    name = target.model.rpartition("/")[2]
    tokens = REASONING_PROBE_TOKENS if name.startswith(_REASONING_MODELS) else PROBE_TOKENS
    limit = kind_named(kind).renames.get("max_completion_tokens", "max_completion_tokens")
    return write_minimal(target, {"messages": [{"role": "user", "content": "Hi"}], limit: tokens})


def credential_headers(credential: Credential, kind: str) -> bytes:
    """Write the header lines that carry the credential, each with its CR LF."""
    if not credential.secret:
        return b""
    return kind_named(kind).key_header + credential.secret.encode() + b"\r\n"


def read_reply(body: bytes) -> Reply | Failure:
    """Judge the body of a 200 that was not streamed."""
    return read_chat(body)


def passage(*, usage_asked: bool) -> Passage:
    """Begin to watch a stream of this dialect that goes to a caller of the same."""
    return OpenAIPassage(usage_asked=usage_asked)


def write_error(
    status: int, code: str, message: str, param: str | None, attempts: Sequence[AttemptNote]
) -> bytes:
    """Write an error answer as this dialect's SDKs understand it."""
    kind = _TYPES.get(status) or ("server_error" if status >= 500 else "invalid_request_error")
    return _encode(_ErrorBody(_Error(message, kind, code, param, attempts)))


def write_stream_error(code: str, message: str) -> bytes:
    """Write the in-band event that makes this dialect's SDKs raise."""
    body = _StreamErrorBody(_StreamError(message, "server_error", code))
    return b"data: " + _encode(body) + b"\n\n"


def write_models(names: Sequence[str], created: int) -> bytes:
    """Write the list of models that this gateway serves; `created` is in Unix seconds."""
    return _encode(_Models([_Model(name, created) for name in names]))

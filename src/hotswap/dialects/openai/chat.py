"""OpenAI's chat completions, and the many servers that speak them."""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct
from msgspec.json import Encoder

from ...core.terms import Credential, Failure, Target
from ..api import AttemptNote, Envelope, Outgoing, Passage, Peek, Reader, Verdict, Writer
from ..conversation import beginning
from ..fault import read_fault
from .chunk import write_failure
from .kinds import kind_named
from .passage import OpenAIPassage
from .read import read_request
from .reader import OpenAIReader
from .reply import read_chat
from .request import (
    pass_chat,
    read_fields,
    read_model,
    read_needs,
    read_stream,
    read_usage_asked,
    write_minimal,
)
from .whole import read_reply, write_reply
from .write import write_request
from .writer import OpenAIWriter

__all__ = [
    "KEEP_ALIVE",
    "conversation",
    "credential_headers",
    "judge_reply",
    "pass_headers",
    "pass_request",
    "passage",
    "peek",
    "read_fault",
    "read_reply",
    "read_request",
    "reader",
    "stream_type",
    "write_error",
    "write_note",
    "write_probe",
    "write_reply",
    "write_request",
    "write_stream_error",
    "writer",
]

KEEP_ALIVE: bytes = b": ping\n\n"
EVENT_STREAM: Final = b"text/event-stream; charset=utf-8"
PATH: Final = "/chat/completions"

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


_encode: Final = Encoder().encode


def peek(body: bytes, path: str = PATH, query: str = "") -> Peek:  # noqa: ARG001 - the body says all
    """Read what the line needs; raises `RefusedError` (400) for a body that is no request."""
    fields = read_fields(body)
    return Peek(
        read_model(fields),
        read_stream(fields),
        read_usage_asked(fields),
        read_needs(fields, len(body)),
        fields,
        stops="stop" in fields,
    )


def conversation(request: Peek) -> bytes:
    """Return what the conversation is known by in all its requests."""
    return beginning(request.fields, named=("prompt_cache_key",), system=(), turns="messages")


def pass_request(request: Peek, target: Target, kind: str) -> Outgoing:
    """Write the request for `target` at a provider of `kind`: as it came, but for its model."""
    body, left_out = pass_chat(request, target, kind)
    return Outgoing(PATH, body, notices=left_out)


def pass_headers(headers: Mapping[bytes, bytes]) -> bytes:
    """Write the header lines that travel on: opt-ins to what is new at OpenAI."""
    beta = headers.get(b"openai-beta")
    return b"openai-beta: %b\r\n" % beta if beta else b""


def write_probe(target: Target, kind: str) -> Outgoing:
    """Write the cheapest request that shows whether `target` answers (one token)."""
    name = target.model.rpartition("/")[2]
    tokens = REASONING_PROBE_TOKENS if name.startswith(_REASONING_MODELS) else PROBE_TOKENS
    limit = kind_named(kind).renames.get("max_completion_tokens", "max_completion_tokens")
    fields = {"messages": [{"role": "user", "content": "Hi"}], limit: tokens}
    return Outgoing(PATH, write_minimal(target, fields))


def credential_headers(credential: Credential, kind: str) -> bytes:
    """Write the header lines that carry the credential, each with its CR LF."""
    if not credential.secret:
        return b""
    return kind_named(kind).key_header + credential.secret.encode() + b"\r\n"


def judge_reply(body: bytes) -> Verdict | Failure:
    """Judge the body of a 200 that was not streamed."""
    return read_chat(body)


def passage(request: Peek, *, hold_calls: bool) -> Passage:
    """Begin to watch a stream of this dialect that goes to a caller of the same."""
    return OpenAIPassage(
        usage_asked=request.usage_asked,
        hold_calls=hold_calls,
        prompt_tokens=request.needs.prompt_tokens,
    )


def write_note(words: str) -> bytes:
    """Write a remark into a stream that SDKs pass over: a comment of one line."""
    return b": " + " ".join(words.splitlines()).encode() + b"\n\n"


def reader() -> Reader:
    """Begin to read a provider's stream."""
    return OpenAIReader()


def writer(envelope: Envelope) -> Writer:
    """Begin to write a stream to a caller."""
    return OpenAIWriter(envelope)


def stream_type(request: Peek) -> bytes:  # noqa: ARG001 - alike for all
    """Return the content type of a stream."""
    return EVENT_STREAM


def write_error(
    status: int, code: str, message: str, param: str | None, attempts: Sequence[AttemptNote]
) -> bytes:
    """Write an error answer as this dialect's SDKs understand it."""
    kind = _TYPES.get(status) or ("server_error" if status >= 500 else "invalid_request_error")
    return _encode(_ErrorBody(_Error(message, kind, code, param, attempts)))


def write_stream_error(
    code: str,
    message: str,
    request: Peek,  # noqa: ARG001 - alike for all
) -> bytes:
    """Write the in-band event that makes this dialect's SDKs raise."""
    return write_failure(code, message)

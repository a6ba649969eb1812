"""Anthropic's Messages, and the servers that speak them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct
from msgspec.json import Encoder

from ...core.terms import Credential, Failure, Target
from ..api import AttemptNote, Envelope, Outgoing, Passage, Peek, Reader, Verdict, Writer
from ..conversation import beginning
from ..fault import read_fault
from ..openai.request import write_minimal
from .errors import error_body, write_failure
from .passage import AnthropicPassage
from .read_request import read_request
from .reader import AnthropicReader
from .reply import judge, read_reply, write_reply
from .request import OLD_VERSION, PATH, pass_fields, read_peek
from .write_request import write_request
from .writer import AnthropicWriter

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
    "write_count",
    "write_error",
    "write_model",
    "write_models",
    "write_note",
    "write_probe",
    "write_reply",
    "write_request",
    "write_stream_error",
    "writer",
]

KEEP_ALIVE: bytes = b'event: ping\ndata: {"type":"ping"}\n\n'
EVENT_STREAM: Final = b"text/event-stream; charset=utf-8"

_BEARER: Final = frozenset({"openrouter", "vllm"})
"""Kinds that look for the key where OpenAI's callers put it."""

_TYPES: Final[Mapping[int, str]] = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}


class _Model(Struct):
    id: str
    display_name: str
    created_at: str
    type: str = "model"
    lifecycle: str = "active"


class _Models(Struct):
    data: list[_Model]
    has_more: bool = False
    first_id: str | None = None
    last_id: str | None = None


_encode: Final = Encoder().encode


def peek(body: bytes, path: str = PATH, query: str = "") -> Peek:  # noqa: ARG001 - path and body say all
    """Read what the line needs; raises `RefusedError` (400) for a body that is no request."""
    return read_peek(body, path)


def conversation(request: Peek) -> bytes:
    """Return what the conversation is known by in all its requests."""
    return beginning(request.fields, named=(), system=("system",), turns="messages")


def pass_request(request: Peek, target: Target, kind: str) -> Outgoing:  # noqa: ARG001 - alike for all
    """Write the request for `target`: as it came, but for its model and what is refused."""
    return pass_fields(request, target)


def pass_headers(headers: Mapping[bytes, bytes]) -> bytes:
    """Write the header lines that travel on: the version, and opt-ins to what is new."""
    version = headers.get(b"anthropic-version") or OLD_VERSION
    beta = headers.get(b"anthropic-beta")
    lines = b"anthropic-version: %b\r\n" % version
    return lines + b"anthropic-beta: %b\r\n" % beta if beta else lines


def write_probe(target: Target, kind: str) -> Outgoing:  # noqa: ARG001 - alike at every kind
    """Write the cheapest request that shows whether `target` answers (one token)."""
    fields = {"max_tokens": 1, "messages": [{"role": "user", "content": "Hi"}]}
    return Outgoing(PATH, write_minimal(target, fields), b"anthropic-version: 2023-06-01\r\n")


def credential_headers(credential: Credential, kind: str) -> bytes:
    """Write the header lines that carry the credential, each with its CR LF."""
    if not credential.secret:
        return b""
    name = b"authorization: Bearer " if kind in _BEARER else b"x-api-key: "
    return name + credential.secret.encode() + b"\r\n"


def judge_reply(body: bytes) -> Verdict | Failure:
    """Judge the body of a 200 that was not streamed."""
    return judge(body)


def passage(request: Peek, *, hold_calls: bool) -> Passage:  # noqa: ARG001 - alike for all
    """Begin to watch a stream of this dialect that goes to a caller of the same."""
    return AnthropicPassage(hold_calls=hold_calls)


def write_note(words: str) -> bytes:
    """Write a remark, one line, into a stream: a comment, which SDKs pass over."""
    return b": %b\n\n" % words.encode()


def stream_type(request: Peek) -> bytes:  # noqa: ARG001 - alike for all
    """Return the content type of a stream."""
    return EVENT_STREAM


def reader() -> Reader:
    """Begin to read a provider's stream."""
    return AnthropicReader()


def writer(envelope: Envelope) -> Writer:
    """Begin to write a stream to a caller."""
    return AnthropicWriter(envelope)


def write_error(
    status: int, code: str, message: str, param: str | None, attempts: Sequence[AttemptNote]
) -> bytes:
    """Write an error answer as this dialect's SDKs understand it."""
    kind = _TYPES.get(status) or ("api_error" if status >= 500 else "invalid_request_error")
    return error_body(kind, message, code, param, attempts)


def write_stream_error(
    code: str,
    message: str,
    request: Peek,  # noqa: ARG001 - alike for all
) -> bytes:
    """Write the in-band event that makes this dialect's SDKs raise."""
    return write_failure(code, message)


def write_model(name: str, created: int) -> bytes:
    """Write one model; `created` is in Unix seconds."""
    return _encode(_model(name, created))


def write_models(names: Sequence[str], created: int) -> bytes:
    """Write the list of models that this gateway serves; `created` is in Unix seconds."""
    models = [_model(name, created) for name in names]
    first, last = (names[0], names[-1]) if names else (None, None)
    return _encode(_Models(models, first_id=first, last_id=last))


def _model(name: str, created: int) -> _Model:
    return _Model(name, name, datetime.fromtimestamp(created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))


def write_count(tokens: int) -> bytes:
    """Write how many tokens a prompt has."""
    return b'{"input_tokens":%d}' % tokens

"""OpenAI's embeddings: one request, one answer, never a stream."""

from ...core.terms import Failure, Needs, Target
from ..api import Peek, Reply
from .chat import (
    KEEP_ALIVE,
    credential_headers,
    passage,
    read_fault,
    write_error,
    write_stream_error,
)
from .reply import read_embeddings
from .request import (
    BYTES_PER_TOKEN,
    missing,
    read_fields,
    read_model,
    write_embeddings,
    write_minimal,
    wrong,
)

__all__ = [
    "KEEP_ALIVE",
    "credential_headers",
    "passage",
    "peek",
    "read_fault",
    "read_reply",
    "write_error",
    "write_probe",
    "write_request",
    "write_stream_error",
]


def peek(body: bytes) -> Peek:
    """Read what the line needs; raises `RefusedError` (400) for a body that is no request."""
    fields = read_fields(body)
    model = read_model(fields)
    given = fields.get("input")
    if given is None:
        raise missing("input")
    if bytes(given)[:1] not in {b'"', b"["}:
        raise wrong("input")
    needs = Needs(prompt_tokens=int(len(given) / BYTES_PER_TOKEN))
    return Peek(model, stream=False, usage_asked=False, needs=needs, fields=fields)


def write_request(request: Peek, target: Target, kind: str) -> bytes:
    """Write the body for `target` at a provider of `kind`: same request, its model."""
    return write_embeddings(request, target, kind)


def write_probe(target: Target, kind: str) -> bytes:  # noqa: ARG001 - alike at every kind
    """Write the cheapest request that shows whether `target` answers."""
    return write_minimal(target, {"input": "Hi"})


def read_reply(body: bytes) -> Reply | Failure:
    """Judge the body of a 200."""
    return read_embeddings(body)

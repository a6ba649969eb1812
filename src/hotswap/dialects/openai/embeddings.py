"""OpenAI's embeddings: one request, one answer, never a stream."""

from typing import Final

from ...core.terms import Failure, Needs, Target
from ..api import Outgoing, Peek, Verdict
from .chat import (
    KEEP_ALIVE,
    credential_headers,
    pass_headers,
    passage,
    read_fault,
    stream_type,
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
    "judge_reply",
    "pass_headers",
    "pass_request",
    "passage",
    "peek",
    "read_fault",
    "stream_type",
    "write_error",
    "write_probe",
    "write_stream_error",
]


PATH: Final = "/embeddings"


def peek(body: bytes, path: str = PATH, query: str = "") -> Peek:  # noqa: ARG001 - the body says all
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


def pass_request(request: Peek, target: Target, kind: str) -> Outgoing:
    """Write the request for `target` at a provider of `kind`: as it came, but for its model."""
    return Outgoing(PATH, write_embeddings(request, target, kind))


def write_probe(target: Target, kind: str) -> Outgoing:  # noqa: ARG001 - alike at every kind
    """Write the cheapest request that shows whether `target` answers."""
    return Outgoing(PATH, write_minimal(target, {"input": "Hi"}))


def judge_reply(body: bytes) -> Verdict | Failure:
    """Judge the body of a 200."""
    return read_embeddings(body)

"""Gemini's embeddings: embedContent and batchEmbedContents, for callers and targets of Gemini."""

from typing import Final

from msgspec import DecodeError, Raw, Struct
from msgspec.json import Decoder, Encoder

from ...core.terms import Failure, Needs, Target
from ..api import Outgoing, Peek, Verdict
from ..fault import read_in_band
from ..openai.content import ABSENT, present
from ..openai.request import BYTES_PER_TOKEN, missing, read_fields
from ..unsound import EMPTY, MALFORMED
from .address import path_to, split_path
from .answer import KIND, odd_fault
from .generate import (
    KEEP_ALIVE,
    credential_headers,
    pass_headers,
    passage,
    read_fault,
    stream_type,
    write_error,
    write_note,
    write_stream_error,
)
from .request import overridden, wrong
from .usage import Counts, read_usage

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
    "write_note",
    "write_probe",
    "write_stream_error",
]

SINGLE: Final = "embedContent"
BATCH: Final = "batchEmbedContents"


class _Answer(Struct, rename="camel", gc=False):
    embedding: Raw = ABSENT
    embeddings: list[Raw] | None = None
    usage_metadata: Counts | None = None
    error: Raw = ABSENT


_decode: Final = Decoder(_Answer, strict=False).decode
_decode_requests: Final = Decoder(list[dict[str, Raw]]).decode
_encode: Final = Encoder().encode


def peek(body: bytes, path: str, query: str) -> Peek:  # noqa: ARG001 - nothing is streamed
    """Read what the line needs; raises `RefusedError` (400) for a body that is no request."""
    name, action = split_path(path) or ("", "")
    if not name:
        raise missing("model")
    fields = read_fields(body)
    given = "requests" if action == BATCH else "content"
    if given not in fields:
        raise missing(given)
    if action == BATCH:
        _requests(fields[given])
    needs = Needs(prompt_tokens=int(len(fields[given]) / BYTES_PER_TOKEN))
    return Peek(name, stream=False, usage_asked=False, needs=needs, fields=fields, action=action)


def pass_request(request: Peek, target: Target, kind: str) -> Outgoing:  # noqa: ARG001 - alike at every kind
    """Write the request for `target`: as it came, but for its model, which a batch repeats."""
    fields: dict[str, object] = {**request.fields}
    fields.pop("model", None)
    if request.action == BATCH:
        model = Raw(_encode(f"models/{target.model.removeprefix('models/')}"))
        requests = _requests(request.fields["requests"])
        fields["requests"] = [{**one, "model": model} for one in requests]
    path = path_to(target.model, request.action)
    return Outgoing(path, _encode(overridden(fields, target)))


def write_probe(target: Target, kind: str) -> Outgoing:  # noqa: ARG001 - alike at every kind
    """Write the cheapest request that shows whether `target` answers."""
    content = {"content": {"parts": [{"text": "Hi"}]}}
    return Outgoing(path_to(target.model, SINGLE), _encode({**overridden({}, target), **content}))


def judge_reply(body: bytes) -> Verdict | Failure:
    """Judge the body of a 200."""
    try:
        answer = _decode(body)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return odd_fault(body)
    if present(answer.error):
        return read_in_band(KIND, body)
    usage = read_usage(answer.usage_metadata)
    if present(answer.embedding) or answer.embeddings:
        return Verdict(usage)
    return MALFORMED if answer.embeddings is None else EMPTY


def _requests(raw: Raw) -> list[dict[str, Raw]]:
    try:
        return _decode_requests(raw)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        raise wrong("requests", "an array of requests") from None

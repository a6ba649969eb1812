"""OpenAI's embeddings: one request, one answer, never a stream."""

from base64 import b64encode
from struct import pack
from typing import Final

from msgspec import DecodeError, Raw
from msgspec.json import Decoder, Encoder

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
    write_note,
    write_stream_error,
)
from .reply import read_embeddings
from .request import (
    BYTES_PER_TOKEN,
    missing,
    pass_embeddings,
    read_fields,
    read_model,
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
    "write_note",
    "write_probe",
    "write_stream_error",
]


PATH: Final = "/embeddings"

_BASE64: Final = Raw(b'"base64"')


_decode_fields: Final = Decoder(dict[str, Raw]).decode
_decode_rows: Final = Decoder(list[dict[str, Raw]]).decode
_decode_vector: Final = Decoder(list[float] | str).decode
_encode: Final = Encoder().encode


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
    return Outgoing(PATH, pass_embeddings(request, target, kind))


def write_probe(target: Target, kind: str) -> Outgoing:  # noqa: ARG001 - alike at every kind
    """Write the cheapest request that shows whether `target` answers."""
    return Outgoing(PATH, write_minimal(target, {"input": "Hi"}))


def judge_reply(body: bytes) -> Verdict | Failure:
    """Judge the body of a 200."""
    return read_embeddings(body)


def in_asked_form(body: bytes, request: Peek) -> bytes:
    """Return a good answer with its vectors in base64 where the caller asked for that.

    OpenAI's SDK always asks; llama.cpp, Ollama and others answer with numbers all the same. The
    form is that of OpenAI: little-endian 32-bit floats.
    """
    if request.fields.get("encoding_format") != _BASE64:
        return body
    try:
        fields = _decode_fields(body)
        rows = _decode_rows(fields["data"])
        for row in rows:
            vector = _decode_vector(row["embedding"])
            if isinstance(vector, str):
                return body
            row["embedding"] = Raw(_encode(b64encode(pack(f"<{len(vector)}f", *vector)).decode()))
    except (DecodeError, KeyError, OverflowError):
        return body
    fields["data"] = Raw(_encode(rows))
    return _encode(fields)

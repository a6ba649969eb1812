"""Google's Gemini: generateContent, its stream, and countTokens."""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec.json import Encoder

from ...core.terms import Credential, Failure, Target
from ..api import AttemptNote, Envelope, Outgoing, Passage, Peek, Reader, Verdict, Writer
from ..conversation import beginning
from ..fault import read_fault
from ..neutral import Reply
from .address import GENERATE, path_to, split_path
from .errors import error_body, stream_error
from .passage import GeminiPassage
from .reader import GeminiReader
from .reply import read_answer, read_verdict, write_answer
from .request import overridden, pass_body, read_peek
from .translate import read_request, write_request
from .writer import GeminiWriter

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
    "split_path",
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

KEEP_ALIVE: bytes = b"\r\n\r\n"
"""Quirk: Google's SDK takes any other line, comments too, for JSON."""

EVENT_STREAM: Final = b"text/event-stream; charset=utf-8"
ARRAY_STREAM: Final = b"application/json; charset=utf-8"
METHODS: Final = ("generateContent", "streamGenerateContent", "countTokens")

_PROBE: Final[Mapping[str, object]] = {
    "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
    "generationConfig": {"maxOutputTokens": 1},
}

_encode: Final = Encoder().encode


def peek(body: bytes, path: str, query: str) -> Peek:
    """Read what the line needs; raises `RefusedError` (400) for a body that is no request."""
    return read_peek(body, path, query)


def conversation(request: Peek) -> bytes:
    """Return what the conversation is known by in all its requests."""
    system = ("systemInstruction", "system_instruction")
    return beginning(request.fields, named=("cachedContent",), system=system, turns="contents")


def pass_request(request: Peek, target: Target, kind: str) -> Outgoing:  # noqa: ARG001 - alike at every kind
    """Write the request for `target`: as it came; the model is in the path."""
    return Outgoing(path_to(target.model, request.action), pass_body(request, target))


def pass_headers(headers: Mapping[bytes, bytes]) -> bytes:  # noqa: ARG001 - there are none
    """Write the header lines that travel on: Gemini knows no opt-ins by header."""
    return b""


def write_probe(target: Target, kind: str) -> Outgoing:  # noqa: ARG001 - alike at every kind
    """Write the cheapest request that shows whether `target` answers (one token)."""
    fields = {**overridden({}, target), **_PROBE}
    return Outgoing(path_to(target.model, GENERATE), _encode(fields))


def credential_headers(credential: Credential, kind: str) -> bytes:  # noqa: ARG001 - alike at every kind
    """Write the header lines that carry the credential, each with its CR LF."""
    if not credential.secret:
        return b""
    return b"x-goog-api-key: %b\r\n" % credential.secret.encode()


def judge_reply(body: bytes) -> Verdict | Failure:
    """Judge the body of a 200 that was not streamed."""
    return read_verdict(body)


def passage(request: Peek, *, hold_calls: bool) -> Passage:
    """Begin to watch a stream of this dialect that goes to a caller of the same."""
    return GeminiPassage(array=request.array, hold_calls=hold_calls)


def write_note(words: str) -> bytes:  # noqa: ARG001 - there is no place for them
    """Write nothing, as Google's SDK takes a comment for JSON and raises."""
    return b""


def stream_type(request: Peek) -> bytes:
    """Return the content type of the stream that the caller gets."""
    return ARRAY_STREAM if request.array else EVENT_STREAM


def write_error(
    status: int, code: str, message: str, param: str | None, attempts: Sequence[AttemptNote]
) -> bytes:
    """Write an error answer as Google's SDK understands it."""
    return error_body(status, code, message, param, attempts)


def write_stream_error(code: str, message: str, request: Peek) -> bytes:
    """Write the in-band event that makes Google's SDK raise; it ends an array."""
    return stream_error(code, message, array=request.array)


def read_reply(body: bytes) -> Reply | Failure:
    """Understand, and judge, the body of a 200 that was not streamed."""
    return read_answer(body)


def write_reply(reply: Reply, envelope: Envelope) -> bytes:
    """Write a whole answer for a caller of this dialect."""
    return write_answer(reply, envelope)


def reader() -> Reader:
    """Begin to read a provider's stream."""
    return GeminiReader()


def writer(envelope: Envelope) -> Writer:
    """Begin to write a stream to a caller."""
    return GeminiWriter(envelope)


def write_model(name: str, created: int) -> bytes:  # noqa: ARG001 - Gemini shows no date
    """Write one model."""
    return _encode(_model(name))


def write_models(names: Sequence[str], created: int) -> bytes:  # noqa: ARG001 - Gemini shows no date
    """Write the list of models that this gateway serves."""
    return _encode({"models": [_model(name) for name in names]})


def _model(name: str) -> dict[str, object]:
    return {"name": f"models/{name}", "displayName": name, "supportedGenerationMethods": METHODS}


def write_count(tokens: int) -> bytes:
    """Write how many tokens a prompt has."""
    return _encode({"totalTokens": tokens})

"""OpenAI's Responses, and the servers that speak them."""

from typing import Final

from msgspec.json import Encoder

from ...core.terms import Failure, Target
from ..api import Envelope, Outgoing, Passage, Peek, Reader, Verdict, Writer
from ..conversation import beginning
from ..openai.chat import (
    KEEP_ALIVE,
    credential_headers,
    pass_headers,
    read_fault,
    stream_type,
    write_error,
)
from ..openai.request import write_minimal
from .passage import ResponsesPassage
from .read import read_request
from .reader import ResponsesReader
from .reply import judge, read_reply
from .request import PATH, pass_fields, read_peek
from .whole import error_fields, write_reply
from .write import LEAST_TOKENS, write_request
from .writer import ResponsesWriter

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

FAILED_AT: Final = 1_000_000_000
"""Sequence number of the event that says an answer failed: above those of all that were sent."""

_encode: Final = Encoder().encode


def peek(body: bytes, path: str = PATH, query: str = "") -> Peek:  # noqa: ARG001 - the body says all
    """Read what the line needs; raises `RefusedError` (400) for a body that is no request."""
    return read_peek(body)


def conversation(request: Peek) -> bytes:
    """Return what the conversation is known by in all its requests."""
    named = ("prompt_cache_key", "conversation")
    return beginning(request.fields, named=named, system=("instructions",), turns="input")


def pass_request(request: Peek, target: Target, kind: str) -> Outgoing:  # noqa: ARG001 - alike for all
    """Write the request for `target`: as it came, but for its model."""
    return pass_fields(request, target)


def write_probe(target: Target, kind: str) -> Outgoing:  # noqa: ARG001 - alike at every kind
    """Write the cheapest request that shows whether `target` answers (few tokens)."""
    fields = {"input": "Hi", "max_output_tokens": LEAST_TOKENS, "store": False}
    return Outgoing(PATH, write_minimal(target, fields))


def judge_reply(body: bytes) -> Verdict | Failure:
    """Judge the body of a 200 that was not streamed."""
    return judge(body)


def passage(request: Peek, *, hold_calls: bool) -> Passage:  # noqa: ARG001 - alike for all
    """Begin to watch a stream of this dialect that goes to a caller of the same."""
    return ResponsesPassage(hold_calls=hold_calls)


def write_note(words: str) -> bytes:
    """Write a remark into a stream: a comment, which SDKs pass over."""
    return b": %b\n\n" % words.encode()


def reader() -> Reader:
    """Begin to read a provider's stream."""
    return ResponsesReader()


def writer(envelope: Envelope) -> Writer:
    """Begin to write a stream to a caller."""
    return ResponsesWriter(envelope)


def write_stream_error(code: str, message: str, request: Peek) -> bytes:
    """Write the in-band events that make this dialect's SDKs raise, into whatever stream.

    The first event has an `error` of its own: its response cannot have the id of the one that
    broke off, and the SDK's accumulator of streams would stumble over that. Where the stream is
    known, `ResponsesWriter.fail` writes events that fit into it.
    """
    said = error_fields(code, message)
    response = {
        "id": "resp_failed",
        "object": "response",
        "created_at": 0,
        "status": "failed",
        "error": {"code": "server_error", "message": message},
        "incomplete_details": None,
        "model": request.model,
        "output": (),
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": (),
    }
    failed = {
        "type": "response.failed",
        "sequence_number": FAILED_AT,
        "response": response,
        "error": said["error"],
    }
    raised = {"type": "error", "sequence_number": FAILED_AT + 1, **said}
    return b"event: response.failed\ndata: %b\n\nevent: error\ndata: %b\n\n" % (
        _encode(failed),
        _encode(raised),
    )

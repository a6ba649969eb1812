"""Whole answers: judged, read into neutral values, and written for callers."""

from typing import Final

from msgspec import DecodeError, Raw
from msgspec.json import Decoder, Encoder

from ...core.terms import Failure, Usage
from ..api import Envelope, Verdict
from ..neutral import Call, Finish, Refusal, Reply, Text, Thinking
from ..surrogates import mended
from ..unsound import EMPTY, TRUNCATED
from .answer import (
    FAILED_FINISHES,
    FINISHES,
    Answer,
    Candidate,
    Part,
    decode,
    fault_in,
    made_id,
    may_be_empty,
    odd_fault,
    size_of,
)
from .usage import read_usage, write_usage

FINISH_WORDS: Final = {
    Finish.STOP: "STOP",
    Finish.TOOL_CALLS: "STOP",
    Finish.LENGTH: "MAX_TOKENS",
    Finish.CONTENT_FILTER: "SAFETY",
}
BROKEN_CALL: Final = "MALFORMED_FUNCTION_CALL"
"""What Gemini itself says of a call whose arguments are no object."""

_NO_PARTS: Final[list[Part]] = []

_encode: Final = Encoder().encode
_decode_fields: Final = Decoder(dict[str, Raw]).decode


def read_verdict(body: bytes) -> Verdict | Failure:
    """Judge the body of a 200 that was not streamed."""
    answer = _sound(body)
    if isinstance(answer, Failure):
        return answer
    usage = read_usage(answer.usage_metadata)
    candidates = answer.candidates or []
    for candidate in candidates:
        failure = _fault_of(candidate, usage)
        if failure is not None:
            return failure
    return Verdict(usage, candidates[0].finish_reason or "") if candidates else EMPTY


def read_answer(body: bytes) -> Reply | Failure:
    """Understand, and judge, the body of a 200 that was not streamed; the first candidate."""
    answer = _sound(body)
    if isinstance(answer, Failure):
        return answer
    if not answer.candidates:
        return EMPTY
    candidate = answer.candidates[0]
    usage = read_usage(answer.usage_metadata)
    failure = _fault_of(candidate, usage)
    if failure is not None:
        return failure
    parts = _parts(candidate, answer.response_id or "")
    finish = FINISHES.get(candidate.finish_reason or "", Finish.STOP)
    if not parts and not may_be_empty({finish}, usage):
        return EMPTY
    if finish is Finish.STOP and any(isinstance(part, Call) for part in parts):
        finish = Finish.TOOL_CALLS
    return Reply(parts, finish, usage)


def write_answer(reply: Reply, envelope: Envelope) -> bytes:
    """Write a whole answer for a caller of this dialect."""
    reasoning = envelope.request.reasoning
    shown = reasoning is not None and reasoning.shown
    word = FINISH_WORDS[reply.finish]
    parts: list[dict[str, object]] = []
    for part in reply.parts:
        match part:
            case Text() | Refusal():
                parts.append({"text": part.text})
            case Thinking():
                if shown and part.text:
                    parts.append({"text": part.text, "thought": True})
            case Call():
                wire = write_call(part)
                if wire is not None:
                    parts.append(wire)
                elif reply.finish is not Finish.LENGTH:
                    word = BROKEN_CALL
    body: dict[str, object] = {
        "candidates": [
            {"content": {"role": "model", "parts": parts}, "finishReason": word, "index": 0}
        ]
    }
    if reply.usage is not None:
        body["usageMetadata"] = write_usage(reply.usage)
    body["modelVersion"] = envelope.model
    body["responseId"] = envelope.request_id
    return _encode(body)


def write_call(call: Call) -> dict[str, object] | None:
    """Write the part of a call; None: its arguments are no JSON object."""
    arguments = call.arguments.strip() or "{}"
    try:
        _decode_fields(arguments)
    except (DecodeError, UnicodeEncodeError, RecursionError):
        return None
    if "\n" in arguments or "\r" in arguments:
        # Between fields, since strings escape them; an event of a stream is one line.
        arguments = arguments.replace("\n", " ").replace("\r", " ")
    wire: dict[str, object] = {
        "functionCall": {"id": call.id, "name": call.name, "args": Raw(arguments.encode())}
    }
    if call.signature:
        wire["thoughtSignature"] = call.signature
    return wire


def read_call(part: Part, position: int, salt: str) -> Call | None:
    """Read the call of a part; None: it holds none."""
    wire = part.function_call
    if wire is None:
        return None
    name = wire.name or ""
    arguments = bytes(wire.args).decode() if wire.args else "{}"
    if arguments == "null":
        arguments = "{}"
    ident = wire.id or made_id(position, name, arguments, salt)
    return Call(ident, name, arguments, part.thought_signature or "")


def _sound(body: bytes) -> Answer | Failure:
    """Decode an answer that speaks of no error."""
    try:
        answer = decode(body)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        whole = mended(body)
        return _sound(whole) if whole != body else odd_fault(body)
    return fault_in(answer, body) or answer


def _fault_of(candidate: Candidate, usage: Usage | None) -> Failure | None:
    finish = candidate.finish_reason
    if not finish:
        return TRUNCATED
    if finish in FAILED_FINISHES:
        return FAILED_FINISHES[finish]
    if any(size_of(part) for part in _parts_of(candidate)):
        return None
    return None if may_be_empty({FINISHES.get(finish, Finish.STOP)}, usage) else EMPTY


def _parts_of(candidate: Candidate) -> list[Part]:
    content = candidate.content
    return _NO_PARTS if content is None or content.parts is None else content.parts


def _parts(candidate: Candidate, salt: str) -> list[Text | Thinking | Refusal | Call]:
    parts: list[Text | Thinking | Refusal | Call] = []
    calls = 0
    for part in _parts_of(candidate):
        call = read_call(part, calls, salt)
        if call is not None:
            calls += 1
            parts.append(call)
        elif part.text and part.thought:
            parts.append(Thinking(part.text, part.thought_signature or ""))
        elif part.text:
            parts.append(Text(part.text))
    return parts

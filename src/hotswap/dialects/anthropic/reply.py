"""Whole answers of Anthropic's dialect: judged, understood, and written."""

from typing import Final

from msgspec import DecodeError, Raw
from msgspec.json import Decoder, Encoder

from ...core.terms import Failure
from ..api import Envelope, Verdict
from ..fault import read_in_band
from ..neutral import Call, CallPiece, Finish, Refusal, Reply, Text, Thinking
from ..surrogates import mended
from ..unsound import EMPTY, MALFORMED, TRUNCATED
from .answer import (
    FINISHES,
    REFUSED,
    Answer,
    Block,
    block_size,
    decode_answer,
    may_be_empty,
    present,
    read_counts,
    usage_of,
    wire_usage,
)
from .writer import call_id, ending, message_id

_encode: Final = Encoder().encode
_decode_object: Final = Decoder(dict[str, Raw]).decode


def judge(body: bytes) -> Verdict | Failure:
    """Judge a whole answer on its way to a caller of the same dialect."""
    answer = _decoded(body)
    if isinstance(answer, Failure):
        return answer
    reason = answer.stop_reason or ""
    usage = usage_of(read_counts(answer.usage))
    if any(map(block_size, answer.content or ())) or may_be_empty(reason, usage):
        return Verdict(usage, reason)
    return EMPTY


def read_reply(body: bytes) -> Reply | Failure:
    """Understand, and judge, the body of a 200 that was not streamed."""
    answer = _decoded(body)
    if isinstance(answer, Failure):
        return answer
    found = map(_part, answer.content or ())
    parts: list[Text | Thinking | Refusal | Call] = [part for part in found if part is not None]
    reason = answer.stop_reason or ""
    finish = FINISHES.get(reason, Finish.STOP)
    if answer.stop_details is not None and answer.stop_details.explanation:
        parts.append(Refusal(answer.stop_details.explanation))
    usage = usage_of(read_counts(answer.usage))
    if not parts and finish is Finish.CONTENT_FILTER:
        return REFUSED
    if not parts and not may_be_empty(reason, usage):
        return EMPTY
    if finish is Finish.STOP and any(isinstance(part, Call) for part in parts):
        finish = Finish.TOOL_CALLS
    return Reply(parts, finish, usage, answer.stop_sequence or "")


def write_reply(reply: Reply, envelope: Envelope) -> bytes:
    """Write a whole answer for a caller of this dialect."""
    content: list[dict[str, object]] = []
    refusal = ""
    calls = 0
    for part in reply.parts:
        match part:
            case Text(text):
                if text:
                    content.append({"type": "text", "text": text})
            case Thinking(text):
                # No signature: see `AnthropicWriter`.
                content.append({"type": "thinking", "thinking": text, "signature": ""})
            case Refusal(text):
                refusal += text
            case Call(id=given, name=name, arguments=arguments):
                made = call_id(CallPiece(calls, given, name), envelope)
                value = _input(arguments)
                content.append({"type": "tool_use", "id": made, "name": name, "input": value})
                calls += 1
    return _encode(
        {
            "id": message_id(envelope),
            "type": "message",
            "role": "assistant",
            "model": envelope.model,
            "content": content,
            **ending(reply.finish, reply.stop, refusal),
            "usage": wire_usage(reply.usage),
        }
    )


def _decoded(body: bytes) -> Answer | Failure:
    """Return an answer that has content, perhaps none, and a stop reason."""
    try:
        answer = decode_answer(body)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        whole = mended(body)
        return _decoded(whole) if whole != body else MALFORMED
    if answer.type == "error" or present(answer.error):
        return read_in_band("anthropic", body)
    if answer.content is None:
        return MALFORMED
    return answer if answer.stop_reason else TRUNCATED


def _part(block: Block) -> Text | Thinking | Call | None:
    """Return what a block says; None: nothing that other dialects know."""
    if block.type == "text":
        return Text(block.text) if block.text else None
    if block.type == "thinking":
        return Thinking(block.thinking, block.signature or "") if block.thinking else None
    if block.type == "tool_use":
        arguments = bytes(block.input).decode() if present(block.input) else "{}"
        return Call(block.id or "", block.name or "", arguments)
    return None


def _input(arguments: str) -> Raw | dict[str, str]:
    """Return a call's arguments as an object; broken ones stand in it as they are."""
    try:
        _decode_object(arguments or "{}")
    except (DecodeError, RecursionError):
        return {"INVALID_JSON": arguments}
    return Raw((arguments or "{}").encode())

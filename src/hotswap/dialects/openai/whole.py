"""Whole answers of OpenAI's dialect, read into neutral values and written from them."""

from typing import Final

from msgspec import DecodeError, Raw
from msgspec.json import Decoder, Encoder

from ...core.terms import Failure
from ..api import Envelope
from ..neutral import Call, Finish, Refusal, Reply, Text, Thinking
from ..unsound import EMPTY, MALFORMED
from .content import Content, size_of
from .ids import made_id
from .loose import (
    arguments_of,
    calls_of,
    read_answer,
    read_finish,
    signature_of,
    text_of,
    thoughts_of,
)
from .reply import read_chat
from .usage import write_usage

_decode_object: Final = Decoder(dict[str, Raw]).decode
_encode: Final = Encoder().encode


def read_reply(body: bytes) -> Reply | Failure:
    """Understand, and judge, the body of a 200 that was not streamed.

    The judgement is that of two sides that speak alike. One more answer fails: one whose content
    has no words here, or a call that names no tool or whose arguments are no object. A call that
    the output limit cut off is left out.
    """
    verdict = read_chat(body)
    if isinstance(verdict, Failure):
        return verdict
    answer = read_answer(body)
    if answer is None or not answer.choices:
        return MALFORMED
    choice = answer.choices[0]
    message = choice.message or Content()
    calls = _read_calls(message, body)
    if calls is None:
        return MALFORMED
    sound = [call for call in calls if _is_object(call.arguments)]
    finish = read_finish(verdict.finish, called=bool(sound))
    if len(sound) < len(calls) and finish is not Finish.LENGTH:
        return MALFORMED
    parts = (*_read_words(message), *sound)
    if not parts and not calls and size_of(message):
        return EMPTY
    return Reply(parts, finish, verdict.usage)


def write_reply(reply: Reply, envelope: Envelope) -> bytes:
    """Write a whole answer for a caller of this dialect."""
    parts = reply.parts
    texts = [part.text for part in parts if isinstance(part, Text)]
    refusals = [part.text for part in parts if isinstance(part, Refusal)]
    thoughts = [part.text for part in parts if isinstance(part, Thinking)]
    calls = [write_call(part, part.id, part.signature) for part in parts if isinstance(part, Call)]
    message: dict[str, object] = {
        "role": "assistant",
        "content": "".join(texts) if texts else None,
        "refusal": "".join(refusals) if refusals else None,
    }
    if thoughts:
        message["reasoning_content"] = "".join(thoughts)
    if calls:
        message["tool_calls"] = calls
    answer: dict[str, object] = {
        "id": f"chatcmpl-{envelope.request_id}",
        "object": "chat.completion",
        "created": envelope.created,
        "model": envelope.model,
        "choices": [
            {"index": 0, "message": message, "logprobs": None, "finish_reason": reply.finish}
        ],
    }
    if reply.usage is not None:
        answer["usage"] = write_usage(reply.usage)
    return _encode(answer)


def write_call(call: Call, call_id: str, signature: str) -> dict[str, object]:
    """Write a whole call of a message, under this id and with this signature, if any."""
    wire: dict[str, object] = {
        "id": call_id,
        "type": "function",
        "function": {"name": call.name, "arguments": call.arguments},
    }
    if signature:
        wire["extra_content"] = {"google": {"thought_signature": signature}}
    return wire


def _read_words(message: Content) -> list[Thinking | Text | Refusal]:
    words: list[Thinking | Text | Refusal] = []
    if thoughts := thoughts_of(message):
        words.append(Thinking(thoughts))
    if text := text_of(message):
        words.append(Text(text))
    if message.refusal:
        words.append(Refusal(message.refusal))
    return words


def _read_calls(message: Content, body: bytes) -> list[Call] | None:
    """Return the calls of a message; None: one of them has no name."""
    calls: list[Call] = []
    for number, call in enumerate(calls_of(message)):
        function = call.function
        if function is None:
            continue
        if not function.name:
            return None
        call_id = call.id or made_id(body, number)
        arguments = arguments_of(function).strip() or "{}"
        calls.append(Call(call_id, function.name, arguments, signature_of(call)))
    return calls


def _is_object(arguments: str) -> bool:
    try:
        _decode_object(arguments)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True

"""Whole answers of the Responses dialect, judged, and read into neutral values."""

from typing import Final

from msgspec import DecodeError, Raw
from msgspec.json import Decoder

from ...core.terms import Failure
from ..api import Verdict
from ..fault import read_in_band
from ..neutral import Call, Finish, Refusal, Reply, Text, Thinking
from ..openai.content import present
from ..openai.ids import made_id
from ..surrogates import mended
from ..unsound import EMPTY, MALFORMED, TRUNCATED
from .answer import (
    COMPLETED,
    FILTERED,
    REFUSED,
    Answer,
    Item,
    call_arguments,
    decode_answer,
    may_be_empty,
    output_size,
    read_finish,
    read_item,
    reason_of,
    thoughts_of,
)
from .usage import read_usage

_ENDED: Final = frozenset({COMPLETED, "incomplete", None})
"""States of an answer that is over; some servers leave it out."""

_decode_object: Final = Decoder(dict[str, Raw]).decode


def judge(body: bytes) -> Verdict | Failure:
    """Judge a whole answer on its way to a caller of the same dialect."""
    answer = _decoded(body)
    if isinstance(answer, Failure):
        return answer
    usage, reason = read_usage(answer.usage), reason_of(answer)
    if output_size(answer) or may_be_empty(reason, usage):
        return Verdict(usage, reason)
    return EMPTY


def read_reply(body: bytes) -> Reply | Failure:
    """Understand, and judge, the body of a 200 that was not streamed.

    A call that names no tool, or whose arguments are no object, makes the answer fail; one that
    the output limit cut off is left out.
    """
    answer = _decoded(body)
    if isinstance(answer, Failure):
        return answer
    usage, reason = read_usage(answer.usage), reason_of(answer)
    parts: list[Text | Thinking | Refusal | Call] = []
    broken = False
    for number, raw in enumerate(answer.output or ()):
        item = read_item(raw)
        if item.type != "function_call":
            parts += _words_of(item)
        elif (call := _read_call(item, body, number)) is not None:
            parts.append(call)
        else:
            broken = True
    finish = read_finish(reason, called=any(isinstance(part, Call) for part in parts))
    if broken and finish is not Finish.LENGTH:
        return MALFORMED
    if parts or broken or (reason != FILTERED and may_be_empty(reason, usage)):
        return Reply(parts, finish, usage)
    return REFUSED if reason == FILTERED else EMPTY


def _decoded(body: bytes) -> Answer | Failure:
    """Return an answer that is over and has an output, perhaps an empty one."""
    try:
        answer = decode_answer(body)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        whole = mended(body)
        return _decoded(whole) if whole != body else MALFORMED
    if present(answer.error) or answer.status == "failed":
        return read_in_band("", body)
    if answer.output is None:
        return MALFORMED
    return answer if answer.status in _ENDED else TRUNCATED


def _words_of(item: Item) -> list[Text | Thinking | Refusal | Call]:
    """Return what an item says; nothing where other dialects do not know it."""
    if item.type == "reasoning":
        thoughts = thoughts_of(item)
        return [Thinking(thoughts)] if thoughts else []
    words: list[Text | Thinking | Refusal | Call] = []
    if item.type == "message":
        for part in item.content or ():
            if part.text:
                words.append(Text(part.text))
            elif part.refusal:
                words.append(Refusal(part.refusal))
    return words


def _read_call(item: Item, body: bytes, number: int) -> Call | None:
    """Read a call; None: it names no tool, or its arguments are no object."""
    arguments = call_arguments(item).strip() or "{}"
    try:
        _decode_object(arguments)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not item.name:
        return None
    return Call(item.call_id or item.id or made_id(body, number), item.name, arguments)

"""The wire shape that whole answers and pieces of streams share in OpenAI's dialect."""

from typing import Final, cast

from msgspec import DecodeError, Raw, Struct
from msgspec.json import Decoder, Encoder

from .content import ABSENT, Content

FAILED_FINISHES: Final = {
    "error": "server_error",
    "insufficient_system_resource": "overloaded",
    "abort": "server_error",
}
"""Finish reasons that mean the opposite; value: the failure's detail."""

_CONTENT_FIELDS: Final = Content.__struct_fields__


class Choice(Struct, gc=False):
    """One choice: a whole message, or the next delta."""

    index: int | None = 0
    delta: Content | None = None
    message: Content | None = None
    finish_reason: str | None = None
    error: Raw = ABSENT


class GroqExtra(Struct, gc=False):
    """What Groq says beside the choices."""

    error: Raw = ABSENT
    usage: Raw = ABSENT


class Answer(Struct, gc=False):
    """A chunk of a stream, or a whole answer."""

    choices: list[Choice] | None = None
    usage: Raw = ABSENT
    error: Raw = ABSENT
    x_groq: GroqExtra | None = None


decode: Final = Decoder(Answer).decode
"""Raises `msgspec.ValidationError` where `read_loosely` may still understand."""

_decode_any: Final = Decoder(object).decode
_encode: Final = Encoder().encode


def read_loosely(payload: bytes) -> Answer | None:
    """Read an answer some of whose fields have types of their own; None: it is none.

    A server that invents a type for a field still answers: what it says there counts as content
    if it is not empty.
    """
    try:
        value = _decode_any(payload)
        return _answer(cast("dict[str, object]", value)) if isinstance(value, dict) else None
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _answer(fields: dict[str, object]) -> Answer | None:
    choices = fields.get("choices")
    if choices is not None and not isinstance(choices, list):
        return None
    return Answer(
        choices=None if choices is None else [_choice(c) for c in cast("list[object]", choices)],
        usage=Raw(_encode(fields["usage"])) if "usage" in fields else ABSENT,
        error=_raw(fields.get("error")),
    )


def _choice(value: object) -> Choice:
    fields = _fields(value)
    index = fields.get("index")
    finish = fields.get("finish_reason")
    return Choice(
        index=index if isinstance(index, int) else 0,
        delta=_content(fields.get("delta")),
        message=_content(fields.get("message")),
        finish_reason=str(finish) if finish else None,
        error=_raw(fields.get("error")),
    )


def _content(value: object) -> Content:
    fields = _fields(value)
    return Content("".join(str(fields[key]) for key in _CONTENT_FIELDS if fields.get(key)))


def _raw(value: object) -> Raw:
    return Raw(_encode(value)) if value else ABSENT


def _fields(value: object) -> dict[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}

"""Reads what a server of OpenAI's dialect means, also where it invents types of its own."""

from collections.abc import Iterator
from typing import Final, cast

from msgspec import DecodeError, Raw, Struct, ValidationError
from msgspec.json import Decoder, Encoder

from ..neutral import Finish
from ..surrogates import mended
from .answer import Answer, Choice, decode
from .content import ABSENT, Call, Content, Function, Part, Present

_QUOTE: Final = ord('"')
_UNSAID: Final = frozenset({b"", b"null", b"false"})

_FINISHES: Final = {
    "length": Finish.LENGTH,
    "model_length": Finish.LENGTH,  # Quirk: Mistral's word for the end of the window.
    "max_tokens": Finish.LENGTH,
    "tool_calls": Finish.TOOL_CALLS,
    "function_call": Finish.TOOL_CALLS,
    "content_filter": Finish.CONTENT_FILTER,
}


class _Google(Struct, gc=False):
    thought_signature: str = ""


class _Extra(Struct, gc=False):
    google: _Google | None = None


_decode_any: Final = Decoder(object).decode
_decode_text: Final = Decoder(str).decode
_decode_extra: Final = Decoder(_Extra).decode
_encode: Final = Encoder().encode


def read_answer(payload: bytes) -> Answer | None:
    """Read a chunk or a whole answer; None: it is none.

    Half a surrogate pair becomes U+FFFD. Where a field has a type of its own, texts in objects
    and lists are found, and a call is a call whether it stands in a list or alone.
    """
    try:
        return decode(payload)
    except ValidationError:
        return read_loosely(payload)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        whole = mended(payload)
        return None if whole == payload else read_answer(whole)


def read_loosely(payload: bytes) -> Answer | None:
    """Read an answer some of whose fields have types of their own; None: it is none.

    A server that invents a type for a field still answers: what it says there counts as content
    if it is not empty.
    """
    try:
        fields = _fields(_decode_any(mended(payload)))
        choices = fields.get("choices")
        if not fields or not (choices is None or isinstance(choices, list)):
            return None
        known = [_choice(_fields(one)) for one in _list(fields.get("choices"))]
        return Answer(
            choices=None if choices is None else known,
            usage=Raw(_encode(fields["usage"])) if "usage" in fields else ABSENT,
            error=_raw(fields.get("error")),
        )
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return None


def read_finish(word: str, *, called: bool) -> Finish:
    """Read why an answer ended; a word that nobody knows is a plain stop.

    Args:
        word: The wire's finish reason.
        called: The answer holds a call. Quirk: some servers say `stop` then, as Ollama does.
    """
    finish = _FINISHES.get(word, Finish.STOP)
    if called:
        return Finish.TOOL_CALLS if finish is Finish.STOP else finish
    return Finish.STOP if finish is Finish.TOOL_CALLS else finish


def thoughts_of(content: Content) -> str:
    """Return the reasoning that a message or a delta shows, in whichever field."""
    plain = content.reasoning_content or content.reasoning or ""
    if isinstance(content.content, list):
        # Quirk: Mistral's content is a list where the model thinks.
        return plain + "".join(
            [_flat(part.thinking) for part in content.content if part.type == "thinking"]
        )
    return plain


def text_of(content: Content) -> str:
    """Return the words of a message or a delta."""
    text = content.content
    if isinstance(text, list):
        return "".join([part.text for part in text if part.text and part.type != "thinking"])
    return text or ""


def calls_of(content: Content) -> list[Call]:
    """Return the calls of a message or a delta, the deprecated one among them."""
    calls = content.tool_calls or []
    if content.function_call is None:
        return calls
    return [*calls, Call(index=-1, function=content.function_call)]


def arguments_of(function: Function) -> str:
    """Return the JSON text of arguments, or the next characters of it.

    Quirk: Mistral may send an object in place of a string.
    """
    raw = bytes(function.arguments)
    if not raw or raw == b"null":
        return ""
    if raw[0] != _QUOTE:
        return raw.decode("utf-8", "replace")
    try:
        return _decode_text(raw)
    except (DecodeError, UnicodeDecodeError):
        return _mended_text(raw.decode("utf-8", "replace"))


def signature_of(call: Call) -> str:
    """Return Gemini's thought signature of a call; empty: there is none."""
    if call.extra_content is ABSENT:
        return ""
    try:
        extra = _decode_extra(call.extra_content)
    except (DecodeError, UnicodeDecodeError):
        return ""
    return extra.google.thought_signature if extra.google is not None else ""


def _mended_text(raw: str) -> str:
    try:
        return _decode_text(mended(raw.encode()))
    except DecodeError:
        return raw


def _choice(fields: dict[str, object]) -> Choice:
    index, finish = fields.get("index"), fields.get("finish_reason")
    return Choice(
        index=index if isinstance(index, int) else 0,
        delta=_content(_fields(fields.get("delta"))),
        message=_content(_fields(fields.get("message"))),
        finish_reason=str(finish) if finish else None,
        logprobs=Present() if fields.get("logprobs") else None,
        error=_raw(fields.get("error")),
    )


def _content(fields: dict[str, object]) -> Content:
    content, calls = fields.get("content"), fields.get("tool_calls")
    thoughts = fields.get("reasoning_content") or fields.get("reasoning")
    function = _fields(fields.get("function_call"))
    role = fields.get("role")
    return Content(
        role=role if isinstance(role, str) else None,
        content=content if isinstance(content, str) else [_part(part) for part in _list(content)],
        reasoning_content="".join(_texts(thoughts)),
        refusal="".join(_texts(fields.get("refusal"))),
        tool_calls=[_call(_fields(call)) for call in _list(calls)],
        function_call=_function(function) if function else None,
        audio=_raw(fields.get("audio")),
        images=_raw(fields.get("images")),
        annotations=[Present() for _ in _list(fields.get("annotations"))],
    )


def _part(value: object) -> Part:
    fields = _fields(value)
    if fields.get("type") == "thinking":
        return Part("thinking", thinking=Raw(_encode(fields.get("thinking"))))
    return Part("text", "".join(_texts(fields.get("text") if fields else value)))


def _call(fields: dict[str, object]) -> Call:
    index, call_id = fields.get("index"), fields.get("id")
    function = fields.get("function")
    extra = fields.get("extra_content")
    return Call(
        index=index if isinstance(index, int) else None,
        id=None if call_id is None else str(call_id),
        function=_function(_fields(function)) if function else None,
        custom=_raw(fields.get("custom")),
        extra_content=_raw(extra),
    )


def _function(fields: dict[str, object]) -> Function:
    name = fields.get("name")
    arguments = Raw(_encode(fields["arguments"])) if "arguments" in fields else ABSENT
    return Function(str(name) if name else None, arguments)


def _flat(raw: Raw) -> str:
    """Join the texts of a value that may be a string, a part, or a list of parts."""
    if bytes(raw) in _UNSAID:
        return ""
    try:
        return "".join(_texts(_decode_any(mended(bytes(raw)))))
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return ""


def _texts(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case int() | float() if not isinstance(value, bool):
            yield str(value)
        case list():
            for one in cast("list[object]", value):
                yield from _texts(one)
        case dict():
            fields = cast("dict[str, object]", value)
            yield from _texts(fields.get("text"))
        case _:
            pass


def _list(value: object) -> list[object]:
    """Return a list's values; a value alone is a list of one, nothing is none."""
    if isinstance(value, list):
        return cast("list[object]", value)
    return [value] if value else []


def _fields(value: object) -> dict[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def _raw(value: object) -> Raw:
    return Raw(_encode(value)) if value else ABSENT

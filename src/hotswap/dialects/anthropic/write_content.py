"""Conversations, written as messages of Anthropic's dialect."""

from base64 import b64decode
from collections.abc import Iterator, Sequence
from typing import Final, assert_never

from msgspec import DecodeError, Raw
from msgspec.json import Decoder

from ...errors import RefusedError
from ..api import UnableError
from ..neutral import (
    Audio,
    Call,
    File,
    Image,
    Part,
    Refusal,
    Result,
    Role,
    Text,
    Thinking,
    Turn,
    Video,
)
from ..turns import settled
from .ids import is_plain, wire_id

MAX_MARKS: Final = 4
"""So many marks for the cache does Anthropic take."""
MAX_NAME: Final = 128
_IMAGES: Final = {
    "image/jpeg": "image/jpeg",
    "image/jpg": "image/jpeg",
    "image/png": "image/png",
    "image/gif": "image/gif",
    "image/webp": "image/webp",
}
"""Media types, by what callers say."""
_PDF: Final = "application/pdf"
_WORDS: Final = ("text/", "application/json", "application/xml")
"""Documents that are text, whatever they are called."""
_CACHED: Final = {"type": "ephemeral"}
_ADDRESSES: Final = ("https://", "http://")
_NO_INPUT: Final = Raw(b"{}")

_decode_object: Final = Decoder(dict[str, Raw]).decode

Fields = dict[str, object]


def spoken(turns: Sequence[Turn]) -> list[Turn]:
    """Return the turns as Anthropic takes them: see `settled`; text of mere space goes as well."""
    return settled([_without_blanks(turn) for turn in turns])


def is_name(name: str) -> bool:
    """Say whether a tool may be called so."""
    return is_plain(name) and len(name) <= MAX_NAME


def wire_name(name: str) -> str:
    """Return the name of a tool that was called, as Anthropic takes it."""
    return name if is_name(name) else wire_id(name)[-MAX_NAME:]


class ContentWriter:
    """Writes the parts of one conversation.

    Ids of calls become what Anthropic takes, and unique: callers of other dialects may use one
    again in a later turn.
    """

    __slots__ = ("_ids", "_marks", "_open")

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self._open: Iterator[str] = iter(())
        self._marks = MAX_MARKS

    def system(self, parts: Sequence[Text]) -> str | list[Fields]:
        """Write the system prompt: as blocks only where a part is marked for the cache."""
        if any(part.cached for part in parts):
            return [self._text(part) for part in parts]
        return "\n\n".join([part.text for part in parts])

    def messages(self, turns: Sequence[Turn]) -> list[Fields]:
        """Write turns that are settled."""
        return [self._message(turn) for turn in turns]

    def _message(self, turn: Turn) -> Fields:
        parts = turn.parts
        if len(parts) == 1:
            only = parts[0]
            if isinstance(only, Text) and not only.cached:
                return {"role": turn.role, "content": only.text}
        return self._user(turn) if turn.role is Role.USER else self._assistant(turn)

    def _user(self, turn: Turn) -> Fields:
        blocks = [
            self._result(part) if isinstance(part, Result) else self._shown(part)
            for part in turn.parts
        ]
        return {"role": "user", "content": _short(blocks)}

    def _assistant(self, turn: Turn) -> Fields:
        ids = self._new_ids(turn)
        self._ids.update(ids)
        self._open = iter(ids)
        named = iter(ids)
        blocks = [
            _call(part, next(named)) if isinstance(part, Call) else self._said(part)
            for part in turn.parts
        ]
        return {"role": "assistant", "content": _short(blocks)}

    def _new_ids(self, turn: Turn) -> list[str]:
        ids: list[str] = []
        for part in turn.parts:
            if isinstance(part, Call):
                first = made = wire_id(part.id)
                number = 1
                while made in self._ids or made in ids:
                    number += 1
                    made = f"{first}_{number}"
                ids.append(made)
        return ids

    def _said(self, part: Part) -> Fields:
        """Write what an assistant may say; it shows nothing."""
        match part:
            case Text():
                return self._text(part)
            case Refusal(text):
                return {"type": "text", "text": text}
            case Image():
                raise UnableError("images")
            case File():
                raise UnableError("files")
            case _:
                return self._shown(part)

    def _shown(self, part: Part) -> Fields:
        match part:
            case Text():
                return self._text(part)
            case Image():
                return _image(part)
            case File():
                return _document(part)
            case Refusal(text):
                return {"type": "text", "text": text}
            case Audio():
                raise UnableError("audio")
            case Video():
                raise UnableError("video")
            case Call() | Result() | Thinking():
                # `settled` leaves none: calls are the assistant's, results the user's.
                raise UnableError("misplaced_part")
            case _:
                assert_never(part)

    def _text(self, part: Text) -> Fields:
        fields: Fields = {"type": "text", "text": part.text}
        if part.cached and self._marks:
            self._marks -= 1
            fields["cache_control"] = _CACHED
        return fields

    def _result(self, part: Result) -> Fields:
        """Write a result; they stand in the order of their calls."""
        fields: Fields = {"type": "tool_result", "tool_use_id": next(self._open)}
        blocks = [
            self._shown(inner)
            for inner in part.parts
            if not (isinstance(inner, Text) and not inner.text.strip())
        ]
        if blocks:
            fields["content"] = _short(blocks)
        if part.failed:
            fields["is_error"] = True
        return fields


def _without_blanks(turn: Turn) -> Turn:
    for part in turn.parts:
        if isinstance(part, Text) and not part.text.strip():
            break
    else:
        return turn
    kept = [part for part in turn.parts if not (isinstance(part, Text) and not part.text.strip())]
    return Turn(turn.role, kept, turn.name)


def _short(blocks: list[Fields]) -> str | list[Fields]:
    """Return the text of a single block that is nothing else."""
    if len(blocks) == 1 and len(blocks[0]) == 2:
        text = blocks[0].get("text")
        if isinstance(text, str):
            return text
    return blocks


def _call(part: Call, made: str) -> Fields:
    arguments = part.arguments.strip()
    if arguments:
        try:
            _decode_object(arguments)
        except (DecodeError, RecursionError):
            raise RefusedError(
                400,
                "invalid_tool_arguments",
                f"The arguments of the call {part.id!r} of {part.name!r} are no JSON object.",
                param="messages",
            ) from None
    value = Raw(arguments.encode()) if arguments else _NO_INPUT
    return {"type": "tool_use", "id": made, "name": wire_name(part.name), "input": value}


def _image(part: Image) -> Fields:
    if part.data:
        media_type = _IMAGES.get(part.media_type.lower())
        if media_type is None:
            raise UnableError("images")
        source = {"type": "base64", "media_type": media_type, "data": part.data}
    elif part.url.startswith(_ADDRESSES):
        source = {"type": "url", "url": part.url}
    else:
        raise UnableError("images")
    return {"type": "image", "source": source}


def _document(part: File) -> Fields:
    fields: Fields = {"type": "document", "source": _source(part)}
    if part.name:
        fields["title"] = part.name
    return fields


def _source(part: File) -> dict[str, str]:
    media_type = part.media_type.partition(";")[0].strip().lower()
    if part.data and media_type == _PDF:
        return {"type": "base64", "media_type": _PDF, "data": part.data}
    if part.data and media_type.startswith(_WORDS):
        try:
            words = b64decode(part.data, validate=True).decode()
        except ValueError:
            raise UnableError("files") from None
        return {"type": "text", "media_type": "text/plain", "data": words}
    if part.url.startswith(_ADDRESSES) and media_type in {_PDF, ""}:
        return {"type": "url", "url": part.url}
    raise UnableError("files")

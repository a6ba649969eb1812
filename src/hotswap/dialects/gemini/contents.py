"""The conversation: Gemini's `contents` to turns and back."""

from collections.abc import Sequence
from typing import Final

from msgspec import DecodeError, Raw, Struct, ValidationError
from msgspec.json import Decoder, Encoder

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
from ..openai.content import ABSENT, present
from .answer import FunctionCall, made_id
from .parts import is_reference, read_media, write_media
from .request import wrong
from .spelling import camel_fields

FOREIGN_SIGNATURE: Final = "skip_thought_signature_validator"
"""Documented stand-in for the signature of a call that Gemini did not make."""

FILE_REFERENCE: Final = "file_id"
PROVIDER_TOOLS: Final = "server_tools"
UNKNOWN_PART: Final = "unknown_part"

_ROLES: Final = {
    "user": Role.USER,
    "model": Role.ASSISTANT,
    "function": Role.USER,
    "tool": Role.USER,
    "system": Role.SYSTEM,
}
_QUOTE: Final = ord('"')


class _Response(Struct, gc=False):
    id: str | None = None
    name: str | None = None
    response: Raw = ABSENT
    parts: list[Raw] | None = None


class _Part(Struct, rename="camel", gc=False, forbid_unknown_fields=True):
    """A part in camelCase; whatever else a caller sends goes through `_loose_part`."""

    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    inline_data: Raw = ABSENT
    file_data: Raw = ABSENT
    function_call: FunctionCall | None = None
    function_response: _Response | None = None
    executable_code: Raw = ABSENT
    code_execution_result: Raw = ABSENT
    tool_call: Raw = ABSENT
    tool_response: Raw = ABSENT
    video_metadata: Raw = ABSENT
    media_resolution: Raw = ABSENT
    part_metadata: Raw = ABSENT


class _Content(Struct, gc=False):
    role: str | None = None
    parts: list[_Part] | None = None


class _LooseContent(Struct, gc=False):
    role: str | None = None
    parts: list[Raw] | None = None


_PART_FIELDS: Final = frozenset(_Part.__struct_encode_fields__)

_decode_contents: Final = Decoder(list[_Content]).decode
_decode_loose_contents: Final = Decoder(list[_LooseContent]).decode
_decode_loose_content: Final = Decoder(_LooseContent).decode
_decode_raws: Final = Decoder(list[Raw]).decode
_decode_part: Final = Decoder(_Part).decode
_decode_fields: Final = Decoder(dict[str, Raw]).decode
_decode_text: Final = Decoder(str).decode
_encode: Final = Encoder().encode


class Conversation:
    """Reads the turns of a request.

    Calls without an id get one, and results without an id that of the first open call of their
    name: older Gemini models tell calls apart by order alone.
    """

    __slots__ = ("_calls", "_open", "native", "turns")

    def __init__(self) -> None:
        self._calls = 0
        self._open: list[Call] = []
        self.turns: list[Turn] = []
        self.native: list[str] = []
        """What only Gemini understands, in words of `neutral.Request.native`."""

    def read_system(self, raw: Raw) -> None:
        """Read the system instruction: words, parts, or a content that holds them."""
        match bytes(raw)[:1]:
            case b'"':
                parts: list[Part] = [Text(_decode_text(raw))]
            case b"[":
                parts = self._parts([self._loose_part(part) for part in _decode_raws(raw)])
            case _:
                inner = _decode_loose_content(raw).parts
                given = (raw,) if inner is None else inner
                parts = self._parts([self._loose_part(part) for part in given])
        if parts:
            self.turns.append(Turn(Role.SYSTEM, parts))

    def read(self, raw: Raw) -> None:
        """Read the contents."""
        for content in self._contents(raw):
            role = _ROLES.get(content.role or "user")
            if role is None:
                raise wrong("contents[].role", "'user' or 'model'")
            self.turns.append(Turn(role, self._parts(content.parts or ())))

    def _contents(self, raw: Raw) -> list[_Content]:
        try:
            return _decode_contents(raw)
        except ValidationError:
            return [
                _Content(content.role, [self._loose_part(part) for part in content.parts or ()])
                for content in _decode_loose_contents(raw)
            ]

    def _loose_part(self, raw: Raw) -> _Part:
        """Decode a part with names in either spelling; a field that nobody knows is noted."""
        fields = camel_fields(_decode_fields(raw))
        known = {name: value for name, value in fields.items() if name in _PART_FIELDS}
        if fields and not known:
            self.native.append(UNKNOWN_PART)
        return _decode_part(_encode(known))

    def _parts(self, parts: Sequence[_Part]) -> list[Part]:
        return [part for wire in parts if (part := self._part(wire)) is not None]

    def _part(self, wire: _Part) -> Part | None:
        if wire.text is not None:
            if wire.thought:
                return Thinking(wire.text, wire.thought_signature or "")
            return Text(wire.text)
        if wire.function_call is not None:
            return self._call(wire.function_call, wire.thought_signature or "")
        if wire.function_response is not None:
            return self._result(wire.function_response)
        media = read_media(wire.inline_data, wire.file_data)
        if media is None:
            self._note_executed(wire)
        elif is_reference(media):
            self.native.append(FILE_REFERENCE)
        return media

    def _call(self, wire: FunctionCall, signature: str) -> Call:
        name = wire.name or ""
        arguments = bytes(wire.args).decode() if present(wire.args) else "{}"
        if not arguments.startswith("{"):
            raise wrong("contents.parts.functionCall.args", "an object")
        ident = wire.id or made_id(self._calls, name, arguments)
        self._calls += 1
        call = Call(ident, name, arguments, signature)
        self._open.append(call)
        return call

    def _result(self, wire: _Response) -> Result:
        name = wire.name or ""
        ident = wire.id or ""
        for call in self._open:
            if call.id == ident or (not ident and call.name == name):
                self._open.remove(call)
                ident, name = call.id, call.name
                break
        text, failed = _outcome(wire.response)
        parts: list[Text | Image | Audio | File | Video] = [Text(text)] if text else []
        for raw in wire.parts or ():
            part = self._loose_part(raw)
            media = read_media(part.inline_data, part.file_data)
            if media is not None:
                parts.append(media)
        return Result(ident or made_id(self._calls, name, text), parts, name, failed)

    def _note_executed(self, wire: _Part) -> None:
        """Note what Google itself executed."""
        executed = (
            wire.executable_code,
            wire.code_execution_result,
            wire.tool_call,
            wire.tool_response,
        )
        if any(present(raw) for raw in executed):
            self.native.append(PROVIDER_TOOLS)


def _outcome(raw: Raw) -> tuple[str, bool]:
    """Return what a tool returned, as text, and whether it failed.

    By agreement `output` or `error` hold it (the SDK says `result`); anything else is all of it.
    """
    if not present(raw):
        return "", False
    fields = _decode_fields(raw)
    if len(fields) == 1:
        name, value = next(iter(fields.items()))
        if name in {"output", "result", "error"}:
            return _text_of(value), name == "error"
    return bytes(raw).decode(), False


def _text_of(raw: Raw) -> str:
    text = bytes(raw)
    return _decode_text(text) if text[0] == _QUOTE else text.decode()


def write_contents(turns: Sequence[Turn]) -> list[dict[str, object]]:
    """Write settled turns; raises `UnableError` for what cannot be said."""
    return [
        {
            "role": "model" if turn.role is Role.ASSISTANT else "user",
            "parts": _written(turn),
        }
        for turn in turns
    ]


def _written(turn: Turn) -> list[dict[str, object]]:
    parts: list[dict[str, object]] = []
    called = False
    for part in turn.parts:
        match part:
            case Text() | Refusal():
                parts.append({"text": part.text})
            case Call():
                # Newer models demand the signature of the first call of each step.
                parts.append(_written_call(part, "" if called else FOREIGN_SIGNATURE))
                called = True
            case Result():
                parts.append(_written_result(part))
            case Thinking():
                pass
            case _:
                parts.append(write_media(part))
    return parts


def _written_call(call: Call, signature: str) -> dict[str, object]:
    arguments = call.arguments.strip() or "{}"
    try:
        _decode_fields(arguments)
    except (DecodeError, UnicodeEncodeError, RecursionError):
        raise UnableError("call_arguments") from None
    wire: dict[str, object] = {"name": call.name, "args": Raw(arguments.encode())}
    if call.id:
        wire["id"] = call.id
    part: dict[str, object] = {"functionCall": wire}
    if call.signature or signature:
        part["thoughtSignature"] = call.signature or signature
    return part


def _written_result(result: Result) -> dict[str, object]:
    text = "".join(part.text for part in result.parts if isinstance(part, Text))
    wire: dict[str, object] = {
        "name": result.name,
        "response": {"error" if result.failed else "output": text},
    }
    if result.call_id:
        wire["id"] = result.call_id
    media = [write_media(part) for part in result.parts if not isinstance(part, Text)]
    if media:
        wire["parts"] = media
    return {"functionResponse": wire}

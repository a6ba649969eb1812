"""The input of the Responses dialect, read into neutral turns."""

from collections.abc import Sequence
from typing import Final

from msgspec import DecodeError, Raw, Struct
from msgspec.json import Decoder

from ..neutral import Audio, Call, File, Image, Part, Refusal, Result, Role, Text, Turn
from ..openai.content import ABSENT, Function, present
from ..openai.fields import decoded, refused
from ..openai.loose import arguments_of

_ROLES: Final = {
    "user": Role.USER,
    "assistant": Role.ASSISTANT,
    "system": Role.SYSTEM,
    "developer": Role.SYSTEM,
}
_CUSTOM: Final = frozenset({"custom_tool_call", "custom_tool_call_output"})
_AUDIO_TYPES: Final = {"wav": "audio/wav", "mp3": "audio/mpeg"}
_DATA: Final = "data:"
_BASE64: Final = ";base64"


class Conversation(Struct, frozen=True):
    """What the input says."""

    turns: Sequence[Turn]
    native: Sequence[str]
    """What only this dialect can do, as `Request.native`."""


class _Sound(Struct, gc=False):
    data: str
    format: str = "wav"


class _Part(Struct, gc=False):
    type: str
    text: str | None = None
    refusal: str | None = None
    image_url: str | None = None
    detail: str | None = None
    file_id: str | None = None
    file_data: str | None = None
    file_url: str | None = None
    filename: str | None = None
    input_audio: _Sound | None = None
    prompt_cache_breakpoint: Raw = ABSENT


class _Typed(Struct, gc=False):
    type: str | None = None
    role: str | None = None
    id: str | None = None


class _Message(Struct, gc=False):
    role: str
    content: str | list[_Part] | None = None


class _Call(Struct, gc=False):
    name: str
    call_id: str | None = None
    id: str | None = None
    arguments: Raw = ABSENT


class _Output(Struct, gc=False):
    call_id: str | None = None
    output: str | list[_Part] | None = None


_decode: Final = Decoder(str | list[Raw] | None).decode
_decode_type: Final = Decoder(_Typed).decode
_decode_message: Final = Decoder(_Message).decode
_decode_call: Final = Decoder(_Call).decode
_decode_output: Final = Decoder(_Output).decode
_decode_object: Final = Decoder(dict[str, Raw]).decode


def read_input(given: Raw) -> Conversation:
    """Read the input; raises `RefusedError` (400) that names the place.

    What an assistant said and called in a row is one turn, and so are results in a row. Reasoning
    is left out: only its maker can read it.
    """
    wire = decoded(given, "input", _decode)
    if isinstance(wire, str):
        return Conversation((Turn(Role.USER, (Text(wire),)),), ())
    reading = _Reading()
    for number, raw in enumerate(wire or ()):
        reading.take(raw, f"input[{number}]")
    return Conversation(reading.turns, tuple(reading.native))


class _Reading:
    """Takes item after item."""

    __slots__ = ("_results", "native", "turns")

    def __init__(self) -> None:
        self.turns: list[Turn] = []
        self.native: list[str] = []
        self._results = False
        """The last turn holds results only, and takes more of them."""

    def take(self, raw: Raw, at: str) -> None:
        """Read one item."""
        head = decoded(raw, at, _decode_type)
        kind = head.type or ("message" if head.role else "item_reference")
        if kind == "message":
            self._message(decoded(raw, at, _decode_message), at)
        elif kind == "function_call":
            self._add(Role.ASSISTANT, [_call(decoded(raw, at, _decode_call), at)])
        elif kind == "function_call_output":
            self._result(decoded(raw, at, _decode_output), at)
        elif kind == "item_reference":
            self.native.append(kind)
        elif kind != "reasoning":
            self.native.append("custom_tools" if kind in _CUSTOM else "server_tools")

    def _message(self, message: _Message, at: str) -> None:
        role = _ROLES.get(message.role)
        if role is None:
            raise refused(f"{at}.role", "must be user, assistant, system or developer")
        parts = self._parts(message.content, f"{at}.content")
        if role is Role.SYSTEM and not all(isinstance(part, Text) for part in parts):
            raise refused(f"{at}.content", "may hold only text in a system message")
        self._add(role, parts)

    def _result(self, output: _Output, at: str) -> None:
        if not output.call_id:
            raise refused(f"{at}.call_id", "must name a call")
        parts = [
            part
            for part in self._parts(output.output, f"{at}.output")
            if isinstance(part, Text | Image | Audio | File)
        ]
        result = Result(output.call_id, tuple(parts))
        if self._results:
            last = self.turns[-1]
            self.turns[-1] = Turn(last.role, (*last.parts, result))
        else:
            self.turns.append(Turn(Role.USER, (result,)))
            self._results = True

    def _add(self, role: Role, parts: Sequence[Part]) -> None:
        last = self.turns[-1] if self.turns else None
        if role is Role.ASSISTANT and last is not None and last.role is role:
            self.turns[-1] = Turn(role, (*last.parts, *parts))
        else:
            self.turns.append(Turn(role, tuple(parts)))
        self._results = False

    def _parts(self, content: str | list[_Part] | None, at: str) -> list[Part]:
        if isinstance(content, str):
            return [Text(content)]
        found = [self._part(part, f"{at}[{place}]") for place, part in enumerate(content or ())]
        return [part for part in found if part is not None]

    def _part(self, part: _Part, at: str) -> Part | None:
        if part.type in {"input_text", "output_text", "text"} and part.text is not None:
            return Text(part.text, cached=present(part.prompt_cache_breakpoint))
        if part.type == "refusal" and part.refusal is not None:
            return Refusal(part.refusal)
        if part.type == "input_audio" and part.input_audio is not None:
            return _audio(part.input_audio, f"{at}.input_audio.format")
        if part.type not in {"input_image", "input_file"}:
            raise refused(at, f"holds nothing known by the type {part.type[:32]!r}")
        if part.file_id:
            self.native.append("file_id")
            return None
        return _image(part, at) if part.type == "input_image" else _file(part, at)


class _Data(Struct, gc=False):
    media_type: str
    base64: str


def _data_url(url: str, at: str) -> _Data:
    head, comma, data = url[len(_DATA) :].partition(",")
    media_type, base64, _ = head.lower().partition(_BASE64)
    if not (comma and base64 and data):
        raise refused(at, "must be an address or a data URL in base64")
    return _Data(media_type.partition(";")[0], data)


def _image(part: _Part, at: str) -> Image:
    url, detail = part.image_url or "", part.detail or ""
    if url.startswith(_DATA):
        data = _data_url(url, f"{at}.image_url")
        return Image(data.media_type, data.base64, detail=detail)
    if not url:
        raise refused(f"{at}.image_url", "must be an address or a data URL in base64")
    return Image(url=url, detail=detail)


def _file(part: _Part, at: str) -> File:
    name = part.filename or ""
    if part.file_url:
        return File(url=part.file_url, name=name)
    text = part.file_data or ""
    data = (
        _data_url(text, f"{at}.file_data")
        if text.startswith(_DATA)
        else _Data("application/pdf", text)
    )
    if not data.base64:
        raise refused(f"{at}.file_data", "must hold the file in base64")
    return File(data.media_type, data.base64, name=name)


def _audio(wire: _Sound, at: str) -> Audio:
    media_type = _AUDIO_TYPES.get(wire.format)
    if media_type is None:
        raise refused(at, "must be wav or mp3")
    return Audio(media_type, wire.data)


def _call(wire: _Call, at: str) -> Call:
    call_id = wire.call_id or wire.id
    if not call_id:
        raise refused(f"{at}.call_id", "is missing")
    arguments = arguments_of(Function(arguments=wire.arguments)).strip() or "{}"
    try:
        _decode_object(arguments)
    except (DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise refused(f"{at}.arguments", "must be a string that holds a JSON object") from error
    return Call(call_id, wire.name, arguments)

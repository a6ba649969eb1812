"""Conversations of OpenAI's chat, read into neutral turns."""

from collections.abc import Mapping, Sequence
from typing import Final, cast

from msgspec import DecodeError, Raw, Struct
from msgspec.json import Decoder

from ..neutral import Audio, Call, File, Image, Part, Refusal, Result, Role, Text, Turn, Video
from ..surrogates import mended
from .content import ABSENT, present
from .fields import decoded, refused

_AUDIO_TYPES: Final = {"wav": "audio/wav", "mp3": "audio/mpeg"}
_DATA: Final = "data:"
_BASE64: Final = ";base64"
_NO_OBJECT: Final = "must be a string that holds a JSON object"
_ROLES: Final[Mapping[str, Role]] = {
    "user": Role.USER,
    "assistant": Role.ASSISTANT,
    "system": Role.SYSTEM,
    "developer": Role.SYSTEM,
}


class Conversation(Struct, frozen=True):
    """What the messages say."""

    turns: Sequence[Turn]
    native: Sequence[str]
    """What only this dialect can do, as `Request.native`."""


class _Url(Struct, gc=False):
    url: str
    detail: str | None = None


class _Sound(Struct, gc=False):
    data: str
    format: str = "wav"


class _File(Struct, gc=False):
    file_data: str | None = None
    file_id: str | None = None
    filename: str | None = None


class _Part(Struct, gc=False):
    type: str
    text: str | None = None
    refusal: str | None = None
    image_url: str | _Url | None = None
    video_url: str | _Url | None = None
    input_audio: _Sound | None = None
    file: _File | None = None
    cache_control: Raw = ABSENT
    prompt_cache_breakpoint: Raw = ABSENT


class _Function(Struct, gc=False):
    name: str
    arguments: Raw = ABSENT


class _Google(Struct, gc=False):
    thought_signature: str | None = None


class _Extra(Struct, gc=False):
    google: _Google | None = None


class _Call(Struct, gc=False):
    id: str | None = None
    type: str | None = None
    function: _Function | None = None
    extra_content: _Extra | None = None


class _Message(Struct, gc=False):
    role: str
    content: str | list[_Part] | None = None
    name: str | None = None
    refusal: str | None = None
    tool_calls: list[_Call] | None = None
    tool_call_id: str | None = None
    function_call: _Function | None = None
    audio: Raw = ABSENT


_decode: Final = Decoder(list[_Message]).decode
_decode_text: Final = Decoder(str).decode
_decode_object: Final = Decoder(dict[str, Raw]).decode


def read_turns(messages: Raw) -> Conversation:
    """Read the messages; raises `RefusedError` (400) that names the place."""
    wire = decoded(messages, "messages", _decode)
    if not wire:
        raise refused("messages", "must hold at least one message")
    reading = _Reading()
    for number, message in enumerate(wire):
        role = _ROLES.get(message.role)
        if role is not None and _is_plain(message):
            content = cast("str", message.content)
            reading.turns.append(Turn(role, (Text(content),), message.name or ""))
        else:
            reading.take(message, f"messages[{number}]", number)
    return Conversation(reading.turns, reading.native)


def _is_plain(message: _Message) -> bool:
    """Say whether a message is one string and nothing more, as most are."""
    return (
        type(message.content) is str
        and message.tool_calls is None
        and message.function_call is None
        and message.refusal is None
        and message.audio is ABSENT
    )


class _Reading:
    """Takes message after message."""

    __slots__ = ("_functions", "native", "turns")

    def __init__(self) -> None:
        self.turns: list[Turn] = []
        self.native: list[str] = []
        self._functions: dict[str, str] = {}
        """Ids that were given to deprecated calls, by the function's name."""

    def take(self, message: _Message, at: str, number: int) -> None:
        match message.role:
            case "user":
                turn = Turn(Role.USER, self._parts(message, at), message.name or "")
            case "assistant":
                turn = self._answer(message, at, number)
            case "system" | "developer":
                parts = self._parts(message, at)
                if not all(isinstance(part, Text) for part in parts):
                    raise refused(f"{at}.content", "may hold only text in a system message")
                turn = Turn(Role.SYSTEM, parts, message.name or "")
            case "tool":
                turn = self._result(message, at, message.tool_call_id or "")
            case "function":
                call_id = self._functions.get(message.name or "", "")
                turn = self._result(message, at, call_id)
            case _:
                raise refused(f"{at}.role", "must be system, developer, user, assistant or tool")
        self.turns.append(turn)

    def _answer(self, message: _Message, at: str, number: int) -> Turn:
        parts: list[Part] = [*self._parts(message, at)]
        if message.refusal:
            parts.append(Refusal(message.refusal))
        if message.tool_calls:
            for place, call in enumerate(message.tool_calls):
                if call.type == "function" or call.type is None:
                    parts.append(_call(call, at, place))
                else:
                    self.native.append("custom_tools")
        function = message.function_call
        if function is not None:
            call_id = self._functions[function.name] = f"call_{number}"
            arguments = _arguments(function.arguments)
            if arguments is None:
                raise refused(f"{at}.function_call.arguments", _NO_OBJECT)
            parts.append(Call(call_id, function.name, arguments))
        if present(message.audio):
            self.native.append("audio_output")
        return Turn(Role.ASSISTANT, tuple(parts), message.name or "")

    def _result(self, message: _Message, at: str, call_id: str) -> Turn:
        if not call_id:
            param = "tool_call_id" if message.role == "tool" else "name"
            raise refused(f"{at}.{param}", "must name a call")
        name = message.name or ""
        if isinstance(message.content, str):
            return Turn(Role.USER, (Result(call_id, (Text(message.content),), name),))
        parts = [
            part
            for part in self._parts(message, at)
            if isinstance(part, Text | Image | Audio | File | Video)
        ]
        return Turn(Role.USER, (Result(call_id, tuple(parts), name),))

    def _parts(self, message: _Message, at: str) -> tuple[Part, ...]:
        content = message.content
        if content is None:
            return ()
        if isinstance(content, str):
            return (Text(content),)
        parts = [
            self._part(part, f"{at}.content[{place}]")
            for place, part in enumerate(content)
            if part.type != "thinking"
        ]
        return tuple([part for part in parts if part is not None])

    def _part(self, part: _Part, at: str) -> Part | None:
        match part.type:
            case "text" if part.text is not None:
                marked = present(part.cache_control) or present(part.prompt_cache_breakpoint)
                return Text(part.text, cached=marked)
            case "image_url" if part.image_url is not None:
                return _image(part.image_url, f"{at}.image_url.url")
            case "input_audio" if part.input_audio is not None:
                return _audio(part.input_audio, f"{at}.input_audio.format")
            case "file" if part.file is not None:
                return self._file(part.file, f"{at}.file.file_data")
            case "video_url" if part.video_url is not None:
                return _video(part.video_url, f"{at}.video_url.url")
            case "refusal" if part.refusal is not None:
                return Refusal(part.refusal)
            case _:
                raise refused(at, f"holds nothing known by the type {part.type[:32]!r}")

    def _file(self, file: _File, at: str) -> File | None:
        if file.file_id:
            self.native.append("file_id")
            return None
        name = file.filename or ""
        text = file.file_data or ""
        if text.startswith(("https://", "http://")):
            return File(url=text, name=name)
        data = _data_url(text, at) if text.startswith(_DATA) else _Data("application/pdf", text)
        if not data.base64:
            raise refused(at, "must hold the file in base64")
        return File(data.media_type, data.base64, name=name)


class _Data(Struct, gc=False):
    media_type: str
    base64: str


def _data_url(url: str, at: str) -> _Data:
    head, comma, data = url[len(_DATA) :].partition(",")
    media_type, base64, _ = head.lower().partition(_BASE64)
    if not (comma and base64 and data):
        raise refused(at, "must be an address or a data URL in base64")
    return _Data(media_type.partition(";")[0], data)


def _image(wire: str | _Url, at: str) -> Image:
    url, detail = (wire, None) if isinstance(wire, str) else (wire.url, wire.detail)
    if url.startswith(_DATA):
        data = _data_url(url, at)
        return Image(data.media_type, data.base64, detail=detail or "")
    if not url:
        raise refused(at, "must be an address or a data URL in base64")
    return Image(url=url, detail=detail or "")


def _video(wire: str | _Url, at: str) -> Video:
    url = wire if isinstance(wire, str) else wire.url
    if url.startswith(_DATA):
        data = _data_url(url, at)
        return Video(data.media_type, data.base64)
    return Video("video/mp4", url=url)


def _audio(wire: _Sound, at: str) -> Audio:
    media_type = _AUDIO_TYPES.get(wire.format)
    if media_type is None:
        raise refused(at, "must be wav or mp3")
    return Audio(media_type, wire.data)


def _call(call: _Call, at: str, place: int) -> Call:
    function = call.function
    if function is None:
        raise refused(f"{at}.tool_calls[{place}].function", "is missing")
    if not call.id:
        raise refused(f"{at}.tool_calls[{place}].id", "is missing")
    arguments = _arguments(function.arguments)
    if arguments is None:
        raise refused(f"{at}.tool_calls[{place}].function.arguments", _NO_OBJECT)
    return Call(call.id, function.name, arguments, _signature(call))


def _signature(call: _Call) -> str:
    extra = call.extra_content
    return (extra.google.thought_signature or "") if extra and extra.google else ""


def _arguments(raw: Raw) -> str | None:
    """Return the JSON text of a call's arguments, an empty object for none; None: unreadable.

    An object in place of a string is taken too.
    """
    if not present(raw):
        return "{}"
    try:
        wire = bytes(raw)
        if not wire.startswith(b"{"):
            wire = _decode_text(mended(wire) if b"\\u" in wire else wire).encode()
        # The string may hold halves of its own.
        text = (mended(wire) if b"\\u" in wire else wire).decode()
        _decode_object(text or "{}")
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return text or "{}"

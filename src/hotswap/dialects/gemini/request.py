"""Requests of Gemini's dialect: what must be known of them, and their way to Gemini."""

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import parse_qs

from msgspec import DecodeError, Raw, Struct, field
from msgspec.json import Decoder, Encoder

from ...core.terms import Needs, Target
from ...errors import RefusedError
from ..api import Peek
from ..openai.content import ABSENT, present
from ..openai.request import BYTES_PER_TOKEN, MEDIA_TOKENS, missing, read_fields, whole
from .address import STREAM, split_path
from .spelling import camel, camel_fields, camel_name

_NULL_BYTES: Final = len(b"null")
_SAMPLING: Final = frozenset({"temperature", "topP", "topK"})

_encode: Final = Encoder().encode
_decode_fields: Final = Decoder(dict[str, Raw]).decode


class _Blob(Struct, gc=False):
    mime: str | None = field(default=None, name="mimeType")
    mime_type: str | None = None


class _Response(Struct, gc=False):
    parts: list["_Part"] | None = None


class _Part(Struct, gc=False):
    inline: Raw = field(default=ABSENT, name="inlineData")
    inline_data: Raw = ABSENT
    file: Raw = field(default=ABSENT, name="fileData")
    file_data: Raw = ABSENT
    response: _Response | None = field(default=None, name="functionResponse")
    function_response: _Response | None = None


class _Content(Struct, gc=False):
    parts: list[_Part] | None = None


class _Counted(Struct, gc=False):
    """What `countTokens` may wrap the request in."""

    contents: Raw = ABSENT


class _ToolConfig(Struct, gc=False):
    calling: Raw = field(default=ABSENT, name="functionCallingConfig")


class _Calling(Struct, gc=False):
    mode: str | None = None


class _Thinking(Struct, rename="camel", gc=False):
    thinking_level: str | None = None
    thinking_budget: int | None = None


_decode_blob: Final = Decoder(_Blob).decode
_decode_contents: Final = Decoder(list[_Content]).decode
_decode_counted: Final = Decoder(_Counted).decode
_decode_tool_config: Final = Decoder(_ToolConfig).decode
_decode_calling: Final = Decoder(_Calling).decode
_decode_thinking: Final = Decoder(_Thinking, strict=False).decode
_decode_number: Final = Decoder(int | None, strict=False).decode
_decode_text: Final = Decoder(str | None).decode


def read_peek(body: bytes, path: str, query: str) -> Peek:
    """Read what the line needs; raises `RefusedError`."""
    name, action = split_path(path) or ("", "")
    if not name:
        raise missing("model")
    fields = read_fields(body)
    named = camel_fields(fields)
    contents = named.get("contents") or _counted(named)
    if contents is None:
        raise missing("contents")
    config = _object("generationConfig", named.get("generationConfig"))
    stream = action == STREAM
    return Peek(
        name,
        stream,
        usage_asked=True,
        needs=_needs(contents, named, config, len(body)),
        fields=fields,
        array=stream and not _wants_events(query),
        sampled=bool(_SAMPLING & config.keys()),
        stops=_given(config, "stopSequences"),
        action=action,
    )


def pass_body(request: Peek, target: Target) -> bytes:
    """Write the body for `target`: as it came, without a model, with the target's overrides."""
    fields = dict(request.fields)
    fields.pop("model", None)
    return _encode(overridden(fields, target))


def overridden(fields: Mapping[str, object], target: Target) -> Mapping[str, object]:
    """Return a body's fields with the target's overrides, whichever way both are spelled."""
    if not target.overrides:
        return fields
    overrides = _decode_fields(target.overrides)
    replaced = {camel_name(name) for name in overrides}
    kept = {name: value for name, value in fields.items() if camel_name(name) not in replaced}
    more = {name: value for name, value in overrides.items() if name not in {"model", "stream"}}
    return {**kept, **more}


def wrong(param: str, expected: str) -> RefusedError:
    """Return the refusal of a field whose value is not what was expected."""
    return RefusedError(400, "invalid_type", f"{param!r} must be {expected}.", param=param)


def _wants_events(query: str) -> bool:
    if query == "alt=sse":
        return True
    asked = parse_qs(query)
    return "sse" in asked.get("alt", ()) or "sse" in asked.get("$alt", ())


def _counted(fields: Mapping[str, Raw]) -> Raw | None:
    raw = fields.get("generateContentRequest")
    if raw is None:
        return None
    try:
        contents = _decode_counted(raw).contents
    except (DecodeError, UnicodeDecodeError):
        raise wrong("generateContentRequest", "an object") from None
    return None if contents is ABSENT else contents


def _object(param: str, raw: Raw | None) -> dict[str, Raw]:
    """Return an object's fields in camelCase; none where it is absent or null."""
    if not raw or not present(raw):
        return {}
    try:
        return camel_fields(_decode_fields(raw))
    except (DecodeError, UnicodeDecodeError):
        raise wrong(param, "an object") from None


def _needs(
    contents: Raw, fields: Mapping[str, Raw], config: Mapping[str, Raw], body_bytes: int
) -> Needs:
    media = _Media()
    try:
        for content in _decode_contents(contents):
            if content.parts:
                media.look_into(content.parts)
        tokens = int((body_bytes - media.size) / BYTES_PER_TOKEN) + media.count * MEDIA_TOKENS
        schema = _given(config, "responseSchema") or _given(config, "responseJsonSchema")
        modalities = bytes(config["responseModalities"]) if "responseModalities" in config else b""
        return Needs(
            images=media.images,
            audio=media.audio or b'"audio"' in modalities.lower(),
            video=media.video,
            files=media.files,
            tools=_given(fields, "tools"),
            forced_tool=_forces(fields.get("toolConfig")),
            json_object=not schema and _mime_type(config) == "application/json",
            json_schema=schema,
            several=_above_one(config.get("candidateCount")),
            logprobs=config.get("responseLogprobs") == Raw(b"true"),
            reasoning=_reasons(config.get("thinkingConfig")),
            prompt_tokens=tokens,
            output_tokens=whole(config.get("maxOutputTokens")),
        )
    except (DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RefusedError(400, "invalid_type", f"The request cannot be read: {error}.") from None


class _Media:
    """What the parts of the conversation hold besides text."""

    __slots__ = ("audio", "count", "files", "images", "size", "video")

    def __init__(self) -> None:
        self.images = self.audio = self.video = self.files = False
        self.count = self.size = 0

    def look_into(self, parts: Sequence[_Part]) -> None:
        for part in parts:
            for raw in (part.inline, part.inline_data, part.file, part.file_data):
                if len(raw) > _NULL_BYTES:
                    self._see(raw)
            response = part.response or part.function_response
            if response is not None and response.parts:
                self.look_into(response.parts)

    def _see(self, raw: Raw) -> None:
        blob = _decode_blob(raw)
        kind = (blob.mime or blob.mime_type or "").partition("/")[0]
        self.count += 1
        self.size += len(raw)
        match kind:
            case "image":
                self.images = True
            case "audio":
                self.audio = True
            case "video":
                self.video = True
            case _:
                self.files = True


def _given(fields: Mapping[str, Raw], key: str) -> bool:
    raw = fields.get(key)
    return raw is not None and present(raw)


def _forces(raw: Raw | None) -> bool:
    if not raw or not present(raw):
        return False
    calling = _decode_tool_config(camel(raw)).calling
    return present(calling) and _decode_calling(calling).mode == "ANY"


def _mime_type(config: Mapping[str, Raw]) -> str:
    raw = config.get("responseMimeType")
    return (_decode_text(raw) or "") if raw else ""


def _above_one(raw: Raw | None) -> bool:
    return raw is not None and (_decode_number(raw) or 1) > 1


def _reasons(raw: Raw | None) -> bool:
    if not raw or not present(raw):
        return False
    thinking = _decode_thinking(camel(raw))
    return bool(thinking.thinking_level) or (thinking.thinking_budget or 0) != 0

"""Requests of OpenAI's dialect: what must be known of them, and their way to a provider."""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import DecodeError, Raw, Struct, ValidationError
from msgspec.json import Decoder, Encoder

from ...core.terms import Needs, Target
from ...errors import RefusedError
from ..api import Peek
from ..surrogates import mended
from .kinds import Kind, kind_named

BYTES_PER_TOKEN: Final = 3.6
"""Of prompts in JSON, across languages; an estimate that errs on the high side."""
MEDIA_TOKENS: Final = 1000
"""Estimate for an image, sound or file, whose bytes say nothing of its tokens."""

_ABSENT: Final = Raw()
_TRUE: Final = Raw(b"true")
_NULL: Final = Raw(b"null")
_WITH_USAGE: Final = Raw(b'{"include_usage":true}')
_WITH_USAGE_UNPADDED: Final = Raw(b'{"include_usage":true,"include_obfuscation":false}')
_DIGITS: Final = 10
_OPENING_BRACKET: Final = ord("[")
_OPENING_BRACE: Final = ord("{")

_encode: Final = Encoder().encode
_decode_fields: Final = Decoder(dict[str, Raw]).decode
_decode_text: Final = Decoder(str).decode
_decode_flag: Final = Decoder(bool | None).decode
_decode_number: Final = Decoder(int | None).decode

_TELLING: Final = frozenset(
    {
        "audio",
        "function_call",
        "functions",
        "logprobs",
        "n",
        "reasoning_effort",
        "response_format",
        "tool_choice",
        "tools",
    }
)
"""Fields that may ask more of a target than text."""

SAMPLING: Final = frozenset({"temperature", "top_p"})
"""What reasoning models refuse, even at its default."""

_KINDS_OF_VALUE: Final = {
    "model": "a non-empty string",
    "stream": "a boolean",
    "messages": "an array of messages",
    "input": "a string or an array",
}


class _Message(Struct, gc=False):
    content: Raw = _ABSENT


class _Part(Struct, gc=False):
    type: str = ""
    image_url: Raw = _ABSENT
    input_audio: Raw = _ABSENT
    file: Raw = _ABSENT


class _Format(Struct, gc=False):
    type: str = ""


_decode_messages: Final = Decoder(list[_Message]).decode
_decode_parts: Final = Decoder(list[_Part]).decode
_decode_format: Final = Decoder(_Format | None).decode


def read_fields(body: bytes) -> dict[str, Raw]:
    """Return the top-level fields; raises `RefusedError`.

    Of a repeated field the last value counts, and only that one travels on. Half a surrogate
    pair becomes U+FFFD.
    """
    try:
        return _decode_fields(body)
    except (DecodeError, UnicodeDecodeError, RecursionError) as error:
        if b"\\u" in body:
            whole = mended(body)
            if whole != body:
                return read_fields(whole)
        if isinstance(error, ValidationError):
            raise _refused("The body must be a JSON object.") from None
        raise _refused(f"The body is not valid JSON: {error}.") from None


def read_model(fields: Mapping[str, Raw]) -> str:
    """Return the name that the caller asks for; raises `RefusedError`."""
    raw = fields.get("model")
    if raw is None:
        raise missing("model")
    try:
        name = _decode_text(raw)
    except (DecodeError, UnicodeDecodeError):
        raise wrong("model") from None
    if not name:
        raise wrong("model")
    return name


def read_stream(fields: Mapping[str, Raw]) -> bool:
    """Say whether the answer shall be streamed; raises `RefusedError`."""
    raw = fields.get("stream")
    if raw is None:
        return False
    try:
        return _decode_flag(raw) is True
    except DecodeError:
        raise wrong("stream") from None


def read_usage_asked(fields: Mapping[str, Raw]) -> bool:
    """Say whether the caller wants the usage event of its stream."""
    raw = fields.get("stream_options")
    if raw is None:
        return False
    return _options(raw).get("include_usage") == _TRUE


def read_needs(fields: Mapping[str, Raw], body_bytes: int) -> Needs:
    """Read what a chat request asks of a target; raises `RefusedError`."""
    messages = fields.get("messages")
    if messages is None:
        raise missing("messages")
    media = _Media()
    try:
        for message in _decode_messages(messages):
            content = message.content
            if content and memoryview(content)[0] == _OPENING_BRACKET:
                media.look_into(content)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        raise wrong("messages") from None
    count = media.count
    tokens = int((body_bytes - media.size) / BYTES_PER_TOKEN) + count * MEDIA_TOKENS
    answer = whole(fields.get("max_completion_tokens") or fields.get("max_tokens"))
    if _TELLING.isdisjoint(fields):
        return Needs(
            images=media.images,
            audio=media.audio,
            files=media.files,
            prompt_tokens=tokens,
            output_tokens=answer,
        )
    form = _form(fields.get("response_format"))
    return Needs(
        images=media.images,
        audio=media.audio or _given(fields, "audio"),
        files=media.files,
        tools=_given(fields, "tools") or _given(fields, "functions"),
        forced_tool=_forces(fields.get("tool_choice")) or _forces(fields.get("function_call")),
        json_object=form == "json_object",
        json_schema=form == "json_schema",
        several=_above_one(fields.get("n")),
        logprobs=fields.get("logprobs") == _TRUE,
        reasoning=_given(fields, "reasoning_effort")
        and bytes(fields["reasoning_effort"]) != b'"none"',
        prompt_tokens=tokens,
        output_tokens=answer,
    )


def pass_chat(request: Peek, target: Target, kind_name: str) -> tuple[bytes, Sequence[str]]:
    """Write a chat request for `target`; return with it the fields that were left out."""
    kind = kind_named(kind_name)
    fields, left_out = rewrite(request, target, kind)
    if request.stream:
        _ask_for_usage(fields, kind)
    if not kind.developer:
        messages = bytes(fields["messages"])
        if b'"developer"' in messages:
            # Quotes inside JSON strings are escaped, so these bytes can only be a field.
            messages = messages.replace(b'"role":"developer"', b'"role":"system"')
            messages = messages.replace(b'"role": "developer"', b'"role": "system"')
            fields["messages"] = Raw(messages)
    return _encode(fields), left_out


def pass_embeddings(request: Peek, target: Target, kind_name: str) -> bytes:
    """Write an embeddings request for `target`."""
    return _encode(rewrite(request, target, kind_named(kind_name))[0])


def write_minimal(target: Target, fields: Mapping[str, object]) -> bytes:
    """Write a small request of our own; the target's overrides add fields, they replace none."""
    whole: dict[str, object] = {"model": target.model, **fields}
    if target.overrides:
        whole = {**_decode_fields(target.overrides), **whole}
    return _encode(whole)


def whole(raw: Raw | None) -> int:
    """Return a whole number from 0 on; 0: there is none, or it is something else."""
    digits = bytes(raw) if raw else b""
    return int(digits) if len(digits) < _DIGITS and digits.isdigit() else 0


def missing(param: str) -> RefusedError:
    """Return the refusal of a request without a required field."""
    return RefusedError(
        400, "missing_required_parameter", f"Missing required parameter: {param!r}.", param=param
    )


def wrong(param: str) -> RefusedError:
    """Return the refusal of a field whose value has the wrong type."""
    return RefusedError(
        400, "invalid_type", f"{param!r} must be {_KINDS_OF_VALUE[param]}.", param=param
    )


def _refused(message: str) -> RefusedError:
    return RefusedError(400, "invalid_request", message)


def rewrite(request: Peek, target: Target, kind: Kind) -> tuple[dict[str, Raw], Sequence[str]]:
    """Return the fields for `target`: as the caller sent them, in their order, with its model.

    What the target is known to answer with a 400 although it only colours the answer is left out,
    and returned by name.
    """
    fields = dict(request.fields)
    left_out: Sequence[str] = ()
    refused = kind.drops if target.abilities.sampling else kind.drops | SAMPLING
    if not refused.isdisjoint(fields):
        left_out = [name for name in fields if name in refused]
        for name in left_out:
            del fields[name]
    if target.overrides:
        overrides = _decode_fields(target.overrides)
        overrides.pop("stream", None)
        fields.update(overrides)
    fields["model"] = Raw(_encode(target.model))
    for old, new in kind.renames.items():
        if old in fields:
            fields = _renamed(fields, old, new)
    if kind.new_limit and not target.abilities.sampling and "max_tokens" in fields:
        if "max_completion_tokens" in fields:
            del fields["max_tokens"]
        else:
            fields = _renamed(fields, "max_tokens", "max_completion_tokens")
    return fields, left_out


class _Media:
    """What the parts of the messages hold besides text."""

    __slots__ = ("audio", "count", "files", "images", "size")

    def __init__(self) -> None:
        self.images = self.audio = self.files = False
        self.count = self.size = 0

    def look_into(self, content: Raw) -> None:
        for part in _decode_parts(content):
            if part.type == "text":
                continue
            self.images |= bool(part.image_url)
            self.audio |= bool(part.input_audio)
            self.files |= bool(part.file)
            size = len(part.image_url) + len(part.input_audio) + len(part.file)
            if size:
                self.count += 1
                self.size += size


def _options(raw: Raw) -> dict[str, Raw]:
    """Return the caller's stream options; whatever is no object counts as none."""
    try:
        return _decode_fields(raw)
    except DecodeError:
        return {}


def _ask_for_usage(fields: dict[str, Raw], kind: Kind) -> None:
    if not kind.stream_options:
        fields.pop("stream_options", None)
        return
    theirs = fields.get("stream_options")
    if theirs is None:
        fields["stream_options"] = _WITH_USAGE_UNPADDED if kind.obfuscation else _WITH_USAGE
        return
    options = _options(theirs)
    options["include_usage"] = _TRUE
    if kind.obfuscation:
        options.setdefault("include_obfuscation", Raw(b"false"))
    fields["stream_options"] = Raw(_encode(options))


def _renamed(fields: dict[str, Raw], old: str, new: str) -> dict[str, Raw]:
    """Rename a field in its place; it replaces one that has the new name already."""
    value = fields[old]
    fields.pop(new, None)
    return {new if key == old else key: value if key == old else fields[key] for key in fields}


def _given(fields: Mapping[str, Raw], key: str) -> bool:
    raw = fields.get(key)
    return raw is not None and raw != _NULL and len(raw) > 2


def _forces(raw: Raw | None) -> bool:
    """Say whether a tool choice leaves the model no choice but to call one."""
    if not raw:
        return False
    value = bytes(raw)
    return value[0] == _OPENING_BRACE or value in {b'"required"', b'"any"'}


def _form(raw: Raw | None) -> str:
    """Return the type of a response format; empty: none is asked for."""
    if not raw:
        return ""
    try:
        wanted = _decode_format(raw)
    except (DecodeError, UnicodeDecodeError):
        return ""
    return wanted.type if wanted is not None else ""


def _above_one(raw: Raw | None) -> bool:
    if not raw:
        return False
    try:
        return (_decode_number(raw) or 1) > 1
    except DecodeError:
        return False

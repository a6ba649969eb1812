"""Requests of Anthropic's dialect: what must be known of them, and their way to a provider."""

from collections.abc import Mapping
from typing import Final

from msgspec import DecodeError, Raw, Struct
from msgspec.json import Decoder, Encoder

from ...core.terms import Needs, Target
from ...errors import RefusedError
from ..api import Outgoing, Peek
from ..openai.request import BYTES_PER_TOKEN, MEDIA_TOKENS, read_fields, whole

PATH: Final = "/v1/messages"
COUNT_PATH: Final = "/v1/messages/count_tokens"

OLD_VERSION: Final = b"2023-06-01"
"""The last version under which sampling parameters are taken."""
NEW_VERSION: Final = b"2026-10-21"
SAMPLING: Final = ("temperature", "top_p", "top_k")

_NULL: Final = b"null"
_OPENING_BRACKET: Final = ord("[")
_TELLING: Final = frozenset({"output_config", "output_format", "thinking", "tool_choice", "tools"})
"""Fields that may ask more of a target than text."""

_encode: Final = Encoder().encode
_decode_fields: Final = Decoder(dict[str, Raw]).decode
_decode_text: Final = Decoder(str).decode
_decode_flag: Final = Decoder(bool | None).decode
_decode_number: Final = Decoder(int).decode


class _Message(Struct, gc=False):
    content: Raw = Raw()


class _Block(Struct, gc=False):
    type: str = ""
    source: Raw = Raw()
    content: Raw = Raw()


class _Kind(Struct, gc=False):
    """Any object of which the type says enough."""

    type: str = ""


class _OutputConfig(Struct, gc=False):
    effort: str | None = None
    format: Raw = Raw()


_decode_messages: Final = Decoder(list[_Message]).decode
_decode_blocks: Final = Decoder(list[_Block]).decode
_decode_turns: Final = Decoder(list[dict[str, Raw]]).decode
_decode_kind: Final = Decoder(_Kind | None).decode
_decode_output: Final = Decoder(_OutputConfig | None).decode


def read_peek(body: bytes, path: str) -> Peek:
    """Read what the line needs; raises `RefusedError`."""
    fields = read_fields(body)
    model = _read_model(fields)
    stream = _read_stream(fields)
    if path != COUNT_PATH:
        _check_limit(fields)
    return Peek(
        model,
        stream,
        usage_asked=True,
        needs=_read_needs(fields, body),
        fields=fields,
        stops=given(fields, "stop_sequences"),
    )


def _read_needs(fields: Mapping[str, Raw], body: bytes) -> Needs:
    """Read what a request asks of a target; raises `RefusedError`."""
    messages = fields.get("messages")
    if messages is None:
        raise missing("messages")
    if memoryview(messages)[0] != _OPENING_BRACKET:
        raise wrong("messages", "a valid list")
    media = _Media()
    # Quotes inside JSON strings are escaped, so these bytes can only be a field.
    if b'"source"' in body:
        try:
            for message in _decode_messages(messages):
                media.look_into(message.content)
        except (DecodeError, UnicodeDecodeError, RecursionError):
            raise wrong("messages", "a valid list of messages") from None
    tokens = int((len(body) - media.size) / BYTES_PER_TOKEN) + media.count * MEDIA_TOKENS
    answer = whole(fields.get("max_tokens"))
    if _TELLING.isdisjoint(fields):
        return Needs(
            images=media.images, files=media.files, prompt_tokens=tokens, output_tokens=answer
        )
    output = _read_output(fields)
    return Needs(
        images=media.images,
        files=media.files,
        tools=given(fields, "tools"),
        forced_tool=_kind_of(fields, "tool_choice") in {"any", "tool"},
        json_schema=_is_given(output.format) or given(fields, "output_format"),
        reasoning=bool(output.effort) or _kind_of(fields, "thinking") not in {"", "disabled"},
        prompt_tokens=tokens,
        output_tokens=answer,
    )


def pass_fields(request: Peek, target: Target) -> Outgoing:
    """Write the request for `target`: as it came, but for its model and what cannot be taken.

    Thinking without a signature goes: a gateway translated it from another maker. Sampling
    parameters go where the target refuses them.
    """
    fields = dict(request.fields)
    refused = () if target.abilities.sampling else SAMPLING
    notices = [name for name in refused if fields.pop(name, None) is not None]
    messages = fields.get("messages")
    if messages is not None and b'"thinking"' in bytes(messages):
        fields["messages"] = _without_foreign_thinking(messages)
    if target.overrides:
        overrides = _decode_fields(target.overrides)
        overrides.pop("stream", None)
        fields.update(overrides)
    fields["model"] = Raw(_encode(target.model))
    return Outgoing(PATH, _encode(fields), notices=notices)


def version_line(fields: Mapping[str, object]) -> bytes:
    """Return the header line of the newest version that takes these fields of a body."""
    sampled = any(name in fields for name in SAMPLING)
    return b"anthropic-version: %b\r\n" % (OLD_VERSION if sampled else NEW_VERSION)


def given(fields: Mapping[str, Raw], name: str) -> bool:
    """Say whether a field is there and neither null nor an empty list."""
    return name in fields and _is_given(fields[name])


def missing(param: str) -> RefusedError:
    """Return the refusal of a request without a required field."""
    return RefusedError(400, "missing_required_parameter", f"{param}: Field required", param=param)


def wrong(param: str, kind: str) -> RefusedError:
    """Return the refusal of a field whose value has the wrong type."""
    return RefusedError(400, "invalid_type", f"{param}: Input should be {kind}", param=param)


def _read_model(fields: Mapping[str, Raw]) -> str:
    raw = fields.get("model")
    if raw is None:
        raise missing("model")
    try:
        name = _decode_text(raw)
    except (DecodeError, UnicodeDecodeError):
        raise wrong("model", "a valid string") from None
    if not name:
        raise wrong("model", "a string of at least 1 character")
    return name


def _read_stream(fields: Mapping[str, Raw]) -> bool:
    raw = fields.get("stream")
    if raw is None:
        return False
    try:
        return _decode_flag(raw) is True
    except DecodeError:
        raise wrong("stream", "a valid boolean") from None


def _check_limit(fields: Mapping[str, Raw]) -> None:
    raw = fields.get("max_tokens")
    if raw is None:
        raise missing("max_tokens")
    try:
        limit = _decode_number(raw)
    except DecodeError:
        raise wrong("max_tokens", "a valid integer") from None
    if limit < 0:
        raise wrong("max_tokens", "greater than or equal to 0")


def _read_output(fields: Mapping[str, Raw]) -> _OutputConfig:
    raw = fields.get("output_config")
    try:
        return (_decode_output(raw) if raw else None) or _OutputConfig()
    except (DecodeError, UnicodeDecodeError):
        raise wrong("output_config", "a valid dictionary") from None


def _kind_of(fields: Mapping[str, Raw], name: str) -> str:
    """Return the type of an object; empty: there is none."""
    raw = fields.get(name)
    try:
        found = _decode_kind(raw) if raw else None
    except (DecodeError, UnicodeDecodeError):
        raise wrong(name, "a valid dictionary") from None
    return found.type if found is not None else ""


def _is_given(raw: Raw) -> bool:
    return bool(raw) and bytes(raw) != _NULL and bytes(raw) != b"[]"


class _Media:
    """What the blocks of the messages hold besides text."""

    __slots__ = ("count", "files", "images", "size")

    def __init__(self) -> None:
        self.images = self.files = False
        self.count = self.size = 0

    def look_into(self, content: Raw) -> None:
        if not content or memoryview(content)[0] != _OPENING_BRACKET:
            return
        for block in _decode_blocks(content):
            if block.type == "tool_result":
                self.look_into(block.content)
            elif block.type in {"image", "document"}:
                self.images |= block.type == "image"
                self.files |= block.type == "document"
                self.count += 1
                self.size += len(block.source)


def _without_foreign_thinking(messages: Raw) -> Raw:
    """Return the messages without thinking that has no signature; untouched where all have."""
    try:
        turns = _decode_turns(messages)
        kept = [_signed(turn) for turn in turns]
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return messages  # The provider says it better.
    if all(new is old for new, old in zip(kept, turns, strict=True)):
        return messages
    return Raw(_encode([turn for turn in kept if turn is not None]))


def _signed(turn: dict[str, Raw]) -> dict[str, Raw] | None:
    """Return a turn without unsigned thinking, itself where it has none; None: nothing is left."""
    content = turn.get("content")
    if content is None or memoryview(content)[0] != _OPENING_BRACKET:
        return turn
    if b'"thinking"' not in bytes(content):
        return turn
    blocks = _decode_turns(content)
    signed = [block for block in blocks if not _is_foreign(block)]
    if len(signed) == len(blocks):
        return turn
    return {**turn, "content": Raw(_encode(signed))} if signed else None


def _is_foreign(block: Mapping[str, Raw]) -> bool:
    signature = block.get("signature")
    return block.get("type") == Raw(b'"thinking"') and (
        signature is None or bytes(signature) in {b'""', _NULL}
    )

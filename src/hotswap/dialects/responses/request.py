"""Requests of the Responses dialect: what must be known of them, and their way to a provider."""

from collections.abc import Mapping
from typing import Final

from msgspec import DecodeError, Raw, Struct
from msgspec.json import Decoder, Encoder

from ...core.terms import Needs, Target
from ..api import Outgoing, Peek
from ..openai.content import ABSENT, present
from ..openai.request import (
    BYTES_PER_TOKEN,
    MEDIA_TOKENS,
    missing,
    read_fields,
    read_model,
    read_stream,
    whole,
    wrong,
)

PATH: Final = "/responses"
STORED: Final = ("previous_response_id", "conversation", "prompt")
"""Fields that refer to what lies at a provider; with one of them there may be no input."""
LOGPROBS: Final = "message.output_text.logprobs"
"""What `include` asks for to get logprobs."""

SAMPLING: Final = ("temperature", "top_p")
"""What reasoning models refuse, even at its default."""

_QUOTE: Final = ord('"')
_BRACKET: Final = ord("[")
_BRACE: Final = ord("{")
_NULL: Final = b"null"
_NO_CHOICE: Final = frozenset({b'"required"', b'"any"'})
_NO_REASONING: Final = frozenset({"", "none"})


class _Item(Struct, gc=False):
    content: Raw = ABSENT
    output: Raw = ABSENT


class _Part(Struct, gc=False):
    type: str = ""
    image_url: Raw = ABSENT
    input_audio: Raw = ABSENT
    file_data: Raw = ABSENT


class _Format(Struct, gc=False):
    type: str = ""


class _Text(Struct, gc=False):
    format: _Format | None = None


class _Reasoning(Struct, gc=False):
    effort: str | None = None


class _Choice(Struct, gc=False):
    type: str = ""
    mode: str = ""


_encode: Final = Encoder().encode
_decode_fields: Final = Decoder(dict[str, Raw]).decode
_decode_items: Final = Decoder(list[_Item]).decode
_decode_parts: Final = Decoder(list[_Part]).decode
_decode_text: Final = Decoder(_Text | None).decode
_decode_reasoning: Final = Decoder(_Reasoning | None).decode
_decode_choice: Final = Decoder(_Choice).decode
_decode_history: Final = Decoder(list[dict[str, Raw]]).decode


def read_peek(body: bytes) -> Peek:
    """Read what the line needs; raises `RefusedError` (400) for a body that is no request."""
    fields = read_fields(body)
    return Peek(
        read_model(fields),
        read_stream(fields),
        usage_asked=True,
        needs=_read_needs(fields, len(body)),
        fields=fields,
    )


def pass_fields(request: Peek, target: Target) -> Outgoing:
    """Write the request for `target`: as it came, but for its model and what cannot be taken.

    Reasoning that a gateway translated from another maker goes: no provider knows it. Sampling
    parameters go where the target refuses them.
    """
    fields = dict(request.fields)
    refused = () if target.abilities.sampling else SAMPLING
    notices = [name for name in refused if fields.pop(name, None) is not None]
    history = fields.get("input")
    if history is not None and b'"encrypted_content"' in bytes(history):
        fields["input"] = _without_foreign_reasoning(history)
    if target.overrides:
        overrides = _decode_fields(target.overrides)
        overrides.pop("stream", None)
        fields.update(overrides)
    fields["model"] = Raw(_encode(target.model))
    return Outgoing(PATH, _encode(fields), notices=notices)


def _read_needs(fields: Mapping[str, Raw], body_bytes: int) -> Needs:
    media = _Media()
    given = fields.get("input")
    if given is None or bytes(given) == _NULL:
        if not any(_given(fields, name) for name in STORED):
            raise missing("input")
    else:
        media.look_through(given)
    form = _format_of(fields)
    return Needs(
        images=media.images,
        audio=media.audio,
        files=media.files,
        tools=_given(fields, "tools"),
        forced_tool=_forces(fields.get("tool_choice")),
        json_object=form == "json_object",
        json_schema=form == "json_schema",
        logprobs=_wants_logprobs(fields),
        reasoning=_reasons(fields),
        prompt_tokens=int((body_bytes - media.size) / BYTES_PER_TOKEN) + media.count * MEDIA_TOKENS,
        output_tokens=whole(fields.get("max_output_tokens")),
    )


class _Media:
    """What the items of the input hold besides text."""

    __slots__ = ("audio", "count", "files", "images", "size")

    def __init__(self) -> None:
        self.images = self.audio = self.files = False
        self.count = self.size = 0

    def look_through(self, given: Raw) -> None:
        """Look at the input; raises `RefusedError` where it is none."""
        if _first(given) == _QUOTE:
            return
        try:
            for item in _decode_items(given):
                self._look_into(item.content)
                self._look_into(item.output)
        except (DecodeError, UnicodeDecodeError, RecursionError):
            raise wrong("input") from None

    def _look_into(self, content: Raw) -> None:
        if _first(content) != _BRACKET:
            return
        for part in _decode_parts(content):
            self.images |= part.type == "input_image"
            self.audio |= part.type == "input_audio"
            self.files |= part.type == "input_file"
            size = len(part.image_url) + len(part.input_audio) + len(part.file_data)
            if size:
                self.count += 1
                self.size += size


def _first(raw: Raw) -> int:
    """Return the first byte of a value, by which its type shows; 0: there is none."""
    return memoryview(raw)[0] if raw else 0


def _given(fields: Mapping[str, Raw], name: str) -> bool:
    return name in fields and present(fields[name])


def _forces(raw: Raw | None) -> bool:
    """Say whether a tool choice leaves the model no choice but to call one."""
    if raw is None:
        return False
    if _first(raw) != _BRACE:
        return bytes(raw) in _NO_CHOICE
    try:
        choice = _decode_choice(raw)
    except (DecodeError, UnicodeDecodeError):
        return False
    return choice.type != "allowed_tools" or choice.mode == "required"


def _format_of(fields: Mapping[str, Raw]) -> str:
    raw = fields.get("text")
    if raw is None:
        return ""
    try:
        text = _decode_text(raw)
    except (DecodeError, UnicodeDecodeError):
        return ""
    return text.format.type if text is not None and text.format is not None else ""


def _reasons(fields: Mapping[str, Raw]) -> bool:
    raw = fields.get("reasoning")
    if raw is None:
        return False
    try:
        asked = _decode_reasoning(raw)
    except (DecodeError, UnicodeDecodeError):
        return False
    return asked is not None and (asked.effort or "") not in _NO_REASONING


def _wants_logprobs(fields: Mapping[str, Raw]) -> bool:
    if _given(fields, "top_logprobs") and bytes(fields["top_logprobs"]) != b"0":
        return True
    return LOGPROBS.encode() in bytes(fields.get("include", b""))


def _without_foreign_reasoning(history: Raw) -> Raw:
    """Return the input without reasoning whose proof is empty; untouched where there is none."""
    try:
        items = _decode_history(history)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return history  # The provider says it better.
    kept = [item for item in items if not _is_foreign(item)]
    return Raw(_encode(kept)) if len(kept) < len(items) else history


def _is_foreign(item: Mapping[str, Raw]) -> bool:
    proof = item.get("encrypted_content")
    return proof is not None and bytes(proof) == b'""' and item.get("type") == Raw(b'"reasoning"')

"""The object `generationConfig`, both ways: limits, sampling, form, thinking."""

from collections.abc import Mapping
from typing import Final

from msgspec import Raw, Struct
from msgspec.json import Decoder, Encoder

from ...core.terms import Target
from ..neutral import Format, Image, Reasoning, Request
from ..openai.content import ABSENT, present
from .reasoning import read_thinking, write_thinking
from .schema import read_openapi, stripped
from .spelling import camel_fields

MAX_STOPS: Final = 5
"""Stop sequences that Gemini takes."""

_JSON: Final = "application/json"
_ENUM: Final = "text/x.enum"
_NATIVE_MODALITIES: Final = {"AUDIO": "audio_output", "IMAGE": "image_output"}
_SEED_LIMIT: Final = 2**31
"""Quirk: a seed is a signed integer of 32 bits; a larger one is a 400."""
_RESOLUTIONS: Final = {"low": "MEDIA_RESOLUTION_LOW", "high": "MEDIA_RESOLUTION_HIGH"}


class Config(Struct, rename="camel", gc=False):
    """The fields that have a meaning elsewhere."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    candidate_count: int | None = None
    max_output_tokens: int | None = None
    stop_sequences: list[str] | None = None
    response_logprobs: bool | None = None
    logprobs: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    seed: int | None = None
    response_mime_type: str | None = None
    response_schema: Raw = ABSENT
    response_json_schema: Raw = ABSENT
    response_modalities: list[str] | None = None
    thinking_config: Raw = ABSENT
    speech_config: Raw = ABSENT


_KNOWN: Final = frozenset(Config.__struct_encode_fields__)
_decode: Final = Decoder(Config, strict=False).decode
_decode_fields: Final = Decoder(dict[str, Raw]).decode
_encode: Final = Encoder().encode


def read_config(raw: Raw | None, native: list[str], dropped: list[str]) -> Config:
    """Read the object.

    Args:
        raw: The object; None: there is none.
        native: Gets what only Gemini can do.
        dropped: Gets the names of fields that have no place elsewhere.
    """
    if raw is None or not present(raw):
        return Config()
    fields = camel_fields(_decode_fields(raw))
    dropped += [name for name in fields if name not in _KNOWN]
    config = _decode(_encode(fields))
    modalities = [modality.upper() for modality in config.response_modalities or ()]
    native += [_NATIVE_MODALITIES[word] for word in modalities if word in _NATIVE_MODALITIES]
    if config.response_mime_type == _ENUM:
        native.append("enum_output")
    return config


def read_format(config: Config) -> Format | None:
    """Return the form that the answer shall have; None: plain text."""
    if present(config.response_json_schema):
        return Format(config.response_json_schema)
    if present(config.response_schema):
        return Format(read_openapi(config.response_schema))
    return Format() if config.response_mime_type == _JSON else None


def read_reasoning(config: Config) -> Reasoning | None:
    """Return how much the model shall think; None: nothing is said."""
    return read_thinking(config.thinking_config) if present(config.thinking_config) else None


def write_config(
    request: Request, target: Target, notices: list[str]
) -> tuple[dict[str, object], tuple[str, ...]]:
    """Return the object, and the stop sequences that it cannot hold."""
    abilities = target.abilities
    wire: dict[str, object] = {}
    limit = request.max_tokens
    if limit is not None:
        if 0 < abilities.max_output < limit:
            notices.append("max_tokens")
            limit = abilities.max_output
        wire["maxOutputTokens"] = limit
    _write_sampling(request, wire, notices, sampling=abilities.sampling)
    stops = tuple(stop for stop in request.stop if stop)
    taken = MAX_STOPS if abilities.stop else 0
    if stops[:taken]:
        wire["stopSequences"] = stops[:taken]
    if request.format is not None:
        wire["responseMimeType"] = _JSON
        if request.format.schema is not None:
            wire["responseJsonSchema"], lost = stripped(request.format.schema)
            notices += lost
    thinking = write_thinking(request.reasoning, abilities, limit, notices)
    if thinking:
        wire["thinkingConfig"] = thinking
    if resolution := _resolution(request):
        wire["mediaResolution"] = resolution
    return wire, stops[taken:]


def _write_sampling(
    request: Request, wire: dict[str, object], notices: list[str], *, sampling: bool
) -> None:
    asked: Mapping[str, tuple[str, object]] = {
        "temperature": ("temperature", request.temperature),
        "top_p": ("topP", request.top_p),
        "top_k": ("topK", request.top_k),
        "presence_penalty": ("presencePenalty", request.presence_penalty),
        "frequency_penalty": ("frequencyPenalty", request.frequency_penalty),
    }
    for notice, (name, value) in asked.items():
        if value is None:
            continue
        if sampling:
            wire[name] = value
        else:
            notices.append(notice)
    if request.seed is not None:
        if -_SEED_LIMIT <= request.seed < _SEED_LIMIT:
            wire["seed"] = request.seed
        else:
            notices.append("seed")


def _resolution(request: Request) -> str:
    """Return how closely pictures are looked at, where all of them say the same."""
    details = {
        part.detail for turn in request.turns for part in turn.parts if isinstance(part, Image)
    }
    return _RESOLUTIONS.get(details.pop(), "") if len(details) == 1 else ""

"""Token counts as the servers of OpenAI's dialect report them."""

from typing import Final

from msgspec import DecodeError, Raw, Struct
from msgspec.json import Decoder

from ...core.terms import Usage


class _Details(Struct, gc=False):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None


class _Usage(Struct, gc=False):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _Details | None = None
    completion_tokens_details: _Details | None = None
    prompt_cache_hit_tokens: int | None = None
    """Quirk: DeepSeek's name for cache reads."""
    num_cached_tokens: int | None = None
    """Quirk: Mistral's name for cache reads."""


_NONE: Final = _Details()
_decode: Final = Decoder(_Usage | None).decode


def read_usage(raw: Raw) -> Usage | None:
    """Normalise a usage object; None: there is none, or it can not be read."""
    try:
        wire = _decode(raw) if raw else None
    except (DecodeError, UnicodeDecodeError):
        return None
    if wire is None or (wire.prompt_tokens is None and wire.completion_tokens is None):
        return None
    prompt = wire.prompt_tokens_details or _NONE
    completion = wire.completion_tokens_details or _NONE
    cached = prompt.cached_tokens or wire.prompt_cache_hit_tokens or wire.num_cached_tokens
    return Usage(
        input_tokens=wire.prompt_tokens or 0,
        output_tokens=wire.completion_tokens or 0,
        cache_read_tokens=cached or 0,
        cache_write_tokens=prompt.cache_write_tokens or 0,
        reasoning_tokens=completion.reasoning_tokens or 0,
    )


def write_usage(usage: Usage) -> dict[str, object]:
    """Write a usage object as OpenAI does."""
    prompt = {"cached_tokens": usage.cache_read_tokens}
    if usage.cache_write_tokens:
        prompt["cache_write_tokens"] = usage.cache_write_tokens
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": prompt,
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }

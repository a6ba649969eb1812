"""Token counts as the Responses dialect reports them."""

from typing import Final

from msgspec import DecodeError, Raw, Struct
from msgspec.json import Decoder

from ...core.terms import Usage


class _InputDetails(Struct, gc=False):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class _OutputDetails(Struct, gc=False):
    reasoning_tokens: int | None = None


class _Usage(Struct, gc=False):
    input_tokens: int | None = None
    output_tokens: int | None = None
    input_tokens_details: _InputDetails | None = None
    output_tokens_details: _OutputDetails | None = None


_NO_INPUT: Final = _InputDetails()
_NO_OUTPUT: Final = _OutputDetails()
_decode: Final = Decoder(_Usage | None).decode


def read_usage(raw: Raw) -> Usage | None:
    """Normalise a usage object; None: there is none, or it can not be read."""
    try:
        wire = _decode(raw) if raw else None
    except (DecodeError, UnicodeDecodeError):
        return None
    if wire is None or (wire.input_tokens is None and wire.output_tokens is None):
        return None
    taken = wire.input_tokens_details or _NO_INPUT
    made = wire.output_tokens_details or _NO_OUTPUT
    return Usage(
        input_tokens=wire.input_tokens or 0,
        output_tokens=wire.output_tokens or 0,
        cache_read_tokens=taken.cached_tokens or 0,
        cache_write_tokens=taken.cache_write_tokens or 0,
        reasoning_tokens=made.reasoning_tokens or 0,
    )


def write_usage(usage: Usage | None) -> dict[str, object] | None:
    """Write a usage object as OpenAI does; None: nobody knows it."""
    if usage is None:
        return None
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {
            "cached_tokens": usage.cache_read_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
        },
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }

"""Lists of models and counts of tokens, in the form that each dialect's SDK expects."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from msgspec import Struct
from msgspec.json import encode

from ..dialects.anthropic.messages import write_count as count_for_anthropic
from ..dialects.gemini.generate import write_count as count_for_gemini

EPOCH: Final = "1970-01-01T00:00:00Z"
"""When a chain was made is not known; SDKs want a date."""


class Form(Struct, frozen=True):
    """How one dialect shows models."""

    one: Callable[[str], bytes]
    many: Callable[[Sequence[str]], bytes]


def _openai(name: str) -> dict[str, object]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "hotswap"}


def _anthropic(name: str) -> dict[str, object]:
    return {"type": "model", "id": name, "display_name": name, "created_at": EPOCH}


def _gemini(name: str) -> dict[str, object]:
    methods = ["generateContent", "streamGenerateContent", "countTokens"]
    return {"name": f"models/{name}", "displayName": name, "supportedGenerationMethods": methods}


def _openai_list(names: Sequence[str]) -> bytes:
    return encode({"object": "list", "data": [_openai(name) for name in names]})


def _anthropic_list(names: Sequence[str]) -> bytes:
    first, last = (names[0], names[-1]) if names else (None, None)
    data = [_anthropic(name) for name in names]
    return encode({"data": data, "has_more": False, "first_id": first, "last_id": last})


def _gemini_list(names: Sequence[str]) -> bytes:
    return encode({"models": [_gemini(name) for name in names]})


_OPENAI: Final = Form(lambda name: encode(_openai(name)), _openai_list)
_GEMINI: Final = Form(lambda name: encode(_gemini(name)), _gemini_list)

LISTS: Final[Mapping[str, Form]] = MappingProxyType(
    {
        "openai_chat": _OPENAI,
        "openai_responses": _OPENAI,
        "openai_embeddings": _OPENAI,
        "anthropic": Form(lambda name: encode(_anthropic(name)), _anthropic_list),
        "gemini": _GEMINI,
        "gemini_embeddings": _GEMINI,
    }
)
"""By the name of the caller's dialect."""


def _count_for_responses(tokens: int) -> bytes:
    return encode({"object": "response.input_tokens", "input_tokens": tokens})


COUNTS: Final[Mapping[str, Callable[[int], bytes]]] = MappingProxyType(
    {
        "openai_responses": _count_for_responses,
        "anthropic": count_for_anthropic,
        "gemini": count_for_gemini,
    }
)
"""How a number of tokens is told, by the name of the caller's dialect."""

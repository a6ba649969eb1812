"""Lists of models and counts of tokens, in the form that each dialect's SDK expects."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from ..dialects.anthropic import messages
from ..dialects.gemini import generate
from ..dialects.openai import models


class Form(Struct, frozen=True):
    """How one dialect shows models; the number is when they were made, in Unix seconds."""

    one: Callable[[str, int], bytes]
    many: Callable[[Sequence[str], int], bytes]


_OPENAI: Final = Form(models.write_model, models.write_models)
_GEMINI: Final = Form(generate.write_model, generate.write_models)

LISTS: Final[Mapping[str, Form]] = MappingProxyType(
    {
        "openai_chat": _OPENAI,
        "openai_responses": _OPENAI,
        "openai_embeddings": _OPENAI,
        "anthropic": Form(messages.write_model, messages.write_models),
        "gemini": _GEMINI,
        "gemini_embeddings": _GEMINI,
    }
)
"""By the name of the caller's dialect."""


def _count_for_responses(tokens: int) -> bytes:
    return b'{"object":"response.input_tokens","input_tokens":%d}' % tokens


COUNTS: Final[Mapping[str, Callable[[int], bytes]]] = MappingProxyType(
    {
        "openai_responses": _count_for_responses,
        "anthropic": messages.write_count,
        "gemini": generate.write_count,
    }
)
"""How a number of tokens is told, by the name of the caller's dialect."""

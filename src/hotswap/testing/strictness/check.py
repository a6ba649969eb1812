"""From the kind of a provider to the check of its requests."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from ..step import Check, Seen, Step
from . import anthropic, chat, gemini, mistral, responses

_Find = Callable[[Seen, bool], str | Step]
"""Says what is wrong with a request, and whether it may begin its own answer."""

KINDS: Final[Mapping[str, _Find]] = MappingProxyType(
    {
        "anthropic": anthropic.find,
        "gemini": gemini.find,
        "groq": chat.find_groq,
        "mistral": mistral.find,
        "openai": chat.find,
        "openai_reasoning": chat.find_reasoning,
        "responses": responses.find,
    }
)
"""What `strict` knows: the APIs, and of OpenAI's chat those who take less of it."""


def strict(kind: str, *, prefill: bool = False) -> Check:
    """Return the check of a provider's requests; paths of other APIs pass.

    Args:
        kind: One of `KINDS`.
        prefill: Of Anthropic and Gemini: the model continues an answer that the request begins;
            otherwise it is refused.
    """
    find = KINDS[kind]

    def check(seen: Seen) -> str | Step:
        try:
            return find(seen, prefill)
        except msgspec.DecodeError as error:
            return f"Invalid request: {error}"

    return check


def all_of(*checks: Check) -> Check:
    """Return a check that says what the first of `checks` finds wrong."""

    def check(seen: Seen) -> str | Step:
        for each in checks:
            if wrong := each(seen):
                return wrong
        return ""

    return check

"""What a request needs against what a target can do."""

from typing import Final

from .abilities import Abilities
from .terms import Needs, Target

CONTEXT: Final = "context"
"""Why a target is left out whose window is too small."""

_CHECKED: Final = (
    "images",
    "audio",
    "video",
    "files",
    "tools",
    "forced_tool",
    "json_object",
    "json_schema",
    "several",
    "logprobs",
)
"""Fields that needs and abilities share."""


def lacking(needs: Needs, abilities: Abilities) -> str:
    """Return the first need that is not met, as its field's name; empty: all are."""
    if needs.plain:
        return ""
    for name in _CHECKED:
        if getattr(needs, name) and not getattr(abilities, name):
            return name
    return ""


def words(need: str) -> str:
    """Say of a need that it is not met: `no images`."""
    return need if need == CONTEXT else f"no {need}"


def obstacle(needs: Needs, target: Target) -> str:
    """Say why `target` cannot serve a request; empty: it can."""
    abilities = target.abilities
    lacks = lacking(needs, abilities)
    if lacks:
        return words(lacks)
    return CONTEXT if 0 < abilities.context < needs.prompt_tokens else ""

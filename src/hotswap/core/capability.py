"""What a request needs against what a target can do."""

from typing import Final

from .abilities import Abilities
from .terms import Needs

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

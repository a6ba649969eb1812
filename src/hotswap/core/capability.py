"""What a request needs against what a target can do."""

from typing import Final

from .abilities import Abilities
from .learned import Lessons
from .terms import Needs, Target
from .tokens import FACTOR_MAX, Densities

CONTEXT: Final = "context"
"""Why a target is left out whose window is too small."""
TIGHT: Final = "tight"
"""Why a target comes after the others whose window may be too small."""

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

_NOTHING: Final = Densities()


def lacking(needs: Needs, abilities: Abilities) -> str:
    """Return the first need that is not met, as its field's name; empty: all are."""
    for name in _CHECKED:
        if getattr(needs, name) and not getattr(abilities, name):
            return name
    return ""


def words(need: str) -> str:
    """Say of a need that it is not met: `no images`."""
    return need if need == CONTEXT else f"no {need}"


def obstacle(needs: Needs, target: Target, lessons: Lessons | None = None, now: float = 0.0) -> str:
    """Say why `target` cannot serve a request; empty: it can. `TIGHT`: its window may be too small.

    Args:
        needs: Of the request.
        target: Its abilities are those of the table and the configuration.
        lessons: What was learned of targets; None: nothing.
        now: Monotonic seconds.
    """
    if lessons is not None:
        target = lessons.taught(target, now)
    abilities = target.abilities
    if not needs.plain:
        lacks = lacking(needs, abilities)
        if lacks:
            return words(lacks)
    window = abilities.context
    if not window or needs.prompt_tokens * FACTOR_MAX * 2 + needs.output_tokens <= window:
        return ""
    densities = _NOTHING if lessons is None else lessons.densities
    prompt = densities.span(target.model, needs.prompt_tokens)
    if prompt.least > window:
        return CONTEXT
    answer = needs.output_tokens
    if 0 < abilities.max_output < answer:
        answer = abilities.max_output
    return TIGHT if prompt.most + answer > window else ""

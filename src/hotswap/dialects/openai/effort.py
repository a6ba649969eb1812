"""How much a model thinks, said the way that a server of OpenAI's dialect understands."""

from typing import Final

from msgspec import Struct

from ...core.abilities import Abilities, Thinks
from ..neutral import Reasoning, Request
from .kinds import Effort, Kind

LEVELS: Final = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""Lowest first."""
_BUDGETS: Final = (0, 512, 2048, 8192, 16384, 24576, 32768)
"""Tokens that stand for a level."""
SMALL_LIMIT_TOKENS: Final = 1024
"""Thinking may use up an answer of fewer tokens, so a model thinks as little as it can then."""


class Said(Struct, frozen=True):
    """Fields for the body."""

    fields: dict[str, object]
    as_asked: bool
    """False: the target has other levels, or does not reason at all."""


def write_effort(request: Request, abilities: Abilities, kind: Kind) -> Said:
    """Write what a request asks of reasoning, in the nearest level that the target has."""
    asked = request.reasoning
    if abilities.thinks is Thinks.NO:
        return Said({}, asked is None or _level(asked) in {"", "none"})
    level = _level(asked) if asked is not None else _spared(request, abilities)
    if not level:
        return Said({}, as_asked=True)
    nearest = _nearest(level, abilities)
    if abilities.thinks is Thinks.SWITCH:
        return Said(_switched(nearest != "none", kind), as_asked=True)
    budget = asked.budget_tokens if asked is not None and not asked.effort else None
    return Said(_fields(nearest, budget, kind), nearest == level)


def _level(asked: Reasoning) -> str:
    """Return the level in words; empty: as the model likes."""
    if asked.effort or asked.budget_tokens is None:
        return asked.effort
    if asked.budget_tokens <= 0:
        return LEVELS[0] if asked.budget_tokens == 0 else ""
    below = [level for level, size in zip(LEVELS, _BUDGETS, strict=True) if size]
    fitting = sum(1 for size in _BUDGETS if 0 < size <= asked.budget_tokens)
    return below[max(fitting - 1, 0)]


def _spared(request: Request, abilities: Abilities) -> str:
    """Return the level for a caller that said none but leaves little room for thoughts."""
    limit = request.max_tokens
    tight = limit is not None and limit < SMALL_LIMIT_TOKENS
    return abilities.efforts[0] if tight and abilities.efforts else ""


def _nearest(level: str, abilities: Abilities) -> str:
    """Return the same level or the next lower one that the target has, else its lowest."""
    known = abilities.efforts or LEVELS
    # A switch turns it off, or the level itself does; without either the lowest comes nearest.
    switch = LEVELS[0] in known or abilities.thinks is not Thinks.EFFORT
    if level == LEVELS[0] and abilities.thinking_off and switch:
        return level
    thinking = [one for one in LEVELS if one in known and one != LEVELS[0]]
    if not thinking:
        return level
    lower = [one for one in thinking if LEVELS.index(one) <= LEVELS.index(level)]
    return lower[-1] if lower else thinking[0]


def _switched(on: bool, kind: Kind) -> dict[str, object]:  # noqa: FBT001 - its name says it all
    match kind.effort:
        case Effort.THINKING:
            return {"thinking": {"type": "enabled" if on else "disabled"}}
        case Effort.OBJECT:
            return {"reasoning": {"enabled": on}}
        case Effort.TEMPLATE:
            return {"chat_template_kwargs": {"enable_thinking": on}}
        case Effort.FIELD:
            return {} if on else {"reasoning_effort": LEVELS[0]}


def _fields(level: str, budget: int | None, kind: Kind) -> dict[str, object]:
    on = level != LEVELS[0]
    match kind.effort:
        case Effort.OBJECT if on and budget:
            return {"reasoning": {"max_tokens": budget}}
        case Effort.OBJECT:
            return {"reasoning": {"effort": level}}
        case Effort.FIELD:
            return {"reasoning_effort": level}
        case _:
            fields = _switched(on, kind)
            return {**fields, "reasoning_effort": level} if on else fields

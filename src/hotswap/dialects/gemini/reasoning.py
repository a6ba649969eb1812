"""How much a model thinks, in Gemini's words: by a level, or by a number of tokens."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from msgspec import Raw, Struct
from msgspec.json import Decoder

from ...core.abilities import Abilities, Thinks
from ..neutral import Reasoning
from .spelling import camel

BUDGETS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "none": 0,
        "minimal": 512,
        "low": 2048,
        "medium": 8192,
        "high": 16384,
        "xhigh": 24576,
        "max": 32768,
    }
)
"""Tokens for thinking that each effort stands for, lowest first."""

LEVELS: Final = ("minimal", "low", "medium", "high", "xhigh")
"""What Gemini knows where nothing is known of the model."""

SMALL_LIMIT: Final = 1024
"""Output tokens below which thoughts may take all of them."""
LEAST_BUDGET: Final = 128
"""Models that cannot stop thinking take no fewer."""

NOTICE: Final = "reasoning_effort"
_DYNAMIC: Final = -1
_UNSAID: Final = "THINKING_LEVEL_UNSPECIFIED"
_ORDER: Final = tuple(BUDGETS)


class _Thinking(Struct, rename="camel", gc=False):
    thinking_budget: int | None = None
    thinking_level: str | None = None
    include_thoughts: bool | None = None


_decode: Final = Decoder(_Thinking, strict=False).decode


def read_thinking(raw: Raw) -> Reasoning:
    """Read `thinkingConfig`."""
    wire = _decode(camel(raw))
    budget = wire.thinking_budget
    level = wire.thinking_level
    return Reasoning(
        effort=level.lower() if level and level != _UNSAID else "",
        budget_tokens=None if budget is None or budget <= _DYNAMIC else budget,
        shown=wire.include_thoughts is True,
    )


def write_thinking(
    reasoning: Reasoning | None, abilities: Abilities, max_tokens: int | None, notices: list[str]
) -> dict[str, object]:
    """Return `thinkingConfig`, empty where there is nothing to say.

    Where nothing is asked and the answer may only be short, a model that is known to think is told
    to think least: hidden thoughts count into the limit, and would leave no answer.
    """
    if reasoning is None:
        small = max_tokens is not None and max_tokens < SMALL_LIMIT
        return _least(abilities) if small else {}
    wire: dict[str, object] = {}
    if reasoning.effort or reasoning.budget_tokens is not None:
        wire = _amount(reasoning, abilities, max_tokens, notices)
    if reasoning.shown and abilities.thinks is not Thinks.NO:
        wire["includeThoughts"] = True
    return wire


def _least(abilities: Abilities) -> dict[str, object]:
    match abilities.thinks:
        case Thinks.EFFORT if abilities.efforts:
            return {"thinkingLevel": _known_levels(abilities)[0].upper()}
        case Thinks.BUDGET | Thinks.SWITCH if abilities.thinking_off:
            return {"thinkingBudget": 0}
        case _:
            return {}


def _amount(
    reasoning: Reasoning, abilities: Abilities, max_tokens: int | None, notices: list[str]
) -> dict[str, object]:
    """Return the field that says how much the model thinks; it has none if it cannot be told."""
    match abilities.thinks:
        case Thinks.BUDGET:
            return {"thinkingBudget": _budget(reasoning, abilities, max_tokens, notices)}
        case Thinks.EFFORT | Thinks.ADAPTIVE:
            return {"thinkingLevel": _level(reasoning, abilities, notices).upper()}
        case Thinks.SWITCH if _is_off(reasoning):
            return {"thinkingBudget": 0}
        case Thinks.NO | Thinks.SWITCH:
            if not _is_off(reasoning):
                notices.append(NOTICE)
            return {}


def _is_off(reasoning: Reasoning) -> bool:
    return reasoning.effort == "none" or reasoning.budget_tokens == 0


def _budget(
    reasoning: Reasoning, abilities: Abilities, max_tokens: int | None, notices: list[str]
) -> int:
    budget = reasoning.budget_tokens
    if budget is None:
        budget = BUDGETS.get(reasoning.effort, BUDGETS["medium"])
    if budget == 0 and not abilities.thinking_off:
        notices.append(NOTICE)
        budget = BUDGETS["minimal"]
    if max_tokens is not None:
        budget = min(budget, max_tokens - 1)
    if 0 < budget < BUDGETS["minimal"]:
        return 0 if abilities.thinking_off else max(budget, LEAST_BUDGET)
    return max(budget, 0)


def _known_levels(abilities: Abilities) -> Sequence[str]:
    return [level for level in abilities.efforts if level != "none"] or LEVELS


def _level(reasoning: Reasoning, abilities: Abilities, notices: list[str]) -> str:
    """Return the nearest level that is not above what is asked, or else the lowest."""
    levels = _known_levels(abilities)
    asked = reasoning.effort or _effort_of(reasoning.budget_tokens or 0)
    if asked in levels:
        return asked
    notices.append(NOTICE)
    at = _ORDER.index(asked) if asked in _ORDER else _ORDER.index("medium")
    return next((level for level in _falling(levels) if _ORDER.index(level) <= at), levels[0])


def _falling(levels: Sequence[str]) -> list[str]:
    return sorted((level for level in levels if level in _ORDER), key=_ORDER.index, reverse=True)


def _effort_of(budget: int) -> str:
    """Return the highest effort that stands for no more tokens; the lowest one above zero."""
    if budget == 0:
        return "none"
    fitting = [effort for effort, tokens in BUDGETS.items() if 0 < tokens <= budget]
    return fitting[-1] if fitting else "minimal"

"""What is asked of reasoning, in the words of Claude."""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import DecodeError, Raw, Struct
from msgspec.json import Decoder

from ...core.abilities import Abilities, Thinks
from ..neutral import Mode, Reasoning, Request, Result, Turn

MIN_BUDGET: Final = 1024
"""Fewer tokens for thinking are refused."""
DEFAULT_TOKENS: Final = 8192
"""Limit of an answer for callers that name none."""

_LEVELS: Final = ("minimal", "low", "medium", "high", "xhigh", "max")
_CLAUDE: Final = ("low", "medium", "high", "xhigh", "max")
_BUDGETS: Final[Mapping[str, int]] = {
    "minimal": MIN_BUDGET,
    "low": 2048,
    "medium": 8192,
    "high": 16384,
    "xhigh": 24576,
    "max": 32768,
}
_USUAL: Final = "medium"
"""Where the caller wants thinking and leaves open how much."""

Fields = dict[str, object]


class _Thinking(Struct, gc=False):
    type: str = ""


_decode_thinking: Final = Decoder(_Thinking | None).decode


def write_limits(
    body: Fields, output: Fields, request: Request, turns: Sequence[Turn], abilities: Abilities
) -> list[str]:
    """Set `max_tokens` and `thinking` in the body, and the effort in its output configuration.

    Returns what was left out or changed.

    A limit beyond the target's is lowered to it. Thinking is left out where Anthropic refuses it:
    with a forced tool, with a limit that leaves it no room, and by budget between a call and its
    result, whose own thinking is not known.
    """
    notices: list[str] = []
    limit = request.max_tokens
    if limit is not None and abilities.max_output and limit > abilities.max_output:
        limit = abilities.max_output
        notices.append("max_tokens")
    highest = abilities.max_output or DEFAULT_TOKENS
    body["max_tokens"] = min(highest, DEFAULT_TOKENS) if limit is None else limit
    reasoning = request.reasoning
    if reasoning is None or reasoning == Reasoning():
        return notices
    name = "reasoning_effort" if reasoning.effort else "reasoning"
    if _is_off(reasoning):
        done = _switch_off(body, abilities)
    elif abilities.thinks is Thinks.NO or _is_refused(request):
        done = False
    elif abilities.thinks in {Thinks.ADAPTIVE, Thinks.EFFORT}:
        done = _write_effort(body, output, reasoning, abilities)
    else:
        done = _write_budget(body, reasoning, limit, abilities, turns)
    if not done:
        notices.append(name)
    return notices


def thinks(body: Fields) -> bool:
    """Say whether a body asks for thinking, in our own words or in those of an override."""
    thinking = body.get("thinking")
    if not isinstance(thinking, Raw):
        return thinking is not None and thinking != {"type": "disabled"}
    try:
        written = _decode_thinking(thinking)
    except DecodeError:
        return True
    return written is not None and written.type != "disabled"


def _is_off(reasoning: Reasoning) -> bool:
    return reasoning.effort == "none" or reasoning.budget_tokens == 0


def _switch_off(body: Fields, abilities: Abilities) -> bool:
    """Switch thinking off; return whether it is."""
    if not abilities.thinking_off:
        return False
    if abilities.thinks is not Thinks.NO:
        body["thinking"] = {"type": "disabled"}
    return True


def _is_refused(request: Request) -> bool:
    choice = request.tool_choice
    return choice is not None and choice.mode is Mode.REQUIRED


def _write_effort(body: Fields, output: Fields, reasoning: Reasoning, abilities: Abilities) -> bool:
    """Write an effort; return whether it is the level that was asked for."""
    if abilities.thinks is Thinks.ADAPTIVE:
        body["thinking"] = _shown({"type": "adaptive"}, reasoning)
    asked = reasoning.effort or _level(reasoning.budget_tokens)
    if not asked:
        return True
    level = _nearest(asked, abilities.efforts or _CLAUDE)
    output["effort"] = level
    return level == asked


def _write_budget(
    body: Fields,
    reasoning: Reasoning,
    limit: int | None,
    abilities: Abilities,
    turns: Sequence[Turn],
) -> bool:
    """Write a number of tokens that leaves room for the answer; return whether there is one."""
    if any(isinstance(part, Result) for part in turns[-1].parts):
        return False
    exact = reasoning.budget_tokens
    wanted = exact or _BUDGETS[_nearest(reasoning.effort or _USUAL, _LEVELS)]
    wanted = max(wanted, MIN_BUDGET)
    if limit is None:
        limit = wanted + DEFAULT_TOKENS
        if abilities.max_output:
            limit = min(limit, abilities.max_output)
    if limit <= MIN_BUDGET:
        return False
    room = limit - 1 if exact else max(limit * 3 // 4, MIN_BUDGET)
    body["max_tokens"] = limit
    budget: Fields = {"type": "enabled", "budget_tokens": min(wanted, room)}
    body["thinking"] = _shown(budget, reasoning)
    return True


def _shown(thinking: Fields, reasoning: Reasoning) -> Fields:
    """Ask for thoughts that can be read; some models leave them out otherwise."""
    return {**thinking, "display": "summarized"} if reasoning.shown else thinking


def _level(budget_tokens: int | None) -> str:
    """Return the lowest level with this many tokens; empty: none was asked for."""
    if budget_tokens is None:
        return ""
    return next((level for level in _CLAUDE if _BUDGETS[level] >= budget_tokens), "max")


def _nearest(level: str, known: Sequence[str]) -> str:
    """Return the highest known level that is not above `level`, or else the lowest."""
    if level not in _LEVELS:
        level = _USUAL
    upto = _LEVELS[: _LEVELS.index(level) + 1]
    found = [each for each in upto if each in known]
    return found[-1] if found else next((each for each in _LEVELS if each in known), _USUAL)

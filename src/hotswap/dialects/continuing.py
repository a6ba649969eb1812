"""How another target is asked to go on with an answer that broke off."""

from msgspec.structs import replace

from ..core.abilities import Abilities, Prefill
from .neutral import Mode, Request, Role, Text, Turn

_GO_ON = (
    "Your last message was cut off by a technical fault. Go on exactly where it stopped, with the "
    "very next character, without greeting, repetition or comment."
)


def native_for(request: Request, abilities: Abilities) -> bool:
    """Say whether a target continues an answer that was begun for it."""
    return abilities.prefill is not Prefill.NO


def go_on(request: Request, text: str, *, native: bool, left_tokens: int | None) -> Request:
    """Return the request that asks a target to go on after `text`."""
    said = text.rstrip()
    if not said:
        return request
    turns = [*request.turns, Turn(Role.ASSISTANT, (Text(said),))]
    if not native:
        turns.append(Turn(Role.USER, (Text(_GO_ON),)))
    choice = request.tool_choice
    if choice is not None and choice.mode is Mode.REQUIRED:
        choice = replace(choice, mode=Mode.AUTO)
    return replace(request, turns=turns, tool_choice=choice, max_tokens=left_tokens, reasoning=None if native else request.reasoning)

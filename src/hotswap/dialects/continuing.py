"""How another target is asked to go on with an answer that broke off.

Where it can, it gets the answer as its own last message and continues it (prefill). Elsewhere it
is asked to, in the language of the conversation, by a message of the user's after the answer.
Neither touches the system prompt.
"""

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from ..core.abilities import Abilities, Prefill, Thinks
from ..core.language import language_of
from .instructions import GO_ON
from .neutral import Mode, Request, Role, Text, Turn

THINKING_LEAST: Final = 2048
"""Tokens that must be left for a target to think before it goes on. Where fewer are, all of them
might become thoughts, and the answer would end for its length."""


def native_for(abilities: Abilities) -> bool:
    """Say whether a target continues an answer that was begun for it.

    Reasoning forbids it, because what is continued would have had to be thought of: Claude refuses
    to, and others treat what they did not think of as finished. Where it is not asked for, it is
    switched off for the continuation.
    """
    if abilities.prefill is Prefill.NO:
        return False
    return abilities.thinks is Thinks.NO or abilities.thinking_off


def go_on(request: Request, text: str, *, native: bool, left_tokens: int | None) -> Request:
    """Return the request that asks a target to go on after `text`.

    Args:
        request: The caller's.
        text: What the caller has of the answer. Nothing but space: the answer begins anew.
        native: The target continues the text; otherwise it is asked to go on.
        left_tokens: How long the rest may become, at most the caller's limit; None: it sets none.
    """
    said = text.rstrip()  # Claude refuses space at the end, and tokens begin with it
    if not said:
        return request
    turns = _with_answer(request.turns, said)
    if not native:
        turns.append(Turn(Role.USER, (Text(_instruction(request.turns, said)),)))
    choice = request.tool_choice
    if choice is not None and choice.mode is Mode.REQUIRED:
        choice = replace(choice, mode=Mode.AUTO)  # else a call would have to follow the words
    thinks = not native and (left_tokens is None or left_tokens >= THINKING_LEAST)
    return replace(
        request,
        turns=turns,
        tool_choice=choice,
        max_tokens=left_tokens,
        reasoning=request.reasoning if thinks else None,
    )


def _with_answer(turns: Sequence[Turn], said: str) -> list[Turn]:
    """Return the conversation with the answer, which the caller may have begun itself."""
    last = turns[-1] if turns else None
    if last is None or last.role is not Role.ASSISTANT:
        return [*turns, Turn(Role.ASSISTANT, (Text(said),))]
    *parts, end = last.parts or (Text(""),)
    if isinstance(end, Text):
        return [*turns[:-1], replace(last, parts=(*parts, Text(end.text + said)))]
    return [*turns[:-1], replace(last, parts=(*last.parts, Text(said)))]


def _instruction(turns: Sequence[Turn], said: str) -> str:
    """Return the words that ask to go on, in the language of the answer or of the question."""
    language = language_of(_prose(said)) or language_of(_question(turns))
    return GO_ON.get(language, GO_ON["en"])


def _prose(said: str) -> str:
    """Leave out blocks of code, whose words are English in every language."""
    return " ".join(said.split("```")[::2])


def _question(turns: Sequence[Turn]) -> str:
    """Return the last words of the user's; what tools returned may be in any language."""
    for turn in reversed(turns):
        if turn.role is Role.USER:
            words = " ".join(part.text for part in turn.parts if isinstance(part, Text))
            if words:
                return words
    return ""

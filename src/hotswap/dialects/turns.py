"""Brings a conversation into the form that strict providers ask for, without changing what it says.

Callers of free dialects may repeat a role, leave a message empty, begin with several system
messages or forget a tool's result; Anthropic, Gemini and Mistral answer such requests with a 400
(providers.md 2.1 and 2.3).
"""

from collections.abc import Iterable, Sequence
from typing import Final

from .neutral import Audio, Call, File, Image, Part, Result, Role, Text, Thinking, Turn, Video

NO_RESULT: Final = "The tool returned nothing."
"""What stands for a result that the caller left out."""


def split_system(turns: Sequence[Turn]) -> tuple[tuple[str, ...], Sequence[Turn]]:
    """Return the texts of the leading system turns, and the turns after them."""
    texts: list[str] = []
    for at, turn in enumerate(turns):
        if turn.role is not Role.SYSTEM:
            return tuple(texts), turns[at:]
        texts += [part.text for part in turn.parts if isinstance(part, Text) and part.text]
    return tuple(texts), ()


def settled(turns: Iterable[Turn], *, inline_system: bool = False) -> list[Turn]:
    """Return the turns with roles that alternate and every call followed by its result.

    Thinking and empty text are left out, and turns that hold nothing else. Results stand first in
    the user turn after their calls; one that is missing is stated to be.

    Args:
        turns: What follows the leading system turns.
        inline_system: The target takes system messages inside the conversation; otherwise they
            become the user's, marked as what they are.
    """
    turns = [*turns]
    if _is_settled(turns):
        return turns
    merged: list[Turn] = []
    for turn in turns:
        role, parts = turn.role, [part for part in turn.parts if not _is_empty(part)]
        if role is Role.SYSTEM and not inline_system:
            role, parts = Role.USER, [_marked(part) for part in parts]
        if not parts:
            continue
        if merged and merged[-1].role is role:
            merged[-1] = Turn(role, (*merged[-1].parts, *parts), merged[-1].name)
        else:
            merged.append(Turn(role, tuple(parts), turn.name))
    return _answered(merged)


_SIMPLE: Final = (Text, Image, Audio, File, Video)


def _is_settled(turns: Sequence[Turn]) -> bool:
    """Say whether there is nothing to do, as in most conversations without tools."""
    last = Role.SYSTEM
    for turn in turns:
        if turn.role is last or turn.role is Role.SYSTEM or not turn.parts:
            return False
        last = turn.role
        for part in turn.parts:
            if not isinstance(part, _SIMPLE) or (type(part) is Text and not part.text):
                return False
    return True


def _is_empty(part: Part) -> bool:
    return isinstance(part, Thinking) or (isinstance(part, Text) and not part.text)


def _marked(part: Part) -> Part:
    return Text(f"<system>\n{part.text}\n</system>") if isinstance(part, Text) else part


def _answered(turns: Sequence[Turn]) -> list[Turn]:
    """Put the results behind their calls; a result without a call becomes text."""
    done: list[Turn] = []
    open_calls: list[Call] = []
    for turn in turns:
        if turn.role is Role.USER:
            done.append(_with_results(turn, open_calls))
            open_calls = []
            continue
        if open_calls and turn.role is Role.ASSISTANT:
            done.append(_with_results(Turn(Role.USER, ()), open_calls))
        if turn.role is Role.ASSISTANT:
            open_calls = [part for part in turn.parts if isinstance(part, Call)]
        done.append(turn)
    if open_calls:
        done.append(_with_results(Turn(Role.USER, ()), open_calls))
    return done


def _with_results(turn: Turn, calls: Sequence[Call]) -> Turn:
    results = {part.call_id: part for part in turn.parts if isinstance(part, Result)}
    first: list[Part] = []
    for call in calls:
        result = results.pop(call.id, None)
        if result is None:
            result = Result(call.id, (Text(NO_RESULT),), call.name, failed=True)
        first.append(Result(call.id, result.parts, call.name, result.failed))
    others: list[Part] = []
    for part in turn.parts:
        if not isinstance(part, Result):
            others.append(part)
        elif part.call_id in results:
            others += part.parts
    return Turn(turn.role, (*first, *others), turn.name)

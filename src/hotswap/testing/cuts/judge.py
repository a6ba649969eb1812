"""What a caller made of the bytes that it got, and what that means for the promise."""

from enum import StrEnum
from typing import Final

from msgspec import DecodeError, Struct
from msgspec.json import decode

from ..simulation.caller import Ending as End
from ..simulation.heard import Heard, hear_stream
from .manners import repeats
from .stage import Played
from .trial import CLEAR, Trial


class Verdict(StrEnum):
    """What came of a cut."""

    UNHARMED = "unharmed"
    """Nothing that matters was missing: the answer was whole when it was cut."""
    ANEW = "anew"
    """Nothing of it had reached the caller, who got a whole answer from the next target."""
    HEALED = "healed"
    """The caller had some of it, and got the rest from the next target, to the character."""
    RAISED_WHOLE = "raised, finished"
    """The answer was finished, then an error came: the SDK raises, and nothing is missing."""
    RAISED = "raised"
    """The SDK raised on an answer that a healthy target could have gone on with."""
    UNCLEAR = "unclear"
    """One character had come, be it several times: twice it may as well be what goes on."""
    SILENT = "silent"
    """The answer lacks its end, and the SDK takes it for whole."""
    WRONG = "wrong"
    """Characters are lost, repeated or altered, or a call is not whole."""
    BUG = "bug"
    """Something else is broken: an exception, a stream that no SDK reads."""


BAD: Final = frozenset({Verdict.SILENT, Verdict.WRONG, Verdict.BUG})


class Found(Struct, frozen=True):
    """A verdict with its reason."""

    verdict: Verdict
    words: str = ""


def judge(trial: Trial, played: Played) -> Found:
    """Judge what became of a trial."""
    exchange = played.exchange
    bugs = [*played.bugs, *exchange.flaws]
    if bugs:
        return Found(Verdict.BUG, "; ".join(bugs))
    if exchange.status != 200:
        return Found(Verdict.BUG, f"status {exchange.status}: {exchange.body!r}")
    heard = hear_stream(trial.caller, b"".join(exchange.body), array=trial.array)
    if heard.flaw:
        return Found(Verdict.BUG, heard.flaw)
    if exchange.ending is End.FINISHED:
        return _finished(trial, played, heard)
    if exchange.ending is not End.ABORTED:
        return Found(Verdict.BUG, f"the answer is {exchange.ending.value}")
    return _raised(trial, played, heard)


def _finished(trial: Trial, played: Played, heard: Heard) -> Found:
    text = trial.said.text
    if heard.error or not heard.ended or not heard.finish:
        return Found(Verdict.SILENT, "a clean end of the connection only")
    if heard.text != text:
        return Found(_wrong(trial, played, heard.text), _difference(heard.text, text))
    if _calls(heard) != [(call.name, decode(call.arguments)) for call in trial.said.calls]:
        return Found(Verdict.SILENT if not heard.calls else Verdict.WRONG, f"calls {heard.calls}")
    for begun in played.begun:
        if begun is not None and not text.startswith(begun.text):
            return Found(Verdict.WRONG, f"the next target is told {begun.text[-40:]!r}")
    if not played.begun:
        return Found(Verdict.UNHARMED)
    return Found(Verdict.ANEW if played.begun[-1] is None else Verdict.HEALED)


def _wrong(trial: Trial, played: Played, came: str) -> Verdict:
    """Tell apart what a wrong text is."""
    text = trial.said.text
    if text.startswith(came):
        return Verdict.SILENT
    begun = played.begun[-1] if played.begun else None
    if begun is None or not repeats(trial.manner):
        return Verdict.WRONG
    if not (came.startswith(begun.text) and came.endswith(text[len(begun.text) :])):
        return Verdict.WRONG
    return Verdict.UNCLEAR if len(set(begun.text.strip())) < CLEAR else Verdict.WRONG


def _raised(trial: Trial, played: Played, heard: Heard) -> Found:
    text = trial.said.text
    if not heard.error:
        return Found(Verdict.SILENT, "cut without an error in the stream")
    if heard.ended and trial.caller != "gemini":
        return Found(Verdict.BUG, "an error after the end")
    if not text.startswith(heard.text):
        return Found(Verdict.WRONG, _difference(heard.text, text))
    whole = [(call.name, decode(call.arguments)) for call in trial.said.calls]
    if _calls(heard) != whole[: len(heard.calls)]:
        return Found(Verdict.WRONG, f"part of a call: {heard.calls}")
    finished = any(record.bar.startswith("finish") for record in played.records)
    return Found(Verdict.RAISED_WHOLE if finished else Verdict.RAISED, _why(played))


def _why(played: Played) -> str:
    return ", ".join(f"{one.cause} {one.detail} {one.bar}".strip() for one in played.records)


def _calls(heard: Heard) -> list[tuple[str, object]]:
    return [(call.name, _value(call.arguments)) for call in heard.calls]


def _value(arguments: str) -> object:
    try:
        return decode(arguments)
    except DecodeError:
        return None


def _difference(came: str, right: str) -> str:
    """Say where two texts part."""
    least = min(len(came), len(right))
    at = next((n for n in range(least) if came[n] != right[n]), least)
    near = slice(max(at - 30, 0), at + 40)
    return f"parts after {at} of {len(right)}: {came[near]!r}, not {right[near]!r}"

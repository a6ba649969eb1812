"""The cases of the proof: who tells what, how it is counted, and what comes."""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from ..quota import Caps, Manner, Tells
from .world import Load, Tally, World

REQUESTS: Final = 600
TOKENS: Final = 100_000
"""Per minute: the hard limits."""
MANNERS: Final[tuple[Manner, ...]] = ("fixed", "sliding", "bucket")
UNNAMED: Final = frozenset[Tells]({"retry_after", "nothing"})
MINUTES: Final = 11
UNNAMED_MINUTES: Final = 31
"""Where a limit has to be found out, that takes its time."""
_TEN_S: Final = 10.0


class Case(Struct, frozen=True):
    """One account under one load."""

    tells: Tells
    manner: Manner
    bound: str
    """requests or tokens: what the load asks twice as much of as there is."""
    by_hand: bool = False
    workers: int = 1
    others: float = 0.0
    """Share of the limit that somebody else uses."""
    minutes: int = MINUTES

    @property
    def named(self) -> bool:
        """The limit is known, or its provider names it."""
        return self.by_hand or self.tells not in UNNAMED


class Figures(Struct, frozen=True):
    """What a case reached."""

    requests: int
    refused: float
    """Share of the requests that met a 429."""
    used: float
    """Share of the limit, on the average of all minutes but the first."""
    least_used: float
    """In the worst of those minutes."""
    diverted: float
    """Share of the requests that went to the other target at first."""
    most: float
    """In any ten seconds, against what the limit allows in ten seconds; by requests."""


def cases() -> Iterator[Case]:
    """Yield all cases of the page."""
    told: tuple[Tells, ...] = ("openai", "anthropic", "gemini")
    for workers in (1, 2):
        for bound in ("requests", "tokens"):
            for manner in MANNERS:
                yield Case("nothing", manner, bound, by_hand=True, workers=workers)
                for tells in told:
                    yield Case(tells, manner, bound, workers=workers)
                for tells in sorted(UNNAMED):
                    yield Case(tells, manner, bound, workers=workers, minutes=UNNAMED_MINUTES)
    for tells in told[:2]:
        for manner in MANNERS:
            yield Case(tells, manner, "requests", others=0.3)


def load_of(case: Case) -> Load:
    """Return twice what the account can do."""
    if case.bound == "requests":
        load = Load(2.0 * REQUESTS, prompt_tokens=20, output_tokens=30)
    elif case.tells == "gemini":
        load = Load(400.0, prompt_tokens=500, output_tokens=200)
    else:
        load = Load(400.0, prompt_tokens=300, output_tokens=200)
    if case.tells == "openai":
        # Counted as allowed: the prompt, and the longest answer.
        allowed = 60 if case.bound == "requests" else 200
        load = replace(load, allowed_tokens=allowed)
    others = case.others * REQUESTS
    return replace(load, minutes=case.minutes, workers=case.workers, others_per_minute=others)


def play(case: Case, seed: int) -> Figures:
    """Play a case."""
    caps = Caps(REQUESTS, TOKENS, case.manner, case.tells)
    tally = World(caps, load_of(case), by_hand=case.by_hand, seed=seed).play()
    minutes = tally.minutes[1 : case.minutes]
    cap, column = (REQUESTS, 0) if case.bound == "requests" else (TOKENS, 1)
    used = [minute[column] / cap for minute in minutes]
    return Figures(
        tally.requests,
        tally.refused / tally.requests,
        sum(used) / len(used),
        min(used),
        tally.diverted / tally.requests,
        _most(tally) / (REQUESTS * _TEN_S / 60.0),
    )


def pooled(figures: list[Figures]) -> Figures:
    """Return the mean of several seeds, and the worst where it is about the worst."""
    count = len(figures)
    return Figures(
        sum(one.requests for one in figures),
        sum(one.refused for one in figures) / count,
        sum(one.used for one in figures) / count,
        min(one.least_used for one in figures),
        sum(one.diverted for one in figures) / count,
        max(one.most for one in figures),
    )


def _most(tally: Tally) -> int:
    """Return the most requests that began within ten seconds, after the first minute."""
    begun = [at for at in tally.begun if at >= 60.0]
    most = first = 0
    for last, at in enumerate(begun):
        while begun[first] <= at - _TEN_S:
            first += 1
        most = max(most, last - first + 1)
    return most

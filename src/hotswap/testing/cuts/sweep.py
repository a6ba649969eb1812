"""Cuts one stream after byte upon byte, and counts what came of it."""

from collections import Counter
from collections.abc import Iterator
from itertools import product
from random import Random
from typing import Final

from msgspec import Struct, field

from ...core.abilities import Prefill
from ..clock import VirtualClock
from ..loop import run_virtual
from .judge import BAD, Found, Verdict, judge
from .manners import NATIVE, Manner
from .stage import Stage, events_of
from .texts import KINDS
from .trial import DIALECTS, WAYS, Arrival, Ending, Said, Trial, said_of

GAPS: Final = (0.0, 0.0, 0.0, 0.01, 0.05)
"""Seconds between the events of second targets."""
ARRAY: Final = "gemini+array"
CALLERS: Final = (*DIALECTS, ARRAY)
_ENDINGS: Final = tuple(Ending)
_ARRIVALS: Final = tuple(Arrival)
_MANNERS: Final = tuple(Manner)
TOLD_MOST: Final = 3
"""Failures that a sweep tells of; it counts all."""

Row = tuple[str, str, str, str, str]
"""Caller, first target's dialect, way, manner, verdict."""


class Sweep(Struct, frozen=True):
    """Cuts of one stream; who goes on, and how, is drawn for each of them."""

    caller: str
    first: str
    kind: str
    tokens: int
    seed: int
    calls: int = 0
    start: int = 0
    """The first byte."""
    stop: int | None = None
    """One after the last; None: the whole body."""
    step: int = 1

    @property
    def said(self) -> Said:
        """What the models say."""
        return said_of(self.kind, self.tokens, self.seed, self.calls)

    @property
    def size(self) -> int:
        """Bytes of the whole body."""
        return sum(map(len, events_of(self.first, self.said, "m1")))


class Result(Struct):
    """What came of cuts."""

    rows: Counter[Row] = field(default_factory=Counter[Row])
    told: list[str] = field(default_factory=list[str])
    """The failures: key and words."""

    def add(self, other: "Result") -> None:
        """Add what came of other cuts."""
        self.rows.update(other.rows)
        self.told += other.told

    def count(self, *verdicts: Verdict) -> int:
        """Return how often something came of a cut; of all without a name."""
        return sum(n for row, n in self.rows.items() if not verdicts or row[4] in verdicts)


def trials(sweep: Sweep) -> Iterator[Trial]:
    """Draw the trials of a sweep: the same for the same sweep."""
    rng = Random(f"{sweep}")  # noqa: S311 - seeded, so that it can be done again
    dialect, _, array = sweep.caller.partition("+")
    stop = sweep.size + 1 if sweep.stop is None else sweep.stop
    for at in range(sweep.start, stop, sweep.step):
        way = rng.choice(WAYS)
        manners = _MANNERS if way.prefill is Prefill.NO else NATIVE
        yield Trial(
            caller=dialect,
            first=sweep.first,
            way=way,
            manner=Manner.EXACT if sweep.calls else rng.choice(manners),
            said=sweep.said,
            ending=rng.choice(_ENDINGS),
            at=at,
            arrival=rng.choice(_ARRIVALS),
            number=rng.getrandbits(20),
            gap_s=rng.choice(GAPS),
            array=bool(array),
        )


def run(sweep: Sweep) -> Result:
    """Play all cuts of a sweep."""
    clock = VirtualClock(1.0)
    result = Result()

    async def play() -> None:
        stage = Stage(clock)
        for trial in trials(sweep):
            found = judge(trial, await stage.play(trial))
            result.rows[_row(trial, found)] += 1
            if (found.verdict in BAD or _unhealed(trial, found)) and len(result.told) < TOLD_MOST:
                result.told.append(f"{found.verdict.value}: {trial.key}: {found.words}")

    run_virtual(play(), clock)
    return result


def _unhealed(trial: Trial, found: Found) -> bool:
    return found.verdict is Verdict.RAISED and not trial.said.calls


def _row(trial: Trial, found: Found) -> Row:
    caller = trial.caller + ("+array" if trial.array else "")
    manner = f"{(len(trial.said.calls) and 'tool calls') or trial.manner.value}"
    return caller, trial.first, trial.way.name, manner, found.verdict.value


PART: Final = 1500
"""Cuts of a sweep at most, so that they can be shared among processes."""
LONG: Final = 4000
DRAWS: Final = {1: 9, 3: 9, 20: 3, 120: 1}
"""Tokens of an answer: so often each of its bytes is the last one."""
LONG_CUTS: Final = 40
"""Of each answer of 4,000 tokens; each run begins at another byte."""


def everything(seed: int) -> Iterator[Sweep]:
    """Yield the sweeps of a whole proof: every byte; who goes on, and how, changes with the run."""
    kinds = tuple(KINDS)
    number = seed
    for (tokens, draws), caller, first in product(DRAWS.items(), CALLERS, DIALECTS):
        if caller == ARRAY and tokens > 20:
            continue
        for draw in range(draws):
            number += 1
            kind = kinds[number % len(kinds)]
            yield from _parts(Sweep(caller, first, kind, tokens, 1000 * seed + draw))
        number += 1
    for caller, first, (tokens, calls) in product(CALLERS, DIALECTS, ((0, 1), (0, 2), (8, 1))):
        yield from _parts(Sweep(caller, first, "english", tokens, seed, calls))
    for caller, first in product(DIALECTS, DIALECTS):
        number += 1
        sweep = Sweep(caller, first, kinds[number % len(kinds)], LONG, seed)
        step = sweep.size // LONG_CUTS
        for start in range(Random(f"{seed} {number}").randrange(step), sweep.size, 10 * step):  # noqa: S311 - seeded
            stop = min(start + 10 * step, sweep.size + 1)
            yield Sweep(caller, first, sweep.kind, LONG, seed, 0, start, stop, step)


def sample(seed: int, tokens: int, step: int) -> Iterator[Sweep]:
    """Yield sweeps of every caller and first target by every `step`th byte."""
    kinds = tuple(KINDS)
    for number, (caller, first) in enumerate(product(CALLERS, DIALECTS)):
        kind = kinds[(seed + number) % len(kinds)]
        yield Sweep(caller, first, kind, tokens, seed, start=(seed + number) % step, step=step)


def _parts(sweep: Sweep) -> Iterator[Sweep]:
    for start in range(0, sweep.size + 1, PART):
        stop = min(start + PART, sweep.size + 1)
        yield Sweep(
            sweep.caller,
            sweep.first,
            sweep.kind,
            sweep.tokens,
            sweep.seed,
            sweep.calls,
            start,
            stop,
        )

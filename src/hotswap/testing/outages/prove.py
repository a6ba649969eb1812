"""Replays seeds on all cores, and holds the sums to what is promised."""

import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from msgspec import Struct

from .chains import EVERYTHING, STORIES, VARIANTS
from .replay import replay, story_of
from .tally import Tally
from .world import MOST_CALLS, MOST_CALLS_IN_VAIN

ANSWERED: Final = 0.9999
"""Share of each chain's requests."""
DENSE: Final = 5.0
"""In the comparison: so many times more troubles than published, each as long."""


class Part(Struct, frozen=True):
    """One seed to be played."""

    seed: int
    days: float
    off: str = EVERYTHING
    dense: float = 1.0


class Played(Struct):
    """What became of a part."""

    part: Part
    tally: Tally
    cpu_s: float


class Proof(Struct):
    """What a whole run showed."""

    days: float
    seeds: range
    chains: dict[str, Tally]
    failures: list[str]
    worth: dict[str, Tally]
    """By what was switched off; empty: it was not tried."""
    worth_days: float
    cpu_s: float = 0.0
    wall_s: float = 0.0
    processes: int = 1

    @property
    def whole(self) -> Tally:
        """Return the sum of all chains."""
        whole = Tally()
        for tally in self.chains.values():
            whole.add(tally)
        return whole

    def hold(self, part: Part, tally: Tally) -> None:
        """Note which promises a seed breaks, and how it is played again."""
        again = f"python -m hotswap.testing.outages --seed={part.seed} --days={part.days:g}"
        if tally.most_probes > 1:
            self.failures.append(
                f"seed {part.seed}: {tally.most_probes} probes of a target at a time; {again}"
            )
        if tally.partial.over and story_of(part.seed).bounded:
            worst = tally.partial.worst
            self.failures.append(
                f"seed {part.seed}: {tally.partial.over} minutes of {tally.partial.count:,} with "
                f"more than {MOST_CALLS:g} calls per request, {worst.calls:.2f} in the minute to "
                f"{worst.at:.0f} s; {again}"
            )

        if tally.dark.worst.calls > MOST_CALLS_IN_VAIN:
            worst = tally.dark.worst
            self.failures.append(
                f"seed {part.seed}: {worst.calls:.2f} calls per request in the minute to "
                f"{worst.at:.0f} s, in which nobody took anything; {again}"
            )


def play(part: Part) -> Played:
    """Play one part; runs in a process of its own."""
    began = time.process_time()
    tally = replay(part.seed, part.days, off=part.off, dense=part.dense)
    return Played(part, tally, time.process_time() - began)


def prove(
    days: float,
    seeds: range,
    processes: int,
    tell: Callable[[str], None],
    *,
    worth_days: float = 0.0,
) -> Proof:
    """Play seeds, and what every trigger is worth.

    Args:
        days: Of each seed.
        seeds: Which; each plays one chain, in turn.
        processes: Among which they are shared.
        tell: Takes a line on each seed.
        worth_days: Days of each chain and trigger in the comparison; 0: there is none.
    """
    began = time.perf_counter()
    proof = Proof(days, seeds, {}, [], {}, worth_days, processes=processes)
    parts = [Part(seed, days) for seed in seeds]
    if worth_days:
        firsts = seeds[: len(STORIES)]
        parts += [Part(seed, worth_days, off, DENSE) for off in VARIANTS for seed in firsts]
    for played in _played(parts, processes):
        part, tally = played.part, played.tally
        proof.cpu_s += played.cpu_s
        if part.dense > 1.0:
            proof.worth.setdefault(part.off, Tally()).add(tally)
            continue
        name = story_of(part.seed).name
        proof.chains.setdefault(name, Tally()).add(tally)
        proof.hold(part, tally)
        tell(f"seed {part.seed}, {name}: {tally.requests:,} requests, {tally.share:.4%} answered")
    proof.failures += [
        f"{name}: {tally.share:.4%} answered, fewer than {ANSWERED:.2%}"
        for name, tally in proof.chains.items()
        if tally.share < ANSWERED
    ]
    proof.wall_s = time.perf_counter() - began
    return proof


def _played(parts: Sequence[Part], processes: int) -> Iterator[Played]:
    """Yield in order, so that the sums are the same however many processes there are."""
    if processes == 1:
        yield from map(play, parts)
        return
    context = multiprocessing.get_context("spawn")
    with context.Pool(processes) as pool:
        yield from pool.imap(play, parts, chunksize=1)

"""What can be said only when a story is over: how much was sent, and how often again."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from .caller import HIGH
from .scenario import Manner, Scenario
from .topology import CHAIN
from .watch import Watch

WINDOW_S: Final = 60.0
PARTIAL: Final = 1.5
"""I11: calls per request while some targets serve ..."""
ALL_DOWN: Final = 3.0
"""... and while none does."""
PER_TARGET: Final = 12.0
"""Calls beyond the share that one ill target may cost in a window: five until it opens, three in a
ramp that fails, and a few that were in flight; with few requests they are more than the share."""
NOISY: Final = 0.1
"""With more noise than this, no target is without trouble."""
RETRIES_S: Final = 9.0
"""A window that is surely within one of the retry budget's, whose slices are of a second."""
STARTS_S: Final = 11.0
"""A window that surely holds one of the retry budget's."""


def judge_flow(watch: Watch, scenario: Scenario) -> Iterator[tuple[str, str]]:
    """Judge a story by all that was sent in it."""
    yield from _amount(watch, scenario)
    yield from _retries(watch, scenario)
    for life in watch.lives.values():
        exchange = life.exchange
        if exchange.most_waiting > HIGH + _most_at_once(exchange.body):
            number, most = life.wish.number, exchange.most_waiting
            yield "I12", f"request {number}: {most} bytes waited for a slow reader"


def _most_at_once(body: Sequence[bytes]) -> int:
    """Return what may be written before anybody can stop: the two largest pieces and the end."""
    return 2 * max(map(len, body), default=0) + 4096


def _amount(watch: Watch, scenario: Scenario) -> Iterator[tuple[str, str]]:
    """I11: an outage is not multiplied."""
    sends = [visit.at for visit in watch.sends]
    arrivals = watch.arrivals
    targets = [target.id for target in scenario.snapshot.chains[CHAIN].targets]
    ill = {phase.target for phase in scenario.phases}
    partial = "" not in ill and not ill.issuperset(targets) and scenario.noise <= NOISY
    most = PARTIAL if partial else ALL_DOWN
    for start in sends:
        calls = bisect_right(sends, start + WINDOW_S) - bisect_left(sends, start)
        # Who arrived before the window may still be trying in it.
        asked = bisect_right(arrivals, start + WINDOW_S) - bisect_left(arrivals, start - WINDOW_S)
        if calls > most * asked + PER_TARGET * len(targets):
            yield "I11", f"{calls} calls for {asked} requests from {start:.1f} s on"
            return


def _retries(watch: Watch, scenario: Scenario) -> Iterator[tuple[str, str]]:
    """I6: further tries at a target stay within its budget."""
    budget = scenario.snapshot.health.retry_budget
    starts: dict[str, list[float]] = {}
    again: dict[str, list[float]] = {}
    for life in watch.lives.values():
        if life.visits:
            starts.setdefault(life.visits[0].target, []).append(life.visits[0].at)
        for before, visit in pairwise(life.visits):
            if before.target != visit.target:
                starts.setdefault(visit.target, []).append(visit.at)
            elif (
                life.chain.hedge is None  # the loser of two is not retried when it is asked again
                and before.credential == visit.credential
                and visit.at > before.at
                and not (before.begun is not None and before.manner is Manner.REFUSES)
            ):
                again.setdefault(visit.target, []).append(visit.at)
    for target, times in again.items():
        times.sort()
        begun = sorted(starts.get(target, ()))
        for at in times:
            retries = bisect_right(times, at) - bisect_left(times, at - RETRIES_S)
            started = bisect_right(begun, at) - bisect_left(begun, at - STARTS_S)
            # A retry is taken from the budget when its pause begins, up to a second before.
            if retries > budget.share * (started + 1) + budget.reserve + 1:
                yield "I6", f"{retries} retries for {started} requests to {target} by {at:.1f} s"
                return

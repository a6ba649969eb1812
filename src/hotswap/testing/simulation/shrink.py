"""Makes a story that fails small: drops what it does not need to fail in the same way."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from msgspec.structs import replace

from .play import Outcome, play
from .scenario import Scenario, Wish

TRIES: Final = 400
"""Stories that are played at most."""


def shrink(scenario: Scenario, run: Callable[[Scenario], Outcome] = play) -> Scenario:
    """Return a smaller story that breaks the same promise; one that breaks none comes back as is.

    Greedy: halves, quarters and so on of the requests are dropped, then phases and commands one by
    one, then the troubles of single attempts; each stays dropped if the promise is still broken.
    """
    outcome = run(scenario)
    if not outcome.broken:
        return scenario
    promise = outcome.broken[0].promise
    tries = 0

    def fails(candidate: Scenario) -> bool:
        nonlocal tries
        tries += 1
        return tries <= TRIES and any(b.promise == promise for b in run(candidate).broken)

    scenario = _fewer_wishes(scenario, fails)
    for phase in scenario.phases:
        candidate = replace(scenario, phases=tuple(p for p in scenario.phases if p is not phase))
        scenario = candidate if fails(candidate) else scenario
    for command in scenario.commands:
        left = tuple(other for other in scenario.commands if other is not command)
        candidate = replace(scenario, commands=left)
        scenario = candidate if fails(candidate) else scenario
    if scenario.noise and fails(candidate := replace(scenario, noise=0.0)):
        scenario = candidate
    for spared in _attempts(scenario):
        candidate = replace(scenario, spared=scenario.spared | {spared})
        scenario = candidate if fails(candidate) else scenario
    return scenario


def _fewer_wishes(scenario: Scenario, fails: Callable[[Scenario], bool]) -> Scenario:
    """Drop runs of requests, long ones first."""
    size = len(scenario.wishes) // 2
    while size:
        at = 0
        while at < len(scenario.wishes) and len(scenario.wishes) > 1:
            candidate = replace(scenario, wishes=_without(scenario.wishes, at, size))
            if candidate.wishes and fails(candidate):
                scenario = candidate
            else:
                at += size
        size //= 2
    return scenario


def _without(values: Sequence[Wish], at: int, size: int) -> tuple[Wish, ...]:
    return (*values[:at], *values[at + size :])


def _attempts(scenario: Scenario) -> Iterator[tuple[int, int]]:
    for wish in scenario.wishes:
        for attempt in range(1, 5):
            yield wish.number, attempt

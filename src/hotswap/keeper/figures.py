"""Counts of what happened since the keeper started, and what the workers say of themselves."""

from collections.abc import Iterable, Mapping

from msgspec import Struct, field

from ..core.terms import Cause
from ..ledger.link import Tick
from ..ledger.rows import AttemptEntry

_CALLERS = frozenset({Cause.CALLER, Cause.POLICY, Cause.CANCEL})


class TargetCount(Struct):
    """Of one target."""

    attempts: int = 0
    failures: int = 0


class Figures(Struct):
    """Totals; whoever shows a rate takes the difference of two moments."""

    requests: int = 0
    answered: int = 0
    """Requests whose caller got a whole answer."""
    moved: int = 0
    """Answered requests that took more than one attempt."""
    lost: int = 0
    """Requests that ended without an answer, through no fault of the caller's."""
    attempts: int = 0
    targets: dict[str, TargetCount] = field(default_factory=dict[str, TargetCount])

    def count(self, entries: Iterable[AttemptEntry]) -> None:
        """Take in attempts; probes are no one's request and count for nothing here."""
        attempts = requests = answered = moved = lost = 0
        for entry in entries:
            row = entry.row
            if not row.request_id:
                continue
            if row.target:
                attempts += 1
                target = self._target(row.target)
                target.attempts += 1
                target.failures += entry.cause != "" and entry.cause not in _CALLERS
            if entry.final:
                requests += 1
                answered += entry.answered
                moved += entry.answered and entry.number > 1
                lost += not entry.answered and entry.cause not in _CALLERS
        self.attempts += attempts
        self.requests += requests
        self.answered += answered
        self.moved += moved
        self.lost += lost

    def _target(self, name: str) -> TargetCount:
        target = self.targets.get(name)
        if target is None:
            target = self.targets[name] = TargetCount()
        return target


class Pulse(Struct, frozen=True):
    """What watchers see each second."""

    at: float
    """Unix seconds."""
    workers: int
    in_flight: int
    connections: int
    lag_s: float
    """The latest worker's."""
    dropped: int
    """Records that did not fit into a worker's buffer."""
    unstored: int
    """Records that wait because the store fails."""
    requests: int
    answered: int
    moved: int
    lost: int
    attempts: int
    targets: Mapping[str, TargetCount]


def pulse(
    figures: Figures, ticks: Iterable[Tick], *, at: float, dropped: int, unstored: int
) -> Pulse:
    """Draw the present picture."""
    ticks = list(ticks)
    return Pulse(
        at=at,
        workers=len(ticks),
        in_flight=sum(tick.in_flight for tick in ticks),
        connections=sum(tick.connections for tick in ticks),
        lag_s=max((tick.lag_s for tick in ticks), default=0.0),
        dropped=dropped,
        unstored=unstored,
        requests=figures.requests,
        answered=figures.answered,
        moved=figures.moved,
        lost=figures.lost,
        attempts=figures.attempts,
        targets={
            name: TargetCount(count.attempts, count.failures)
            for name, count in figures.targets.items()
        },
    )

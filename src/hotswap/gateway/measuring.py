"""Gathers what a worker measures of its targets, for whoever looks at the gateway."""

from typing import Final

from ..core.meter import Use
from ..core.standings import Standings
from ..ledger.link import Measured
from .plane import Plane

BUSY_S: Final = 61.0
"""Figures are of the last minute: so long after its last work those of a target still change."""
AT_ONCE: Final = 10
"""Targets at a time: each takes a tenth of a millisecond, in which nobody is served."""


class Measuring:
    """Goes round the targets that have work, or had some in the last minute."""

    __slots__ = ("_next", "_plane", "_targets")

    def __init__(self) -> None:
        self._plane: Plane | None = None
        self._targets: tuple[str, ...] = ()
        self._next = 0

    def gather(self, plane: Plane, standings: Standings, now: float) -> Measured:
        """Return what is measured of the next busy targets; of all, unless there are many."""
        if plane is not self._plane:
            ids = (target.id for chain in plane.chains.values() for target in chain.targets)
            self._plane, self._targets = plane, tuple(dict.fromkeys(ids))
        busy = [id_ for id_ in self._targets if _is_busy(id_, standings, now)]
        first = self._next if self._next < len(busy) else 0
        chosen = busy[first : first + AT_ONCE]
        self._next = first + len(chosen)
        uses = {id_: _uses_of(id_, standings, now) for id_ in chosen}
        return Measured({id_: standings.target(id_).figures(now) for id_ in chosen}, uses)


def _uses_of(id_: str, standings: Standings, now: float) -> tuple[Use, ...]:
    provider, _, model = id_.partition("/")
    return standings.keyring(provider).rooms.uses_at(model, now)


def _is_busy(id_: str, standings: Standings, now: float) -> bool:
    health = standings.target(id_)
    return bool(health.in_flight) or now < max(health.heard_at, health.failing_at) + BUSY_S

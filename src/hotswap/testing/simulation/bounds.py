"""Where a request may never go, whatever fails: against an operator, a zone, the caller's order."""

from ...core.terms import Target
from .providers import Visit
from .scenario import Command, Scenario
from .tally import Life


class Bounds:
    """Knows what operators, access keys and callers want."""

    def __init__(self, scenario: Scenario) -> None:
        self._zones = {zone for key in scenario.snapshot.keys for zone in key.zones}
        self._zone_of = {name: p.zone for name, p in scenario.snapshot.providers.items()}
        self._drained: set[str] = set()

    def command(self, command: Command) -> None:
        """Take note of what an operator says."""
        if command.after == "drained":
            self._drained.add(command.target)
        else:
            self._drained.discard(command.target)

    def allow(self, target: Target) -> bool:
        """Say whether callers' requests may go to a target at all."""
        return target.id not in self._drained and self._in_zone(target.provider)

    def flaw(self, life: Life, visit: Visit) -> str:
        """Say what is wrong with a visit; empty: nothing is."""
        if not self._in_zone(visit.target.partition("/")[0]):
            return "which is in another zone"
        if life.wish.order and visit.target not in life.wish.order:
            return "which its caller does not want"
        again = any(before.target == visit.target for before in life.visits)
        return "which is drained" if visit.target in self._drained and not again else ""

    def _in_zone(self, provider: str) -> bool:
        return not self._zones or self._zone_of[provider] in self._zones

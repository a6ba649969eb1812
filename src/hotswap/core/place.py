"""A larger thing than a target: a model, an endpoint, a region or a vendor as a whole."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from .breaker import Breaker
from .change import State
from .terms import Reading, Scope, Triggers

SHUT: Final = frozenset({State.OPEN, State.HALF_OPEN})
_CLOSED: Final = State.CLOSED
_OPEN: Final = State.OPEN
_HALF_OPEN: Final = State.HALF_OPEN
_DRAINED: Final = State.DRAINED
"""Asking an enum for its members takes as long as the rest of the question."""


class Place:
    """What several targets have in common, and how it stands.

    Its members are barred together while it is open, are probed by one call for all of them, and
    come back in one ramp.
    """

    __slots__ = (
        "_asked",
        "_last",
        "_on_well",
        "breaker",
        "least",
        "members",
        "name",
        "needs",
        "picked",
        "scope",
        "since",
    )

    def __init__(
        self,
        scope: Scope,
        breaker: Breaker,
        on_well: Callable[["Place", float], None],
    ) -> None:
        self.scope = scope
        self.name = breaker.target
        """Such as `endpoint api.openai.com:443`."""
        self.breaker = breaker
        self.least = 0
        """Of a region: the `min_targets` of the chains that go by it; else 0."""
        self.members: Mapping[str, str] = {}
        """By target: the part that it stands for, such as its region within a vendor."""
        self.needs = 0
        """Parts that go down together before it is to blame."""
        self.since = 0.0
        """When the first of those that it went down with began to fail."""
        self._on_well = on_well
        """Lets the members come back with it."""
        self._asked: dict[str, None] = {}
        self.picked = ""
        """The member that is to be probed, or was last."""
        self._last = ""

    def adopt(self, members: Mapping[str, str], *, needs: int, least: int) -> None:
        """Go by a new configuration; nothing is probed through who belongs here no longer."""
        self.members, self.needs, self.least = members, needs, least
        self._asked = {target: None for target in self._asked if target in members}

    @property
    def shut(self) -> bool:
        """Its members are barred until a probe shows that it works."""
        return self.breaker.state in SHUT

    def concerns(self, triggers: Triggers) -> bool:
        """Say whether a chain with these triggers goes by what fails there."""
        if self.scope is Scope.REGION:
            return triggers.region is not None and triggers.region.min_targets == self.least
        return triggers.error is not None

    def want(self, target: str) -> None:
        """Note that traffic was turned away from one of its members.

        Requests of a former configuration may ask for others; no probe can go through those.
        """
        if target in self.members:
            self.breaker.probing.wanted = True
            self._asked[target] = None

    def answered(self, begun: float, now: float) -> None:
        """Come back if a member was asked since it opened, and answered: as good as a probe."""
        if self.shut and begun >= self.breaker.shut_at:
            self.breaker.on_answer(now)
            self._on_well(self, now)

    def press(self, target: str) -> None:
        """Ask for a probe soon, because no target is left."""
        if self.shut:
            self.breaker.press()
            self.want(target)

    def candidates(self) -> list[str]:
        """Return the members that a probe may go through; who was probed last comes last."""
        return sorted(self._asked, key=lambda target: target == self._last)

    def turn(self) -> None:
        """Note that a probe begins: the next one is made when traffic is turned away again."""
        self._last = self.picked
        self._asked.clear()


def bar_at(above: list[Place], target: str, now: float, triggers: Triggers) -> Reading | None:
    """Return the first of what is `above` that bars `target` for a chain with `triggers`.

    What an operator drained comes before all: it holds in panic, too. What has closed is taken off
    the list, since requests to targets with nothing above cost less.
    """
    found: Reading | None = None
    closed = False
    for place in above:
        state = place.breaker.state_at(now)
        if state is _OPEN or state is _HALF_OPEN:
            if found is None and place.concerns(triggers):
                place.want(target)
                found = place.breaker.reading(state.value, place.name)
        elif state is _DRAINED:
            return Reading(state.value, scope=place.name)
        elif state is _CLOSED:
            closed = True
    if closed:
        above[:] = [place for place in above if place.breaker.state is not _CLOSED]
    return found


def ramp_at(above: Sequence[Place], now: float, triggers: Triggers) -> tuple[float, str]:
    """Return the share of traffic that larger things in a ramp let pass, and who lets least."""
    share, name = 1.0, ""
    for place in above:
        if place.concerns(triggers) and place.breaker.state_at(now) is State.RAMP:
            own = place.breaker.share_at(now)
            if own < share:
                share, name = own, place.name
    return share, name

"""The live standing of every target and credential, as the workers' transitions tell it."""

from collections.abc import Iterable
from typing import Final

from msgspec import Struct, structs

from ..ledger.record import Transition

OVERLAYS: Final = frozenset({"suspect", "demoted", "clear"})
"""States that lie over the breaker's own."""
RECENT: Final = 1_000
"""Transitions remembered, so that one that comes twice is told once."""


class Place(Struct, frozen=True, gc=False):
    """What a standing is about; see `Transition`."""

    target: str
    credential: str


class Standing(Struct, frozen=True):
    """What is known of one place."""

    state: str = "closed"
    """closed, open, half_open, ramp."""
    overlay: str = ""
    """suspect, demoted; empty: none."""
    reason: str = ""
    rule: str = ""
    measured: float | None = None
    threshold: float | None = None
    at: float | None = None
    """Unix seconds of the last change; None: there was none."""
    until: float | None = None
    """Unix seconds of the next probe; None: not timed."""
    hinted: bool = False
    level: int = 0


CLOSED: Final = Standing()


class Board:
    """Keeps the newest word on every place; what is older than that changes nothing."""

    __slots__ = ("_heard", "_newest", "_recent", "_standings")

    def __init__(self) -> None:
        self._standings: dict[Place, Standing] = {}
        self._newest: dict[Place, float] = {}
        self._heard: dict[Place, Transition] = {}
        self._recent: dict[Transition, None] = {}

    def restore(self, transitions: Iterable[Transition]) -> None:
        """Begin with what a former keeper stored, oldest first; to be shown, not to be told."""
        for transition in transitions:
            self._place(transition)

    def learn(self, transition: Transition) -> bool:
        """Take in a change; say whether it is news, which it is once."""
        if transition in self._recent:
            return False
        self._recent[transition] = None
        if len(self._recent) > RECENT:
            del self._recent[next(iter(self._recent))]
        if not self._place(transition):
            return False
        if transition.after not in OVERLAYS:
            self._heard[Place(transition.target, transition.credential)] = transition
        return True

    def of(self, target: str, credential: str = "") -> Standing:
        """Return the standing of a target, or of a credential at it."""
        return self._standings.get(Place(target, credential), CLOSED)

    def credentials(self, target: str) -> dict[str, Standing]:
        """Return what is known of credentials at a target or a provider, by their ids."""
        return {
            place.credential: standing
            for place, standing in self._standings.items()
            if place.target == target and place.credential
        }

    def worries(self, now: float) -> list[Transition]:
        """Return what a new worker should know: the openings that last beyond `now` (Unix)."""
        return [
            transition
            for transition in self._heard.values()
            if transition.after == "open" and (transition.until is None or now < transition.until)
        ]

    def _place(self, transition: Transition) -> bool:
        place = Place(transition.target, transition.credential)
        if transition.at < self._newest.get(place, 0.0):
            return False
        self._newest[place] = transition.at
        standing = self._standings.get(place, CLOSED)
        if transition.after in OVERLAYS:
            overlay = "" if transition.after == "clear" else transition.after
            standing = structs.replace(standing, overlay=overlay)
        else:
            standing = structs.replace(
                standing, state=transition.after, until=transition.until, level=transition.level
            )
        self._standings[place] = structs.replace(
            standing,
            reason=transition.reason,
            rule=transition.rule,
            measured=transition.measured,
            threshold=transition.threshold,
            hinted=transition.hinted,
            at=transition.at,
        )
        return True

"""The live standing of targets, credentials and larger places, as transitions tell it.

Contract: a standing outlives the process that found it out for as long as it says something about
now, and the board tells every new worker of it: a drain until it is ended, an opening or a throttle
until its time is over, and a disabled key or model for a day after it was last refused, also when
its pause is over: the worker then has it probed. An outage does not end because a gateway was
restarted, so openings of targets count as well; they are five minutes long at most, or end with the
provider's own word. Verdicts that put a target behind the others are found out anew.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct, structs

from ..core.change import Reason
from ..core.pauses import DISABLING
from ..ledger.record import Transition
from .standing import CLOSED, DRAINED, OVERLAYS, UNDRAINED, Standing, standing_after

RECENT: Final = 1_000
"""Transitions remembered, so that one that comes twice is told once."""
DISABLED_S: Final = 86_400.0
"""So old may the last refusal of a key be that new workers are told of."""
_BACK: Final = frozenset({"ramp", "closed"})
"""States that end an opening; `half_open` only waits for its probe."""
_ENDS_DRAIN: Final = frozenset({UNDRAINED, "closed"})


class Place(Struct, frozen=True, gc=False):
    """What a standing is about; see `Transition`."""

    target: str
    """Or the whole name of a larger place."""
    credential: str = ""


class Board:
    """Keeps the newest word on every place; what is older than that changes nothing."""

    __slots__ = (
        "_drains",
        "_larger",
        "_newest",
        "_openings",
        "_recent",
        "_standings",
        "_stated_at",
        "_undrained_at",
    )

    def __init__(self) -> None:
        self._standings: dict[Place, Standing] = {}
        self._newest: dict[Place, float] = {}
        """Unix seconds of the last word ..."""
        self._stated_at: dict[Place, float] = {}
        """... and of the last one that was no verdict over it."""
        self._openings: dict[Place, Transition] = {}
        """The last one of every place that has not come back since."""
        self._drains: dict[Place, Transition] = {}
        self._undrained_at: dict[Place, float] = {}
        """Unix seconds when a drain was ended last."""
        self._larger: dict[str, str] = {}
        """The scope of every larger place that was ever spoken of."""
        self._recent: dict[Transition, None] = {}

    def restore(self, transitions: Iterable[Transition]) -> None:
        """Begin with what a former keeper stored, oldest first."""
        for transition in transitions:
            self._take(transition)

    def learn(self, transition: Transition) -> bool:
        """Take in a change; say whether it is news, which it is once."""
        if transition in self._recent:
            return False
        self._recent[transition] = None
        if len(self._recent) > RECENT:
            del self._recent[next(iter(self._recent))]
        return self._take(transition)

    def of(self, target: str, credential: str = "", *, eldest_at: float = 0.0) -> Standing:
        """Return what was told last of a target, of a credential, or of a larger place.

        Args:
            target: A target, a provider, or the whole name of a larger place.
            credential: At it; empty: none.
            eldest_at: Unix seconds when the eldest worker started. What was told before then
                died with the former workers, but for what it was told of.
        """
        place = Place(target, credential)
        drain = self._drains.get(place)
        if drain is not None:
            return Standing(DRAINED, drain.reason, since=drain.at)
        known = self._standings.get(place, CLOSED)
        overlays = tuple(one for one in known.overlays if one.since >= eldest_at)
        if self._stated_at.get(place, 0.0) < eldest_at:
            opening = self._openings.get(place)
            if opening is None or not _matters(opening, eldest_at):
                known = CLOSED
        return structs.replace(known, overlays=overlays)

    def newest_at(self, target: str) -> float:
        """Return Unix seconds of the last word on a target; 0.0: there was none."""
        return self._newest.get(Place(target), 0.0)

    def larger(self) -> Mapping[str, str]:
        """Return the scope of every larger place that was ever spoken of, by its whole name."""
        return self._larger

    def drains(self) -> list[Transition]:
        """Return the orders that keep targets drained."""
        return list(self._drains.values())

    def worries(self, now: float) -> list[Transition]:
        """Return what a new worker should know at `now` (Unix seconds)."""
        return self.drains() + [
            opening for opening in self._openings.values() if _matters(opening, now)
        ]

    def _take(self, transition: Transition) -> bool:
        """Take in a change unless a later one is known; say whether it was taken."""
        place = Place(transition.target, transition.credential)
        if transition.after == DRAINED:
            return self._drain(place, transition)
        newest = self._newest.get(place, 0.0)
        # An order counts when it comes: while it was stored, a worker may have spoken.
        if transition.at < newest and transition.reason != Reason.OPERATOR:
            return False
        if transition.scope:
            self._larger[transition.target] = transition.scope
        self._newest[place] = max(transition.at, newest)
        if transition.after not in OVERLAYS:
            self._stated_at[place] = self._newest[place]
        standing = self._standings.get(place, CLOSED)
        self._standings[place] = standing_after(standing, transition)
        self._remember(place, transition)
        return True

    def _drain(self, place: Place, transition: Transition) -> bool:
        """Note a drain, unless it was ended since."""
        if transition.at < self._undrained_at.get(place, 0.0):
            return False
        self._drains[place] = transition
        return True

    def _remember(self, place: Place, transition: Transition) -> None:
        """Keep what a new worker would have to know."""
        if transition.after == "open":
            self._openings[place] = transition
        elif transition.after in _BACK:
            self._openings.pop(place, None)
        if transition.reason == Reason.OPERATOR and transition.after in _ENDS_DRAIN:
            self._undrained_at[place] = transition.at
            self._drains.pop(place, None)
            if transition.after == "closed":
                self._forgive_keys(transition)

    def _forgive_keys(self, closing: Transition) -> None:
        """Close what keys can not do with a target that a person closes, as the workers do."""
        for place, standing in self._standings.items():
            if place.target == closing.target and place.credential:
                self._standings[place] = standing_after(standing, closing)
                self._openings.pop(place, None)


def _matters(opening: Transition, at: float) -> bool:
    """Say whether a worker that starts at `at` (Unix seconds) should know of an opening."""
    if opening.until is None or at < opening.until:
        return True
    return opening.reason in DISABLING and at < opening.at + DISABLED_S

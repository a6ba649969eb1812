"""The live standing of every target and credential, as the workers' transitions tell it."""

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from ..ledger.record import Transition
from .standing import CLOSED, OVERLAYS, Standing, standing_after

RECENT: Final = 1_000
"""Transitions remembered, so that one that comes twice is told once."""


class Place(Struct, frozen=True, gc=False):
    """What a standing is about; see `Transition`."""

    target: str
    credential: str


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

    def of(self, target: str, credential: str = "", *, eldest_at: float = 0.0) -> Standing:
        """Return what was told last of a target, or of a credential at it or at a provider.

        Args:
            target: A target or a provider.
            credential: Empty: the target itself.
            eldest_at: Unix seconds when the eldest worker started. What was told before then
                died with the former workers, but for an opening that it was told of.
        """
        place = Place(target, credential)
        if self._newest.get(place, 0.0) < eldest_at:
            heard = self._heard.get(place)
            if heard is None or not _lasts(heard, eldest_at):
                return CLOSED
        return self._standings.get(place, CLOSED)

    def worries(self, now: float) -> list[Transition]:
        """Return what a new worker should know: the openings that last beyond `now` (Unix)."""
        return [transition for transition in self._heard.values() if _lasts(transition, now)]

    def _place(self, transition: Transition) -> bool:
        place = Place(transition.target, transition.credential)
        if transition.at < self._newest.get(place, 0.0):
            return False
        self._newest[place] = transition.at
        standing = self._standings.get(place, CLOSED)
        self._standings[place] = standing_after(standing, transition)
        return True


def _lasts(transition: Transition, at: float) -> bool:
    """Say whether an opening lasts beyond `at` (Unix seconds)."""
    return transition.after == "open" and (transition.until is None or at < transition.until)

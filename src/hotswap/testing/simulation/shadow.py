"""The standing of everything as the records tell it, apart from the machines that it is true of."""

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from ...core.standings import Change
from ...ledger.record import Transition

SHUT: Final = frozenset({"open", "half_open"})
DISABLED: Final = frozenset({"auth", "exhausted", "gone"})
"""Reasons for which nobody is sent, whatever else fails."""
_OVERLAYS: Final = frozenset({"suspect", "demoted", "clear"})
_WELL: Final = frozenset({"closed", "up"})
"""How everything stands at first, and our own network."""


class _Seen(Struct):
    state: str = "closed"
    at: float = 0.0
    reason: str = ""
    """Why it opened last."""


class Shadow:
    """Follows transitions; each has to begin where the one before it ended."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], _Seen] = {}
        self.flaws: list[str] = []
        """How the transitions contradict each other."""

    def take(self, transition: Transition) -> None:
        """Take a transition that was recorded."""
        if transition.after in _OVERLAYS:
            return
        key = transition.target, transition.credential
        seen = self._seen.setdefault(key, _Seen(transition.before))
        if seen.at == 0.0 and seen.state not in _WELL:
            self.flaws.append(f"{key} went from {seen.state}, and nothing was known of it")
        if transition.before != seen.state:
            told = f"{transition.before} to {transition.after}"
            self.flaws.append(f"{key} went from {told}, but it was {seen.state}")
        if transition.at < seen.at - 1e-6:
            self.flaws.append(f"{key}: {transition.after} is dated before {seen.state}")
        seen.state, seen.at = transition.after, transition.at
        if transition.after == "open":
            seen.reason = transition.reason

    def command(self, target: str, state: str) -> None:
        """Take note of what an operator did, of which the keeper keeps the record."""
        self._seen.setdefault((target, ""), _Seen()).state = state

    def shut(self, target: str, credential: str, pending: Iterable[Change] = ()) -> str:
        """Return why something is shut, such as `throttled`; empty: it is not.

        Args:
            target: `provider/model`, or a provider's name for a key with every model.
            credential: Empty: the target whatever the key.
            pending: Changes that are not recorded yet.
        """
        seen = self._seen.get((target, credential))
        state, reason = ("closed", "") if seen is None else (seen.state, seen.reason)
        for change in pending:
            if (change.target, change.credential) == (target, credential):
                state = change.after
                reason = change.reason if state == "open" else reason
        return reason if state in SHUT else ""

    def all_closed(self) -> bool:
        """Say whether nothing is known to be shut or in a ramp."""
        return all(seen.state in _WELL for seen in self._seen.values())

"""Streamed requests that all wait while not one byte comes: a dead host is noticed at once."""

from itertools import islice
from math import inf
from typing import Final

from .settings import SilenceRule

_CONFIRM_S: Final = 0.1
"""The silence must be seen twice, so far apart: a process that was suspended finds everybody old
and quiet, and the bytes that came meanwhile are read before the second look."""


class Silence:
    """Who waits for a first byte of one target, and whether that has gone on for too long.

    Fallen silent: at least `waiting` requests wait, the oldest so many of them for longer than the
    larger of `floor_s` and `factor` x the usual p95, and no byte came for `quiet_s`.
    """

    __slots__ = ("_doubt_until", "_doubted", "_rule", "many", "quiet_s", "waiting")

    def __init__(self, rule: SilenceRule) -> None:
        self.waiting: dict[int, float] = {}
        """When each began, by token; the oldest come first."""
        self._doubted = inf
        """The last byte before the silence that was seen once; infinite: none was."""
        self._doubt_until = 0.0
        self.adopt(rule)

    def adopt(self, rule: SilenceRule) -> None:
        """Go by another rule."""
        self._rule = rule
        self.many = rule.waiting
        self.quiet_s = rule.quiet_s

    def clear(self) -> None:
        """Forget who waits."""
        self.waiting.clear()
        self._doubted = inf

    def suspected(self, now: float, heard_at: float) -> bool:
        """Say whether enough requests wait, and the last byte came long ago."""
        return len(self.waiting) >= self.many and now >= heard_at + self.quiet_s

    def fallen(self, now: float, heard_at: float, usual_s: float) -> bool:
        """Say whether a target under that suspicion has fallen silent.

        Args:
            now: Monotonic seconds.
            heard_at: When a byte came last.
            usual_s: p95 of the time to first content, however few measurements it is made of.
        """
        rule = self._rule
        begun_by = now - max(rule.floor_s, rule.factor * usual_s)
        # The oldest come first, so the one that makes them enough decides.
        begun = next(islice(self.waiting.values(), self.many - 1, None))
        if begun > begun_by:
            self._doubted = inf
            return False
        if self._doubted != heard_at:
            self._doubted = heard_at
            self._doubt_until = now + _CONFIRM_S
        return now >= self._doubt_until

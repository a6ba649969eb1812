"""An exact count of what happened within a sliding window."""

from collections import deque
from math import inf


class Ring:
    """Counts events of the last `window_s` seconds in equal slices.

    Exact: every event counts as one until its slice leaves the window, so nothing that comes in
    a burst is lost. The view reaches back between `window_s` less one slice and `window_s`.
    """

    __slots__ = ("_fresh", "_index", "_past", "_slice_s", "_turn_at")

    def __init__(self, window_s: float, slices: int = 10) -> None:
        self._slice_s = window_s / slices
        self._past = deque([0] * (slices - 1), maxlen=slices - 1)
        """Counts of the former slices, oldest first."""
        self._fresh = 0
        """Count of the present slice."""
        self._index = 0
        self._turn_at = -inf

    def add(self, now: float) -> None:
        """Count one event."""
        if now >= self._turn_at:
            self._turn(now)
        self._fresh += 1

    def total_at(self, now: float) -> int:
        """Return how many events the window holds."""
        if now >= self._turn_at:
            self._turn(now)
        return sum(self._past) + self._fresh

    def last_at(self, now: float, seconds: float) -> int:
        """Return how many events the whole slices of the last `seconds` hold.

        No further back than the window reaches.
        """
        older = int(seconds / self._slice_s) - 1
        if now >= self._turn_at:
            self._turn(now)
        return self._fresh + sum(list(self._past)[-older:] if older > 0 else ())

    def clear(self) -> None:
        """Forget everything."""
        self._past.extend([0] * len(self._past))
        self._fresh = 0

    def _turn(self, now: float) -> None:
        """Move on to the slice that `now` lies in; a clock that goes back changes nothing."""
        index = int(now // self._slice_s)
        slices = len(self._past) + 1
        for _ in range(min(index - self._index, slices)):
            self._past.append(self._fresh)
            self._fresh = 0
        self._index = max(index, self._index)
        self._turn_at = (self._index + 1) * self._slice_s

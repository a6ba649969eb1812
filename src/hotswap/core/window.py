"""An exact count of what happened within a sliding window."""


class Ring:
    """Counts events of the last `window_s` seconds in equal slices.

    Exact: every event counts as one until its slice leaves the window, so nothing that comes in
    a burst is lost. The view reaches back between `window_s` less one slice and `window_s`.
    """

    __slots__ = ("_counts", "_index", "_slice_s", "_total", "_turn_at")

    def __init__(self, window_s: float, slices: int = 10) -> None:
        self._slice_s = window_s / slices
        self._counts = [0] * slices
        self._index = 0
        self._turn_at = float("-inf")
        self._total = 0

    def add(self, now: float) -> None:
        """Count one event."""
        if now >= self._turn_at:
            self._turn(now)
        self._counts[self._index % len(self._counts)] += 1
        self._total += 1

    def total_at(self, now: float) -> int:
        """Return how many events the window holds."""
        if now >= self._turn_at:
            self._turn(now)
        return self._total

    def clear(self) -> None:
        """Forget everything."""
        self._counts = [0] * len(self._counts)
        self._total = 0

    def _turn(self, now: float) -> None:
        counts = self._counts
        index = int(now // self._slice_s)
        for step in range(min(index - self._index, len(counts))):
            slot = (index - step) % len(counts)
            self._total -= counts[slot]
            counts[slot] = 0
        self._index = max(index, self._index)
        self._turn_at = (self._index + 1) * self._slice_s

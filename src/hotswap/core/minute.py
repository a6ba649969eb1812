"""What went within the last minute, weighed."""

from collections import deque
from typing import Final

SECONDS: Final = 60


class Minute:
    """Sums amounts over the last minute, in slices of a second.

    It errs on the long side: an amount leaves between 60 and 61 s after it came.
    """

    __slots__ = ("_fresh", "_index", "_past", "_total")

    def __init__(self) -> None:
        self._past: deque[tuple[int, float]] = deque()
        """Former seconds in which something came, and how much; oldest first."""
        self._fresh = 0.0
        """Of the present second."""
        self._index = 0
        self._total = 0.0

    def add(self, now: float, amount: float) -> None:
        """Count `amount`."""
        index = int(now)
        if index > self._index:
            self._turn(index)
        self._fresh += amount
        self._total += amount

    def correct(self, at: float, difference: float, now: float) -> None:
        """Count more, or less, of what was counted at `at`, as long as that is within the minute.

        It leaves together with what it corrects: else the sum would be wrong in between.
        """
        index = int(now)
        if index > self._index:
            self._turn(index)
        second = int(at)
        if second >= self._index:
            self._fresh += difference
            self._total += difference
            return
        past = self._past
        for place in range(len(past) - 1, -1, -1):
            when, amount = past[place]
            if when == second:
                past[place] = when, amount + difference
                self._total += difference
            if when <= second:
                return

    def total_at(self, now: float) -> float:
        """Return the sum."""
        index = int(now)
        if index > self._index:
            self._turn(index)
        return self._total

    def _turn(self, index: int) -> None:
        past = self._past
        if self._fresh:
            past.append((self._index, self._fresh))
            self._fresh = 0.0
        self._index = index
        while past and past[0][0] < index - SECONDS:
            self._total -= past.popleft()[1]
        if not past:
            self._total = 0.0

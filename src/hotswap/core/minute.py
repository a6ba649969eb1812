"""What requests cost: of all so far, and of those of the last minute."""

from collections import deque
from math import inf
from typing import Final

from msgspec import Struct

SECONDS: Final = 60

Amounts = tuple[float, float, float, float]
"""By `meter.Unit`: requests, all tokens, those of prompts, those of answers."""


class _Mark(Struct, gc=False):
    """What had been counted when a second began."""

    second: int
    requests: float
    input: float
    output: float


class Minute:
    """Counts requests and their tokens.

    It errs on the long side: what was counted leaves the minute 60 to 61 s later.
    """

    __slots__ = ("_marks", "_turn_at", "input", "output", "requests")

    def __init__(self) -> None:
        self.requests = self.input = self.output = 0.0
        """Of all so far."""
        self._marks: deque[_Mark] = deque()
        """Of those seconds of the last minute in which something came; oldest first."""
        self._turn_at = -inf
        """When the next second begins."""

    def add(self, now: float, input_: float, output: float) -> None:
        """Count a request."""
        if now >= self._turn_at:
            self._turn(now)
        self.requests += 1.0
        self.input += input_
        self.output += output

    def correct(
        self, at: float, now: float, *, input_: float, output: float, requests: float = 0.0
    ) -> None:
        """Count more, or less, of what was counted at `at`.

        It leaves together with what it corrects: else the minute would be wrong in between.
        """
        if now >= self._turn_at:
            self._turn(now)
        self.requests += requests
        self.input += input_
        self.output += output
        for mark in reversed(self._marks):
            if mark.second <= at:
                return
            mark.requests += requests
            mark.input += input_
            mark.output += output

    def so_far(self) -> Amounts:
        """Return what was counted ever."""
        return (self.requests, self.input + self.output, self.input, self.output)

    def last_at(self, now: float) -> Amounts:
        """Return what was counted in the last minute."""
        if now >= self._turn_at:
            self._turn(now)
        first = self._marks[0]
        input_, output = self.input - first.input, self.output - first.output
        return (self.requests - first.requests, input_ + output, input_, output)

    def _turn(self, now: float) -> None:
        second = int(now)
        marks = self._marks
        marks.append(_Mark(second, self.requests, self.input, self.output))
        self._turn_at = second + 1
        while marks[0].second < second - SECONDS:
            marks.popleft()

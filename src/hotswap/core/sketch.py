"""Quantiles of durations in constant memory."""

from collections.abc import Sequence
from math import exp, inf, log
from typing import Final

_GAMMA: Final = 1.08
"""Each bucket is 8 % wider than the one before, so its middle is within 4 % of what it holds."""
_LEAST_S: Final = 0.001
_BUCKETS: Final = 180
"""1.08^180 is a million: from one millisecond to a quarter of an hour."""
_PER_LOG: Final = 1.0 / log(_GAMMA)
_OFFSET: Final = -log(_LEAST_S) * _PER_LOG
_MOST_S: Final = _LEAST_S * exp((_BUCKETS - 1) / _PER_LOG)
"""Where the last bucket begins."""
_MIDDLES: Final = tuple(_LEAST_S * exp((i + 0.5) / _PER_LOG) for i in range(_BUCKETS))


class Sketch:
    """A histogram with logarithmic buckets that forgets by halves.

    Once the newer half is `span_s` old and holds `least` durations, it becomes the older one and
    what was the older one is forgotten. So the view reaches back between one and two spans, or
    further where there were too few. A span of 0 forgets by count alone.
    """

    __slots__ = ("_least", "_mark", "_newer", "_older", "_past", "_span_s", "_turn_at", "added")

    def __init__(self, span_s: float, least: int = 0) -> None:
        self._span_s = span_s
        self._least = least
        self._newer = [0] * _BUCKETS
        self._older = [0] * _BUCKETS
        self.added = 0
        """Durations that ever came."""
        self._mark = 0
        """What `added` was when the newer half began."""
        self._past = 0
        """Durations in the older half."""
        self._turn_at = -inf

    @property
    def count(self) -> int:
        """Durations that are remembered."""
        return self._past + self.added - self._mark

    def add(self, now: float, seconds: float) -> None:
        """Remember one duration; those out of range count as the nearest bound."""
        if now >= self._turn_at:
            self.forget(now)
        self.added += 1
        if seconds <= _LEAST_S:
            self._newer[0] += 1
        elif seconds < _MOST_S:
            self._newer[int(log(seconds) * _PER_LOG + _OFFSET)] += 1
        else:
            self._newer[-1] += 1

    def forget(self, now: float) -> None:
        """Drop what has become too old by `now`."""
        fresh = self.added - self._mark
        if now < self._turn_at or fresh < self._least:
            return
        if not self._least and now >= self._turn_at + self._span_s:
            self._newer = [0] * _BUCKETS
            fresh = 0
        self._older, self._newer = self._newer, [0] * _BUCKETS
        self._past = fresh
        self._mark = self.added
        self._turn_at = now + self._span_s

    def quantile(self, share: float) -> float | None:
        """Return the duration below which `share` of the remembered ones lie, within 5 %.

        None: nothing is remembered.
        """
        found = self.quantiles((share,))
        return found[0] if found else None

    def quantiles(self, shares: Sequence[float]) -> list[float]:
        """Return one such duration for each of `shares`, which grow; empty: nothing is remembered.

        It costs some microseconds, whatever their number.
        """
        found: list[float] = []
        if not self.count:
            return found
        wanted = [share * self.count for share in shares]
        seen = 0
        for older, newer, middle in zip(self._older, self._newer, _MIDDLES, strict=True):
            if not (older or newer):
                continue
            seen += older + newer
            while seen >= wanted[len(found)]:
                found.append(middle)
                if len(found) == len(wanted):
                    return found
        raise AssertionError  # pragma: no cover - the buckets add up to `count`


class Usual:
    """One quantile of what is usual, cheap to ask for with every attempt.

    It is computed anew only after about 6 % more measurements.
    """

    __slots__ = ("_share", "_stale_at", "_value_s", "add", "sketch")

    def __init__(self, share: float, sketch: Sketch) -> None:
        self.sketch = sketch
        self.add = sketch.add
        self._share = share
        self._stale_at = 0
        self._value_s = 0.0

    def value_s(self, samples: int) -> float | None:
        """Return the quantile; None before `samples` measurements."""
        sketch = self.sketch
        if sketch.added < samples:
            return None
        if sketch.added >= self._stale_at:
            self._value_s = sketch.quantile(self._share) or 0.0
            self._stale_at = sketch.added + 1 + (sketch.count >> 4)
        return self._value_s

"""Targets that are slower than a chain allows, or, where it names no time, than they used to be.

Being suspect opens nothing: a suspect target is asked after the others.
"""

from collections import deque
from collections.abc import Mapping
from math import inf
from typing import Final

from msgspec import Struct

from .change import Change, overlaid
from .latency import usual
from .settings import LatencyRule, Learned
from .sketch import Sketch
from .terms import Reading

_MINUTE_HALF_S: Final = 30.0
_RECENT: Final = 20
_RECENT_SLOW: Final = 10
"""Half of the last twenty."""
_STRAGGLERS: Final = 2
"""So many slow answers within a minute are an accident, however few others there are."""
_WARY_OVER: Final = 3
"""Of the last twenty, for a target that is back without having shown that it is well."""
_CUT: Final = 1.05
"""A wait that ended with the limit would have been longer: it is taken for so much longer."""


class _Percentile(Struct, frozen=True, gc=False):
    share: float
    many: int
    """So many of the last twenty over the threshold are enough by themselves: the minute's
    percentile would notice much later. Where it is just met, that happens in one of 1,000 cases."""
    some: int
    """So many mean that the percentile of the last twenty is over it."""


_PERCENTILES: Final[Mapping[str, _Percentile]] = {
    "p50": _Percentile(0.5, 17, 11),
    "p95": _Percentile(0.95, 10, 2),
    "p99": _Percentile(0.99, 10, 1),
}


class _Bounds(Struct, frozen=True, gc=False):
    """Of a threshold that is learned, in seconds."""

    start_s: float
    least_s: float
    most_s: float


def _bounds(rule: LatencyRule, learned: Learned, *, streamed: bool) -> _Bounds:
    least_s = learned.first_content_min_s
    match rule.metric:
        case "gap":
            return _Bounds(learned.silence_max_s, learned.gap_min_s, learned.silence_max_s)
        case "first_content" if streamed:
            return _Bounds(learned.first_content_start_s, least_s, learned.first_content_max_s)
        case _:
            # Nobody is cut off by this one, so it may be shorter than the limit of a whole answer.
            return _Bounds(learned.whole_start_s, least_s, learned.whole_max_s)


class _Watch:
    """Times of one kind of requests, as one rule judges them."""

    __slots__ = (
        "_accepted",
        "_bounds",
        "_factor",
        "_rule",
        "_samples",
        "_usual",
        "minute",
        "recent",
    )

    def __init__(self, rule: LatencyRule, learned: Learned, *, streamed: bool) -> None:
        self._rule = rule
        self.minute = Sketch(_MINUTE_HALF_S)
        self.recent: deque[float] = deque(maxlen=_RECENT)
        """The last ones. They count for what is usual only when they leave, so that a target which
        becomes slow is measured by what it was before."""
        self._usual = usual(0.95)
        self._accepted = False
        """It was slow for so long that this is usual: until more is learned nothing is too slow."""
        self.adopt(learned, streamed=streamed)

    def adopt(self, learned: Learned, *, streamed: bool) -> None:
        bounds = _bounds(self._rule, learned, streamed=streamed)
        start_s = bounds.most_s if self._accepted else bounds.start_s
        self._bounds = _Bounds(start_s, bounds.least_s, bounds.most_s)
        self._factor = learned.first_content_factor
        self._samples = learned.samples

    def add(self, now: float, seconds: float, *, learning: bool) -> None:
        recent = self.recent
        if learning and len(recent) == _RECENT:
            self._usual.add(now, recent[0])
        recent.append(seconds)
        self.minute.add(now, seconds)

    def threshold_s(self) -> float:
        """Return the rule's own threshold, or what is usual times the factor."""
        if self._rule.threshold_ms is not None:
            return self._rule.threshold_ms / 1000.0
        usual_s = self._usual.value_s(self._samples)
        bounds = self._bounds
        if usual_s is None:
            return bounds.start_s
        return min(bounds.most_s, max(bounds.least_s, self._factor * usual_s))

    def turned(self, threshold_s: float, *, wary: bool) -> bool:
        """Say whether the last twenty alone show that the target has become slow."""
        percentile = _PERCENTILES[self._rule.percentile]
        over = sum(seconds > threshold_s for seconds in self.recent)
        if over >= percentile.many or (wary and over >= _WARY_OVER):
            return True
        usual_s = self._usual.value_s(self._samples)
        if usual_s is None or over < percentile.some:
            return False
        # Some stragglers are over it, and they are not alone: half of all are slower than usual.
        return sum(seconds > usual_s for seconds in self.recent) >= _RECENT_SLOW

    def recent_s(self) -> float:
        """Return the percentile of the last ones."""
        share = _PERCENTILES[self._rule.percentile].share
        ordered = sorted(self.recent)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0

    def accept(self, now: float) -> None:
        """Take what it does now for usual."""
        self._usual = usual(0.95)
        for seconds in self.recent:
            self._usual.add(now, seconds)
        self._accepted = True
        self._bounds = _Bounds(self._bounds.most_s, self._bounds.least_s, self._bounds.most_s)


class Suspicion:
    """Judges one target by one `latency` rule.

    Suspect: the percentile of the last minute is over the threshold, with enough samples; or,
    sooner, half of the last twenty are; or the percentile of the last twenty is, and half of them
    are slower than the usual p95. Cleared: the percentile was below `clear_ratio` of the threshold,
    or nothing was measured, for `clear_s`; so there is one suspicion per `clear_s` at most.

    Who is cleared because nobody asked it has shown nothing, and is suspect again after three slow
    answers. Without a threshold the rule compares with what is usual, times the factor of the
    learned limits; what comes while the target is suspect is not learned, or the verdict would
    clear itself. Only what has stayed slow for `accept_s` becomes usual.
    """

    __slots__ = (
        "_accept_s",
        "_clear_at",
        "_samples",
        "_since",
        "_wary",
        "_watches",
        "reading",
        "rule",
        "rule_name",
        "target",
    )

    def __init__(self, rule: LatencyRule, learned: Learned, target: str) -> None:
        self.rule = rule
        self.rule_name = (
            "latency.threshold_ms" if rule.threshold_ms is not None else f"learned.{rule.metric}"
        )
        self.target = target
        self.reading: Reading | None = None
        """Why the target is suspect; None: it is not."""
        self._watches = (
            _Watch(rule, learned, streamed=False),
            _Watch(rule, learned, streamed=True),
        )
        self._clear_at = inf
        self._since = inf
        """When it became slow, over all times at which nobody asked it; infinite: it is well."""
        self._wary = False
        self.adopt(learned)

    def adopt(self, learned: Learned) -> None:
        """Go by other settings; the verdict stays."""
        self._samples = learned.samples
        self._accept_s = learned.accept_s
        for streamed, watch in enumerate(self._watches):
            watch.adopt(learned, streamed=bool(streamed))

    def add(self, now: float, seconds: float, *, streamed: int) -> Change | None:
        """Take one time; return what changed."""
        watch = self._watches[streamed]
        watch.add(now, seconds, learning=self.reading is None)
        if self._wary and len(watch.recent) == _RECENT:
            self._wary = watch.turned(watch.threshold_s(), wary=True)
            self._since = self._since if self._wary else inf
        threshold_s = watch.threshold_s()
        if seconds <= threshold_s or not watch.turned(threshold_s, wary=self._wary):
            return None
        self._clear_at = inf
        if self.reading is not None:
            return None
        return self._suspect(now, self._told(watch.recent_s(), threshold_s))

    def add_late(
        self, now: float, seconds: float, *, streamed: int, cut: bool = False
    ) -> Change | None:
        """Take a wait that was ended: it would have lasted for `seconds` at least.

        One that ended before the threshold says nothing. One that the learned limit has `cut` short
        is over a learned threshold, which is that limit as it was a little earlier.
        """
        threshold_s = self._watches[streamed].threshold_s()
        if seconds < threshold_s and not (cut and self.rule.threshold_ms is None):
            return None
        return self.add(now, max(seconds, _CUT * threshold_s), streamed=streamed)

    def look(self, now: float) -> Change | None:
        """Judge anew, which costs some microseconds; return what changed."""
        worst = -inf
        found: Reading | None = None
        for watch in self._watches:
            watch.minute.forget(now)
            count = watch.minute.count
            # A few answers may clear a target, but do not make one suspect.
            if not count or (self.reading is None and count < self._samples):
                continue
            share = _PERCENTILES[self.rule.percentile].share
            if self.reading is None:
                share = min(share, 1.0 - _STRAGGLERS / count)
            measured_s = watch.minute.quantile(share) or 0.0
            threshold_s = watch.threshold_s()
            if measured_s > worst * threshold_s:
                worst = measured_s / threshold_s
                found = self._told(measured_s, threshold_s)
        if self.reading is not None:
            return self._rejudge(now, found, worst)
        return self._suspect(now, found) if found is not None and worst > 1.0 else None

    def _suspect(self, now: float, found: Reading) -> Change:
        self._clear_at = inf
        self._since = min(self._since, now)
        self.reading = found
        return overlaid(self.target, now, "latency", found, before="clear", after="suspect")

    def _rejudge(self, now: float, found: Reading | None, worst: float) -> Change | None:
        """Clear the target, if it has been well, or alone, for long enough."""
        if found is not None:
            self.reading = found
        if self.rule.threshold_ms is None and now >= self._since + self._accept_s:
            for watch in self._watches:
                watch.accept(now)
            return self._clear(now, idle=False)
        if worst >= self.rule.clear_ratio:
            self._clear_at = inf
            return None
        self._clear_at = min(self._clear_at, now + self.rule.clear_s)
        return self._clear(now, idle=found is None) if now >= self._clear_at else None

    def _clear(self, now: float, *, idle: bool) -> Change:
        found = self.reading or self._told(0.0, 0.0)
        self.reading = None
        self._clear_at = inf
        self._wary = idle
        if not idle:
            self._since = inf
        for watch in self._watches:
            watch.recent.clear()
        return overlaid(self.target, now, "latency", found, before="suspect", after="clear")

    def _told(self, measured_s: float, threshold_s: float) -> Reading:
        return Reading("suspect", self.rule_name, measured_s * 1000.0, threshold_s * 1000.0)

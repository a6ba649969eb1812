"""Targets that behave worse than a chain allows: too slow, or failing too often.

Neither rule opens anything: a suspect or demoted target is asked after the others, and its
breaker is not involved. Each chain brings its own rule, so a target may be suspect in one chain
and fine in another.
"""

from collections import deque
from collections.abc import Sequence
from typing import Final

from .backoff import Jitter
from .change import Change
from .settings import ErrorRateRule, LatencyRule
from .sketch import Sketch
from .window import Ring

_LOOK_S: Final = 0.1
"""A quantile costs some microseconds, so it is looked at so often at most."""
_RECENT: Final = 20
_RECENT_OVER: Final = 10
"""Half of the last twenty over the threshold: the minute's quantile would notice much later."""
_SHARES: Final = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
_HEALTHY_PART: Final = 0.8
"""A demoted target must stay below this part of the threshold to come back."""


class Suspicion:
    """Judges one target by one `latency` rule.

    Suspect: the percentile of the last minute is over the threshold, with enough samples; or at
    least half of the last twenty samples are over it. Cleared: the percentile was below
    `clear_ratio` of the threshold, or nothing was measured, for `clear_s`.
    """

    __slots__ = ("_clear_at", "_look_at", "_recent", "rule", "suspect")

    def __init__(self, rule: LatencyRule) -> None:
        self.rule = rule
        self.suspect = False
        self._recent: deque[bool] = deque(maxlen=_RECENT)
        self._look_at = float("-inf")
        self._clear_at: float | None = None

    def add(self, seconds: float) -> None:
        """Take one time to first content."""
        threshold_ms = self.rule.threshold_ms
        if threshold_ms is not None:
            self._recent.append(seconds * 1000.0 > threshold_ms)

    def look(
        self, now: float, sketches: Sequence[Sketch], samples: int, target: str
    ) -> Change | None:
        """Judge anew, if it is time; return what changed.

        Args:
            now: Monotonic seconds.
            sketches: Times to first content of the last minute, one sketch per kind of request.
            samples: Measurements that a sketch must hold to say anything.
            target: Its id, for the change.
        """
        threshold_ms = self.rule.threshold_ms
        if threshold_ms is None or now < self._look_at:
            return None
        self._look_at = now + _LOOK_S
        measured_ms = self._measured_ms(now, sketches, samples)
        if measured_ms > threshold_ms or sum(self._recent) >= _RECENT_OVER:
            self._clear_at = None
            if self.suspect:
                return None
            self.suspect = True
            return self._change(now, target, measured_ms)
        if not self.suspect or measured_ms >= threshold_ms * self.rule.clear_ratio:
            self._clear_at = None
            return None
        if self._clear_at is None:
            self._clear_at = now + self.rule.clear_s
        if now < self._clear_at:
            return None
        self.suspect = False
        self._clear_at = None
        return self._change(now, target, measured_ms)

    def _measured_ms(self, now: float, sketches: Sequence[Sketch], samples: int) -> float:
        share = _SHARES[self.rule.percentile]
        worst = 0.0
        idle = True
        for sketch in sketches:
            sketch.forget(now)
            idle = idle and not sketch.count
            if sketch.count >= samples:
                worst = max(worst, sketch.quantile(share) or 0.0)
        if idle:
            self._recent.clear()
        return worst * 1000.0

    def _change(self, now: float, target: str, measured_ms: float) -> Change:
        return Change(
            at=now,
            target=target,
            credential="",
            before="clear" if self.suspect else "suspect",
            after="suspect" if self.suspect else "clear",
            reason="latency",
            rule="latency.threshold_ms",
            measured=measured_ms,
            threshold=self.rule.threshold_ms,
        )


class Demotion:
    """Judges one target by one `error_rate` rule.

    Demoted: more than `threshold` of at least `min_requests` results in the window failed. Back:
    of the last `min_requests` results, which are those of the trial traffic and of requests that
    had nowhere else to go, less than 0.8 of the threshold failed.
    """

    __slots__ = ("_bad", "_good", "_trials", "demoted", "rule")

    def __init__(self, rule: ErrorRateRule) -> None:
        self.rule = rule
        self.demoted = False
        self._good = Ring(rule.window_s)
        self._bad = Ring(rule.window_s)
        self._trials: deque[bool] = deque(maxlen=rule.min_requests)

    def add(self, now: float, *, ok: bool, target: str) -> Change | None:
        """Take one result; return what changed."""
        if self.demoted:
            self._trials.append(ok)
            failed = self._trials.count(False) / self.rule.min_requests
            if len(self._trials) < self.rule.min_requests or failed > self._healthy():
                return None
            self.demoted = False
            self._good.clear()
            self._bad.clear()
            return self._change(now, target, failed)
        (self._good if ok else self._bad).add(now)
        if ok:
            return None
        bad = self._bad.total_at(now)
        results = bad + self._good.total_at(now)
        if results < self.rule.min_requests or bad / results <= self.rule.threshold:
            return None
        self.demoted = True
        self._trials.clear()
        return self._change(now, target, bad / results)

    def holds_back(self, jitter: Jitter) -> bool:
        """Say whether this request should ask the others first."""
        return self.demoted and jitter() >= self.rule.trial_share

    def _healthy(self) -> float:
        return _HEALTHY_PART * self.rule.threshold

    def _change(self, now: float, target: str, measured: float) -> Change:
        return Change(
            at=now,
            target=target,
            credential="",
            before="clear" if self.demoted else "demoted",
            after="demoted" if self.demoted else "clear",
            reason="error_rate",
            rule="error_rate.threshold",
            measured=measured,
            threshold=self.rule.threshold,
        )

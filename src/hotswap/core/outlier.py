"""Targets that behave worse than a chain allows: too slow, or failing too often.

Neither rule opens anything: a suspect or demoted target is asked after the others, and its
breaker is not involved. Each chain brings its own rule, so a target may be suspect in one chain
and fine in another.
"""

from collections import deque
from collections.abc import Iterable
from math import inf
from typing import Final

from .backoff import Jitter
from .change import Change, Reason, overlaid
from .settings import ErrorRateRule, LatencyRule, Learned
from .suspicion import Suspicion
from .terms import Cause, Failure, Reading
from .window import Ring

_LOOK_S: Final = 0.25
"""A quantile costs some microseconds, so times are judged so often at most."""
WAITED_IN_VAIN: Final = frozenset({"first_content", "hedge_lost"})
"""Details of failures before which no content came, and of attempts that another one outran."""
_HEALTHY_PART: Final = 0.8
"""A demoted target must stay below this part of the threshold to come back."""


class Demotion:
    """Judges one target by one `error_rate` rule.

    Demoted: more than `threshold` of at least `min_requests` results in the window failed. Back:
    of the last `min_requests` results, which are those of the trial traffic and of requests that
    had nowhere else to go, less than 0.8 of the threshold failed.
    """

    __slots__ = ("_bad", "_good", "_since", "_trials", "reading", "rule", "target")

    def __init__(self, rule: ErrorRateRule, target: str) -> None:
        self.rule = rule
        self.target = target
        self.reading: Reading | None = None
        """Why the target is demoted; None: it is not."""
        self._since = -inf
        """When it was demoted last."""
        self._good = Ring(rule.window_s)
        self._bad = Ring(rule.window_s)
        self._trials: deque[bool] = deque(maxlen=rule.min_requests)

    def add(self, now: float, *, ok: bool) -> Change | None:
        """Take one result; return what changed."""
        if self.reading is not None:
            return self._try(now, ok=ok)
        (self._good if ok else self._bad).add(now)
        if ok:
            return None
        bad = self._bad.total_at(now)
        results = bad + self._good.total_at(now)
        if results < self.rule.min_requests or bad / results <= self.rule.threshold:
            return None
        self._trials.clear()
        self._since = now
        self.reading = self._told(bad / results)
        return overlaid(
            self.target, now, "error_rate", self.reading, before="clear", after="demoted"
        )

    def holds_back(self, jitter: Jitter) -> Reading | None:
        """Return why this request should ask the others first; None: it may try."""
        if self.reading is None or jitter() < self.rule.trial_share:
            return None
        return self.reading

    def forgive(self, since: float, now: float) -> Change | None:
        """Count afresh, and take back what was found after `since`; return what changed."""
        self._clear()
        found = self.reading
        if found is None or self._since <= since:
            return None
        self.reading = None
        return overlaid(self.target, now, Reason.NETWORK, found, before="demoted", after="clear")

    def _clear(self) -> None:
        self._good.clear()
        self._bad.clear()
        self._trials.clear()

    def _try(self, now: float, *, ok: bool) -> Change | None:
        rule, trials = self.rule, self._trials
        trials.append(ok)
        if len(trials) < rule.min_requests:
            return None
        found = self._told(trials.count(False) / rule.min_requests)
        if trials.count(False) > _HEALTHY_PART * rule.threshold * rule.min_requests:
            self.reading = found
            return None
        self.reading = None
        self._clear()
        return overlaid(self.target, now, "error_rate", found, before="demoted", after="clear")

    def _told(self, failed: float) -> Reading:
        return Reading("demoted", "error_rate.threshold", failed, self.rule.threshold)


class Outliers:
    """What the rules of all chains say of one target."""

    __slots__ = (
        "_any",
        "_changes",
        "_jitter",
        "_look_at",
        "_suspicions",
        "_target",
        "demotions",
        "suspicions",
    )

    def __init__(self, target: str, jitter: Jitter, changes: list[Change]) -> None:
        self._target = target
        self._jitter = jitter
        self._changes = changes
        self._any = False
        self._look_at = -inf
        self._suspicions: list[Suspicion] = []
        """One for each `latency` rule."""
        self.suspicions: dict[str, list[Suspicion]] = {}
        """By what they measure: what nobody asks for needs not be told."""
        self.demotions: list[Demotion] = []
        """One for each `error_rate` rule; while there is none, no result needs to be told."""

    def adopt(self, rules: Iterable[LatencyRule | ErrorRateRule], learned: Learned) -> None:
        """Go by these rules; equal ones keep their verdict."""
        suspicions = {s.rule: s for s in self._suspicions}
        demotions = {d.rule: d for d in self.demotions}
        self._suspicions, self.suspicions, self.demotions = [], {}, []
        for rule in dict.fromkeys(rules):
            if isinstance(rule, LatencyRule):
                known = suspicions.get(rule) or Suspicion(rule, learned, self._target)
                known.adopt(learned)
                self._suspicions.append(known)
                self.suspicions.setdefault(rule.metric, []).append(known)
            else:
                self.demotions.append(demotions.get(rule) or Demotion(rule, self._target))
        self._note()

    def add_time(self, metric: str, now: float, seconds: float, *, streamed: int) -> None:
        """Take a time of an answer, by the names of `latency.metric`."""
        for suspicion in self.suspicions[metric]:
            change = suspicion.add(now, seconds, streamed=streamed)
            if change is not None:
                self._tell(change)

    def add_late(self, now: float, waited_s: float, failure: Failure, *, streamed: int) -> None:
        """Take an attempt that was given up for its slowness after `waited_s`.

        Too slow to be measured, so at least as slow as this. Only rules hear of it: limits that
        learn from their own cuts would grow without end.
        """
        cut = failure.rule == "learned.first_content"
        if failure.detail == "first_content":
            # Rounding must not make a wait shorter than the limit that ended it.
            waited_s = max(waited_s, failure.threshold or 0.0)
        for suspicion in self._suspicions:
            match suspicion.rule.metric:
                case "first_content" if failure.detail in WAITED_IN_VAIN:
                    seconds = waited_s
                case "gap" if failure.detail == "silence":
                    seconds = failure.measured or 0.0
                case "total" if failure.cause is Cause.HANG:
                    seconds = waited_s
                case _:
                    continue
            self._tell(suspicion.add_late(now, seconds, streamed=streamed, cut=cut))

    def add_result(self, now: float, *, ok: bool) -> None:
        """Take one result."""
        for demotion in self.demotions:
            self._tell(demotion.add(now, ok=ok))

    def forgive(self, since: float, now: float) -> None:
        """Take back what results said after `since`: our own network was down."""
        for demotion in self.demotions:
            self._tell(demotion.forgive(since, now))

    def any_at(self, now: float) -> bool:
        """Say whether any rule holds something against the target; judge times anew when due."""
        if now >= self._look_at:
            self._look_at = now + _LOOK_S
            for suspicion in self._suspicions:
                self._tell(suspicion.look(now))
        return self._any

    def suspicion(self, now: float, rule: LatencyRule) -> Reading | None:
        """Return why the target is suspect by `rule`; None: it is not."""
        if self.any_at(now):
            for suspicion in self._suspicions:
                if suspicion.rule is rule or suspicion.rule == rule:
                    return suspicion.reading
        return None

    def demotion(self, rule: ErrorRateRule) -> Reading | None:
        """Return why `rule` puts the target behind the others now; None: it does not."""
        for demotion in self.demotions:
            if demotion.rule is rule or demotion.rule == rule:
                return demotion.holds_back(self._jitter)
        return None

    def _tell(self, change: Change | None) -> None:
        if change is not None:
            self._changes.append(change)
            self._note()

    def _note(self) -> None:
        """Note whether any rule holds something against the target."""
        suspect = any(one.reading is not None for one in self._suspicions)
        self._any = suspect or any(one.reading is not None for one in self.demotions)

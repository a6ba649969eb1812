"""What came to a target and how it ended, and when that is reason enough to open it."""

from msgspec import Struct

from .backoff import Jitter
from .change import Reason
from .settings import BreakerSettings, PanicRule
from .window import Ring


class Trip(Struct, frozen=True, gc=False):
    """A condition of the breaker that is met."""

    reason: Reason
    rule: str
    """The setting that was violated."""
    measured: float
    threshold: float
    served: bool = False
    """The ramp that ends with it had carried its traffic mostly well."""
    doubtful: bool = False
    """Something went well before these failures in a row."""


class Results:
    """The results that count for or against a target since its last opening."""

    __slots__ = ("_settings", "bad", "consecutive", "good")

    def __init__(self, settings: BreakerSettings) -> None:
        self._settings = settings
        self.consecutive = 0
        """Failures since the last success."""
        self.good = Ring(settings.window_s)
        self.bad = Ring(settings.window_s)

    def adopt(self, settings: BreakerSettings) -> None:
        """Go by other settings; a window of another length begins empty."""
        old, self._settings = self._settings, settings
        if old.window_s != settings.window_s:
            self.good = Ring(settings.window_s)
            self.bad = Ring(settings.window_s)

    def clear(self) -> None:
        """Start counting afresh."""
        self.consecutive = 0
        self.good.clear()
        self.bad.clear()

    def add_bad(self, now: float, *, ramping: bool) -> Trip | None:
        """Count a failure; return why the target opens by it, or None.

        Args:
            now: Monotonic seconds.
            ramping: Its traffic grows again after an opening.
        """
        self.consecutive += 1
        self.bad.add(now)
        settings = self._settings
        limit = settings.ramp_failures if ramping else settings.failures
        good, bad = self.good.total_at(now), self.bad.total_at(now)
        ratio = good / (good + bad)
        if self.consecutive >= limit:
            rule = "breaker.ramp_failures" if ramping else "breaker.failures"
            served = ramping and ratio >= settings.success_ratio
            return Trip(Reason.FAILURES, rule, self.consecutive, limit, served, good > 0)
        if good + bad >= settings.min_requests and ratio < settings.success_ratio:
            # So few results may be bad by chance.
            few = good + bad < 2 * settings.min_requests
            threshold = settings.success_ratio
            return Trip(
                Reason.RATIO, "breaker.success_ratio", ratio, threshold, doubtful=few and good > 0
            )
        return None


class Traffic:
    """All requests of the last minutes, those in panic included."""

    __slots__ = ("_rule", "accepts", "failures", "requests")

    def __init__(self, rule: PanicRule) -> None:
        self._rule = rule
        self._begin()

    def _begin(self) -> None:
        window_s = self._rule.window_s
        self.requests = Ring(window_s)
        self.accepts = Ring(window_s)
        """Answered well."""
        self.failures = Ring(window_s)
        """Failed by the target's own fault."""

    def adopt(self, rule: PanicRule) -> None:
        """Go by another rule; a window of another length begins empty."""
        old, self._rule = self._rule, rule
        if old.window_s != rule.window_s:
            self._begin()

    def admits(self, now: float, jitter: Jitter) -> bool:
        """Say whether a request may be tried in panic; one that may not is counted all the same.

        Rejects with probability max(0, (requests - k x accepts) / (requests + 1)).
        """
        requests = self.requests.total_at(now)
        accepts = self.accepts.total_at(now)
        if jitter() * (requests + 1) < requests - self._rule.k * accepts:
            self.requests.add(now)
            return False
        return True

"""How long one target takes: what is usual for it, and what one more request costs there.

Streamed and whole answers are kept apart, because they differ by an order of magnitude. A failing
target never looks fast: no failure is a sample of what is usual, and each counts as a slow answer
where load is compared.
"""

from math import exp
from typing import Final

from msgspec import Struct

from .settings import Learned
from .sketch import Sketch, Usual
from .terms import RULES, Cause, Failure, Scope

_UNKNOWN_COST: Final = 1e9
"""Of a target that is being asked and was never measured: nobody follows before it has answered."""
_USUAL_HALF_S: Final = 300.0
_USUAL_LEAST: Final = 50
"""With little traffic, limits are learned from what is older than five minutes."""
_GAPS_LEAST: Final = 500
"""Pauses have no time of their own: the last 500 to 1,000 streams are remembered."""
_SHARES: Final = (0.5, 0.95, 0.99)
_TELLING: Final = frozenset(
    {cause for cause, rule in RULES.items() if rule.scope is not Scope.NONE} | {Cause.QUALITY}
)
"""What speaks against asking this target now, whoever is to blame; a caller's fault does not."""


def usual(share: float) -> Usual:
    """Return an empty view of what is usual: of the last five to ten minutes, or of 50 answers."""
    return Usual(share, Sketch(_USUAL_HALF_S, _USUAL_LEAST))


class Quantiles(Struct, frozen=True, gc=False):
    """What half, 95 % and 99 % of the answers stay below."""

    p50_s: float
    p95_s: float
    p99_s: float


class Figures(Struct, frozen=True, gc=False):
    """What one worker measures of one target; times are those of the last five to ten minutes."""

    streamed: Quantiles | None
    """From the request's last byte to the first content of a stream; None: nothing was measured."""
    whole: Quantiles | None
    """The same of answers that are not streamed: the time to all of it."""
    gap_p95_s: float | None
    """Of the longest pause in each stream."""
    total_p95_s: float | None
    """From an attempt's begin to the end of its stream."""
    peak_s: float | None
    """Peak EWMA of the time to first content, failures included; None: never asked."""
    in_flight: int
    attempts: int
    """Begun in the last minute."""
    failed_share: float | None
    """Of those that ended in the last minute, well or by the target's own fault; None: none did."""
    first_content_limit_s: float
    """How long a stream may take to its first content, where the chain does not say."""
    whole_limit_s: float
    """The same of an answer that is not streamed."""
    silence_limit_s: float
    """How long a stream may pause."""


class Latency:
    """The times of one target's answers.

    The peak jumps to any slower answer at once and fades over `peak_tau_s`, so a target that
    becomes slow loses its load with the first answer that shows it (Finagle's peak EWMA).
    """

    __slots__ = (
        "_gaps",
        "_learned",
        "_peak_at",
        "_peak_s",
        "_streamed",
        "_tau_s",
        "_totals",
        "_whole",
        "add_total",
    )

    def __init__(self, learned: Learned) -> None:
        self.adopt(learned)
        self._streamed = usual(0.95)
        self._whole = usual(0.95)
        self._totals = Sketch(_USUAL_HALF_S, _USUAL_LEAST)
        """Of streams; the first content of a whole answer is all of it."""
        self.add_total = self._totals.add
        """Takes the time from an attempt's begin to the end of its stream."""
        self._gaps = Usual(0.99, Sketch(0.0, _GAPS_LEAST))
        self._peak_s: float | None = None
        """The peak as it was at `_peak_at`; None: there was no sample yet."""
        self._peak_at = 0.0

    def adopt(self, learned: Learned) -> None:
        """Go by other settings; what was measured stays."""
        self._learned = learned
        self._tau_s = learned.peak_tau_s

    def add_first(self, now: float, seconds: float, streamed: int) -> None:
        """Take the time to the first content of a stream, or to all of another answer."""
        (self._streamed if streamed else self._whole).add(now, seconds)
        peak_s = self._peak_s
        if peak_s is not None and seconds < peak_s:
            seconds += (peak_s - seconds) * exp((self._peak_at - now) / self._tau_s)
        self._peak_s = seconds
        self._peak_at = now

    def add_gap(self, seconds: float) -> None:
        """Take the longest pause of a stream."""
        self._gaps.add(0.0, seconds)

    def add_failure(self, now: float, failure: Failure, waited_s: float) -> None:
        """Let a failure count as a slow answer where load is compared, however fast it came.

        Else whoever refuses within a millisecond would attract everything (linkerd, 2026).

        Args:
            now: Monotonic seconds.
            failure: Counts for `penalty_s`, or for the provider's own hint, if it tells of the
                target or of a key.
            waited_s: How long nothing came; 0: something did.
        """
        slow_s = waited_s
        if failure.cause in _TELLING:
            learned = self._learned
            hint_s = min(failure.retry_after_s or 0.0, learned.penalty_max_s)
            slow_s = max(slow_s, learned.penalty_s, hint_s)
        if slow_s and (self._peak_s is None or slow_s > self._peak_s * self._left_at(now)):
            self._peak_s = slow_s
            self._peak_at = now

    def cost_at(self, now: float, in_flight: int) -> float:
        """Return what one more request costs here, to be compared with other targets.

        The peak times the requests in flight, this one included. A target that was never measured
        gets one request as if it were the fastest, and no other before that one is answered.
        """
        peak_s = self._peak_s
        if peak_s is None:
            return _UNKNOWN_COST * in_flight
        return peak_s * exp((self._peak_at - now) / self._tau_s) * (in_flight + 1)

    def usual_s(self, *, streamed: bool, samples: int | None = None) -> float | None:
        """Return the p95 of the time to first content.

        None: there were fewer than `samples` measurements; without it, than the settings ask for.
        """
        kind = self._streamed if streamed else self._whole
        return kind.value_s(self._learned.samples if samples is None else samples)

    def first_content_limit_s(self, *, streamed: bool) -> float:
        """Return how long an attempt may take to its first content."""
        learned = self._learned
        p95_s = (self._streamed if streamed else self._whole).value_s(learned.samples)
        if streamed:
            if p95_s is None:
                return learned.first_content_start_s
            least, most = learned.first_content_min_s, learned.first_content_max_s
        else:
            if p95_s is None:
                return learned.whole_start_s
            least, most = learned.whole_min_s, learned.whole_max_s
        return min(most, max(least, learned.first_content_factor * p95_s))

    def silence_limit_s(self) -> float:
        """Return how long a stream may pause between two events."""
        learned = self._learned
        p99_s = self._gaps.value_s(learned.samples)
        if p99_s is None:
            return learned.silence_max_s
        return min(
            learned.silence_max_s, max(learned.silence_min_s, learned.silence_factor * p99_s)
        )

    def figures(
        self, now: float, *, in_flight: int, attempts: int, failed: int, ended: int
    ) -> Figures:
        """Return what there is to see, with the counts of the last minute."""
        peak_s = self._peak_s
        return Figures(
            streamed=_quantiles(self._streamed.sketch),
            whole=_quantiles(self._whole.sketch),
            gap_p95_s=self._gaps.sketch.quantile(0.95),
            total_p95_s=self._totals.quantile(0.95),
            peak_s=None if peak_s is None else peak_s * self._left_at(now),
            in_flight=in_flight,
            attempts=attempts,
            failed_share=failed / ended if ended else None,
            first_content_limit_s=self.first_content_limit_s(streamed=True),
            whole_limit_s=self.first_content_limit_s(streamed=False),
            silence_limit_s=self.silence_limit_s(),
        )

    def _left_at(self, now: float) -> float:
        """Return which part of the peak is left."""
        return exp((self._peak_at - now) / self._tau_s)


def _quantiles(sketch: Sketch) -> Quantiles | None:
    found = sketch.quantiles(_SHARES)
    return Quantiles(*found) if found else None

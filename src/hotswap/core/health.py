"""What one target's own traffic tells about it, and what follows from that."""

from collections.abc import Callable, Iterable, Iterator
from math import inf
from typing import Final

from .backoff import Jitter, RetryBudget
from .breaker import Breaker
from .change import Change, Reason, State
from .latency import Figures, Latency
from .network import Network
from .outlier import WAITED_IN_VAIN, Outliers
from .place import Place, bar_at
from .results import Results, Traffic
from .settings import ErrorRateRule, Health, LatencyRule
from .silence import Silence
from .terms import RULES, Cause, Failure, Reading, Scope, Triggers

_GENERATION_SHIFT: Final = 48
"""A token is the generation above an even serial number, plus one when it is streamed."""
_BLAMING: Final = frozenset(cause for cause, rule in RULES.items() if rule.scope is Scope.TARGET)
_MINUTE_S: Final = 60.0
_SLICE_S: Final = 0.1
_SAMPLES_PER_S: Final = 50.0
"""So many answers are measured, which is all that there is to see: 3,000 a minute ..."""
_SAMPLES: Final = 100.0
"""... and so many that come at once."""
_CLOSED: Final = State.CLOSED
_DRAINED: Final = State.DRAINED
_RAMP: Final = State.RAMP
"""Asking an enum for its members takes as long as counting a result."""


class TargetHealth:
    """The standing of one target, whatever the credential.

    Opens after `failures` consecutive failures, below `success_ratio` in the window, or when its
    streamed requests wait in silence. Only causes whose scope is the target are blamed on it: a
    rate limit or a caller's fault is no failure here. Results of attempts that began before the
    last opening or ramp are ignored. An attempt made in spite of an opening (panic) that is
    answered begins the ramp.
    """

    __slots__ = (
        "_begun",
        "_generation",
        "_jitter",
        "_outliers",
        "_results",
        "_samples",
        "_serial",
        "_settings",
        "_silence",
        "_slice_at",
        "_slowed",
        "_token_base",
        "_traffic",
        "_waiting",
        "above",
        "breaker",
        "changes",
        "failed_at",
        "failing_at",
        "heard_at",
        "is_outlier",
        "latency",
        "network",
        "on_open",
        "retries",
        "well_from",
    )

    def __init__(  # noqa: PLR0915 - one statement per field, each documented
        self,
        settings: Health,
        jitter: Jitter,
        *,
        target: str,
        serial: Iterator[int],
        changes: list[Change],
    ) -> None:
        self._settings = settings
        self._jitter = jitter
        self._serial = serial
        self.changes = changes
        self.breaker = Breaker(settings.breaker, jitter, target=target, changes=changes)
        self.retries = RetryBudget(settings.retry_budget)
        """Pays for further tries of requests that have no other target left."""
        self.above: list[Place] = []
        """Of the larger things that it belongs to: those that are open or in their ramp, or were
        when a request last asked; the largest come first."""
        self.on_open: Callable[[str, float], None] | None = None
        """Hears of each opening that its own results led to, with the target and the moment."""
        self.network: Network | None = None
        """Knows whether our own side is to blame; None: nobody does."""
        self.failed_at = 0.0
        """When it failed last by its own fault."""
        self.failing_at = 0.0
        """When what it opened by last, or what may yet open it, began."""
        self.well_from = -inf
        """When the newest attempt that was answered well began."""
        self.heard_at = -inf
        """When a byte came last; whoever relays a stream may set it with each event."""
        self._generation = 0
        self._token_base = 0
        self._results = Results(settings.breaker)
        self._traffic = Traffic(settings.panic)
        self._begun: dict[int, float] = {}
        self._slowed: set[int] = set()
        """Attempts whose callers read too slowly for a while."""
        self._silence = Silence(settings.silence)
        self._waiting = self._silence.waiting
        self.latency = Latency(settings.learned)
        self._outliers = Outliers(target, jitter, changes)
        self.is_outlier = self._outliers.any_at
        """Says whether any rule of any chain holds something against the target now."""
        self._slice_at = -inf
        """When the next slice begins."""
        self._samples = 0.0
        """That may still be taken in this slice."""

    @property
    def in_flight(self) -> int:
        """Attempts that have begun and not ended."""
        return len(self._begun)

    @property
    def newest_at(self) -> float:
        """When the newest attempt in flight began; minus infinity: there is none."""
        return next(reversed(self._begun.values()), -inf)

    def adopt(self, settings: Health, rules: Iterable[LatencyRule | ErrorRateRule]) -> None:
        """Go by other settings and by these rules of the chains; equal rules keep their verdict."""
        self._settings = settings
        self.retries.adopt(settings.retry_budget)
        self.latency.adopt(settings.learned)
        self._outliers.adopt(rules, settings.learned)
        self._silence.adopt(settings.silence)
        self.breaker.adopt(settings.breaker)
        self._results.adopt(settings.breaker)
        self._traffic.adopt(settings.panic)

    # Exactly one of `on_success`, `on_failure` and `on_end` ends what `begin` began.

    def begin(self, now: float, *, streamed: bool) -> int:
        """Note that an attempt starts; return the token that its events are reported with."""
        generation = self.breaker.generation
        if generation != self._generation:
            self._renew(generation)
        token = self._token_base + next(self._serial) + streamed
        self._begun[token] = now
        if streamed:
            self._waiting[token] = now
        self._traffic.requests.add(now)
        return token

    def on_byte(self, token: int, now: float) -> None:
        """Note the first byte of any kind."""
        self.heard_at = now
        self._waiting.pop(token, None)

    def on_content(self, token: int, now: float, seconds: float) -> None:
        """Note the first content, `seconds` after the request was written."""
        self.heard_at = now
        if now >= self._slice_at:
            fresh = (now - self._slice_at + _SLICE_S) * _SAMPLES_PER_S
            self._samples = min(_SAMPLES, self._samples + fresh)
            self._slice_at = now + _SLICE_S
        if self._samples < 1.0:
            return
        self._samples -= 1.0
        self.latency.add_first(now, seconds, token & 1)
        if "first_content" in self._outliers.suspicions:
            self._outliers.add_time("first_content", now, seconds, streamed=token & 1)

    def on_gap(self, now: float, seconds: float) -> None:
        """Note a pause between events of a stream; its longest one, at its end, is enough."""
        self.latency.add_gap(seconds)
        if "gap" in self._outliers.suspicions:
            self._outliers.add_time("gap", now, seconds, streamed=1)

    def on_pause(self, token: int) -> None:
        """Note that the caller reads too slowly: the whole time tells nothing of the target now."""
        if token in self._begun:
            self._slowed.add(token)

    def on_success(self, token: int, now: float) -> None:
        """Note that an attempt ended well."""
        begun = self._begun.pop(token, None)
        if begun is None:
            return
        self.heard_at = now
        if token & 1:
            self._waiting.pop(token, None)
            if not self._slowed or token not in self._slowed:
                self.latency.add_total(now, now - begun)
        if self._slowed or "total" in self._outliers.suspicions:
            self._judge_total(token, begun, now)
        self._traffic.accepts.add(now)
        if begun > self.well_from:  # noqa: PLR1730 - a call of `max` would cost as much as counting
            self.well_from = begun
        for place in self.above:
            place.answered(begun, now)
        breaker = self.breaker
        if token >> _GENERATION_SHIFT != breaker.generation:
            return
        state = breaker.state
        if state is not _CLOSED and state is not _RAMP:
            breaker.on_answer(now)
            return
        results = self._results
        results.consecutive = 0
        results.good.add(now)
        if self._outliers.demotions:
            self._outliers.add_result(now, ok=True)

    def on_failure(self, token: int, now: float, failure: Failure) -> None:
        """Note that an attempt did not end well.

        Only the target's own faults count against it; but whoever turns requests away for another
        reason is no fast target either. A `cancel` tells only that another attempt, begun later,
        was faster (`hedge_lost`).
        """
        begun = self._begun.pop(token, None)
        if begun is None:
            return
        self._waiting.pop(token, None)
        self._slowed.discard(token)
        cause = failure.cause
        if failure.status and cause is not Cause.CANCEL:
            self.heard_at = now
        if cause in _BLAMING and self._excused(failure, begun, now):
            return
        self.latency.add_failure(
            now, failure, now - begun if failure.detail in WAITED_IN_VAIN else 0.0
        )
        if self._outliers.suspicions and (cause is Cause.HANG or cause is Cause.CANCEL):
            self._outliers.add_late(now, now - begun, failure, streamed=token & 1)
        if cause in _BLAMING:
            self._count(token, now, failure)

    def _count(self, token: int, now: float, failure: Failure) -> None:
        """Count a failure against the target."""
        self._traffic.failures.add(now)
        breaker = self.breaker
        if token >> _GENERATION_SHIFT != breaker.generation:
            return
        hint = None if failure.retry_after_s is None else now + failure.retry_after_s
        state = breaker.state_at(now)
        if state is _CLOSED or state is _RAMP:
            self.failed_at = now
            self.failing_at = self.failing_at if self._results.consecutive else now
            self._outliers.add_result(now, ok=False)
            self._judge(now, state, hint)
        elif hint is not None:
            breaker.trip(now, breaker.reason, until=hint)

    def on_end(self, token: int) -> None:
        """Note an end that says nothing about the target, such as the caller's leaving."""
        self._begun.pop(token, None)
        self._waiting.pop(token, None)
        self._slowed.discard(token)

    def forgive(self, since: float, now: float) -> None:
        """Take back what its results led to after `since`, short of an opening."""
        self._outliers.forgive(since, now)
        if self.breaker.state is _CLOSED or self.breaker.state is _RAMP:
            self.breaker.renew()

    def obstacle_at(self, now: float) -> str | None:
        """Return why no request may go here now, `open` or `half_open`; None: nothing bars it."""
        breaker, silence = self.breaker, self._silence
        if breaker.state is _CLOSED and (
            len(self._waiting) < silence.many or now < self.heard_at + silence.quiet_s
        ):
            return None
        state = breaker.state_at(now)
        if (state is _CLOSED or state is _RAMP) and not self._falls_silent(now):
            return None
        breaker.probing.wanted = True
        return breaker.state.value

    def bar_at(self, now: float, triggers: Triggers) -> Reading | None:
        """Return what bars requests of a chain with `triggers` now; None: nothing does."""
        state = self.breaker.state
        if state is _CLOSED and not self.above and len(self._waiting) < self._silence.many:
            return None  # as nearly always
        drained = state is _DRAINED
        # What an operator wants holds in panic, too, whatever else bars the target.
        if self.above and not drained:
            larger = bar_at(self.above, self.breaker.target, now, triggers)
            if larger is not None:
                return larger
        minded = triggers.error is not None or triggers.latency is not None
        if not minded and not drained:
            return None
        obstacle = self.obstacle_at(now)
        return None if obstacle is None else self.breaker.reading(obstacle)

    def bars(self, now: float, triggers: Triggers) -> bool:
        """Say whether a chain's request that failed elsewhere had better not come here.

        What is open is out of question then, also where no trigger of the chain looks at it: such a
        chain asks its first target whatever its state, but does not move on to a broken one.
        """
        return self.obstacle_at(now) is not None or (
            bool(self.above) and bar_at(self.above, self.breaker.target, now, triggers) is not None
        )

    def admits_at(self, now: float) -> bool:
        """Say whether this request may ask the target in its turn; only a ramp ever refuses.

        A refusal means the end of the plan: the target is still better than none.
        """
        if self.breaker.state is not _RAMP:
            return True
        return self._jitter() < self.breaker.share_at(now)

    def admits_in_panic(self, now: float) -> bool:
        """Say whether a request may be tried here although the target is open.

        A target that answers nothing is left nearly alone. Asking makes its probe urgent.
        """
        self.breaker.press()
        for place in self.above:
            place.press(self.breaker.target)
        return self._traffic.admits(now, self._jitter)

    def demotion(
        self,
        now: float,  # noqa: ARG002 - asked like its siblings; results alone change the verdict
        rule: ErrorRateRule,
    ) -> Reading | None:
        """Say why `rule` puts the target behind the others for this request; None: it does not."""
        return self._outliers.demotion(rule)

    def suspicion(self, now: float, rule: LatencyRule) -> Reading | None:
        """Say why the target is slower than `rule` allows; None: it is not."""
        return self._outliers.suspicion(now, rule)

    def load_cost(self, now: float) -> float:
        """Return what one more request costs here, to be compared with other targets."""
        return self.latency.cost_at(now, len(self._begun))

    def figures(self, now: float) -> Figures:
        """Return what there is to see of the target; it costs some 100 microseconds."""
        traffic = self._traffic
        failed = traffic.failures.last_at(now, _MINUTE_S)
        return self.latency.figures(
            now,
            in_flight=len(self._begun),
            attempts=traffic.requests.last_at(now, _MINUTE_S),
            failed=failed,
            ended=failed + traffic.accepts.last_at(now, _MINUTE_S),
        )

    def _judge_total(self, token: int, begun: float, now: float) -> None:
        """Take in how long a good answer took, unless its caller was the reason."""
        if token in self._slowed:
            self._slowed.remove(token)
        elif "total" in self._outliers.suspicions:
            self._outliers.add_time("total", now, now - begun, streamed=token & 1)

    def _renew(self, generation: int) -> None:
        """Start counting afresh after an opening or at the begin of a ramp."""
        self._generation = generation
        self._token_base = generation << _GENERATION_SHIFT
        self._results.clear()
        self._silence.clear()

    def _judge(self, now: float, state: State, hint: float | None) -> None:
        """Count a failure, and open if the results say so."""
        ramping = state is _RAMP or any(one.breaker.state is _RAMP for one in self.above)
        trip = self._results.add_bad(now, ramping=ramping)
        if trip is None:
            return
        if trip.reason is Reason.RATIO:
            self.failing_at = now - self._settings.breaker.window_s
        self.breaker.trip(
            now,
            trip.reason,
            until=hint,
            served=trip.served,
            doubtful=trip.doubtful,
            rule=trip.rule,
            measured=trip.measured,
            threshold=trip.threshold,
        )
        self._opened(now)

    def _excused(self, failure: Failure, begun: float, now: float) -> bool:
        """Say whether our own side is the reason of a failure."""
        network, target = self.network, self.breaker.target
        return network is not None and network.excuses(target, failure, begun, self.heard_at, now)

    def _opened(self, now: float) -> None:
        """Let it be looked for what this opening has in common with others."""
        if self.on_open is not None:
            self.on_open(self.breaker.target, now)

    def _falls_silent(self, now: float) -> bool:
        """Open if enough streamed requests wait, and have waited too long, in silence."""
        silence = self._silence
        if not silence.suspected(now, self.heard_at):
            return False
        if self.breaker.generation != self._generation:
            # Who still waits since before the opening says nothing about the ramp.
            self._renew(self.breaker.generation)
            return False
        # Even one measurement keeps a slow model from being taken for a dead one.
        usual_s = self.latency.usual_s(streamed=True, samples=1) or 0.0
        if not silence.fallen(now, self.heard_at, usual_s):
            return False
        if self.network is not None and self.network.doubts(self.breaker.target, now):
            return False
        self.failing_at = max(self.heard_at, next(iter(self._waiting.values())))
        self.breaker.trip(
            now,
            Reason.SILENCE,
            rule="silence.waiting",
            measured=len(self._waiting),
            threshold=silence.many,
        )
        self._opened(now)
        return True

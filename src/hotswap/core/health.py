"""What one target's own traffic tells about it, and what follows from that."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from math import inf
from typing import Final

from .backoff import Jitter, RetryBudget
from .breaker import Breaker
from .change import Change, Reason, State
from .outlier import Demotion, Suspicion
from .settings import ErrorRateRule, Health, LatencyRule, Learned
from .sketch import Sketch, Usual
from .terms import RULES, Cause, Failure, Scope
from .window import Ring

_GENERATION_SHIFT: Final = 48
"""A token is the generation above an even serial number, plus one when it is streamed."""
_CONFIRM_S: Final = 0.1
"""The silence must be seen twice, so far apart: a process that was suspended finds everybody old
and quiet, and the bytes that came meanwhile are read before the second look."""
_MINUTE_HALF_S: Final = 30.0
_USUAL_HALF_S: Final = 300.0
_USUAL_LEAST: Final = 50
"""With little traffic, limits are learned from what is older than five minutes."""
_GAPS_LEAST: Final = 500
"""Pauses have no time of their own: the last 500 to 1,000 streams are remembered."""

_BLAMING: Final = frozenset(cause for cause, rule in RULES.items() if rule.scope is Scope.TARGET)


class _Latency:
    """Times to first content of one kind of request: as is usual, and in the last minute."""

    __slots__ = ("minute", "p95")

    def __init__(self) -> None:
        self.p95 = Usual(0.95, Sketch(_USUAL_HALF_S, _USUAL_LEAST))
        self.minute = Sketch(_MINUTE_HALF_S)
        """Filled only while a `latency` rule asks for it."""


class TargetHealth:
    """The standing of one target, whatever the credential.

    Opens after `failures` consecutive failures, below `success_ratio` in the window, or when its
    streamed requests wait in silence. Only causes whose scope is the target are blamed on it: a
    rate limit or a caller's fault is no failure here. Results of attempts that began before the
    last opening or ramp are ignored. An attempt made in spite of an opening (panic) that is
    answered begins the ramp.
    """

    __slots__ = (
        "_accepts",
        "_bad",
        "_begun",
        "_consecutive",
        "_demotions",
        "_doubt_until",
        "_doubted",
        "_gaps",
        "_generation",
        "_good",
        "_jitter",
        "_many",
        "_quiet_s",
        "_requests",
        "_serial",
        "_settings",
        "_streamed",
        "_suspicions",
        "_token_base",
        "_waiting",
        "_whole",
        "above",
        "breaker",
        "changes",
        "heard_at",
        "on_open",
        "retries",
    )

    def __init__(
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
        self.above: list[Breaker] = []
        """Of the larger things that it belongs to: those that are open or in their ramp."""
        self.on_open: Callable[[str, float], None] | None = None
        """Hears of each opening that its own results led to, with the target and the moment."""
        self.heard_at = -inf
        """When a byte came last; whoever relays a stream may set it with each event."""
        self._generation = 0
        self._token_base = 0
        self._consecutive = 0
        self._good = Ring(settings.breaker.window_s)
        self._bad = Ring(settings.breaker.window_s)
        self._requests = Ring(settings.panic.window_s)
        self._accepts = Ring(settings.panic.window_s)
        self._begun: dict[int, float] = {}
        self._waiting: dict[int, float] = {}
        self._many = settings.silence.waiting
        self._quiet_s = settings.silence.quiet_s
        self._doubted: float | None = None
        """The last byte before the silence that was seen once."""
        self._doubt_until = 0.0
        self._streamed = _Latency()
        self._whole = _Latency()
        self._gaps = Usual(0.99, Sketch(0.0, _GAPS_LEAST))
        self._suspicions: list[Suspicion] = []
        self._demotions: list[Demotion] = []

    @property
    def in_flight(self) -> int:
        """Attempts that have begun and not ended."""
        return len(self._begun)

    def adopt(self, settings: Health, rules: Iterable[LatencyRule | ErrorRateRule]) -> None:
        """Go by other settings and by these rules of the chains; equal rules keep their verdict."""
        old, self._settings = self._settings, settings
        suspicions = {s.rule: s for s in self._suspicions}
        demotions = {d.rule: d for d in self._demotions}
        distinct = dict.fromkeys(rules)
        self._suspicions = [
            suspicions.get(r) or Suspicion(r) for r in distinct if isinstance(r, LatencyRule)
        ]
        self._demotions = [
            demotions.get(r) or Demotion(r) for r in distinct if isinstance(r, ErrorRateRule)
        ]
        self.breaker.adopt(settings.breaker)
        self._many = settings.silence.waiting
        self._quiet_s = settings.silence.quiet_s
        if old.breaker.window_s != settings.breaker.window_s:
            self._good = Ring(settings.breaker.window_s)
            self._bad = Ring(settings.breaker.window_s)
        if old.panic.window_s != settings.panic.window_s:
            self._requests = Ring(settings.panic.window_s)
            self._accepts = Ring(settings.panic.window_s)

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
        self._requests.add(now)
        return token

    def on_byte(self, token: int, now: float) -> None:
        """Note the first byte of any kind."""
        self.heard_at = now
        self._waiting.pop(token, None)

    def on_content(self, token: int, now: float, seconds: float) -> None:
        """Note the first content, `seconds` after the request was written."""
        self.heard_at = now
        (self._streamed if token & 1 else self._whole).p95.add(now, seconds)
        if self._suspicions:
            self._suspect(token, now, seconds)

    def on_gap(self, seconds: float) -> None:
        """Note a pause between events of a stream; its longest one, at its end, is enough."""
        self._gaps.add(0.0, seconds)

    def on_success(self, token: int, now: float) -> None:
        """Note that an attempt ended well."""
        if self._begun.pop(token, None) is None:
            return
        self.heard_at = now
        self._waiting.pop(token, None)
        self._accepts.add(now)
        breaker = self.breaker
        if token >> _GENERATION_SHIFT != breaker.generation:
            return
        if breaker.state is State.OPEN or breaker.state is State.HALF_OPEN:
            breaker.on_answer(now)
            return
        self._consecutive = 0
        self._good.add(now)
        if self._demotions:
            self._rate(now, ok=True)

    def on_failure(self, token: int, now: float, failure: Failure) -> None:
        """Note that an attempt did not end well; only the target's own faults count."""
        begun = self._begun.pop(token, None)
        if begun is None:
            return
        self._waiting.pop(token, None)
        if failure.status:
            self.heard_at = now
        if failure.cause not in _BLAMING:
            return
        if failure.cause is Cause.HANG and failure.detail == "first_content":
            # Too slow to be measured, so at least as slow as this. Only the minute hears of it:
            # limits that learn from their own cuts would grow without end.
            self._suspect(token, now, now - begun)
        breaker = self.breaker
        if token >> _GENERATION_SHIFT != breaker.generation:
            return
        hint = None if failure.retry_after_s is None else now + failure.retry_after_s
        state = breaker.state_at(now)
        if state is State.CLOSED or state is State.RAMP:
            self._consecutive += 1
            self._bad.add(now)
            self._rate(now, ok=False)
            self._judge(now, state, hint)
        elif hint is not None:
            breaker.trip(now, breaker.reason, until=hint)

    def on_end(self, token: int) -> None:
        """Note an end that says nothing about the target, such as the caller's leaving."""
        self._begun.pop(token, None)
        self._waiting.pop(token, None)

    def obstacle_at(self, now: float) -> str | None:
        """Return why no request may go here now, `open` or `half_open`; None: nothing bars it."""
        breaker = self.breaker
        if breaker.state is State.CLOSED and (
            len(self._waiting) < self._many or now < self.heard_at + self._quiet_s
        ):
            return None
        state = breaker.state_at(now)
        if (state is State.CLOSED or state is State.RAMP) and not self._falls_silent(now):
            return None
        breaker.wanted = True
        return breaker.state.value

    def admits_at(self, now: float) -> bool:
        """Say whether this request may ask the target in its turn; only a ramp ever refuses.

        A refusal means the end of the plan: the target is still better than none.
        """
        if self.breaker.state is not State.RAMP:
            return True
        return self._jitter() < self.breaker.share_at(now)

    def admits_in_panic(self, now: float) -> bool:
        """Say whether a request may be tried here although the target is open.

        Rejects with probability max(0, (requests - k x accepts) / (requests + 1)), so a target
        that answers nothing is left nearly alone. Asking makes its probe urgent.
        """
        requests = self._requests.total_at(now)
        accepts = self._accepts.total_at(now)
        self.breaker.press()
        if self._jitter() * (requests + 1) < requests - self._settings.panic.k * accepts:
            self._requests.add(now)
            return False
        return True

    def demoted_by(
        self,
        now: float,  # noqa: ARG002 - asked like its siblings; results alone change the verdict
        rule: ErrorRateRule,
    ) -> bool:
        """Say whether `rule` puts the target behind the others for this request."""
        for demotion in self._demotions:
            if demotion.rule is rule or demotion.rule == rule:
                return demotion.holds_back(self._jitter)
        return False

    def suspect_by(self, now: float, rule: LatencyRule) -> bool:
        """Say whether the target is slower than `rule` allows.

        Without a threshold it never is: then only the request's own limit acts.
        """
        for suspicion in self._suspicions:
            if suspicion.rule is rule or suspicion.rule == rule:
                change = suspicion.look(
                    now,
                    (self._streamed.minute, self._whole.minute),
                    self._settings.learned.samples,
                    self.breaker.target,
                )
                if change is not None:
                    self.changes.append(change)
                return suspicion.suspect
        return False

    def first_content_limit_s(self, learned: Learned, *, streamed: bool) -> float:
        """Return how long an attempt may take to its first content."""
        p95_s = (self._streamed if streamed else self._whole).p95.value_s(learned.samples)
        if streamed:
            if p95_s is None:
                return learned.first_content_start_s
            least, most = learned.first_content_min_s, learned.first_content_max_s
        else:
            if p95_s is None:
                return learned.whole_start_s
            least, most = learned.whole_min_s, learned.whole_max_s
        return min(most, max(least, learned.first_content_factor * p95_s))

    def usual_s(self, learned: Learned, *, streamed: bool) -> float | None:
        """Return the p95 of the time to first content; None: too few samples."""
        return (self._streamed if streamed else self._whole).p95.value_s(learned.samples)

    def silence_limit_s(self, learned: Learned) -> float:
        """Return how long a stream may pause between two events."""
        p99_s = self._gaps.value_s(learned.samples)
        if p99_s is None:
            return learned.silence_max_s
        return min(
            learned.silence_max_s, max(learned.silence_min_s, learned.silence_factor * p99_s)
        )

    def _renew(self, generation: int) -> None:
        """Start counting afresh after an opening or at the begin of a ramp."""
        self._generation = generation
        self._token_base = generation << _GENERATION_SHIFT
        self._consecutive = 0
        self._good.clear()
        self._bad.clear()
        self._waiting.clear()
        self._doubted = None

    def _judge(self, now: float, state: State, hint: float | None) -> None:
        """Open if the results say so."""
        settings = self._settings.breaker
        ramping = state is State.RAMP
        limit = settings.ramp_failures if ramping else settings.failures
        good, bad = self._good.total_at(now), self._bad.total_at(now)
        enough = good + bad >= settings.min_requests
        ratio = good / (good + bad)
        if self._consecutive >= limit:
            self.breaker.trip(
                now,
                Reason.FAILURES,
                until=hint,
                served=ramping and ratio >= settings.success_ratio,
                rule="breaker.ramp_failures" if ramping else "breaker.failures",
                measured=self._consecutive,
                threshold=limit,
            )
        elif enough and ratio < settings.success_ratio:
            self.breaker.trip(
                now,
                Reason.RATIO,
                until=hint,
                rule="breaker.success_ratio",
                measured=ratio,
                threshold=settings.success_ratio,
            )

    def _falls_silent(self, now: float) -> bool:
        """Open if enough streamed requests wait, and have waited too long, in silence."""
        rule = self._settings.silence
        if len(self._waiting) < self._many or now < self.heard_at + self._quiet_s:
            return False
        if self.breaker.generation != self._generation:
            # Who still waits since before the opening says nothing about the ramp.
            self._renew(self.breaker.generation)
            return False
        # Even one measurement keeps a slow model from being taken for a dead one.
        usual_s = self._streamed.p95.value_s(1) or 0.0
        begun_by = now - max(rule.floor_s, rule.factor * usual_s)
        # The oldest come first, so the one that makes them enough decides.
        begun = next(islice(self._waiting.values(), rule.waiting - 1, None))
        if begun > begun_by:
            self._doubted = None
            return False
        if self._doubted != self.heard_at:
            self._doubted = self.heard_at
            self._doubt_until = now + _CONFIRM_S
        if now < self._doubt_until:
            return False
        self.breaker.trip(
            now,
            Reason.SILENCE,
            rule="silence.waiting",
            measured=len(self._waiting),
            threshold=rule.waiting,
        )
        return True

    def _suspect(self, token: int, now: float, seconds: float) -> None:
        (self._streamed if token & 1 else self._whole).minute.add(now, seconds)
        for suspicion in self._suspicions:
            suspicion.add(seconds)

    def _rate(self, now: float, *, ok: bool) -> None:
        for demotion in self._demotions:
            change = demotion.add(now, ok=ok, target=self.breaker.target)
            if change is not None:
                self.changes.append(change)

"""Closed, open, half open, ramp: one mechanism for every scope of health.

The same machine guards a target, a credential, and a credential's access to one model. Something
trips it; it stays open until its own pause or the provider's hint is over; then one probe at a
time may go; a good probe begins a ramp, a bad one a longer opening; a ramp that is not tripped
closes it. Users are never probes, and never come back all at once.
"""

from collections.abc import Callable
from typing import Final

from msgspec import Struct

from .backoff import Jitter, equal_jitter, full_jitter, no_jitter
from .change import Change, Reason, State
from .settings import BreakerSettings

_NEVER: Final = float("inf")
_TOLD_S: Final = 1.0
"""An opening that is prolonged by less is not worth a record of its own."""


class _Deadline(Struct, frozen=True, gc=False):
    until: float
    hinted: bool


class _Pause(Struct, frozen=True, gc=False):
    """How long an opening lasts when the provider says nothing."""

    base_s: float
    cap_s: float
    draw: Callable[[float, int, float, Jitter], float]

    def drawn_s(self, level: int, jitter: Jitter) -> float:
        return self.draw(self.base_s, level, self.cap_s, jitter)

    def grows_at(self, level: int) -> bool:
        """Say whether another level would lengthen it; further ones would only slow the return."""
        return self.base_s * 2.0**level < self.cap_s


class Breaker:
    """Guards one target, credential or access.

    Its owner counts and calls `trip`; nothing here knows what failed. Time-driven changes happen
    when somebody looks (`state_at`), and are dated to the moment at which they were due. Every
    change but that of another worker is appended to `changes`.

    `generation` grows whenever traffic is cut off or let back in: a result that began under an
    older one says nothing about now. A probe's result counts only for the opening it was leased
    in.
    """

    __slots__ = (
        "_at",
        "_changes",
        "_decay_at",
        "_early_at",
        "_jitter",
        "_lease_generation",
        "_lease_until",
        "_mine",
        "_opened_at",
        "_settings",
        "_told_until",
        "credential",
        "generation",
        "hinted",
        "level",
        "reason",
        "state",
        "target",
        "until",
        "wanted",
    )

    def __init__(
        self,
        settings: BreakerSettings,
        jitter: Jitter,
        *,
        target: str = "",
        credential: str = "",
        changes: list[Change] | None = None,
    ) -> None:
        self._settings = settings
        self._jitter = jitter
        self.target = target
        self.credential = credential
        self._changes: list[Change] = [] if changes is None else changes
        self.state = State.CLOSED
        self.reason = ""
        """Why it opened last."""
        self.until = 0.0
        """End of the opening, or of the ramp."""
        self.generation = 0
        self.level = 0
        self.hinted = False
        self.wanted = False
        """Traffic was turned away since the last probe; nobody probes what nobody wants."""
        self._at = float("-inf")
        self._opened_at = 0.0
        self._early_at = _NEVER
        self._decay_at = 0.0
        self._told_until = 0.0
        self._lease_until = float("-inf")
        self._lease_generation = -1
        self._mine = True

    def adopt(self, settings: BreakerSettings) -> None:
        """Go by other settings from now on; a running opening or ramp ends as it was begun."""
        self._settings = settings

    def state_at(self, now: float) -> State:
        """Return the state, after whatever became due."""
        state = self.state
        if state is State.CLOSED and not self.level:
            return state
        if state is State.OPEN and now >= self.until:
            self._enter(State.HALF_OPEN, self.until, Reason.DUE, mine=self._mine)
        elif state is State.RAMP and now >= self.until:
            self._enter(State.CLOSED, self.until, Reason.RAMP_DONE, mine=self._mine)
        if self.state is State.CLOSED or self.state is State.RAMP:
            while self.level and now >= self._decay_at:
                self.level -= 1
                self._decay_at += self._settings.settle_s
        return self.state

    def share_at(self, now: float) -> float:
        """Return the share of traffic that may pass: 1 closed, growing in a ramp, else 0."""
        match self.state_at(now):
            case State.CLOSED:
                return 1.0
            case State.RAMP:
                settings = self._settings
                done = 1.0 - (self.until - now) / settings.ramp_s
                return min(1.0, max(settings.ramp_min, done))
            case _:
                return 0.0

    def trip(
        self,
        now: float,
        reason: str,
        *,
        until: float | None = None,
        served: bool = False,
        rule: str = "",
        measured: float | None = None,
        threshold: float | None = None,
    ) -> None:
        """Open, or stay open until the later of the old and the new end.

        Args:
            now: Monotonic seconds.
            reason: A `Reason` that opens.
            until: The provider's own hint; in the past or None: there is none.
            served: The ramp that ends here had carried its traffic mostly well, so the opening
                shrinks by one level instead of growing by one.
            rule: The setting that was violated.
            measured: In the unit of `threshold`.
            threshold: The bound that was passed.
        """
        state = self.state_at(now)
        if state is State.OPEN:
            self._prolong(now, reason, until)
            return
        if state is State.RAMP:
            self.level = max(0, self.level - 1) if served else self._next_level(reason)
        self._open(now, reason, until, rule=rule, measured=measured, threshold=threshold)

    def press(self) -> None:
        """Ask for a probe soon, because no target is left.

        The provider's own hint is respected, and so is the pause of what is disabled.
        """
        settings = self._settings
        if self.hinted or self.reason not in _PRESSING:
            return
        rest = equal_jitter(settings.open_s, 0, settings.open_s, self._jitter)
        self._early_at = min(self._early_at, self._opened_at + rest)
        self.wanted = True

    def due_at(self, now: float) -> bool:
        """Say whether a probe should be made: it is wanted, allowed, and none is under way."""
        return self.wanted and self._leasable(now)

    def lease(self, now: float, ttl_s: float) -> bool:
        """Take the right to make the one probe; it lasts until its result, at most `ttl_s`."""
        if not self._leasable(now):
            return False
        self._lease_until = now + ttl_s
        self._lease_generation = self.generation
        self.wanted = False
        return True

    def on_probe(
        self, now: float, *, ok: bool, hint_until: float | None = None, reason: str = ""
    ) -> None:
        """Take the result of a leased probe; any other result is dropped.

        A bad one prolongs the opening by one level. When it came early, before the end of the
        opening, it only proves that end right.
        """
        state = self.state_at(now)
        if self._lease_generation != self.generation:
            return
        self._drop_lease()
        if ok:
            self._enter(State.RAMP, now, Reason.PROBE_OK)
        elif state is State.OPEN:
            self._rest(now)
            if hint_until is not None:
                self._prolong(now, reason or self.reason, hint_until)
        else:
            reason = reason or self.reason
            self.level = self._next_level(reason)
            self._open(now, reason, hint_until)

    def drop_probe(self) -> None:
        """Give a lease back without a result."""
        self._drop_lease()
        self.wanted = True

    def on_answer(self, now: float) -> None:
        """A request that began in this opening, in panic, was answered: as good as a probe."""
        if self.state_at(now) in _SHUT:
            self._enter(State.RAMP, now, Reason.ANSWERED)

    def learn(self, change: Change, now: float) -> None:
        """Apply what another worker's breaker for the same thing did.

        Harmless when it comes twice, late or out of order; nothing is recorded again. The end of
        an opening is not taken over, because time ends it here as well; and the end of a ramp
        never ends an opening, because whoever opened knows more.
        """
        state = self.state_at(now)
        newer = change.at >= self._at
        match change.after:
            case State.OPEN:
                until = change.until or change.at
                if state is State.OPEN:
                    self._extend(_Deadline(until, change.hinted), change.reason)
                    self.level = max(self.level, change.level)
                elif newer and until > now:
                    self.level = change.level
                    self._shut(change.at, change.reason, _Deadline(until, change.hinted))
                    self._mine = False
            case State.RAMP if newer and state in _SHUT:
                self.level = change.level
                self._enter(State.RAMP, change.at, change.reason, mine=False)
            case State.CLOSED if newer and state is State.RAMP:
                self._enter(State.CLOSED, change.at, change.reason, mine=False)
            case _:
                pass

    def _leasable(self, now: float) -> bool:
        state = self.state_at(now)
        if now < self._lease_until:
            return False
        return state is State.HALF_OPEN or (state is State.OPEN and now >= self._early_at)

    def _drop_lease(self) -> None:
        self._lease_until = float("-inf")
        self._lease_generation = -1

    def _next_level(self, reason: str) -> int:
        grows = _pause(self._settings, reason).grows_at(self.level)
        return self.level + 1 if grows else self.level

    def _deadline(self, now: float, reason: str, until: float | None) -> _Deadline:
        settings = self._settings
        own = now + _pause(settings, reason).drawn_s(self.level, self._jitter)
        if until is None or until <= now:
            return _Deadline(own, hinted=False)
        spread = 1.0 + settings.hint_jitter * self._jitter()
        hint = now + min(settings.hint_max_s, (until - now) * spread)
        if reason == Reason.THROTTLED or hint >= own:
            return _Deadline(hint, hinted=True)
        return _Deadline(own, hinted=False)

    def _open(
        self,
        now: float,
        reason: str,
        until: float | None,
        *,
        rule: str = "",
        measured: float | None = None,
        threshold: float | None = None,
    ) -> None:
        before = self.state
        self._shut(now, reason, self._deadline(now, reason, until))
        self._mine = True
        self._tell(now, before, reason, rule=rule, measured=measured, threshold=threshold)

    def _shut(self, at: float, reason: str, deadline: _Deadline) -> None:
        self.state = State.OPEN
        self.generation += 1
        self.reason = reason
        self.until = deadline.until
        self.hinted = deadline.hinted
        self.wanted = False
        self._at = at
        self._drop_lease()
        self._rest(at)

    def _rest(self, now: float) -> None:
        """Begin the pause after an opening or an early probe."""
        self._opened_at = now
        self._early_at = now + self._settings.hint_probe_s if self.hinted else _NEVER

    def _prolong(self, now: float, reason: str, until: float | None) -> None:
        if not self._extend(self._deadline(now, reason, until), reason):
            return
        if self.until >= self._told_until + _TOLD_S:
            self._tell(now, State.OPEN, reason)

    def _extend(self, deadline: _Deadline, reason: str) -> bool:
        if deadline.until <= self.until:
            return False
        self.until = deadline.until
        self.hinted = deadline.hinted
        self.reason = reason
        self._early_at = self._opened_at + self._settings.hint_probe_s if self.hinted else _NEVER
        return True

    def _enter(self, state: State, at: float, reason: str, *, mine: bool = True) -> None:
        before, self.state = self.state, state
        if state is State.RAMP:
            self.generation += 1
            self._at = at
            self._drop_lease()
            self.wanted = False
            self.until = at + self._settings.ramp_s
            self._decay_at = at + self._settings.settle_s
        self._mine = mine
        if mine:
            self._tell(at, before, reason)

    def _tell(
        self,
        at: float,
        before: State,
        reason: str,
        *,
        rule: str = "",
        measured: float | None = None,
        threshold: float | None = None,
    ) -> None:
        opened = self.state is State.OPEN
        self._told_until = self.until
        self._changes.append(
            Change(
                at=at,
                target=self.target,
                credential=self.credential,
                before=before.value,
                after=self.state.value,
                reason=reason,
                rule=rule,
                measured=measured,
                threshold=threshold,
                until=self.until if opened else None,
                hinted=opened and self.hinted,
                level=self.level,
            )
        )


_SHUT: Final = frozenset({State.OPEN, State.HALF_OPEN})
_PRESSING: Final = frozenset({Reason.FAILURES, Reason.RATIO, Reason.SILENCE})


def _pause(settings: BreakerSettings, reason: str) -> _Pause:
    match reason:
        case Reason.THROTTLED:
            return _Pause(settings.throttle_s, settings.throttle_max_s, full_jitter)
        case Reason.EXHAUSTED:
            return _Pause(settings.exhausted_s, settings.exhausted_s, no_jitter)
        case Reason.AUTH:
            return _Pause(settings.auth_s, settings.auth_s, no_jitter)
        case Reason.GONE:
            return _Pause(settings.gone_s, settings.gone_s, no_jitter)
        case _:
            return _Pause(settings.open_s, settings.open_max_s, equal_jitter)

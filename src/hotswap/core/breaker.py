"""Closed, open, half open, ramp: one mechanism for every scope of health.

The same machine guards a target, a larger thing with several of them, a credential, and a
credential's access to one model. Something trips it; it stays open until its own pause or the
provider's hint is over; then one probe at a time may go; a good probe begins a ramp, a bad one a
longer opening; a ramp that is not tripped closes it. Users never come back all at once, and never
probe what is broken. See `after_opening` and `ramp_after` for what only had enough for a while.
"""

from math import inf
from typing import Final

from .backoff import Jitter
from .change import Change, Reason, State
from .pauses import DISABLING, Deadline, after_opening, deadline_of, pause_of, ramp_after
from .probing import Probing
from .settings import BreakerSettings
from .terms import Reading

_TOLD_S: Final = 1.0
"""An opening that is prolonged by less is not worth a record of its own."""
_LEAST_S: Final = 1e-9
"""So long is a ramp at least that something is divided by."""
_RECALLED_S: Final = 86400.0
"""What was disabled is worth a probe for so long after its end: nobody may have tried it since."""


class Breaker:
    """Guards one target, larger thing, credential or access.

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
        "_doubtful",
        "_drained_from",
        "_jitter",
        "_level_before",
        "_mine",
        "_settings",
        "_told_until",
        "answered",
        "credential",
        "down_at",
        "found",
        "generation",
        "hinted",
        "level",
        "probing",
        "reason",
        "scope",
        "shut_at",
        "state",
        "target",
        "until",
    )

    def __init__(
        self,
        settings: BreakerSettings,
        jitter: Jitter,
        *,
        target: str = "",
        credential: str = "",
        scope: str = "",
        changes: list[Change] | None = None,
    ) -> None:
        self._settings = settings
        self._jitter = jitter
        self.target = target
        self.credential = credential
        self.scope = scope
        self._changes: list[Change] = [] if changes is None else changes
        self.state = State.CLOSED
        self.reason = ""
        """Why it opened last."""
        self.found = Reading("")
        """The setting that was violated then, and what was measured; empty: the reason says it."""
        self.until = 0.0
        """End of the opening, or of the ramp."""
        self.generation = 0
        self.level = 0
        self.hinted = False
        self.probing = Probing(settings, jitter)
        self.answered = False
        """Its owner saw an answer since it opened last; only who guards against throttles looks."""
        self._at = float("-inf")
        self.shut_at = 0.0
        """When it opened, or a probe found it shut, last."""
        self.down_at = 0.0
        """When users were turned away first, however often it opened since."""
        self._level_before = 0
        self._drained_from = State.CLOSED
        self._doubtful = False
        self._decay_at = 0.0
        self._told_until = 0.0
        self._mine = True

    def adopt(self, settings: BreakerSettings) -> None:
        """Go by other settings from now on; a running opening or ramp ends as it was begun."""
        self._settings = settings
        self.probing.adopt(settings)

    def state_at(self, now: float) -> State:
        """Return the state, after whatever became due."""
        state = self.state
        if state is State.CLOSED and not self.level:
            return state
        if state is State.OPEN and now >= self.until:
            self._enter(
                after_opening(self.reason, self.hinted), self.until, Reason.DUE, mine=self._mine
            )
        if self.state is State.RAMP and now >= self.until:
            self._enter(State.CLOSED, self.until, Reason.RAMP_DONE, mine=self._mine)
        if self.state is State.CLOSED or self.state is State.RAMP:
            while self.level and now >= self._decay_at:
                self.level -= 1
                self._decay_at += self._settings.settle_s
        return self.state

    def is_healed(self, now: float) -> bool:
        """Say whether a key's breaker remembers nothing any more that another opening would need.

        A short throttle is over sooner than the next request may come; without an answer since,
        the next one must find it, to make the pause grow.
        """
        if self.state_at(now) is not State.CLOSED or self.level:
            return False
        return self.answered or self.reason != Reason.THROTTLED or now >= self._decay_at

    def share_at(self, now: float) -> float:
        """Return the share of traffic that may pass: 1 closed, growing in a ramp, else 0."""
        match self.state_at(now):
            case State.CLOSED:
                return 1.0
            case State.RAMP:
                done = (now - self._at) / max(self.until - self._at, _LEAST_S)
                return min(1.0, max(self._settings.ramp_min, done))
            case _:
                return 0.0

    def trip(
        self,
        now: float,
        reason: str,
        *,
        until: float | None = None,
        served: bool = False,
        doubtful: bool = False,
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
            doubtful: Some of the traffic until here went well, so that it may only fail now and
                then: for as long as a first opening lasts it is probed each `doubt_s`.
            rule: The setting that was violated.
            measured: In the unit of `threshold`.
            threshold: The bound that was passed.
        """
        state = self.state_at(now)
        if state is State.OPEN:
            self._prolong(now, reason, until)
            return
        if state is State.DRAINED:
            return
        if state is not State.HALF_OPEN:
            self._level_before = self.level
        if reason == Reason.THROTTLED:
            # Between two answers it is chance, or a limit that is nearly kept.
            if self.reason == reason and not self.answered:
                self.level = self._next_level(reason)
        elif state is State.RAMP:
            self.level = max(0, self.level - 1) if served else self._next_level(reason)
        # Three bad results may begin a good ramp by chance, but hardly two ramps in a row.
        if doubtful or (self._doubtful and state is State.RAMP):
            self.probing.doubt(now)
        self._doubtful = doubtful
        self._open(now, reason, until, rule=rule, measured=measured, threshold=threshold)

    def press(self) -> None:
        """Ask for a probe soon, because no target is left.

        The provider's own hint is respected, and so is the pause of what is disabled.
        """
        if not self.hinted and self.reason in _PRESSING:
            self.probing.press(self.shut_at)

    def due_at(self, now: float) -> bool:
        """Say whether a probe should be made: it is wanted, allowed, and none is under way."""
        return self.probing.wanted and self._leasable(now)

    def lease(self, now: float, ttl_s: float) -> bool:
        """Take the right to make the one probe; it lasts until its result, at most `ttl_s`."""
        if not self._leasable(now):
            return False
        self.probing.take(now, ttl_s, self.generation)
        return True

    def on_probe(
        self,
        now: float,
        *,
        ok: bool,
        hint_until: float | None = None,
        reason: str = "",
        begun: float = inf,
    ) -> bool:
        """Take the result of a leased probe; any other result is dropped.

        A bad one prolongs the opening by one level. When it came early, before the end of the
        opening, it only proves that end right.

        Args:
            now: Monotonic seconds.
            ok: It ended well.
            hint_until: The provider's own end of the opening.
            reason: Why it opens again; empty: for the reason it had.
            begun: When the probe began; infinity: the present lease is its own.

        Returns:
            Whether the ramp begins by it.
        """
        state = self.state_at(now)
        if not self.probing.belongs_to(self.generation, begun):
            return False
        self.probing.end()
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
        return ok

    def drop_probe(self, begun: float = inf, *, rest_until: float = -inf) -> None:
        """Give a lease back without a result; the next one may be had from `rest_until` on.

        As with a result, it must be the lease of the probe that began at `begun`.
        """
        if self.probing.belongs_to(self.generation, begun):
            self.probing.end_without_result(rest_until)

    def postpone_probe(self, now: float, begun: float = inf) -> None:
        """Give a lease back whose probe says nothing, and rest before the next one."""
        self.drop_probe(begun, rest_until=now + self._settings.open_s)

    def on_answer(self, now: float) -> None:
        """A request that began in this opening, in panic, was answered: as good as a probe."""
        if self.state_at(now) in _SHUT:
            self._enter(State.RAMP, now, Reason.ANSWERED)

    def close(self, now: float, reason: str, *, mine: bool = True, undo: bool = False) -> None:
        """End an opening, a drain or a ramp at once, for a reason that lies outside.

        Args:
            now: Monotonic seconds.
            reason: Place_ok, network or operator.
            mine: Nobody else tells of it.
            undo: The opening was a mistake: it leaves no growth behind.
        """
        # What is open need not become half open first.
        if (self.state_at(now) if self.state is State.RAMP else self.state) is State.CLOSED:
            return
        if undo:
            self.level = self._level_before
        self._stand(now)
        self._decay_at = now + self._settings.settle_s
        self._enter(State.CLOSED, now, reason, mine=mine)

    def forgive(self, since: float, now: float) -> None:
        """Take back what was concluded since `since`: our own network was down.

        What was open before stays open: it may well be broken for a reason of its own.
        """
        if self.down_at > since:
            self.close(now, Reason.NETWORK, undo=True)
        elif self.shut_at > since:
            self.probing.hasten(now)

    def renew(self) -> None:
        """Let every result of an attempt in flight count as late."""
        self.generation += 1

    def obey(self, change: Change, now: float) -> None:
        """Do what an operator wants, however long ago that was said; nothing is recorded again."""
        state = self.state_at(now)
        match change.after:
            case "drained" if state is not State.DRAINED:
                self._drained_from = state
                self._stand(now)
                self.state = State.DRAINED
            case "undrained" if state is State.DRAINED:
                self._stand(now)
                self.until = now
                self.state = State.HALF_OPEN if self._drained_from in _SHUT else State.CLOSED
            case "closed":
                self.close(now, Reason.OPERATOR, mine=False)
            case "open" if state is not State.DRAINED:
                self._level_before = self.level
                own = self._deadline(now, change.reason, None)
                until = max(own.until, change.until or own.until)
                self._shut(now, Reason.OPERATOR, Deadline(until, hinted=False))
                self._mine = False
            case "trial" if state in _SHUT:
                self.probing.hasten(now)
            case _:
                pass

    def learn(self, change: Change, now: float) -> None:
        """Apply what another worker's breaker for the same thing did, or an operator wants.

        Harmless when it comes twice, late or out of order; nothing is recorded again. The end of
        an opening is not taken over, because time ends it here as well; and the end of a ramp
        never ends an opening, because whoever opened knows more. What was disabled until some
        hours ago comes back by a probe, since nobody may have tried it meanwhile.
        """
        if change.reason == Reason.OPERATOR:
            self.obey(change, now)
            return
        state = self.state_at(now)
        if state is State.DRAINED:
            return
        newer = change.at >= self._at
        match change.after:
            case State.OPEN:
                until = change.until or change.at
                if state is State.OPEN:
                    self._extend(Deadline(until, change.hinted), change.reason)
                    self.level = max(self.level, change.level)
                elif newer and until > (now - _RECALLED_S if change.reason in DISABLING else now):
                    self.level = self._level_before = change.level
                    self.found = Reading(
                        change.reason, change.rule, change.measured, change.threshold
                    )
                    self._shut(change.at, change.reason, Deadline(until, change.hinted))
                    self._mine = False
            case State.RAMP if newer and state in _SHUT:
                self.level = change.level
                self._enter(State.RAMP, change.at, change.reason, mine=False)
                self.until = change.until or self.until
            case State.CLOSED if newer and change.reason in _PARDONS:
                self.close(now, change.reason, mine=False)
                self.level = change.level
            case State.CLOSED if newer and state is State.RAMP:
                self._enter(State.CLOSED, change.at, change.reason, mine=False)
            case _:
                pass

    def _leasable(self, now: float) -> bool:
        state = self.state_at(now)
        return state in _SHUT and self.probing.is_free(now, over=state is State.HALF_OPEN)

    def _stand(self, now: float) -> None:
        """Begin a state that neither a probe nor a pause ends."""
        self.generation += 1
        self._at = now
        self._end_probing()

    def _end_probing(self) -> None:
        self.probing.end()
        self.probing.wanted = False

    def _next_level(self, reason: str) -> int:
        grows = pause_of(self._settings, reason).grows_at(self.level)
        return self.level + 1 if grows else self.level

    def _deadline(self, now: float, reason: str, until: float | None) -> Deadline:
        return deadline_of(self._settings, reason, self.level, now, self._jitter, hint=until)

    def reading(self, state: str, scope: str = "") -> Reading:
        """Say what was measured when it opened last.

        Args:
            state: What it is now, for `Reading.reason`.
            scope: The larger thing that it guards; empty: a target.
        """
        found = self.found
        return Reading(state, found.rule, found.measured, found.threshold, scope)

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
        if rule or reason != self.reason:
            self.found = Reading(reason, rule, measured, threshold)
        self._shut(now, reason, self._deadline(now, reason, until))
        self._mine = True
        self._tell(now, before, reason, rule=rule, measured=measured, threshold=threshold)

    def _shut(self, at: float, reason: str, deadline: Deadline) -> None:
        if self.state not in _SHUT:
            self.down_at = at
        self.state = State.OPEN
        self.generation += 1
        self.reason = reason
        self.until = deadline.until
        self.hinted = deadline.hinted
        self.answered = False
        self._at = at
        self._end_probing()
        self._rest(at)

    def _rest(self, now: float) -> None:
        """Begin the pause after an opening or an early probe."""
        self.shut_at = now
        self.probing.rest(now, hinted=self.hinted)

    def _prolong(self, now: float, reason: str, until: float | None) -> None:
        if not self._extend(self._deadline(now, reason, until), reason):
            return
        if self.until >= self._told_until + _TOLD_S:
            self._tell(now, State.OPEN, reason)

    def _extend(self, deadline: Deadline, reason: str) -> bool:
        if deadline.until <= self.until:
            return False
        self.until = deadline.until
        self.hinted = deadline.hinted
        self.reason = reason
        self.probing.reschedule(self.shut_at, hinted=self.hinted)
        return True

    def _enter(self, state: State, at: float, reason: str, *, mine: bool = True) -> None:
        before, self.state = self.state, state
        if state is State.RAMP:
            length_s = ramp_after(self._settings, self.reason, self.hinted, self.until - self._at)
            self.generation += 1
            self._at = at
            self._end_probing()
            self.until = at + length_s
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
        timed = opened or self.state is State.RAMP
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
                until=self.until if timed else None,
                hinted=opened and self.hinted,
                level=self.level,
                scope=self.scope,
            )
        )


_SHUT: Final = frozenset({State.OPEN, State.HALF_OPEN})
_PRESSING: Final = frozenset(
    {Reason.FAILURES, Reason.RATIO, Reason.SILENCE, Reason.MEMBERS, Reason.OPERATOR}
)
_PARDONS: Final = frozenset({Reason.PLACE_OK, Reason.NETWORK})
"""Why an opening may end without a probe of its own."""

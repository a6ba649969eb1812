"""One request's decisions: events in, one action out."""

from collections.abc import Callable, Sequence

from msgspec import Struct

from . import waiting
from .capability import CONTEXT
from .error_class import acts_on
from .panic import is_barred, panic_key
from .plan import ANYTHING, DOWN, OTHER_MODEL, Ask, Plan, Skip, least_bad, look
from .regions import stand_in
from .retry import pause_s
from .standings import Standings
from .terms import RULES, Cause, Chain, Credential, Failure, Rule, Scope, Target, Trigger
from .waiting import Patience


class Start(Struct, frozen=True, gc=False):
    """Begin an attempt."""

    target: Target
    credential: Credential


class Sleep(Struct, frozen=True, gc=False):
    """Wait, then call `Run.on_wake`."""

    seconds: float


class GiveUp(Struct, frozen=True, gc=False):
    """Nothing is left to try; `failure` is that of the last attempt, None: there was none.

    If every skip of the run is `unable` then, the request asks for what no target can do.
    """

    failure: Failure | None


Action = Start | Sleep | GiveUp


class Run:
    """Decides for one request what to do next; the driver does it.

    A failure is answered with another key or target at once, and with a pause only when there is
    none left. A request makes at most links + `max_attempts` - 1 attempts; another key after a
    refused, exhausted or throttled one is free, once per key.
    """

    __slots__ = (
        "_ask",
        "_at",
        "_chain",
        "_deadline",
        "_failure",
        "_fallback",
        "_hand",
        "_jitter",
        "_panic",
        "_patience",
        "_rest",
        "_retried",
        "_standings",
        "_targets",
        "_tried",
        "_tried_keys",
        "_waits",
        "_window",
        "behind",
        "skips",
    )

    def __init__(  # noqa: PLR0915 - one statement per field, each documented
        self,
        chain: Chain,
        plan: Plan,
        standings: Standings,
        *,
        deadline: float,
        jitter: Callable[[], float],
        ask: Ask = ANYTHING,
        fallback: bool = True,
    ) -> None:
        """Prepare a run.

        Args:
            chain: Its triggers say which causes move on; its retry settings bound the tries.
            plan: The candidates in order.
            standings: Asked again for each candidate, since much may change within a request.
            deadline: Monotonic seconds at which the request ends, whatever happens.
            jitter: Gives a random number in [0, 1).
            ask: As in `plan`, for the targets that it has not looked at yet.
            fallback: False: the first candidate only, by the caller's wish.
        """
        self._chain = chain
        self._targets: Sequence[Target] = plan.targets if fallback else plan.targets[:1]
        self._rest: Sequence[Target] = plan.rest if fallback else ()
        self.skips: tuple[Skip, ...] = plan.skips
        """The targets left out so far, and why."""
        self.behind: tuple[Skip, ...] = plan.behind
        """Those that are asked after the others, and why."""
        self._panic = plan.panic
        self._fallback = fallback
        self._standings = standings
        self._deadline = deadline
        self._jitter = jitter
        self._ask = ask
        self._failure: Failure | None = None
        """Of the last attempt."""
        self._window = 0
        """Tokens of the widest window that the prompt did not fit into."""
        self._at = -1
        """The last target that was looked at; it need not be the one in hand."""
        self._hand: Start | None = None
        """The attempt that was begun last: a key goes to its own target only."""
        self._tried: set[str] = set()
        """The targets that were asked."""
        self._retried = 0
        """Times that a target was asked again, of all targets."""
        self._tried_keys: dict[str, tuple[str, ...]] = {}
        """By target: the keys that it was asked with since its turn came."""
        self._patience: Patience | None = None
        """How the request waits for a target to come back; None: one was left so far."""
        self._waits = False

    def begin(self, now: float) -> Action:
        """Start at the first candidate that still can serve."""
        return self._next_target(now) or self._exhausted(None, now)

    def on_failure(self, failure: Failure, now: float, failed: Start | None = None) -> Action:
        """Say what follows from an attempt that failed before anything reached the caller.

        Args:
            failure: Its end.
            now: Monotonic seconds.
            failed: Which one it was, where there were two; None: the one that was begun last.
        """
        self._take(failure, failed)
        rule = RULES[failure.cause]
        if failure.cause is Cause.CONTEXT and self._hand is not None:
            self._window = max(self._window, self._hand.target.abilities.context)
        if now >= self._deadline or not rule.move_on or not self._acts(failure, rule):
            return GiveUp(failure)
        if rule.scope is Scope.TARGET:
            self._turn_to_sister(now)
        return (
            (self._next_key(now) if rule.next_key else None)
            or self._next_target(now)
            or self._retry(failure, now)
            or self._exhausted(failure, now)
        )

    def on_broken(
        self,
        failure: Failure,
        now: float,
        continues: Callable[[Target], bool],
        failed: Start | None = None,
    ) -> Action:
        """Say where an answer goes on that broke off after the caller had some of it.

        Those that `continues` says can take up the very words come first, whatever their priority:
        they leave the least of a seam.
        """
        self._take(failure, failed)
        rule = RULES[failure.cause]
        if now >= self._deadline or not rule.move_on or not self._acts(failure, rule):
            return GiveUp(failure)
        self._look_at_rest(now)
        if rule.scope is Scope.TARGET:
            self._turn_to_sister(now)
        done, left = self._targets[: self._at + 1], self._targets[self._at + 1 :]
        self._targets = (*done, *sorted(left, key=lambda target: not continues(target)))
        return self._next_target(now) or self._retry(failure, now) or self._exhausted(failure, now)

    def beside(self, now: float, fits: Callable[[Target], bool]) -> Start | None:
        """Start a target that fits beside the one in hand."""
        if self._panic:
            return None
        self._look_at_rest(now)
        for at in range(self._at + 1, len(self._targets)):
            target = self._targets[at]
            health = self._standings.target(target.id)
            if not fits(target) or health.bars(now, self._chain.triggers):
                continue
            credential = self._key(target, now)
            if credential is not None:
                self._targets = (*self._targets[:at], *self._targets[at + 1 :])
                health.retries.started(now)
                return self._begun(target, credential)
        return None

    def has_more(self, now: float) -> bool:
        """Say whether another target than the one in hand can be asked."""
        self._look_at_rest(now)
        left = self._targets[self._at + 1 :]
        triggers, standings = self._chain.triggers, self._standings
        return any(not is_barred(target, standings, triggers, now) for target in left)

    def on_lost(self, target: Target) -> None:
        """Take note that an attempt was ended because another one answered: no fault of its own."""
        self._tried.discard(target.id)

    def on_other_way(self) -> Action:
        """Ask the same target again, in another way than the one that it refused."""
        return self._hand or GiveUp(self._failure)

    def on_unable(self, lacks: str, now: float) -> Action:
        """Say what follows as the target in hand turned out not to be able; nothing was sent."""
        if self._hand is not None:
            self._leave_out(self._hand.target, lacks)
        return self._next_target(now) or self._exhausted(self._failure, now)

    def on_wake(self, now: float) -> Action:
        """Try the same target again after the pause, unless it has opened meanwhile.

        After a wait for any target: the first that has come back.
        """
        if self._waits:
            return self._next_back(now) or self._exhausted(self._failure, now)
        hand = self._hand
        if now >= self._deadline or hand is None:
            return GiveUp(self._failure)
        again = self._again(hand, now) if self._may_retry(hand.target, now) else None
        if again is None:
            return self._exhausted(self._failure, now)
        self._retried += 1
        return again

    def suited(self) -> list[Target]:
        """Return the targets that can do what the request asks, however they stand."""
        barred = {skip.target for skip in self.skips if skip.unable or skip.reason == OTHER_MODEL}
        order = self._ask.order
        return [
            target
            for target in self._chain.targets
            if target.id not in barred and (not order or target.id in order)
        ]

    def _take(self, failure: Failure, failed: Start | None) -> None:
        """Take note of how the attempt in hand ended, which may be the second of two."""
        self._failure = failure
        if failed is not None:
            self._hand = failed

    def _acts(self, failure: Failure, rule: Rule) -> bool:
        """Say whether the chain's triggers let this failure move the request on."""
        triggers = self._chain.triggers
        if rule.trigger is Trigger.ERROR and triggers.error is not None:
            acts = acts_on(triggers.error, failure)
        else:
            acts = rule.trigger is None or triggers.active(rule.trigger)
        return acts or (failure.cause is Cause.HANG and triggers.active(Trigger.LATENCY))

    def _turn_to_sister(self, now: float) -> None:
        """Let the same model in another region of its vendor come next, as a plan would."""
        if self._hand is None or not self._hand.target.region or not self._chain.triggers.region:
            return
        if self._ask.order:
            return
        self._look_at_rest(now)
        behind = {skip.target for skip in self.behind}
        down = self._tried | {skip.target for skip in self.skips if skip.reason in DOWN}
        others = [target for target in self._chain.targets if target.id in down]
        done, left = self._targets[: self._at + 1], list(self._targets[self._at + 1 :])
        fine = [target for target in left if target.id not in behind]
        at = stand_in(self._hand.target, fine, others)
        if at is not None:
            left.remove(fine[at])
            self._targets = (*done, fine[at], *left)

    def _next_key(self, now: float) -> Start | None:
        if self._hand is None:
            return None
        target = self._hand.target
        if not self._may_retry(target, now):
            return None
        credential = self._key(target, now, self._tried_keys.get(target.id, ()))
        return self._start(target, credential) if credential is not None else None

    def _next_target(self, now: float) -> Start | None:
        if self._panic:
            # Who has come back since it was only the least bad is better than those left.
            done, left = self._targets[: self._at + 1], self._targets[self._at + 1 :]
            triggers, standings = self._chain.triggers, self._standings
            left = sorted(left, key=lambda one: is_barred(one, standings, triggers, now))
            self._targets = (*done, *left)
        action = self._next_listed(now)
        if action is None and self._look_again(now):
            action = self._next_listed(now)
        return action

    def _next_listed(self, now: float) -> Start | None:
        while self._at + 1 < len(self._targets) or self._look_at_rest(now):
            self._at += 1
            target = self._targets[self._at]
            if 0 < target.abilities.context <= self._window:
                self._leave_out(target, CONTEXT)
                continue
            health = self._standings.target(target.id)
            if self._panic:
                key = self._key(target, now)
                credential = panic_key(target, key, self._chain, self._standings, now)
            elif self._at and health.bars(now, self._chain.triggers):
                continue
            else:
                credential = self._key(target, now)
            if credential is not None:
                self._tried_keys.pop(target.id, None)
                health.retries.started(now)
                return self._start(target, credential)
        return None

    def _look_at_rest(self, now: float) -> bool:
        """Sort the targets not looked at so far; say whether one of them can be asked."""
        if not self._rest:
            return False
        more = look(
            self._rest,
            self._chain,
            self._standings,
            now,
            self._jitter,
            ask=self._ask,
            behind=self.behind,
        )
        self._rest = ()
        self._targets = (*self._targets, *more.targets)
        self.skips = (*self.skips, *more.skips)
        self.behind = more.behind
        return bool(more.targets)

    def _look_again(self, now: float) -> bool:
        """Add the targets that could not be asked in their turn, if one of them can by now."""
        if not self._fallback:
            return False
        passed = [target for target in self.suited() if target.id not in self._tried]
        if not passed:
            return False
        more = look(passed, self._chain, self._standings, now, self._jitter, ask=self._ask)
        self._targets = (*self._targets, *more.targets)
        self.skips = _renewed(self.skips, more.skips)
        self.behind = _renewed(self.behind, more.behind)
        return bool(more.targets)

    def _exhausted(self, failure: Failure | None, now: float) -> Action:
        """Do what the chain wants where no target is left."""
        policy = self._chain.on_exhausted
        if not self._fallback or now >= self._deadline:
            return GiveUp(failure)
        if policy.least_bad and not self._panic:
            self._panic = True
            left_out = [skip for skip in self.skips if skip.target not in self._tried]
            worse = least_bad(self._chain, self._standings, now, left_out)
            self._targets = (*self._targets, *worse)
            start = self._next_listed(now)
            if start is not None:
                return start
        if not policy.wait_s:
            return GiveUp(failure)
        return self._wait(policy.wait_s, now) or GiveUp(failure)

    def _wait(self, seconds: float, now: float) -> Sleep | None:
        """Pause until a target may be back; None: none will be in time."""
        patience = self._patience
        if patience is None:
            least = self._standings.settings.breaker.ramp_min
            turn = least + (1.0 - least) * self._jitter()
            patience = self._patience = Patience(min(now + seconds, self._deadline), turn)
        pause = waiting.pause_s(
            patience,
            self._returning(),
            self._standings,
            self._chain.triggers,
            now,
            looked=self._waits,
        )
        if pause is None:
            return None
        self._waits = True
        return Sleep(pause)

    def _next_back(self, now: float) -> Start | None:
        """Start the first target that has come back."""
        standings, triggers, patience = self._standings, self._chain.triggers, self._patience
        found = look(self._returning(), self._chain, standings, now, self._jitter, ask=self._ask)
        for target in found.targets:
            if patience and not waiting.is_turn(patience, target, standings, triggers, now):
                continue
            credential = self._key(target, now)
            if credential is None:
                continue
            retries = standings.target(target.id).retries
            if target.id not in self._tried:
                retries.started(now)
            elif retries.take(now):
                self._retried += 1
            else:
                continue
            self._tried_keys.pop(target.id, None)
            self._waits = False
            return self._start(target, credential)
        return None

    def _returning(self) -> list[Target]:
        """Return the targets that may still be asked, if one of them comes back."""
        again = self._retried < self._chain.retry.max_attempts - 1
        return [one for one in self.suited() if again or one.id not in self._tried]

    def _leave_out(self, target: Target, lacks: str) -> None:
        self.skips = (*self.skips, Skip(target.id, lacks, unable=True))

    def _key(self, target: Target, now: float, tried: tuple[str, ...] = ()) -> Credential | None:
        """Return the key to ask `target` with, if possible one below its limits' headroom."""
        ring, rule = self._standings.keyring(target.provider), self._chain.triggers.rate_limit
        if rule is None or not ring.rooms.by_model:
            return ring.pick(target.model, now, tried)
        return ring.pick(
            target.model,
            now,
            tried,
            prompt_tokens=self._ask.prompt_tokens,
            output_tokens=self._ask.output_tokens,
            headroom=rule.headroom,
        )

    def _start(self, target: Target, credential: Credential) -> Start:
        self._hand = hand = self._begun(target, credential)
        return hand

    def _begun(self, target: Target, credential: Credential) -> Start:
        tried = self._tried_keys
        tried[target.id] = (*tried.get(target.id, ()), credential.id)
        self._tried.add(target.id)
        return Start(target, credential)

    def _again(self, hand: Start, now: float) -> Start | None:
        """Ask the target in hand once more, with another key if that one was disabled meanwhile."""
        target = hand.target
        ring = self._standings.keyring(target.provider)
        if not ring.is_disabled(hand.credential.id, target.model, now):
            return hand
        credential = self._key(target, now)
        return None if credential is None else self._start(target, credential)

    def _may_retry(self, target: Target, now: float) -> bool:
        """Say whether the target in hand may be asked again, as far as its standing goes."""
        health = self._standings.target(target.id)
        return self._panic or not health.bars(now, self._chain.triggers)

    def _retry(self, failure: Failure, now: float) -> Sleep | None:
        """Pause before another try at the last target, if that may help and can be afforded."""
        hand = self._hand
        left_s = self._deadline - now
        pause = pause_s(self._chain.retry, failure, self._retried, left_s, self._jitter)
        if hand is None or pause is None or not self._may_retry(hand.target, now):
            return None
        return Sleep(pause) if self._standings.target(hand.target.id).retries.take(now) else None


def _renewed(known: tuple[Skip, ...], more: tuple[Skip, ...]) -> tuple[Skip, ...]:
    """Return what is known of each target by now."""
    if not more:
        return known
    return tuple({skip.target: skip for skip in (*known, *more)}.values())

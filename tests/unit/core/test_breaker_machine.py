"""The breaker against a model that is too simple to be wrong: any order of events, any pace."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from hotswap.core.breaker import Breaker
from hotswap.core.change import Reason, State
from hotswap.core.settings import BreakerSettings

SETTINGS = BreakerSettings()
REASONS = st.sampled_from([Reason.FAILURES, Reason.THROTTLED, Reason.AUTH, Reason.SILENCE])


def half() -> float:
    return 0.5


class BreakerMachine(RuleBasedStateMachine):
    """Keeps beside the breaker: may users pass, until when not, who holds the lease."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.breaker = Breaker(SETTINGS, half)
        self.shut = False
        self.ramp_ends = 0.0
        self.earliest = 0.0
        """Nobody may pass or probe before it."""
        self.guessed = False
        """What shut it is a throttle that named no time: it ends by itself."""
        self.leased_until = 0.0
        self.leased_for: int | None = None
        self.generation = 0

    @rule(seconds=st.floats(0.0, 400.0))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        if self.shut and self.guessed and self.now >= self.breaker.until:
            self.come_back()

    @rule(reason=REASONS, hint=st.none() | st.floats(-10.0, 1e5))
    def trip(self, reason: Reason, hint: float | None) -> None:
        until = None if hint is None else self.now + hint
        before = self.breaker.until if self.breaker.state_at(self.now) is State.OPEN else 0.0
        self.breaker.trip(self.now, reason, until=until)

        assert self.breaker.state is State.OPEN
        assert self.breaker.until >= before
        if until is not None:
            assert self.breaker.until >= min(until, self.now + SETTINGS.hint_max_s)
        self.shut = True
        self.guessed = self.breaker.reason == Reason.THROTTLED and not self.breaker.hinted
        self.earliest = min(self.breaker.until, self.now + SETTINGS.hint_probe_s)
        if self.breaker.generation != self.generation:
            self.leased_until = 0.0

    @rule(ttl_s=st.floats(1.0, 20.0))
    def lease(self, ttl_s: float) -> None:
        allowed = self.shut and self.now >= self.leased_until
        granted = self.breaker.lease(self.now, ttl_s)

        assert not granted or allowed
        if allowed and self.now >= self.breaker.until:
            assert granted
        if granted:
            self.leased_until = self.now + ttl_s
            self.leased_for = self.breaker.generation

    @precondition(lambda self: self.leased_for is not None)
    @rule(ok=st.booleans())
    def probe_ends(self, *, ok: bool) -> None:
        heard = self.leased_for == self.breaker.generation
        state, level = self.breaker.state_at(self.now), self.breaker.level
        self.breaker.on_probe(self.now, ok=ok)
        self.leased_for = None
        if not heard:
            assert self.breaker.state is state
            return
        self.leased_until = 0.0
        if ok:
            assert self.breaker.state is State.RAMP
            self.come_back()
        else:
            assert self.breaker.state is State.OPEN
            assert self.breaker.level in {level, level + 1}

    @rule()
    def answered_in_panic(self) -> None:
        was_shut = self.shut
        self.breaker.on_answer(self.now)
        if was_shut:
            self.come_back()

    def come_back(self) -> None:
        """Begin the ramp, which is shorter after a throttle: its end is the breaker's."""
        self.breaker.state_at(self.now)
        self.shut = False
        self.ramp_ends = self.breaker.until
        self.leased_until = 0.0
        guessed = self.breaker.reason == Reason.THROTTLED and not self.breaker.hinted
        if not guessed and self.breaker.state is State.RAMP:
            assert self.ramp_ends == self.now + SETTINGS.ramp_s

    @invariant()
    def users_pass_exactly_when_it_is_not_shut(self) -> None:
        share = self.breaker.share_at(self.now)
        if self.shut:
            assert share == 0.0
        elif self.now < self.ramp_ends:
            assert SETTINGS.ramp_min <= share <= 1.0
        else:
            assert share == 1.0

    @invariant()
    def the_generation_never_goes_back(self) -> None:
        assert self.breaker.generation >= self.generation
        self.generation = self.breaker.generation

    @invariant()
    def the_level_stays_in_bounds(self) -> None:
        assert 0 <= self.breaker.level <= 6


BreakerMachine.TestCase.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
TestBreaker = BreakerMachine.TestCase

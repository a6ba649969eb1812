"""Whatever operators say between whatever happens: drained stays drained, closed lets all in."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from hotswap.core.breaker import Breaker
from hotswap.core.change import Change, Reason, State
from hotswap.core.settings import BreakerSettings

SETTINGS = BreakerSettings()
OPENING = st.sampled_from([Reason.FAILURES, Reason.THROTTLED, Reason.AUTH, Reason.MEMBERS])


def half() -> float:
    return 0.5


class OperatorMachine(RuleBasedStateMachine):
    """Knows of the breaker only what was said and done: is it drained, may users pass."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.breaker = Breaker(SETTINGS, half)
        self.drained = False
        self.shut = False
        self.leased_for = -1

    @rule(seconds=st.floats(0.0, 400.0))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(reason=OPENING, hint=st.none() | st.floats(1.0, 1e5))
    def trips(self, reason: Reason, hint: float | None) -> None:
        if reason is Reason.THROTTLED:
            hint = hint or 5.0  # without a time it would end by itself
        until = None if hint is None else self.now + hint
        self.breaker.trip(self.now, reason, until=until)
        self.shut = self.shut or not self.drained

    @rule()
    def is_leased(self) -> None:
        granted = self.breaker.lease(self.now, 5.0)

        assert not (granted and self.drained)
        if granted:
            self.leased_for = self.breaker.generation

    @rule(ok=st.booleans())
    def probe_ends(self, *, ok: bool) -> None:
        heard = self.leased_for == self.breaker.generation
        self.breaker.on_probe(self.now, ok=ok)
        self.leased_for = -1
        if heard and ok:
            assert not self.drained
            self.shut = False

    @rule()
    def answers_in_panic(self) -> None:
        self.breaker.on_answer(self.now)
        if not self.drained:
            self.shut = False

    @rule(age_s=st.floats(0.0, 1e6))
    def is_drained(self, age_s: float) -> None:
        self._say("drained", age_s)
        self.drained = True

    @rule(age_s=st.floats(0.0, 1e6))
    def is_undrained(self, age_s: float) -> None:
        self._say("undrained", age_s)
        self.drained = False

    @rule(age_s=st.floats(0.0, 1e6))
    def is_closed(self, age_s: float) -> None:
        self._say("closed", age_s)
        self.drained = self.shut = False
        assert self.breaker.share_at(self.now) == 1.0

    @rule(age_s=st.floats(0.0, 1e6))
    def is_opened(self, age_s: float) -> None:
        self._say("open", age_s)
        self.shut = self.shut or not self.drained

    @rule(age_s=st.floats(0.0, 1e6))
    def is_to_be_tried(self, age_s: float) -> None:
        self._say("trial", age_s)
        assert self.breaker.probing.wanted or self.drained or not self.shut

    def _say(self, what: str, age_s: float) -> None:
        told = Change(
            at=self.now - age_s,
            target="",
            credential="",
            before="",
            after=what,
            reason=Reason.OPERATOR,
        )
        self.breaker.learn(told, self.now)

    @invariant()
    def nobody_passes_what_is_drained_or_shut(self) -> None:
        share = self.breaker.share_at(self.now)
        assert (share == 0.0) == (self.drained or self.shut)
        assert (self.breaker.state is State.DRAINED) == self.drained


OperatorMachine.TestCase.settings = settings(max_examples=15, stateful_step_count=30, deadline=None)
TestOperator = OperatorMachine.TestCase

"""What puts a target behind the others, with rule and measured value; and in which order."""

from hotswap.core.capability import TIGHT
from hotswap.core.change import Reason
from hotswap.core.plan import ANYTHING, Ask, Plan, Skip, look, plan
from hotswap.core.settings import ErrorRateRule, LatencyRule, RateLimitRule, RateLimits
from hotswap.core.terms import (
    Cause,
    Chain,
    Failure,
    Target,
    Triggers,
)
from hotswap.testing.standing import standings_of

HARD = Failure(Cause.HARD, "server_error", 500)
A = Target("one/a", "one", "a", 1)
B = Target("two/b", "two", "b", 2)
C = Target("three/c", "three", "c", 3)
RULES = Triggers(
    rate_limit=RateLimitRule(),
    latency=LatencyRule(threshold_ms=1000),
    error_rate=ErrorRateRule(threshold=0.05, min_requests=20),
)


class Case:
    """A chain whose targets can be made worse in every way."""

    def __init__(
        self, *targets: Target, triggers: Triggers = RULES, limits: RateLimits | None = None
    ) -> None:
        self.draws = 0.5
        self.script: list[float] = []
        self.chain = Chain("c", targets, triggers=triggers)
        self.standings = standings_of(self.chain, self.jitter, limits=limits)

    def jitter(self) -> float:
        return self.script.pop(0) if self.script else self.draws

    def plan(self, now: float = 1.0, ask: Ask = ANYTHING) -> Plan:
        return plan(self.chain, self.standings, now, self.jitter, ask=ask)

    def ramp(self, target: Target, now: float = 0.0) -> None:
        breaker = self.standings.target(target.id).breaker
        breaker.trip(now, Reason.FAILURES)
        breaker.on_answer(now)

    def use(self, target: Target, requests: int) -> None:
        """Let so many requests begin at once."""
        rooms = self.standings.keyring(target.provider).rooms
        for _ in range(requests):
            rooms.begin("main", target.model, 0.0, 10, 10)

    def demote(self, target: Target) -> None:
        """Let every tenth of thirty requests fail."""
        health = self.standings.target(target.id)
        for n in range(30):
            token = health.begin(0.0, streamed=False)
            if n % 10 == 0:
                health.on_failure(token, 0.0, HARD)
            else:
                health.on_success(token, 0.0)

    def slow(self, target: Target) -> None:
        health = self.standings.target(target.id)
        for _ in range(30):
            token = health.begin(0.0, streamed=True)
            health.on_content(token, 0.0, 2.0)
            health.on_success(token, 0.0)


def ids(planned: Plan) -> list[str]:
    return [target.id for target in (*planned.targets, *planned.rest)]


def whole(case: Case, planned: Plan) -> tuple[list[str], list[str]]:
    """Return the order to the last target, and why some come behind."""
    more = look(
        planned.rest,
        case.chain,
        case.standings,
        1.0,
        case.jitter,
        ask=tight("t/m"),
        behind=planned.behind,
    )
    return (
        [target.id for target in (*planned.targets, *more.targets)],
        [skip.reason for skip in more.behind],
    )


def tight(*names: str) -> Ask:
    return Ask(able=lambda target: TIGHT if target.id in names else "")


def test_a_target_that_fails_too_often_is_behind_with_its_share() -> None:
    case = Case(A, B)
    case.demote(A)

    planned = case.plan()

    assert ids(planned) == ["two/b", "one/a"]
    (skip,) = planned.behind
    assert (skip.target, skip.reason, skip.rule) == ("one/a", "demoted", "error_rate.threshold")
    assert skip.measured is not None
    assert skip.measured > 0.05
    assert skip.threshold == 0.05
    assert planned.skips == ()


def test_a_slow_target_is_behind_with_its_time() -> None:
    case = Case(A, B)
    case.slow(A)

    (skip,) = case.plan().behind

    assert (skip.target, skip.reason, skip.rule) == ("one/a", "suspect", "latency.threshold_ms")
    assert skip.measured is not None
    assert 1900.0 < skip.measured < 2100.0
    assert skip.threshold == 1000.0


def test_a_ramp_takes_its_share_and_is_behind_for_the_rest() -> None:
    case = Case(A, B)
    case.ramp(A)

    case.draws = 0.49
    assert ids(case.plan(15.0)) == ["one/a", "two/b"]
    case.draws = 0.5
    planned = case.plan(15.0)

    assert ids(planned) == ["two/b", "one/a"]
    assert planned.behind == (
        Skip("one/a", "ramp", rule="breaker.ramp_s", measured=0.5, threshold=1.0),
    )


def test_a_ramp_is_drawn_once_for_a_request() -> None:
    """A second draw would let almost twice the share through."""
    case = Case(A, B)
    case.ramp(A)

    case.script = [0.6, 0.0, 0.0, 0.0]

    assert ids(case.plan(15.0)) == ["two/b", "one/a"]


def test_all_that_are_worse_come_from_what_does_least_harm_to_what_does_most() -> None:
    targets = [Target(f"{name}/m", name, "m", at) for at, name in enumerate("sdrtf")]
    slow, demoted, ramping, narrow, fine = targets
    case = Case(*targets)
    case.slow(slow)
    case.demote(demoted)
    case.ramp(ramping)

    order, reasons = whole(case, case.plan(ask=tight(narrow.id)))

    assert order == [fine.id, narrow.id, ramping.id, demoted.id, slow.id]
    assert reasons == ["tight", "ramp", "demoted", "suspect"]


def test_what_was_judged_for_the_plan_is_not_judged_again_for_its_rest() -> None:
    """Chance would give a target in its ramp, or on trial, a second turn."""
    case = Case(A, B, C)
    case.ramp(A)
    planned = case.plan(15.0)
    case.draws = 0.0

    more = look(planned.rest, case.chain, case.standings, 15.0, case.jitter, behind=planned.behind)

    assert (planned.targets, planned.rest) == ([B], [C, A])
    assert more.targets == [C, A]
    assert more.behind == planned.behind


def test_the_worst_of_several_reasons_counts() -> None:
    case = Case(A, B)
    case.ramp(A)
    case.slow(A)

    assert [skip.reason for skip in case.plan(ask=tight(A.id)).behind] == ["suspect"]


def test_the_usual_order_holds_among_those_that_are_alike() -> None:
    case = Case(A, B, C)
    for target in (C, A, B):
        case.slow(target)

    planned = case.plan()

    assert ids(planned) == ["one/a", "two/b", "three/c"]
    assert not planned.panic


def test_above_the_headroom_the_next_is_asked_and_told_why() -> None:
    case = Case(A, B, limits=RateLimits(rpm=100))
    case.use(A, 97)

    planned = case.plan(0.0)

    assert ids(planned) == ["two/b", "one/a"]
    (skip,) = planned.behind
    assert (skip.target, skip.reason, skip.rule) == ("one/a", "headroom", "rate_limit.headroom")
    assert skip.threshold == 0.9


def test_the_headroom_is_kept_for_when_the_others_are_worse() -> None:
    case = Case(A, B, C, limits=RateLimits(rpm=100))
    case.use(C, 97)
    case.slow(A)
    case.slow(B)

    assert ids(case.plan(0.0)) == ["three/c", "one/a", "two/b"]


def test_who_is_at_the_very_limit_comes_last() -> None:
    case = Case(A, B, C, limits=RateLimits(rpm=100))
    case.use(A, 110)
    case.slow(B)
    case.slow(C)

    assert ids(case.plan(0.0)) == ["two/b", "three/c", "one/a"]


def test_without_their_triggers_nothing_of_it_counts() -> None:
    case = Case(A, B, triggers=Triggers())
    case.slow(A)
    case.demote(A)

    assert ids(case.plan()) == ["one/a", "two/b"]


def test_the_first_that_is_fine_is_enough_while_the_others_are_barred() -> None:
    case = Case(A, B, C)
    for _ in range(5):
        health = case.standings.target(A.id)
        health.on_failure(health.begin(0.0, streamed=False), 0.0, HARD)

    planned = case.plan()

    assert planned.targets == [B]
    assert planned.rest == [C]
    assert planned.skips == (
        Skip("one/a", "open", rule="breaker.failures", measured=5, threshold=5),
    )
    more = look(planned.rest, case.chain, case.standings, 1.0, case.jitter)
    assert more.targets == [C]

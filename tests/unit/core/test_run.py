from hotswap.core.plan import plan
from hotswap.core.run import GiveUp, Run, Sleep, Start
from hotswap.core.settings import LatencyRule, RateLimitRule, Retry
from hotswap.core.terms import (
    Cause,
    Chain,
    Credential,
    Failure,
    Target,
    Triggers,
)
from hotswap.testing.standing import standings_of

KEY = Credential("main", "sk-1")
SPARE = Credential("spare", "sk-2")
A = Target("one/a", "one", "a", 1)
B = Target("two/b", "two", "b", 2)
C = Target("three/c", "three", "c", 3)
ALL = Triggers(rate_limit=RateLimitRule())

HARD = Failure(Cause.HARD, "server_error", 500)
THROTTLE = Failure(Cause.THROTTLE, "rate_limit", 429)
HANG = Failure(Cause.HANG, "first_content")
AUTH = Failure(Cause.AUTH, "auth", 401)
CALLER = Failure(Cause.CALLER, "invalid_request", 400)


def half() -> float:
    return 0.5


class Case:
    """One request over real standings, with the clock in the test's hands."""

    def __init__(
        self,
        *targets: Target,
        keys: tuple[Credential, ...] = (KEY,),
        retry: Retry | None = None,
        triggers: Triggers = ALL,
        deadline: float = 600.0,
        fallback: bool = True,
    ) -> None:
        self.chain = Chain("c", targets, triggers=triggers, retry=retry or Retry())
        self.standings = standings_of(self.chain, half, keys=keys)
        self.deadline = deadline
        self.fallback = fallback

    def run(self, now: float = 0.0) -> Run:
        return Run(
            self.chain,
            plan(self.chain, self.standings, now, half),
            self.standings,
            deadline=self.deadline,
            jitter=half,
            fallback=self.fallback,
        )


def test_a_rate_limit_moves_on_without_a_pause() -> None:
    run = Case(A, B).run()

    assert run.begin(0.0) == Start(A, KEY)
    assert run.on_failure(THROTTLE, 1.0) == Start(B, KEY)


def test_only_the_last_target_is_retried() -> None:
    run = Case(A, B, retry=Retry(max_attempts=3)).run()
    run.begin(0.0)

    assert run.on_failure(HARD, 0.0) == Start(B, KEY)
    assert run.on_failure(HARD, 0.1) == Sleep(0.025)
    assert run.on_wake(0.2) == Start(B, KEY)
    assert run.on_failure(HARD, 0.3) == Sleep(0.05)
    assert run.on_wake(0.4) == Start(B, KEY)
    assert run.on_failure(HARD, 0.5) == GiveUp(HARD)


def test_the_next_key_comes_before_the_next_target_and_is_free() -> None:
    run = Case(A, B, keys=(KEY, SPARE), retry=Retry(max_attempts=1)).run()
    run.begin(0.0)

    assert run.on_failure(AUTH, 0.0) == Start(A, SPARE)
    assert run.on_failure(THROTTLE, 0.0) == Start(B, KEY)
    assert run.on_failure(THROTTLE, 0.0) == Start(B, SPARE)
    assert run.on_failure(AUTH, 0.0) == GiveUp(AUTH)


def test_a_hard_failure_does_not_try_another_key() -> None:
    run = Case(A, B, keys=(KEY, SPARE)).run()
    run.begin(0.0)

    assert run.on_failure(HARD, 0.0) == Start(B, KEY)


def test_the_callers_fault_never_moves_on() -> None:
    run = Case(A, B).run()
    run.begin(0.0)

    assert run.on_failure(CALLER, 0.0) == GiveUp(CALLER)


def test_a_cause_whose_trigger_is_off_goes_back_to_the_caller() -> None:
    throttled = Case(A, B, triggers=Triggers()).run()
    failed = Case(A, B, triggers=Triggers(error=None, rate_limit=RateLimitRule())).run()
    refused = Case(A, B, triggers=Triggers(auth=None)).run()
    for run in (throttled, failed, refused):
        run.begin(0.0)

    assert throttled.on_failure(THROTTLE, 0.0) == GiveUp(THROTTLE)
    assert failed.on_failure(HARD, 0.0) == GiveUp(HARD)
    assert refused.on_failure(AUTH, 0.0) == GiveUp(AUTH)


def test_a_slow_target_moves_on_under_the_latency_trigger_alone() -> None:
    run = Case(A, B, triggers=Triggers(error=None, latency=LatencyRule(threshold_ms=5000))).run()
    run.begin(0.0)

    assert run.on_failure(HANG, 5.0) == Start(B, KEY)


def test_a_hang_on_the_last_target_is_not_retried_unless_asked_for() -> None:
    usual, eager = Case(A).run(), Case(A, retry=Retry(on=("hard", "hang"))).run()
    usual.begin(0.0)
    eager.begin(0.0)

    assert usual.on_failure(HANG, 10.0) == GiveUp(HANG)
    assert eager.on_failure(HANG, 10.0) == Sleep(0.025)


def test_a_near_reset_of_the_last_link_is_waited_for() -> None:
    run = Case(A).run()
    run.begin(0.0)
    near = Failure(Cause.THROTTLE, "rate_limit", 429, retry_after_s=0.8)

    assert run.on_failure(near, 0.0) == Sleep(0.8)
    assert run.on_wake(0.8) == Start(A, KEY)


def test_a_far_reset_is_not_waited_for() -> None:
    run = Case(A).run()
    run.begin(0.0)
    far = Failure(Cause.THROTTLE, "rate_limit", 429, retry_after_s=1.2)

    assert run.on_failure(far, 0.0) == GiveUp(far)


def test_a_reset_beyond_a_quarter_of_the_time_left_is_not_waited_for() -> None:
    run = Case(A, deadline=2.0).run()
    run.begin(0.0)
    near = Failure(Cause.THROTTLE, "rate_limit", 429, retry_after_s=0.8)

    assert run.on_failure(near, 0.0) == GiveUp(near)


def test_nothing_begins_after_the_deadline() -> None:
    run = Case(A, B, deadline=5.0).run()
    run.begin(0.0)

    assert run.on_failure(HARD, 5.0) == GiveUp(HARD)


def test_a_pause_never_reaches_over_the_deadline() -> None:
    run = Case(A, deadline=1.0).run()
    run.begin(0.0)

    assert run.on_failure(HARD, 0.99) == GiveUp(HARD)


def test_without_fallback_the_first_target_is_the_only_one() -> None:
    run = Case(A, B, fallback=False, retry=Retry(max_attempts=1)).run()
    run.begin(0.0)

    assert run.on_failure(HARD, 0.0) == GiveUp(HARD)


def test_the_retry_budget_ends_retries() -> None:
    case = Case(A, retry=Retry(max_attempts=100))
    run = case.run()
    run.begin(0.0)

    assert isinstance(run.on_failure(HARD, 0.0), Sleep)
    assert isinstance(run.on_failure(HARD, 0.0), Sleep)
    assert isinstance(run.on_failure(HARD, 0.0), Sleep)
    assert run.on_failure(HARD, 0.0) == GiveUp(HARD)


def test_a_target_that_opened_meanwhile_is_passed_over() -> None:
    case = Case(A, B, C)
    run = case.run()
    run.begin(0.0)
    for _ in range(5):
        health = case.standings.target("two/b")
        health.on_failure(health.begin(0.0, streamed=False), 0.0, HARD)

    assert run.on_failure(HARD, 0.0) == Start(C, KEY)

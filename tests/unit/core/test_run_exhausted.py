"""What becomes of a request when no target is left: an error, the least bad one, or a wait."""

from hotswap.core.change import Change, Reason
from hotswap.core.plan import plan
from hotswap.core.run import GiveUp, Run, Sleep, Start
from hotswap.core.settings import Exhausted, Health, RateLimitRule, Retry
from hotswap.core.standings import Standings
from hotswap.core.terms import (
    Cause,
    Chain,
    Credential,
    Endpoint,
    Failure,
    Provider,
    Target,
    Triggers,
)

KEY = Credential("main", "sk-1")
A = Target("one/a", "one", "a", 1)
B = Target("two/b", "two", "b", 2)

HARD = Failure(Cause.HARD, "server_error", 500)
GONE = Failure(Cause.GONE, "model_not_found", 404)
IN_A_SECOND = Failure(Cause.THROTTLE, "rate_limit", 429, retry_after_s=1.0)
IN_A_MINUTE = Failure(Cause.THROTTLE, "rate_limit", 429, retry_after_s=60.0)


def half() -> float:
    return 0.5


class Case:
    """Two targets and a policy."""

    def __init__(self, policy: Exhausted, *, retry: int = 1, deadline: float = 600.0) -> None:
        self.chain = Chain(
            "c",
            (A, B),
            triggers=Triggers(rate_limit=RateLimitRule()),
            retry=Retry(max_attempts=retry),
            on_exhausted=policy,
        )
        self.deadline = deadline
        self.standings = Standings(Health(), half)
        providers = {
            t.provider: Provider(
                t.provider, "openai", Endpoint(f"{t.provider}.test", 443, tls=True), "/v1", (KEY,)
            )
            for t in (A, B)
        }
        self.standings.adopt(providers, [self.chain], Health())

    def run(self, now: float) -> Run:
        made = plan(self.chain, self.standings, now, half)
        return Run(self.chain, made, self.standings, deadline=self.deadline, jitter=half)

    def open(self, *targets: Target) -> None:
        for target in targets:
            health = self.standings.target(target.id)
            for _ in range(5):
                health.on_failure(health.begin(0.0, streamed=True), 0.0, HARD)

    def throttle(self, failure: Failure, *targets: Target) -> None:
        for target in targets:
            ring = self.standings.keyring(target.provider)
            ring.on_failure("main", target.model, "r0", failure, 0.0)


def test_error_lets_a_share_of_the_requests_at_what_is_open():
    case = Case(Exhausted())
    case.open(A, B)
    for target in (A, B):
        for _ in range(20):
            case.standings.target(target.id).begin(0.0, streamed=True)

    assert case.run(1.0).begin(1.0) == GiveUp(None)


def test_who_came_back_since_a_plan_in_panic_needs_no_admission():
    case = Case(Exhausted())
    health = case.standings.target("one/a")
    for _ in range(5):
        health.on_success(health.begin(0.0, streamed=True), 0.0)
    case.open(A, B)
    run = case.run(1.0)
    assert run.begin(1.0) == Start(A, KEY)
    assert case.standings.lease("target two/b", 10.0, 5.0)
    case.standings.on_probe("target two/b", 10.0, failure=None)

    assert run.on_failure(HARD, 11.0) == Start(B, KEY)


def test_least_bad_asks_what_is_open_in_any_case():
    case = Case(Exhausted(least_bad=True))
    case.open(A, B)
    for target in (A, B):
        for _ in range(20):
            case.standings.target(target.id).begin(0.0, streamed=True)
    run = case.run(1.0)

    assert run.begin(1.0) == Start(A, KEY)
    assert run.on_failure(HARD, 1.1) == Start(B, KEY)
    assert run.on_failure(HARD, 1.2) == GiveUp(HARD)


def test_least_bad_asks_what_was_left_out_once_the_others_have_failed():
    case = Case(Exhausted(least_bad=True))
    case.open(A)
    run = case.run(1.0)

    assert run.begin(1.0) == Start(B, KEY)
    assert run.on_failure(HARD, 1.1) == Start(A, KEY)
    assert run.on_failure(HARD, 1.2) == GiveUp(HARD)


def test_what_was_drained_meanwhile_is_not_asked_in_panic_either():
    case = Case(Exhausted(least_bad=True))
    case.open(A, B)
    run = case.run(1.0)
    assert run.begin(1.0) == Start(A, KEY)
    case.standings.learn(Change(1.0, B.id, "", "", "drained", Reason.OPERATOR), 1.0)

    assert run.on_failure(HARD, 1.1) == GiveUp(HARD)


def test_who_has_come_back_is_asked_before_the_least_bad():
    case = Case(Exhausted(least_bad=True))
    case.open(A, B)
    run = case.run(1.0)
    case.standings.learn(Change(1.0, B.id, "", "", "closed", Reason.OPERATOR), 1.0)

    assert run.begin(1.0) == Start(B, KEY)


def test_least_bad_never_asks_before_a_reset_that_the_provider_named():
    case = Case(Exhausted(least_bad=True))
    case.throttle(IN_A_MINUTE, A, B)

    assert case.run(1.0).begin(1.0) == GiveUp(None)


def test_a_request_waits_for_a_reset_that_comes_in_time():
    case = Case(Exhausted(wait_s=2.0))
    case.throttle(IN_A_SECOND, A, B)
    run = case.run(0.5)

    assert run.begin(0.5) == Sleep(0.25)
    assert run.on_wake(0.75) == Sleep(0.25)
    for target in (A, B):
        ring = case.standings.keyring(target.provider)
        assert ring.obstacle_at(target.model, 1.2) is not None
        (due,) = ring.due_probes(1.2)
        case.standings.lease(due.key, 1.2, 5.0)
        case.standings.on_probe(due.key, 1.3, failure=None)
    # The ramp has just begun, but nobody else is there.
    assert run.on_wake(1.3) == Start(A, KEY)


def test_whoever_waited_in_a_crowd_comes_back_at_its_own_moment_of_the_ramp():
    """Of a ramp of 30 s from a tenth on, this one's moment is at 55 % of it."""
    case = Case(Exhausted(wait_s=60.0))
    case.throttle(IN_A_SECOND, A)
    case.throttle(IN_A_MINUTE, B)
    run = case.run(0.5)
    assert run.begin(0.5) == Sleep(0.25)
    ring = case.standings.keyring("one")
    assert ring.obstacle_at("a", 1.2) is not None
    (due,) = ring.due_probes(1.2)
    case.standings.lease(due.key, 1.2, 5.0)
    case.standings.on_probe(due.key, 2.0, failure=None)
    case.standings.target("one/a").begin(2.0, streamed=True)

    assert run.on_wake(2.1) == Sleep(0.25)
    assert run.on_wake(18.4) == Sleep(0.25)
    assert run.on_wake(18.6) == Start(A, KEY)


def test_a_request_that_is_not_tried_again_waits_as_well():
    """Its target opened while it paused before another try."""
    case = Case(Exhausted(wait_s=2.0), retry=3)
    case.open(B)
    run = case.run(0.0)
    run.begin(0.0)
    assert isinstance(run.on_failure(HARD, 0.1), Sleep)
    case.open(A)

    assert run.on_wake(0.2) == Sleep(0.25)


def test_nobody_waits_for_a_reset_that_comes_too_late():
    case = Case(Exhausted(wait_s=2.0))
    case.throttle(IN_A_MINUTE, A, B)

    assert case.run(0.5).begin(0.5) == GiveUp(None)


def test_nobody_waits_for_what_is_drained():
    case = Case(Exhausted(wait_s=2.0))
    for target in (A, B):
        case.standings.learn(Change(0.0, target.id, "", "", "drained", Reason.OPERATOR), 0.0)

    assert case.run(0.5).begin(0.5) == GiveUp(None)


def test_a_wait_ends_with_its_time_and_with_the_last_failure():
    case = Case(Exhausted(wait_s=1.0))
    case.open(A)
    run = case.run(0.0)

    assert run.begin(0.0) == Start(B, KEY)
    assert run.on_failure(HARD, 0.2) == Sleep(0.25)
    assert run.on_wake(0.45) == Sleep(0.25)
    assert run.on_wake(0.7) == Sleep(0.25)
    assert run.on_wake(1.3) == GiveUp(HARD)


def test_no_wait_lasts_beyond_the_deadline():
    case = Case(Exhausted(wait_s=5.0), deadline=1.0)
    case.throttle(IN_A_SECOND, A, B)
    run = case.run(0.9)

    assert run.begin(0.9) == GiveUp(None)


def test_whoever_was_asked_before_is_asked_again_as_often_as_retries_allow():
    case = Case(Exhausted(wait_s=1.0), retry=2)
    run = case.run(0.0)
    run.begin(0.0)

    assert run.on_failure(IN_A_MINUTE, 0.1) == Start(B, KEY)
    assert run.on_failure(GONE, 0.2) == Sleep(0.05)
    assert run.on_wake(0.25) == Start(A, KEY)
    assert run.on_failure(GONE, 0.3) == GiveUp(GONE)

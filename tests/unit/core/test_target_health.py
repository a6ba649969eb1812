from itertools import count

import pytest

from hotswap.core.change import Change, State
from hotswap.core.health import TargetHealth
from hotswap.core.settings import BreakerSettings, Health, Learned, PanicRule, SilenceRule
from hotswap.core.terms import Cause, Failure

HARD = Failure(Cause.HARD, "server_error", 500)
HANG = Failure(Cause.HANG, "first_content")
LEARNED = Learned()
DEFAULT = Health()


def half() -> float:
    return 0.5


def made(settings: Health = DEFAULT, jitter: float = 0.5) -> TargetHealth:
    """Make one whose first opening lasts 3.75 s."""
    changes: list[Change] = []
    serial = count(0, 2)
    return TargetHealth(settings, lambda: jitter, target="one/a", serial=serial, changes=changes)


def good(health: TargetHealth, now: float, times: int = 1) -> None:
    for _ in range(times):
        health.on_success(health.begin(now, streamed=False), now)


def bad(health: TargetHealth, now: float, times: int = 1, failure: Failure = HARD) -> None:
    for _ in range(times):
        health.on_failure(health.begin(now, streamed=False), now, failure)


def ramping(health: TargetHealth, now: float) -> None:
    """Open the target long before `now`, and begin its ramp at `now`."""
    bad(health, now - 100.0, 5)
    assert health.breaker.lease(now, 10.0)
    health.breaker.on_probe(now, ok=True)


def test_five_failures_in_a_row_open() -> None:
    health = made()
    bad(health, 1.0, 4)
    assert health.obstacle_at(1.0) is None

    bad(health, 1.0)

    assert health.obstacle_at(1.0) == "open"
    change = health.changes[0]
    assert (change.reason, change.rule) == ("failures", "breaker.failures")
    assert (change.measured, change.threshold) == (5, 5)


def test_a_success_ends_the_row() -> None:
    health = made()
    good(health, 0.0, 10)
    for _ in range(3):
        bad(health, 1.0, 4)
        good(health, 1.0, 2)

    assert health.obstacle_at(1.0) is None


def test_more_failures_than_successes_in_thirty_seconds_open() -> None:
    health = made()
    for _ in range(4):
        good(health, 1.0)
        bad(health, 1.0)
    bad(health, 2.0)
    assert health.obstacle_at(2.0) is None

    bad(health, 2.0)

    assert health.obstacle_at(2.0) == "open"
    change = health.changes[0]
    assert (change.reason, change.rule) == ("ratio", "breaker.success_ratio")
    assert (change.measured, change.threshold) == (0.4, 0.5)


def test_half_of_the_results_may_fail() -> None:
    health = made()
    for n in range(100):
        good(health, n / 10)
        bad(health, n / 10)

    assert health.obstacle_at(10.0) is None


def test_results_older_than_the_window_say_nothing() -> None:
    health = made()
    bad(health, 0.0, 4)
    good(health, 1.0)
    bad(health, 1.0, 2)
    good(health, 31.0)
    bad(health, 40.0, 2)

    assert health.obstacle_at(40.0) is None


@pytest.mark.parametrize(
    "cause",
    [
        Cause.THROTTLE,
        Cause.EXHAUSTED,
        Cause.AUTH,
        Cause.GONE,
        Cause.CALLER,
        Cause.POLICY,
        Cause.QUALITY,
        Cause.CANCEL,
        Cause.CAPABILITY,
        Cause.CONTEXT,
    ],
)
def test_what_is_not_the_targets_fault_never_opens_it(cause: Cause) -> None:
    health = made()
    bad(health, 0.0, 100, Failure(cause, status=400))

    assert health.obstacle_at(0.0) is None
    assert health.in_flight == 0


def test_a_hang_counts_like_a_failure() -> None:
    health = made()
    bad(health, 0.0, 5, HANG)

    assert health.obstacle_at(0.0) == "open"


def test_a_failures_hint_is_the_clock_of_the_opening() -> None:
    health = made(jitter=0.0)
    bad(health, 0.0, 5, Failure(Cause.HARD, "overloaded", 503, retry_after_s=60.0))

    assert health.breaker.until == 60.0
    assert health.breaker.hinted


def test_users_stay_away_until_a_probe_has_shown_that_it_works() -> None:
    health = made()
    bad(health, 0.0, 5)

    assert health.obstacle_at(3.7) == "open"
    assert health.obstacle_at(3.75) == "half_open"
    assert health.obstacle_at(1000.0) == "half_open"


def test_being_passed_over_makes_the_probe_wanted() -> None:
    health = made()
    bad(health, 0.0, 5)
    assert not health.breaker.due_at(10.0)

    health.obstacle_at(10.0)

    assert health.breaker.due_at(10.0)


def test_a_thousand_waiting_requests_bring_one_probe() -> None:
    health = made()
    bad(health, 0.0, 5)

    obstacles = [health.obstacle_at(10.0) for _ in range(1000)]
    leases = [health.breaker.lease(10.0, 15.0) for _ in range(1000)]

    assert obstacles.count("half_open") == 1000
    assert leases.count(True) == 1


def test_a_ramp_admits_its_share_in_turn() -> None:
    health = made(jitter=0.3)
    assert health.admits_at(0.0)
    ramping(health, 200.0)

    assert health.obstacle_at(200.0) is None
    assert not health.admits_at(208.9)
    assert health.admits_at(209.1)
    assert health.admits_at(230.0)
    assert health.breaker.state is State.CLOSED


def test_a_single_failure_does_not_end_a_ramp() -> None:
    health = made()
    ramping(health, 200.0)
    for n in range(50):
        bad(health, 200.0 + n / 2)
        good(health, 200.0 + n / 2, 2)

    assert health.obstacle_at(226.0) is None


def test_three_failures_in_a_row_end_a_ramp_and_the_opening_grows() -> None:
    health = made()
    ramping(health, 200.0)
    bad(health, 201.0, 3)

    assert health.obstacle_at(201.0) == "open"
    assert health.breaker.level == 1
    assert health.changes[-1].rule == "breaker.ramp_failures"


def test_a_ramp_that_served_mostly_well_does_not_let_the_opening_grow() -> None:
    health = made()
    ramping(health, 200.0)
    good(health, 201.0, 10)
    bad(health, 201.0, 3)

    assert health.obstacle_at(201.0) == "open"
    assert health.breaker.level == 0


def test_a_ramp_below_the_ratio_opens() -> None:
    health = made()
    ramping(health, 200.0)
    for _ in range(3):
        bad(health, 201.0, 2)
        good(health, 201.0)
    bad(health, 201.0)

    assert health.obstacle_at(201.0) == "open"
    assert health.changes[-1].reason == "ratio"


def test_failures_from_before_the_opening_do_not_count_in_the_ramp() -> None:
    health = made()
    late = [health.begin(90.0, streamed=False) for _ in range(1000)]
    ramping(health, 200.0)
    for token in late:
        health.on_failure(token, 201.0, HARD)

    assert health.obstacle_at(201.0) is None
    assert health.breaker.state is State.RAMP
    assert health.in_flight == 0


def test_a_late_success_does_not_end_an_opening() -> None:
    health = made()
    late = health.begin(0.0, streamed=True)
    bad(health, 1.0, 5)

    health.on_success(late, 2.0)

    assert health.obstacle_at(2.0) == "open"


def test_an_answer_in_panic_begins_the_ramp() -> None:
    health = made()
    bad(health, 0.0, 5)

    good(health, 1.0)

    assert health.obstacle_at(1.0) is None
    assert health.breaker.state is State.RAMP


def test_a_failure_in_panic_changes_nothing_but_the_hint() -> None:
    health = made(jitter=0.0)
    bad(health, 0.0, 5)

    bad(health, 1.0, 5)
    assert (health.breaker.until, health.breaker.level) == (2.5, 0)
    bad(health, 1.0, 1, Failure(Cause.HARD, "overloaded", 503, retry_after_s=30.0))

    assert health.breaker.until == 31.0


def waiting(health: TargetHealth, *begun: float) -> list[int]:
    return [health.begin(at, streamed=True) for at in begun]


def test_three_requests_that_wait_in_silence_open() -> None:
    health = made()
    waiting(health, 0.0, 0.1, 0.2)

    assert health.obstacle_at(2.19) is None
    assert health.obstacle_at(2.21) is None
    assert health.obstacle_at(2.31) == "open"
    change = health.changes[0]
    assert (change.reason, change.rule) == ("silence", "silence.waiting")
    assert (change.measured, change.threshold) == (3, 3)


def test_two_waiting_requests_do_not_open() -> None:
    health = made()
    waiting(health, 0.0, 0.1)

    assert [health.obstacle_at(n / 10) for n in range(100)] == [None] * 100


def test_one_byte_in_two_seconds_shows_that_the_target_lives() -> None:
    health = made()
    waiting(health, 0.0, 0.0, 0.0)
    heard = health.begin(0.0, streamed=True)
    health.on_byte(heard, 3.0)

    assert health.obstacle_at(4.9) is None
    assert health.obstacle_at(5.0) is None
    assert health.obstacle_at(5.1) == "open"


def test_the_silence_rule_counts_streamed_requests_only() -> None:
    health = made()
    for _ in range(10):
        health.begin(0.0, streamed=False)

    assert [health.obstacle_at(n / 10) for n in range(100)] == [None] * 100


def test_a_slow_target_may_be_silent_for_three_times_its_usual_wait() -> None:
    health = made()
    for _ in range(20):
        token = health.begin(0.0, streamed=True)
        health.on_byte(token, 0.0)
        health.on_content(token, 0.0, 2.0)
        health.on_success(token, 0.0)
    waiting(health, 10.0, 10.0, 10.0)

    assert health.obstacle_at(15.5) is None
    assert health.obstacle_at(15.7) is None
    assert health.obstacle_at(16.5) is None
    assert health.obstacle_at(16.7) == "open"


def test_a_process_that_was_suspended_opens_nothing() -> None:
    """After the pause everybody is old; then the bytes that came meanwhile are read."""
    health = made()
    tokens = waiting(health, 0.0, 0.0, 0.0, 0.0)

    assert health.obstacle_at(3600.0) is None
    for token in tokens:
        health.on_byte(token, 3600.01)
    waiting(health, 3600.02, 3600.02, 3600.02)

    assert health.obstacle_at(3600.2) is None
    assert health.changes == []


def test_a_doubt_is_forgotten_when_a_byte_comes() -> None:
    health = made()
    first = waiting(health, 0.0, 0.0, 0.0, 0.0)
    assert health.obstacle_at(3.0) is None
    health.on_byte(first[0], 3.05)

    assert health.obstacle_at(5.1) is None
    assert health.obstacle_at(5.25) == "open"


def test_who_waits_since_before_the_opening_does_not_end_the_ramp() -> None:
    health = made()
    waiting(health, 90.0, 90.0, 90.0, 90.0)
    ramping(health, 200.0)
    waiting(health, 200.0, 200.0)

    assert health.obstacle_at(210.0) is None
    assert health.obstacle_at(211.0) is None


def test_who_waits_since_before_the_opening_does_not_keep_the_ramp_from_beginning() -> None:
    health = made()
    waiting(health, 90.0, 90.0, 90.0)
    ramping(health, 200.0)

    assert [health.obstacle_at(200.0 + n / 10) for n in range(50)] == [None] * 50


def test_one_answer_is_enough_to_know_a_slow_model_from_a_dead_one() -> None:
    health = made()
    learned(health, 3.0, streamed=True, times=1)
    waiting(health, 10.0, 10.0, 10.0)

    assert [health.obstacle_at(10.0 + n) for n in range(9)] == [None] * 9
    assert health.latency.first_content_limit_s(streamed=True) == 10.0


def test_a_ramp_can_fall_silent_as_well() -> None:
    health = made()
    ramping(health, 200.0)
    waiting(health, 201.0, 201.0, 201.0)

    assert health.obstacle_at(204.0) is None
    assert health.obstacle_at(204.2) == "open"


def learned(health: TargetHealth, seconds: float, *, streamed: bool, times: int = 20) -> None:
    for _ in range(times):
        token = health.begin(0.0, streamed=streamed)
        health.on_content(token, 0.0, seconds)
        health.on_end(token)


@pytest.mark.parametrize(("p95_s", "limit_s"), [(0.2, 3.0), (2.0, 6.0), (60.0, 30.0)])
def test_the_limit_to_first_content_is_three_times_the_usual(p95_s: float, limit_s: float) -> None:
    health = made()
    assert health.latency.first_content_limit_s(streamed=True) == 10.0
    learned(health, p95_s, streamed=True)

    assert health.latency.first_content_limit_s(streamed=True) == pytest.approx(limit_s, rel=0.05)
    assert health.latency.first_content_limit_s(streamed=False) == 300.0


@pytest.mark.parametrize(("p95_s", "limit_s"), [(2.0, 30.0), (20.0, 60.0), (200.0, 300.0)])
def test_whole_answers_have_a_limit_of_their_own(p95_s: float, limit_s: float) -> None:
    health = made()
    learned(health, p95_s, streamed=False)

    assert health.latency.first_content_limit_s(streamed=False) == pytest.approx(limit_s, rel=0.05)
    assert health.latency.first_content_limit_s(streamed=True) == 10.0


@pytest.mark.parametrize(("p99_s", "limit_s"), [(0.1, 8.0), (1.5, 15.0), (9.0, 30.0)])
def test_the_limit_of_silence_is_ten_times_the_usual_pause(p99_s: float, limit_s: float) -> None:
    health = made()
    assert health.latency.silence_limit_s() == 30.0
    for _ in range(20):
        health.on_gap(0.0, p99_s)

    assert health.latency.silence_limit_s() == pytest.approx(limit_s, rel=0.05)


def test_fast_refusals_attract_nothing() -> None:
    """A target that says 429 in a millisecond must not look fast, healthy or idle."""
    health = made()
    bad(health, 0.0, 4)
    for _ in range(100):
        token = health.begin(0.0, streamed=True)
        health.on_byte(token, 0.001)
        health.on_end(token)

    assert health.latency.first_content_limit_s(streamed=True) == 10.0
    bad(health, 1.0)
    assert health.obstacle_at(1.0) == "open"


def test_attempts_in_flight_are_counted_until_their_one_end() -> None:
    health = made()
    tokens = [health.begin(0.0, streamed=True) for _ in range(3)]
    assert health.in_flight == 3

    health.on_success(tokens[0], 1.0)
    health.on_failure(tokens[1], 1.0, HARD)
    health.on_end(tokens[2])
    health.on_success(tokens[1], 1.0)
    health.on_failure(tokens[1], 1.0, HARD)

    assert health.in_flight == 0


def test_panic_leaves_a_target_that_answers_nothing_nearly_alone() -> None:
    health = made(jitter=0.95)
    bad(health, 0.0, 5)

    admitted = 0
    for _ in range(100):
        if health.admits_in_panic(1.0):
            admitted += 1
            bad(health, 1.0)

    assert admitted == 15


def test_panic_admits_while_half_of_the_requests_were_answered() -> None:
    health = made(jitter=0.0)
    good(health, 0.0, 50)
    bad(health, 0.0, 45)
    assert health.obstacle_at(0.0) == "open"

    admitted = sum(health.admits_in_panic(1.0) for _ in range(100))

    assert admitted == 100


def test_panic_makes_the_probe_urgent() -> None:
    health = made()
    bad(health, 0.0, 5)
    for now in (10.0, 30.0, 60.0, 120.0):
        assert health.breaker.lease(now, 10.0)
        health.breaker.on_probe(now, ok=False)
    assert health.obstacle_at(130.0) == "open"
    assert not health.breaker.due_at(130.0)

    health.admits_in_panic(130.0)

    assert health.breaker.due_at(130.0)


def test_new_windows_begin_empty_and_equal_ones_go_on() -> None:
    health = made()
    bad(health, 0.0, 4)
    health.adopt(Health(), ())
    bad(health, 0.0)
    assert health.obstacle_at(0.0) == "open"

    other = made()
    good(other, 0.0, 4)
    settings = Health(
        BreakerSettings(window_s=10.0, failures=50),
        SilenceRule(waiting=1),
        panic=PanicRule(window_s=60.0),
    )
    other.adopt(settings, ())
    bad(other, 0.0, 9)
    assert other.obstacle_at(0.0) is None
    bad(other, 0.0)
    assert other.obstacle_at(0.0) == "open"

from itertools import count

import pytest

from hotswap.core.change import Change
from hotswap.core.health import TargetHealth
from hotswap.core.settings import ErrorRateRule, Health, LatencyRule
from hotswap.core.terms import Cause, Failure

HARD = Failure(Cause.HARD, "server_error", 500)
SLOW = LatencyRule(threshold_ms=1000.0)
FAILING = ErrorRateRule(threshold=0.05, min_requests=20)


def made(*rules: LatencyRule | ErrorRateRule, jitter: float = 0.5) -> TargetHealth:
    changes: list[Change] = []
    serial = count(0, 2)
    health = TargetHealth(Health(), lambda: jitter, target="one/a", serial=serial, changes=changes)
    health.adopt(Health(), rules)
    return health


def answers(health: TargetHealth, now: float, seconds: float, times: int) -> None:
    for _ in range(times):
        token = health.begin(now, streamed=True)
        health.on_content(token, now, seconds)
        health.on_success(token, now)


def bad(health: TargetHealth, now: float, times: int = 1, failure: Failure = HARD) -> None:
    for _ in range(times):
        health.on_failure(health.begin(now, streamed=True), now, failure)


def test_twenty_slow_answers_make_a_target_suspect() -> None:
    health = made(SLOW)
    answers(health, 0.0, 5.0, 9)
    assert not health.suspicion(0.0, SLOW)

    answers(health, 1.0, 5.0, 11)

    assert health.suspicion(1.0, SLOW)
    change = health.changes[0]
    assert (change.before, change.after, change.reason) == ("clear", "suspect", "latency")
    assert (change.rule, change.threshold) == ("latency.threshold_ms", 1000.0)
    assert change.measured == pytest.approx(5000.0, rel=0.05)


def test_a_busy_target_that_turns_slow_is_suspect_within_twenty_answers() -> None:
    """The minute's percentile alone would need a hundred."""
    health = made(SLOW)
    answers(health, 0.0, 0.3, 2000)
    assert not health.suspicion(0.0, SLOW)

    answers(health, 1.0, 1.5, 10)

    assert health.suspicion(1.0, SLOW)


def test_a_few_slow_answers_are_allowed() -> None:
    health = made(SLOW)
    for n in range(40):
        answers(health, float(n), 0.3, 24)
        answers(health, float(n), 9.0, 1)

        assert not health.suspicion(float(n), SLOW)


def test_slower_than_the_threshold_at_the_percentile_is_suspect() -> None:
    health = made(SLOW)
    for n in range(20):
        answers(health, float(n), 0.3, 9)
        answers(health, float(n), 9.0, 1)

    assert health.suspicion(20.0, SLOW)


def test_an_attempt_cut_for_its_slowness_counts_as_slow() -> None:
    health = made(SLOW)
    for n in range(20):
        token = health.begin(float(n), streamed=True)
        hang = Failure(Cause.HANG, "first_content", rule="latency.threshold_ms")
        health.on_failure(token, n + 1.1, hang)

    assert health.suspicion(22.0, SLOW)


def test_a_suspect_is_cleared_after_a_minute_below_four_fifths() -> None:
    health = made(SLOW)
    answers(health, 0.0, 5.0, 20)
    assert health.suspicion(0.0, SLOW)
    for second in range(1, 120):
        answers(health, float(second), 0.7, 1)
        health.suspicion(float(second), SLOW)
    assert health.suspicion(119.0, SLOW)

    answers(health, 120.0, 0.7, 1)

    assert not health.suspicion(120.0, SLOW)
    assert [c.after for c in health.changes] == ["suspect", "clear"]


def test_between_four_fifths_and_the_threshold_a_suspect_stays() -> None:
    health = made(SLOW)
    answers(health, 0.0, 5.0, 20)
    for second in range(600):
        answers(health, float(second), 0.9, 1)
        assert health.suspicion(float(second), SLOW)


def test_a_suspect_that_nobody_asks_is_cleared_when_the_evidence_is_old() -> None:
    health = made(SLOW)
    answers(health, 0.0, 5.0, 20)
    assert health.suspicion(0.0, SLOW)

    assert health.suspicion(61.0, SLOW)
    assert health.suspicion(120.9, SLOW)
    assert not health.suspicion(121.3, SLOW)


def test_a_rule_of_a_former_configuration_says_nothing() -> None:
    health = made()

    assert not health.suspicion(0.0, SLOW)
    assert not health.demotion(0.0, FAILING)


def test_equal_rules_keep_their_verdict_over_a_reload() -> None:
    health = made(SLOW, FAILING)
    answers(health, 0.0, 5.0, 20)
    bad(health, 0.0, 2)
    assert health.suspicion(0.0, SLOW)

    same_slow, same_failing = LatencyRule(threshold_ms=1000.0), ErrorRateRule()
    health.adopt(Health(), (same_slow, same_failing))

    assert health.suspicion(1.0, same_slow)
    assert health.demotion(1.0, same_failing)


def test_more_failures_than_allowed_demote() -> None:
    health = made(FAILING)
    answers(health, 0.0, 0.3, 19)
    bad(health, 0.0)
    assert not health.demotion(0.0, FAILING)

    bad(health, 0.0)

    assert health.demotion(0.0, FAILING)
    change = health.changes[0]
    assert (change.before, change.after, change.reason) == ("clear", "demoted", "error_rate")
    assert change.measured == pytest.approx(2 / 21)


def test_too_few_results_demote_nobody() -> None:
    health = made(FAILING)
    answers(health, 0.0, 0.3, 15)
    bad(health, 0.0, 4)

    assert not health.demotion(0.0, FAILING)


def test_rate_limits_do_not_count_as_errors() -> None:
    health = made(FAILING)
    answers(health, 0.0, 0.3, 20)
    bad(health, 0.0, 100, Failure(Cause.THROTTLE, status=429))

    assert not health.demotion(0.0, FAILING)


def test_a_twentieth_of_the_requests_tries_a_demoted_target_first() -> None:
    health = made(FAILING, jitter=0.049)
    answers(health, 0.0, 0.3, 19)
    bad(health, 0.0, 2)

    assert not health.demotion(0.0, FAILING)
    assert health.changes[0].after == "demoted"


def test_a_demoted_target_comes_back_after_as_many_good_results() -> None:
    health = made(FAILING)
    answers(health, 0.0, 0.3, 19)
    bad(health, 0.0, 2)
    answers(health, 10.0, 0.3, 19)
    assert health.demotion(10.0, FAILING)

    answers(health, 400.0, 0.3, 1)

    assert not health.demotion(400.0, FAILING)
    assert health.changes[-1].after == "clear"


def test_a_demoted_target_that_still_fails_stays_behind() -> None:
    health = made(FAILING)
    answers(health, 0.0, 0.3, 19)
    bad(health, 0.0, 2)
    for n in range(10):
        answers(health, 10.0 + n, 0.3, 18)
        bad(health, 10.0 + n)
        assert health.demotion(10.0 + n, FAILING)


def test_each_chain_has_its_own_opinion() -> None:
    strict, lenient = LatencyRule(threshold_ms=200.0), LatencyRule(threshold_ms=9000.0)
    few, many = ErrorRateRule(threshold=0.01), ErrorRateRule(threshold=0.5)
    health = made(lenient, strict, many, few)
    answers(health, 0.0, 0.5, 20)
    bad(health, 0.0)

    assert health.suspicion(0.0, strict)
    assert not health.suspicion(0.0, lenient)
    assert health.demotion(0.0, few)
    assert not health.demotion(0.0, many)

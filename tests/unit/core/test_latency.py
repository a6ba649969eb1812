from itertools import count
from math import exp

import pytest

from hotswap.core.change import Change
from hotswap.core.health import TargetHealth
from hotswap.core.latency import Figures, Quantiles
from hotswap.core.settings import Health, Learned
from hotswap.core.terms import Cause, Failure

REFUSED = Failure(Cause.THROTTLE, "rate_limit", 429)


def made(settings: Health | None = None) -> TargetHealth:
    changes: list[Change] = []
    return TargetHealth(
        settings or Health(), lambda: 0.5, target="one/a", serial=count(0, 2), changes=changes
    )


def answer(health: TargetHealth, now: float, seconds: float, *, streamed: bool = True) -> None:
    """Begin and end at `now`, as if the first content had come after `seconds`."""
    token = health.begin(now, streamed=streamed)
    health.on_byte(token, now)
    health.on_content(token, now, seconds)
    health.on_success(token, now)


def fail(health: TargetHealth, now: float, failure: Failure, after_s: float = 0.001) -> None:
    token = health.begin(now, streamed=True)
    health.on_failure(token, now + after_s, failure)


def test_the_cost_jumps_to_a_slower_answer_at_once() -> None:
    health = made()
    answer(health, 0.0, 0.5)
    assert health.load_cost(0.0) == 0.5

    answer(health, 1.0, 4.0)

    assert health.load_cost(1.0) == 4.0


def test_the_cost_fades_to_a_third_in_ten_seconds() -> None:
    health = made()
    answer(health, 0.0, 4.0)

    assert health.load_cost(10.0) == pytest.approx(1.4715, abs=0.0001)
    assert health.load_cost(60.0) == pytest.approx(0.0099, abs=0.0001)


def test_a_faster_answer_is_believed_as_far_as_the_peak_has_faded() -> None:
    health = made()
    answer(health, 0.0, 4.0)

    answer(health, 10.0, 0.5)

    assert health.load_cost(10.0) == pytest.approx(1.7876, abs=0.0001)


def test_each_request_in_flight_costs_another_time() -> None:
    health = made()
    answer(health, 0.0, 0.5)

    tokens = [health.begin(0.0, streamed=False) for _ in range(3)]

    assert health.load_cost(0.0) == 2.0
    health.on_end(tokens[0])
    assert health.load_cost(0.0) == 1.5


def test_an_unknown_target_gets_one_request_and_no_second_one_before_it_answers() -> None:
    health = made()
    assert health.load_cost(0.0) == 0.0

    token = health.begin(0.0, streamed=True)

    assert health.load_cost(100.0) > 1e6
    health.on_content(token, 100.0, 0.3)
    assert health.load_cost(100.0) == 0.6


@pytest.mark.parametrize(
    ("failure", "cost"),
    [
        (Failure(Cause.HARD, "server_error", 500), 5.0),
        (REFUSED, 5.0),
        (Failure(Cause.THROTTLE, "rate_limit", 429, retry_after_s=0.2), 5.0),
        (Failure(Cause.THROTTLE, "rate_limit", 429, retry_after_s=40.0), 40.0),
        (Failure(Cause.THROTTLE, "rate_limit", 429, retry_after_s=9000.0), 300.0),
        (Failure(Cause.AUTH, "auth", 401), 5.0),
        (Failure(Cause.QUALITY, "empty", 200), 5.0),
    ],
)
def test_a_fast_refusal_counts_as_a_slow_answer(failure: Failure, cost: float) -> None:
    health = made()
    answer(health, 0.0, 0.5)

    fail(health, 0.0, failure)

    assert health.load_cost(0.001) == pytest.approx(cost)


@pytest.mark.parametrize("cause", [Cause.CALLER, Cause.POLICY, Cause.CONTEXT, Cause.CAPABILITY])
def test_what_the_request_is_to_blame_for_says_nothing_about_speed(cause: Cause) -> None:
    health = made()
    answer(health, 0.0, 0.5)

    fail(health, 0.0, Failure(cause, status=400))

    assert health.load_cost(0.0) == 0.5


def test_a_failure_does_not_make_a_slow_target_look_faster() -> None:
    health = made()
    answer(health, 0.0, 20.0)

    fail(health, 0.0, REFUSED)

    assert health.load_cost(0.0) == 20.0


def test_a_wait_in_vain_costs_what_it_took() -> None:
    health = made()
    answer(health, 0.0, 0.5)

    fail(health, 0.0, Failure(Cause.HANG, "first_content"), after_s=30.0)

    assert health.load_cost(30.0) == 30.0


def test_who_is_outrun_by_a_hedge_is_as_slow_as_it_was_until_then() -> None:
    health = made()
    answer(health, 0.0, 0.5)

    fail(health, 0.0, Failure(Cause.CANCEL, "hedge_lost", 200), after_s=3.0)

    assert health.load_cost(3.0) == 3.0


def test_a_target_that_fails_within_a_millisecond_attracts_next_to_nothing() -> None:
    good, bad = made(), made()
    asked = 0
    for n in range(6000):
        now = n / 10.0
        if bad.load_cost(now) < good.load_cost(now):
            asked += 1
            fail(bad, now, REFUSED)
        else:
            answer(good, now, 0.5)

    assert asked <= 30  # of 6,000: about one in 25 seconds, to learn whether it is back


def test_penalties_and_fading_can_be_set() -> None:
    health = made()
    health.adopt(Health(learned=Learned(penalty_s=2.0, penalty_max_s=7.0, peak_tau_s=1.0)), ())

    fail(health, 0.0, REFUSED, after_s=0.0)
    assert health.load_cost(0.0) == 2.0
    assert health.load_cost(1.0) == pytest.approx(0.7358, abs=0.0001)
    fail(health, 0.0, Failure(Cause.THROTTLE, retry_after_s=60.0), after_s=0.0)
    assert health.load_cost(0.0) == 7.0


def test_before_anything_is_measured_the_figures_say_so() -> None:
    assert made().figures(0.0) == Figures(
        streamed=None,
        whole=None,
        gap_p95_s=None,
        total_p95_s=None,
        peak_s=None,
        in_flight=0,
        attempts=0,
        failed_share=None,
        first_content_limit_s=10.0,
        whole_limit_s=300.0,
        silence_limit_s=30.0,
    )


def near(quantiles: Quantiles | None, p50_s: float, p95_s: float, p99_s: float) -> bool:
    found = quantiles and (quantiles.p50_s, quantiles.p95_s, quantiles.p99_s)
    return found == pytest.approx((p50_s, p95_s, p99_s), rel=0.05)


def test_the_figures_show_streams_and_whole_answers_apart() -> None:
    health = made()
    for n in range(100):
        now = n * 0.04
        token = health.begin(now, streamed=True)
        health.on_byte(token, now)
        health.on_content(token, now, 4.0 if n >= 98 else 2.0 if n >= 90 else 0.5)
        health.on_gap(now, 0.2)
        health.on_success(token, now + 10.0)
        answer(health, now, 20.0, streamed=False)
    health.begin(10.0, streamed=True)

    figures = health.figures(10.0)

    assert near(figures.streamed, 0.5, 2.0, 4.0)
    assert near(figures.whole, 20.0, 20.0, 20.0)
    assert figures.gap_p95_s == pytest.approx(0.2, rel=0.05)
    assert figures.total_p95_s == pytest.approx(10.0, rel=0.05)
    assert figures.in_flight == 1
    assert figures.first_content_limit_s == pytest.approx(6.0, rel=0.05)
    assert figures.whole_limit_s == pytest.approx(60.0, rel=0.05)
    assert figures.silence_limit_s == 8.0
    assert figures.peak_s == pytest.approx(20.0 * exp(-0.604), abs=0.0001)


def test_the_figures_count_the_last_minute() -> None:
    health = made()
    for second in range(120):
        answer(health, float(second), 0.5)
        if second >= 90 and second % 3 == 0:
            fail(health, float(second), Failure(Cause.HARD, "server_error", 500))
            fail(health, float(second), Failure(Cause.CALLER, status=400))

    figures = health.figures(119.0)

    assert 48 + 20 <= figures.attempts <= 60 + 20
    assert figures.failed_share == pytest.approx(10 / 70, abs=0.03)
    assert health.figures(240.0).failed_share is None
    assert health.figures(240.0).attempts == 0


def test_a_slow_reader_makes_no_stream_long() -> None:
    health = made()
    token = health.begin(0.0, streamed=True)
    health.on_pause(token)
    health.on_success(token, 500.0)
    assert health.figures(500.0).total_p95_s is None

    answer(health, 500.0, 0.5)
    left = health.begin(500.0, streamed=True)
    health.on_pause(left)
    health.on_end(left)
    health.on_pause(left)

    assert health.figures(500.0).total_p95_s == pytest.approx(0.001, abs=0.001)


def test_of_very_many_answers_fifty_per_second_are_measured() -> None:
    health = made()
    for n in range(20_000):
        answer(health, n / 10_000, 9.0 if n % 1000 >= 200 else 0.5)
    assert near(health.figures(2.0).streamed, 0.5, 0.5, 0.5)

    for n in range(150):
        answer(health, 2.0 + n / 50, 9.0)

    assert near(health.figures(5.0).streamed, 0.5, 9.0, 9.0)


def test_answers_that_come_at_once_after_a_pause_are_all_measured() -> None:
    health = made()
    for burst in range(3):
        for n in range(100):
            answer(health, 10.0 * burst, 9.0 if n % 10 == 9 else 0.5)

    assert near(health.figures(20.0).streamed, 0.5, 9.0, 9.0)

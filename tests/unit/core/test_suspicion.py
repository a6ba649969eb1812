"""Targets that become slow: noticed within twenty answers, well again after a minute of health."""

from collections.abc import Callable
from itertools import count, pairwise
from math import exp
from random import Random

import pytest

from hotswap.core.change import Change
from hotswap.core.health import TargetHealth
from hotswap.core.settings import Health, LatencyRule, Learned
from hotswap.core.suspicion import Suspicion
from hotswap.core.terms import Cause, Failure, Reading

LEARNED = LatencyRule()
TOTAL = LatencyRule(metric="total")
GAP = LatencyRule(metric="gap")
SECOND = LatencyRule(threshold_ms=1000.0)


def made(*rules: LatencyRule, settings: Health | None = None) -> TargetHealth:
    changes: list[Change] = []
    health = TargetHealth(
        Health(), lambda: 0.5, target="one/a", serial=count(0, 2), changes=changes
    )
    health.adopt(settings or Health(), rules)
    return health


class Model:
    """Answers as a provider's model does: log-normal times, cut by the limits that apply.

    Half of its streams begin within 0.8 s, 95 % within 1.5 s. Their 150 tokens in the median come
    at 50 a second; ten times slower, they come at 5 a second.
    """

    def __init__(self, rule: LatencyRule, seed: int = 0) -> None:
        self.rule = rule
        self.health = made(rule)
        self.now = 0.0
        self.first_s = 0.8
        self.token_s = 0.02
        self._random = Random(seed)  # noqa: S311 - a model, no secret

    def answer(self) -> None:
        health, now = self.health, self.now
        token = health.begin(now, streamed=True)
        health.on_byte(token, now)
        first_s = self._drawn(self.first_s, 0.4)
        limit_s = health.latency.first_content_limit_s(streamed=True)
        if first_s > limit_s:
            cut = Failure(
                Cause.HANG, "first_content", rule="learned.first_content", threshold=limit_s
            )
            health.on_failure(token, now + limit_s, cut)
            return
        health.on_content(token, now + first_s, first_s)
        end = now + first_s + self._drawn(150.0, 0.6) * self.token_s
        health.on_gap(end, self._drawn(self.token_s * 6.0, 0.5))
        health.on_success(token, end)

    def serve(self, answers: int, every_s: float = 1.0) -> int:
        """Ask until it is suspect; return how many answers that took, one too many if it is not."""
        for n in range(answers):
            self.now += every_s
            self.answer()
            if self.suspect():
                return n + 1
        return answers + 1

    def suspect(self) -> Reading | None:
        return self.health.suspicion(self.now, self.rule)

    def _drawn(self, median: float, sigma: float) -> float:
        return median * exp(sigma * self._random.gauss(0.0, 1.0))


def slow_to_begin(model: Model) -> None:
    model.first_s = 4.0


def slow_to_go_on(model: Model) -> None:
    model.token_s = 0.2


@pytest.mark.parametrize(
    ("rule", "trouble"),
    [
        (LEARNED, slow_to_begin),
        (LatencyRule(threshold_ms=3000.0), slow_to_begin),
        (TOTAL, slow_to_go_on),
        (LatencyRule(threshold_ms=15000.0, metric="total"), slow_to_go_on),
        (GAP, slow_to_go_on),
    ],
)
@pytest.mark.parametrize("every_s", [0.1, 1.0, 5.0])
def test_a_slow_target_is_suspect_within_twenty_answers(
    rule: LatencyRule, trouble: Callable[[Model], None], every_s: float
) -> None:
    """First content five times slower, or tokens ten times: in 19 of 20 cases."""
    noticed = 0
    for seed in range(20):
        model = Model(rule, seed)
        model.serve(200, every_s)
        assert model.suspect() is None
        trouble(model)
        noticed += model.serve(20, every_s) <= 20

    assert noticed >= 19


def test_slow_tokens_are_no_matter_of_the_first_content() -> None:
    model = Model(LEARNED)
    model.serve(200)
    slow_to_go_on(model)

    assert model.serve(200) == 201


def test_a_suspect_is_told_by_rule_value_and_threshold() -> None:
    model = Model(LEARNED)
    model.serve(200)
    slow_to_begin(model)
    model.serve(20)

    found = model.suspect()

    assert found is not None
    assert (found.reason, found.rule) == ("suspect", "learned.first_content")
    assert found.measured is not None
    assert found.threshold == pytest.approx(4600.0, rel=0.2)
    assert found.measured > 4600.0
    change = model.health.changes[-1]
    assert (change.before, change.after, change.rule) == ("clear", "suspect", found.rule)


def test_it_is_back_a_minute_after_it_is_well_again() -> None:
    model = Model(LEARNED)
    model.serve(200)
    slow_to_begin(model)
    model.serve(20)
    assert model.suspect() is not None
    model.first_s = 0.8
    well_from = model.now

    while model.suspect() is not None:
        model.now += 1.0
        model.answer()

    assert 60.0 <= model.now - well_from <= 125.0
    assert model.serve(300) == 301


def test_what_is_slow_for_an_hour_does_not_become_usual() -> None:
    """The request's own limit adapts, so that the last target left is not cut off for ever."""
    model = Model(LEARNED)
    model.serve(200)
    slow_to_begin(model)
    model.serve(20)
    limit_s = model.health.latency.first_content_limit_s(streamed=True)

    for _ in range(3600):
        model.now += 1.0
        model.answer()
        assert model.suspect() is not None

    assert model.health.latency.first_content_limit_s(streamed=True) > 2 * limit_s


def test_what_is_slow_for_longer_than_outages_last_is_what_it_has_become() -> None:
    model = Model(LEARNED)
    model.health.adopt(Health(learned=Learned(accept_s=1800.0)), (LEARNED,))
    model.serve(200)
    slow_to_begin(model)
    model.serve(20)

    for _ in range(1820):
        model.now += 1.0
        model.answer()
        model.suspect()

    assert model.suspect() is None
    assert model.serve(300) == 301
    assert [c.after for c in model.health.changes] == ["suspect", "clear"]


def test_who_returns_because_nobody_asked_is_suspect_again_after_three_slow_answers() -> None:
    model = Model(SECOND)
    model.first_s = 5.0
    assert model.serve(20) <= 20
    model.now += 60.0
    assert model.suspect() is not None
    model.now += 61.0
    assert model.suspect() is None

    assert model.serve(10) == 3


def test_who_returns_and_is_well_is_trusted_as_before() -> None:
    health = made(SECOND)
    for _ in range(20):
        time(health, 0.0, 5.0)
    assert health.suspicion(0.0, SECOND)
    health.suspicion(61.0, SECOND)
    assert health.suspicion(122.0, SECOND) is None
    for _ in range(30):
        time(health, 122.0, 0.3)

    for _ in range(9):
        time(health, 123.0, 5.0)

    assert health.suspicion(122.01, SECOND) is None


@pytest.mark.parametrize("rule", [SECOND, LatencyRule(threshold_ms=1000.0, percentile="p50")])
@pytest.mark.parametrize("phase", [3, 7, 45])
def test_a_noisy_target_around_the_threshold_changes_once_a_minute_at_most(
    rule: LatencyRule, phase: int
) -> None:
    """Two humps, 0.6 s and 1.4 s, whose shares go up and down."""
    random = Random(phase)  # noqa: S311 - a model, no secret
    health = made(rule)
    for n in range(7200):
        now = n / 2.0
        share = 0.02 if (n // (2 * phase)) % 2 else 0.95
        middle = 1.4 if random.random() < share else 0.6
        time(health, now, middle * exp(0.2 * random.gauss(0.0, 1.0)))
        health.suspicion(now, rule)

    turned = [c.at for c in health.changes if c.after == "suspect"]
    assert turned
    assert all(later - earlier >= 60.0 for earlier, later in pairwise(turned))


def time(health: TargetHealth, now: float, seconds: float, *, streamed: bool = True) -> None:
    """Answer, with the first content and the end after `seconds`."""
    token = health.begin(now - seconds, streamed=streamed)
    health.on_byte(token, now)
    health.on_content(token, now, seconds)
    health.on_success(token, now)


def test_a_few_stragglers_make_nobody_suspect() -> None:
    """Two in a minute are an accident, however few others there are."""
    health = made(SECOND)
    for n in range(600):
        time(health, n * 2.0, 5.0 if n % 15 == 0 else 0.3)
        assert health.suspicion(n * 2.0, SECOND) is None


def test_three_of_twenty_in_a_minute_are_more_than_a_twentieth() -> None:
    health = made(SECOND)
    for n in range(20):
        time(health, float(n), 5.0 if n >= 17 else 0.3)

    assert health.suspicion(20.0, SECOND)


def test_half_may_be_over_a_threshold_for_the_median() -> None:
    rule = LatencyRule(threshold_ms=1000.0, percentile="p50")
    health = made(rule)
    for n in range(200):
        time(health, float(n), 1.1 if n % 5 in {0, 2} else 0.9)
        assert health.suspicion(float(n), rule) is None

    for n in range(20):
        time(health, 200.0 + n, 1.1)

    assert health.suspicion(220.0, rule)


def test_streams_and_whole_answers_are_judged_by_what_is_usual_for_each() -> None:
    health = made(LEARNED)
    for n in range(400):
        time(health, n / 1.0, 2.0)
        time(health, n / 1.0, 25.0, streamed=False)
        assert health.suspicion(n / 1.0, LEARNED) is None

    for n in range(20):
        time(health, 400.0 + n, 9.0)

    found = health.suspicion(420.0, LEARNED)
    assert found is not None
    assert found.threshold == pytest.approx(6000.0, rel=0.05)


def test_a_slow_target_is_slow_for_whole_answers_too() -> None:
    health = made(TOTAL)
    for n in range(100):
        time(health, float(n), 4.0, streamed=False)
    for n in range(20):
        time(health, 100.0 + n, 20.0, streamed=False)

    found = health.suspicion(120.0, TOTAL)

    assert found is not None
    assert found.rule == "learned.total"
    assert found.threshold == pytest.approx(12000.0, rel=0.05)


@pytest.mark.parametrize(
    ("rule", "failure", "waited_s"),
    [
        (LEARNED, Failure(Cause.HANG, "first_content", rule="learned.first_content"), 10.0),
        (SECOND, Failure(Cause.HANG, "first_content", threshold=1.0), 1.0),
        (SECOND, Failure(Cause.HANG, "hedge_lost"), 2.0),
        (SECOND, Failure(Cause.CANCEL, "hedge_lost", 200), 2.0),
        (LatencyRule(threshold_ms=9e3, metric="total"), Failure(Cause.HANG, "silence"), 9.0),
        (
            LatencyRule(threshold_ms=9e3, metric="gap"),
            Failure(Cause.HANG, "silence", measured=9.5, threshold=9.0),
            30.0,
        ),
    ],
)
def test_waits_that_were_ended_count_as_slow(
    rule: LatencyRule, failure: Failure, waited_s: float
) -> None:
    health = made(rule)
    for n in range(10):
        health.on_failure(health.begin(n * 9.0, streamed=True), n * 9.0 + waited_s, failure)

    assert health.suspicion(100.0, rule)


@pytest.mark.parametrize(
    ("rule", "failure"),
    [
        (SECOND, Failure(Cause.HANG, "first_content", threshold=0.9)),
        (SECOND, Failure(Cause.CANCEL, "hedge_lost", 200)),
        (SECOND, Failure(Cause.HANG, "silence")),
        (LatencyRule(threshold_ms=1e3, metric="total"), Failure(Cause.HANG, "silence")),
        (LatencyRule(threshold_ms=1e3, metric="gap"), Failure(Cause.HANG, "first_content")),
        (LatencyRule(threshold_ms=1e3, metric="total"), Failure(Cause.CANCEL, "hedge_lost")),
    ],
)
def test_waits_that_ended_before_the_threshold_say_nothing(
    rule: LatencyRule, failure: Failure
) -> None:
    health = made(rule)
    for n in range(100):
        health.on_failure(health.begin(float(n), streamed=True), n + 0.9, failure)

    assert health.suspicion(100.0, rule) is None


def test_a_slow_reader_makes_nobody_suspect() -> None:
    rule = LatencyRule(threshold_ms=1000.0, metric="total")
    health = made(rule)
    for n in range(50):
        token = health.begin(float(n), streamed=True)
        health.on_pause(token)
        health.on_success(token, n + 30.0)

    assert health.suspicion(80.0, rule) is None


def test_other_settings_change_what_is_learned() -> None:
    settings = Health(learned=Learned(first_content_factor=10.0, first_content_min_s=1.0))
    health = made(LEARNED, settings=settings)
    for n in range(100):
        time(health, float(n), 0.3)
    for n in range(20):
        time(health, 100.0 + n, 2.5)
    assert health.suspicion(120.0, LEARNED) is None

    health.adopt(Health(learned=Learned(first_content_min_s=1.0)), (LEARNED,))

    assert health.suspicion(120.3, LEARNED)


def test_a_verdict_is_told_by_what_was_measured_often_enough() -> None:
    """Two whole answers that are slower still are too few to tell of."""
    suspicion = Suspicion(SECOND, Learned(), "one/a")
    for i in range(25):
        suspicion.add(1.0 + i * 0.01, 1.05 if i % 8 == 0 else 0.5, streamed=1)
    for _ in range(2):
        suspicion.add(1.5, 9.0, streamed=0)

    change = suspicion.look(2.0)

    assert change is not None
    assert change.measured == pytest.approx(1050.0, rel=0.05)


def test_what_was_accepted_as_usual_stays_so_with_other_settings() -> None:
    learned = Learned(samples=30)
    suspicion = Suspicion(LEARNED, learned, "one/a")
    for i in range(60):
        suspicion.add(i * 0.1, 1.0, streamed=1)
    for i in range(25):
        suspicion.add(10.0 + i * 0.1, 12.0, streamed=1)
    assert suspicion.reading is not None
    suspicion.look(20.0 + learned.accept_s)
    assert suspicion.reading is None

    suspicion.adopt(learned)
    for i in range(25):
        suspicion.add(21.0 + learned.accept_s + i * 0.1, 12.0, streamed=1)

    assert suspicion.reading is None

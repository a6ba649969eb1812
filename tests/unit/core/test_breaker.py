import pytest

from hotswap.core.breaker import Breaker
from hotswap.core.change import Change, Reason, State
from hotswap.core.settings import BreakerSettings

DEFAULT = BreakerSettings()


def half() -> float:
    return 0.5


def none() -> float:
    return 0.0


def breaker(settings: BreakerSettings = DEFAULT) -> Breaker:
    """Make one whose first opening lasts 3.75 s."""
    return Breaker(settings, half, target="one/a")


def probed(made: Breaker, now: float, *, ok: bool) -> None:
    assert made.lease(now, 10.0)
    made.on_probe(now, ok=ok)


def test_a_new_breaker_lets_everything_through() -> None:
    made = breaker()

    assert made.state_at(0.0) is State.CLOSED
    assert made.share_at(0.0) == 1.0


def test_the_first_opening_lasts_half_to_the_whole_of_five_seconds() -> None:
    soonest, latest = Breaker(DEFAULT, none), Breaker(DEFAULT, lambda: 0.999)
    soonest.trip(100.0, Reason.FAILURES)
    latest.trip(100.0, Reason.FAILURES)

    assert soonest.until == 102.5
    assert latest.until == pytest.approx(105.0, abs=0.01)


def test_an_opening_ends_at_its_very_end() -> None:
    made = breaker()
    made.trip(100.0, Reason.FAILURES)

    assert made.state_at(103.74) is State.OPEN
    assert made.state_at(103.75) is State.HALF_OPEN
    assert made.share_at(103.75) == 0.0


def test_each_failed_probe_doubles_the_opening_up_to_five_minutes() -> None:
    made = Breaker(DEFAULT, none)
    made.trip(0.0, Reason.FAILURES)
    pauses = [made.until]
    for _ in range(8):
        now = made.until
        probed(made, now, ok=False)
        pauses.append(made.until - now)

    assert pauses == [2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 150.0, 150.0, 150.0]
    assert made.level == 6


def test_a_good_probe_begins_a_ramp_of_thirty_seconds() -> None:
    made = breaker()
    made.trip(0.0, Reason.FAILURES)
    probed(made, 10.0, ok=True)

    assert made.state_at(10.0) is State.RAMP
    assert made.share_at(10.0) == 0.1
    assert made.share_at(25.0) == 0.5
    assert made.share_at(39.9) == pytest.approx(0.9967, abs=1e-4)
    assert made.state_at(40.0) is State.CLOSED
    assert made.share_at(40.0) == 1.0


def test_a_ramp_that_fails_opens_one_level_up() -> None:
    made = breaker()
    made.trip(0.0, Reason.FAILURES)
    probed(made, 10.0, ok=True)

    made.trip(15.0, Reason.FAILURES)

    assert made.state is State.OPEN
    assert made.level == 1
    assert made.until == 22.5


def test_a_ramp_that_served_well_before_it_failed_opens_one_level_down() -> None:
    made = breaker()
    made.trip(0.0, Reason.FAILURES)
    probed(made, 10.0, ok=False)
    probed(made, 20.0, ok=True)
    assert made.level == 1

    made.trip(30.0, Reason.FAILURES, served=True)

    assert made.level == 0


def test_what_may_only_fail_now_and_then_is_probed_again_and_again_for_five_seconds() -> None:
    made = breaker()
    made.trip(0.0, Reason.FAILURES, doubtful=True)
    assert not made.lease(0.7, 1.0)

    probed(made, 0.8, ok=False)
    probed(made, 1.6, ok=False)
    assert (made.state, made.until, made.level) == (State.OPEN, 3.75, 0)
    probed(made, 4.0, ok=False)
    assert (made.state, made.until, made.level) == (State.OPEN, 11.5, 1)
    probed(made, 4.8, ok=False)
    probed(made, 5.6, ok=False)

    assert not made.lease(11.4, 1.0)


def test_a_probe_in_doubt_that_is_good_begins_the_ramp() -> None:
    made = breaker()
    made.trip(0.0, Reason.FAILURES, doubtful=True)

    probed(made, 0.8, ok=True)

    assert made.state is State.RAMP


def test_one_ramp_that_never_served_is_forgiven_and_the_next_one_is_not() -> None:
    made = breaker()
    made.trip(0.0, Reason.FAILURES, doubtful=True)
    probed(made, 5.0, ok=True)

    made.trip(8.0, Reason.FAILURES)
    probed(made, 12.9, ok=True)
    made.trip(14.0, Reason.FAILURES)

    assert not made.lease(16.0, 1.0)


def test_the_level_falls_by_one_for_each_thirty_seconds_in_health() -> None:
    made = breaker()
    made.trip(0.0, Reason.FAILURES)
    for at in (10.0, 30.0, 60.0):
        probed(made, at, ok=False)
    probed(made, 200.0, ok=True)
    assert made.level == 3

    assert made.state_at(229.9) is State.RAMP
    assert made.level == 3
    assert made.state_at(230.0) is State.CLOSED
    assert made.level == 2
    made.state_at(290.0)
    assert made.level == 0


def test_a_second_failure_keeps_the_later_of_both_ends() -> None:
    made = Breaker(DEFAULT, none)
    made.trip(0.0, Reason.THROTTLED, until=60.0)
    made.trip(1.0, Reason.THROTTLED, until=5.0)
    assert made.until == 60.0

    made.trip(2.0, Reason.THROTTLED, until=90.0)

    assert made.until == 90.0
    assert made.generation == 1


def test_a_hint_longer_than_the_own_pause_is_the_clock() -> None:
    made = Breaker(DEFAULT, none)
    made.trip(0.0, Reason.FAILURES, until=60.0)

    assert made.until == 60.0
    assert made.hinted


def test_a_hint_shorter_than_the_own_pause_does_not_shorten_it() -> None:
    made = breaker()
    made.trip(0.0, Reason.FAILURES, until=1.0)

    assert made.until == 3.75
    assert not made.hinted


def test_a_hint_in_the_past_is_none() -> None:
    made = breaker()
    made.trip(100.0, Reason.THROTTLED, until=90.0)

    assert made.until == 100.5
    assert not made.hinted


def test_a_hint_is_lengthened_by_up_to_a_tenth() -> None:
    made = breaker()
    made.trip(100.0, Reason.THROTTLED, until=200.0)

    assert made.until == 205.0


def test_a_hint_is_capped_at_a_day() -> None:
    made = breaker()
    made.trip(100.0, Reason.THROTTLED, until=1e9)

    assert made.until == 86500.0


def test_throttles_without_a_hint_grow_with_full_jitter_up_to_a_minute() -> None:
    made = breaker()
    made.trip(0.0, Reason.THROTTLED)
    pauses = [made.until]
    for _ in range(8):
        now = made.until
        made.trip(now, Reason.THROTTLED)
        pauses.append(made.until - now)

    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]


def test_a_throttle_after_an_answer_rests_no_longer_than_the_first() -> None:
    made = breaker()
    made.trip(0.0, Reason.THROTTLED)
    made.answered = True
    made.trip(0.8, Reason.THROTTLED)

    assert made.until == pytest.approx(1.3)
    made.trip(1.5, Reason.THROTTLED)
    assert made.until == pytest.approx(2.5)


def test_a_guessed_throttle_ends_in_a_ramp_of_its_own_length() -> None:
    made = breaker()
    made.trip(0.0, Reason.THROTTLED)

    assert made.state_at(0.4) is State.OPEN
    assert [made.share_at(at) for at in (0.5, 0.6, 0.75)] == pytest.approx([0.1, 0.2, 0.5])
    assert made.state_at(1.0) is State.CLOSED


def test_a_short_throttle_is_remembered_until_something_is_answered_or_some_time() -> None:
    made = breaker()
    made.trip(0.0, Reason.THROTTLED)

    assert [made.is_healed(at) for at in (0.4, 0.7, 1.0, 30.4)] == [False] * 4
    assert made.is_healed(0.5 + DEFAULT.settle_s)
    answered = breaker()
    answered.trip(0.0, Reason.THROTTLED)
    answered.answered = True
    assert [answered.is_healed(at) for at in (0.4, 0.7, 1.0)] == [False, False, True]


@pytest.mark.parametrize(
    ("reason", "seconds"), [(Reason.EXHAUSTED, 300.0), (Reason.AUTH, 60.0), (Reason.GONE, 300.0)]
)
def test_what_needs_a_person_is_probed_at_a_fixed_pace(reason: Reason, seconds: float) -> None:
    made = breaker()
    made.trip(0.0, reason)
    assert made.until == seconds

    probed(made, seconds, ok=False)

    assert made.until == 2 * seconds
    assert made.level == 0


def test_there_is_one_lease_at_a_time() -> None:
    made = breaker()
    made.trip(0.0, Reason.FAILURES)

    assert [made.lease(4.0, 10.0) for _ in range(1000)].count(True) == 1


def test_there_is_no_lease_before_the_end_of_the_opening_nor_after_its_success() -> None:
    made = breaker()
    assert not made.lease(0.0, 10.0)
    made.trip(0.0, Reason.FAILURES)
    assert not made.lease(3.7, 10.0)

    probed(made, 3.75, ok=True)

    assert not made.lease(4.0, 10.0)


def test_a_lease_that_nobody_answers_for_expires() -> None:
    made = breaker()
    made.trip(0.0, Reason.FAILURES)
    assert made.lease(4.0, 10.0)

    assert not made.lease(13.9, 10.0)
    assert made.lease(14.0, 10.0)


def test_a_lease_can_be_given_back() -> None:
    made = breaker()
    made.trip(0.0, Reason.FAILURES)
    assert made.lease(4.0, 10.0)

    made.drop_probe()

    assert made.due_at(4.0)
    assert made.lease(4.0, 10.0)


def test_a_probe_without_a_lease_is_not_heard() -> None:
    made = breaker()
    made.trip(0.0, Reason.FAILURES)

    made.on_probe(4.0, ok=True)

    assert made.state is State.HALF_OPEN


def test_a_probe_leased_in_an_earlier_opening_is_not_heard() -> None:
    made = breaker()
    made.trip(0.0, Reason.FAILURES)
    assert made.lease(4.0, 10.0)
    made.on_answer(5.0)
    made.trip(6.0, Reason.FAILURES)

    made.on_probe(7.0, ok=True)

    assert made.state is State.OPEN


def test_nothing_is_due_unless_traffic_wanted_it() -> None:
    made = breaker()
    made.trip(0.0, Reason.FAILURES)
    assert not made.due_at(4.0)

    made.probing.wanted = True

    assert made.due_at(4.0)
    assert made.lease(4.0, 10.0)
    assert not made.due_at(4.0)


def test_a_probe_may_end_a_hint_early_after_five_minutes() -> None:
    made = Breaker(DEFAULT, none)
    made.trip(0.0, Reason.THROTTLED, until=3600.0)
    assert not made.lease(299.9, 10.0)

    probed(made, 300.0, ok=True)

    assert made.state is State.RAMP


def test_a_bad_early_probe_leaves_the_hint_and_waits_five_more_minutes() -> None:
    made = Breaker(DEFAULT, none)
    made.trip(0.0, Reason.THROTTLED, until=3600.0)
    probed(made, 300.0, ok=False)

    assert made.until == 3600.0
    assert made.level == 0
    assert not made.lease(599.9, 10.0)
    assert made.lease(600.0, 10.0)


def test_a_bad_early_probe_may_bring_a_later_hint() -> None:
    made = Breaker(DEFAULT, none)
    made.trip(0.0, Reason.THROTTLED, until=3600.0)
    assert made.lease(300.0, 10.0)

    made.on_probe(300.0, ok=False, hint_until=7200.0)

    assert made.until == 7200.0


def test_a_bad_probe_with_a_hint_stays_open_for_the_hint() -> None:
    made = Breaker(DEFAULT, none)
    made.trip(0.0, Reason.FAILURES)
    assert made.lease(5.0, 10.0)

    made.on_probe(5.0, ok=False, hint_until=65.0)

    assert made.until == 65.0
    assert made.hinted
    assert made.level == 1


def test_a_bad_probe_may_change_the_reason() -> None:
    made = breaker()
    made.trip(0.0, Reason.AUTH)
    assert made.lease(60.0, 10.0)

    made.on_probe(60.0, ok=False, reason=Reason.EXHAUSTED)

    assert made.reason == "exhausted"
    assert made.until == 360.0


def test_panic_asks_for_a_probe_after_the_least_pause() -> None:
    made = Breaker(BreakerSettings(open_s=5.0), none)
    made.trip(0.0, Reason.FAILURES)
    for _ in range(5):
        probed(made, made.until, ok=False)
    opened_at = made.until - 80.0

    made.press()

    assert not made.due_at(opened_at + 2.4)
    assert made.due_at(opened_at + 2.5)
    probed(made, opened_at + 2.5, ok=False)
    assert made.until == opened_at + 80.0
    assert not made.due_at(opened_at + 10.0)


def test_panic_does_not_anticipate_the_provider_nor_what_is_disabled() -> None:
    hinted, disabled = breaker(), breaker()
    hinted.trip(0.0, Reason.FAILURES, until=60.0)
    disabled.trip(0.0, Reason.AUTH)

    hinted.press()
    disabled.press()

    assert not hinted.due_at(20.0)
    assert not disabled.due_at(20.0)


def test_an_answer_in_panic_is_as_good_as_a_probe() -> None:
    made = breaker()
    made.on_answer(0.0)
    assert made.state is State.CLOSED
    made.trip(0.0, Reason.FAILURES)

    made.on_answer(1.0)

    assert made.state is State.RAMP


def test_the_generation_grows_when_traffic_is_cut_off_or_let_in() -> None:
    made = breaker()
    made.trip(0.0, Reason.FAILURES)
    assert made.generation == 1
    assert made.state_at(4.0) is State.HALF_OPEN
    assert made.generation == 1
    probed(made, 4.0, ok=True)
    assert made.generation == 2

    assert made.state_at(40.0) is State.CLOSED
    assert made.generation == 2


def test_a_whole_outage_is_told_as_it_happened() -> None:
    changes: list[Change] = []
    made = Breaker(DEFAULT, half, target="one/a", changes=changes)
    made.trip(10.0, Reason.FAILURES, rule="breaker.failures", measured=5.0, threshold=5.0)
    probed(made, 15.0, ok=False)
    probed(made, 30.0, ok=True)
    made.state_at(100.0)

    told = [(c.at, c.before, c.after, c.reason, c.until, c.level) for c in changes]
    assert told == [
        (10.0, "closed", "open", "failures", 13.75, 0),
        (13.75, "open", "half_open", "due", None, 0),
        (15.0, "half_open", "open", "failures", 22.5, 1),
        (22.5, "open", "half_open", "due", None, 1),
        (30.0, "half_open", "ramp", "probe_ok", 60.0, 1),
        (60.0, "ramp", "closed", "ramp_done", None, 1),
    ]
    assert changes[0].rule == "breaker.failures"
    assert changes[0].measured == 5.0
    assert changes[0].target == "one/a"


def test_small_prolongations_are_not_told_one_by_one() -> None:
    changes: list[Change] = []
    made = Breaker(DEFAULT, none, changes=changes)
    for n in range(1000):
        made.trip(n / 1000, Reason.THROTTLED, until=5.0 + n / 1000)
    assert made.until == 5.999

    made.trip(1.0, Reason.THROTTLED, until=6.0)

    assert [c.until for c in changes] == [5.0, 6.0]


def opened(at: float, until: float, level: int = 0, *, hinted: bool = False) -> Change:
    return Change(
        at, "one/a", "", "closed", "open", "failures", until=until, level=level, hinted=hinted
    )


def ramped(at: float) -> Change:
    return Change(at, "one/a", "", "half_open", "ramp", "probe_ok", level=1)


def test_an_opening_elsewhere_opens_here_without_an_echo() -> None:
    changes: list[Change] = []
    made = Breaker(DEFAULT, half, changes=changes)

    made.learn(opened(1.0, 6.0, 2), 1.01)

    assert (made.state, made.until, made.level, made.generation) == (State.OPEN, 6.0, 2, 1)
    assert made.state_at(7.0) is State.HALF_OPEN
    assert changes == []


def test_learning_twice_changes_nothing_more() -> None:
    made = breaker()
    made.learn(opened(1.0, 6.0, 2), 1.01)
    made.learn(opened(1.0, 6.0, 2), 1.02)

    assert (made.until, made.level, made.generation) == (6.0, 2, 1)
    made.learn(ramped(7.0), 7.01)
    made.learn(opened(1.0, 6.0, 2), 7.02)
    made.learn(ramped(7.0), 7.03)
    assert (made.state, made.generation, made.until) == (State.RAMP, 2, 37.0)


def test_two_workers_that_opened_both_keep_the_later_end() -> None:
    made = breaker()
    made.trip(1.0, Reason.FAILURES)

    made.learn(opened(0.9, 60.0, 3, hinted=True), 1.01)

    assert (made.until, made.level, made.hinted) == (60.0, 3, True)


def test_a_ramp_elsewhere_begins_the_ramp_here() -> None:
    changes: list[Change] = []
    made = Breaker(DEFAULT, half, changes=changes)
    made.trip(1.0, Reason.FAILURES)
    changes.clear()

    made.learn(ramped(6.0), 6.01)

    assert made.state is State.RAMP
    assert made.share_at(21.0) == 0.5
    assert made.state_at(36.0) is State.CLOSED
    assert [c.after for c in changes] == ["half_open"]


def test_a_ramp_older_than_the_opening_here_is_ignored() -> None:
    made = breaker()
    made.trip(10.0, Reason.FAILURES)

    made.learn(ramped(9.0), 10.01)

    assert made.state is State.OPEN


def test_the_end_of_a_ramp_elsewhere_ends_the_ramp_but_no_opening() -> None:
    made = breaker()
    done = Change(36.0, "one/a", "", "ramp", "closed", "ramp_done")
    made.trip(1.0, Reason.FAILURES)
    made.learn(done, 2.0)
    assert made.state is State.OPEN
    made.learn(ramped(6.0), 6.01)

    made.learn(done, 35.5)

    assert made.state is State.CLOSED


def test_an_opening_elsewhere_that_is_over_opens_nothing() -> None:
    made = breaker()

    made.learn(opened(1.0, 6.0), 6.5)

    assert made.state is State.CLOSED


def test_new_settings_hold_from_the_next_opening_on() -> None:
    made = breaker()
    made.trip(0.0, Reason.FAILURES)

    made.adopt(BreakerSettings(open_s=1.0))

    assert made.until == 3.75
    probed(made, 4.0, ok=True)
    made.trip(100.0, Reason.FAILURES)
    assert made.until == 100.75

from hotswap.core.settings import BreakerSettings
from hotswap.keeper.standing import CLOSED, Overlay, Standing, standing_after, standing_at
from hotswap.ledger.record import Transition

SETTINGS = BreakerSettings(ramp_s=30.0, settle_s=10.0)
OPEN = Standing("open", "failures", "breaker.failures", 5.0, 5.0, since=100.0, until=105.0, level=1)


def change(
    at: float,
    before: str,
    after: str,
    reason: str,
    *,
    until: float | None = None,
    hinted: bool = False,
    level: int = 0,
) -> Transition:
    return Transition(at, "a/x", "", before, after, reason, until=until, hinted=hinted, level=level)


def test_an_opening_brings_its_rule_and_its_end() -> None:
    told = Transition(
        100.0,
        "a/x",
        "",
        "closed",
        "open",
        "failures",
        rule="breaker.failures",
        measured=5.0,
        threshold=5.0,
        until=105.0,
        level=1,
    )

    assert standing_after(CLOSED, told) == OPEN


def test_a_longer_opening_goes_on_since_the_first_one_and_for_its_reason() -> None:
    longer = change(103.0, "open", "open", "failures", until=130.0, hinted=True, level=1)

    assert standing_after(OPEN, longer) == Standing(
        "open",
        "failures",
        "breaker.failures",
        5.0,
        5.0,
        since=100.0,
        until=130.0,
        hinted=True,
        level=1,
    )


def test_after_a_bad_probe_the_reason_of_the_first_opening_still_counts() -> None:
    due = standing_after(OPEN, change(105.0, "open", "half_open", "due", level=1))
    again = standing_after(due, change(106.0, "half_open", "open", "failures", until=116.0))

    assert (due.state, due.reason, due.since, due.until) == ("half_open", "failures", 105.0, None)
    assert (again.state, again.rule, again.measured) == ("open", "breaker.failures", 5.0)
    assert (again.since, again.until) == (106.0, 116.0)


def test_another_reason_does_not_keep_the_former_rule() -> None:
    silent = standing_after(OPEN, change(103.0, "open", "open", "silence", until=130.0))

    assert (silent.reason, silent.rule, silent.measured) == ("silence", "", None)


def test_a_closed_target_has_no_reason_left() -> None:
    ramp = standing_after(OPEN, change(106.0, "half_open", "ramp", "probe_ok", level=1))
    closed = standing_after(ramp, change(136.0, "ramp", "closed", "ramp_done", level=1))

    assert (ramp.state, ramp.reason) == ("ramp", "failures")
    assert closed == Standing(since=136.0, level=1)


def test_overlays_come_and_go_by_themselves() -> None:
    suspect = Transition(
        101.0,
        "a/x",
        "",
        "clear",
        "suspect",
        "latency",
        rule="latency.threshold_ms",
        measured=700.0,
        threshold=500.0,
    )
    both = standing_after(
        standing_after(OPEN, suspect), change(102.0, "clear", "demoted", "error_rate")
    )
    cleared = standing_after(both, change(103.0, "suspect", "clear", "latency"))

    assert both.overlays == (
        Overlay("suspect", 101.0, "latency.threshold_ms", 700.0, 500.0),
        Overlay("demoted", 102.0),
    )
    assert cleared.overlays == (Overlay("demoted", 102.0),)
    assert (cleared.state, cleared.reason, cleared.until) == ("open", "failures", 105.0)


def test_an_opening_ends_by_its_clock_though_nobody_looked() -> None:
    over = standing_at(OPEN, 105.0, SETTINGS)

    assert standing_at(OPEN, 104.9, SETTINGS) == OPEN
    assert (over.state, over.since, over.until, over.reason) == (
        "half_open",
        105.0,
        None,
        "failures",
    )


def test_an_opening_without_a_clock_goes_on() -> None:
    timeless = Standing("open", "failures", since=100.0)

    assert standing_at(timeless, 1e9, SETTINGS) == timeless


def test_a_ramp_ends_by_its_clock_though_nobody_looked() -> None:
    ramp = Standing("ramp", "failures", since=100.0, until=130.0, level=1)

    assert standing_at(ramp, 101.0, SETTINGS) == ramp
    assert standing_at(ramp, 130.0, SETTINGS) == Standing(since=130.0)


def test_a_guessed_throttle_ends_in_a_ramp_of_its_own_length() -> None:
    shut = Standing("open", "throttled", since=100.0, until=104.0)

    ramp = standing_at(shut, 106.0, SETTINGS)
    assert (ramp.state, ramp.since, ramp.until) == ("ramp", 104.0, 108.0)
    assert standing_at(shut, 108.0, SETTINGS) == Standing(since=108.0)


def test_a_throttle_with_a_named_time_waits_for_its_probe() -> None:
    shut = Standing("open", "throttled", since=100.0, until=104.0, hinted=True)

    assert standing_at(shut, 106.0, SETTINGS).state == "half_open"


def test_the_growth_of_openings_goes_back_in_health() -> None:
    ramp = Standing("ramp", "failures", since=100.0, until=130.0, level=5)
    closed = Standing(since=130.0, level=5)

    assert [standing_at(ramp, at, SETTINGS).level for at in (100.0, 109.9, 110.0)] == [5, 5, 4]
    assert [standing_at(closed, at, SETTINGS).level for at in (130.0, 149.9, 1e9)] == [2, 1, 0]


def test_what_nobody_spoke_of_stays_closed() -> None:
    assert standing_at(CLOSED, 1e9, SETTINGS) == CLOSED

"""What is known of a key's limits, and when a request has no room below them."""

from collections.abc import Iterable

import pytest

from hotswap.core.headroom import Charge, Rooms, Unit, Window
from hotswap.core.settings import HeadroomRule, RateLimits
from hotswap.core.terms import Credential, Endpoint, Provider, Usage

KEY = Credential("key", "sk")


def rooms(
    *, rpm: int | None = None, tpm: int | None = None, kind: str = "groq", workers: int = 1
) -> Rooms:
    made = Rooms()
    adopt(made, rpm=rpm, tpm=tpm, kind=kind, workers=workers)
    return made


def adopt(
    known: Rooms,
    *,
    rpm: int | None = None,
    tpm: int | None = None,
    kind: str = "groq",
    workers: int = 1,
) -> None:
    limits = RateLimits(rpm, tpm) if rpm or tpm else None
    endpoint = Endpoint("one.test", 443, tls=True)
    provider = Provider("one", kind, endpoint, "/v1", (KEY,), limits=limits)
    known.adopt(
        provider, frozenset({"key"}), ("a",), rule=HeadroomRule(), workers=workers, now=-60.0
    )


def pressed(known: Rooms, now: float, *, tokens: int = 0, headroom: float = 0.9) -> float:
    """Return the used share that leaves no room for a request; 0.0: there is room."""
    room = known.find("key", "a")
    return 0.0 if room is None else room.pressed(tokens, 0, now, headroom)


def begin(known: Rooms, now: float, *, tokens: int = 0, allowed: int = 0) -> Charge | None:
    return known.begin("key", "a", now, tokens, allowed)


def hear(known: Rooms, now: float, *windows: Window, charge: Charge | None = None) -> None:
    known.on_limits("key", "a", windows, now, charge)


def admitted(known: Rooms, times: Iterable[float]) -> list[float]:
    """Offer a request at each of `times`; return when one had room."""
    went: list[float] = []
    for now in times:
        if not pressed(known, now):
            begin(known, now)
            went.append(now)
    return went


def test_nothing_is_counted_where_no_limit_is_known() -> None:
    known = rooms()

    assert not known.by_model
    assert begin(known, 0.0) is None
    assert pressed(known, 0.0) == 0.0


def test_up_to_the_headroom_everything_has_room_at_once() -> None:
    known = rooms(rpm=100)

    went = admitted(known, [7.0] * 90)

    assert len(went) == 90


def test_above_the_headroom_the_used_share_is_told() -> None:
    known = rooms(rpm=100)
    for _ in range(98):
        begin(known, 7.0)

    assert pressed(known, 7.0) == 0.99


def test_what_went_is_forgotten_after_a_minute() -> None:
    known = rooms(rpm=100)
    for _ in range(120):
        begin(known, 7.0)

    assert pressed(known, 66.9) > 0.9
    assert pressed(known, 68.0) == 0.0


@pytest.mark.parametrize("headroom", [0.5, 0.8, 0.9])
def test_no_minute_holds_as_much_as_the_limit(headroom: float) -> None:
    known = rooms(rpm=600)
    went: list[float] = []
    for tick in range(20 * 300):
        now = tick / 20
        if not pressed(known, now, headroom=headroom):
            begin(known, now)
            went.append(now)

    most = max(sum(at <= other < at + 60 for other in went) for at in went[::40])

    assert most <= 600 * (3 + headroom) / 4


def test_after_the_first_minutes_of_a_steady_overload_requests_are_spread_evenly() -> None:
    known = rooms(rpm=600)

    went = admitted(known, [tick / 20 for tick in range(20 * 300)])

    by_ten_seconds = [sum(at <= one < at + 10 for one in went) for at in range(150, 300, 10)]
    assert min(by_ten_seconds) >= 90
    assert max(by_ten_seconds) <= 1.2 * 95


def test_new_limits_apply_to_what_was_counted_before() -> None:
    known = rooms(rpm=100)
    for _ in range(50):
        begin(known, 7.0)
    assert pressed(known, 7.0) == 0.0

    adopt(known, rpm=50)

    assert pressed(known, 7.0) == 1.02


def test_an_answer_without_usage_stays_charged_as_expected() -> None:
    known = rooms(tpm=10_000)
    for _ in range(10):
        charge = begin(known, 7.0, tokens=500)
        assert charge is not None
        charge.settle(None, 8.0)

    assert pressed(known, 8.0, tokens=500) > 1.0


def test_workers_share_a_limit_evenly() -> None:
    known = rooms(rpm=100, workers=4)

    went = admitted(known, [7.0] * 100)

    assert len(went) == 24


def test_a_limit_below_one_request_each_lets_one_pass() -> None:
    known = rooms(rpm=2, workers=4)

    went = admitted(known, [7.0] * 5)

    assert len(went) == 1


def test_tokens_are_charged_as_expected_and_settled_as_counted() -> None:
    known = rooms(tpm=10_000)
    charges = [begin(known, 7.0, tokens=500) for _ in range(9)]
    assert pressed(known, 7.0, tokens=500) > 0.9

    for charge in charges:
        assert charge is not None
        charge.settle(Usage(input_tokens=500, output_tokens=50), 8.0)

    assert pressed(known, 8.0, tokens=500) == 0.0
    room = known.find("key", "a")
    assert room is not None
    assert room.pressed(4000, 0, 8.0, 0.9) == 0.0
    assert room.pressed(5000, 0, 8.0, 0.9) == 1.0


def test_a_refused_attempt_costs_nothing() -> None:
    known = rooms(rpm=100)
    for _ in range(120):
        charge = begin(known, 7.0)
        assert charge is not None
        charge.settle(None, 7.0, refund=True)

    assert pressed(known, 7.0) == 0.0


def test_where_the_allowance_counts_it_stays_charged() -> None:
    known = rooms(tpm=10_000, kind="openai")
    for _ in range(9):
        charge = begin(known, 7.0, allowed=1000)
        assert charge is not None
        charge.settle(Usage(output_tokens=3), 8.0)

    room = known.find("key", "a")
    assert room is not None
    assert room.pressed(0, 800, 8.0, 0.9) == 0.98


def test_the_limit_that_an_answer_names_is_kept() -> None:
    known = rooms()
    hear(known, 1.0, Window(Unit.REQUESTS, 100.0))

    assert len(admitted(known, [7.0] * 90)) == 90
    assert len(admitted(known, [7.0] * 90)) == 2


def test_of_several_limits_that_are_named_the_smallest_counts_until_it_is_forgotten() -> None:
    known = rooms()
    hear(known, 1.0, Window(Unit.REQUESTS, 10.0), Window(Unit.REQUESTS, 1000.0))
    hear(known, 2.0, Window(Unit.REQUESTS, 14_400.0, minute=False))
    assert len(admitted(known, [7.0] * 50)) == 9

    hear(known, 899.0, Window(Unit.REQUESTS, 1000.0))
    assert len(admitted(known, [899.0] * 50)) == 9

    hear(known, 902.0, Window(Unit.REQUESTS, 1000.0))
    assert 900 <= len(admitted(known, [970.0] * 2000)) <= 950


def test_what_others_used_of_the_account_counts() -> None:
    known = rooms()
    hear(known, 1.0, Window(Unit.REQUESTS, 100.0, remaining=2.0, reset_s=30.0))

    assert pressed(known, 1.0) == 0.99
    assert pressed(known, 31.5) == 0.0


def test_requests_begun_since_are_subtracted_from_what_is_left() -> None:
    known = rooms()
    hear(known, 0.5, Window(Unit.TOKENS, 100_000.0))
    asked = begin(known, 1.0, tokens=100)
    for _ in range(8):
        begin(known, 2.0, tokens=500)

    hear(known, 3.0, Window(Unit.TOKENS, 100_000.0, remaining=10_000.0, reset_s=20.0), charge=asked)

    assert pressed(known, 3.0, tokens=500) == pytest.approx(0.99)


def test_what_an_earlier_request_was_told_is_no_news() -> None:
    known = rooms()
    hear(known, 0.5, Window(Unit.REQUESTS, 100.0))
    early, late = begin(known, 1.0), begin(known, 2.0)
    hear(known, 3.0, Window(Unit.REQUESTS, 100.0, remaining=1.0, reset_s=50.0), charge=late)
    hear(known, 4.0, Window(Unit.REQUESTS, 100.0, remaining=70.0, reset_s=50.0), charge=early)

    assert pressed(known, 4.0) > 0.9


def test_a_bucket_fills_again() -> None:
    known = rooms()
    hear(known, 0.0, Window(Unit.REQUESTS, 60.0, remaining=0.0, reset_s=60.0))

    assert pressed(known, 1.0) > 0.9
    assert pressed(known, 8.0) == 0.0


def test_a_window_that_ends_soon_needs_no_reserve() -> None:
    known = rooms()
    hear(known, 0.0, Window(Unit.REQUESTS, 600.0, remaining=12.0, reset_s=3.0))

    assert pressed(known, 0.0) == 0.0


def test_of_a_limit_per_day_only_the_rest_counts() -> None:
    known = rooms()
    day = Window(Unit.REQUESTS, 1000.0, remaining=400.0, reset_s=40_000.0)
    hear(known, 0.0, day)

    assert len(admitted(known, [1.0] * 500)) == 300
    assert pressed(known, 2.0) == pytest.approx(0.901)


def test_a_limit_that_nothing_confirms_is_forgotten() -> None:
    known = rooms()
    hear(known, 0.0, Window(Unit.REQUESTS, 10.0))
    for _ in range(20):
        begin(known, 899.0)
    assert pressed(known, 899.0) > 0.9

    assert pressed(known, 901.0) == 0.0


def refuse_at(known: Rooms, now: float) -> None:
    charge = begin(known, now)
    if charge is not None:
        charge.settle(None, now, refund=True)
    known.on_refusal("key", "a", charge, 0.0, now)


def guessed() -> Rooms:
    """Return what is known after 100 requests in a minute were too much."""
    known = rooms()
    refuse_at(known, 0.0)
    for tick in range(100):
        begin(known, 1.0 + tick / 2)
    refuse_at(known, 60.0)
    refuse_at(known, 60.5)
    return known


def test_refusals_that_name_no_limit_show_one() -> None:
    known = guessed()

    assert pressed(known, 60.5) == pytest.approx(101 / 85)


def test_a_single_refusal_shows_no_limit() -> None:
    known = rooms()
    refuse_at(known, 0.0)
    for tick in range(1000):
        begin(known, 1.0 + tick / 10)
    refuse_at(known, 121.0)

    assert pressed(known, 121.0) == 0.0


def test_refusals_at_any_count_are_moods_and_show_none() -> None:
    known = guessed()
    for tick in range(20):
        begin(known, 130.0 + tick)
    refuse_at(known, 160.0)
    refuse_at(known, 160.5)
    assert pressed(known, 160.5) == 0.0

    for tick in range(100):
        begin(known, 161.0 + tick / 4)
    refuse_at(known, 190.0)
    refuse_at(known, 190.5)

    assert pressed(known, 190.5) == 0.0


def test_a_guess_that_was_reached_grows_towards_what_was_refused() -> None:
    known = guessed()
    went: list[int] = []
    for minute in range(1, 6):
        asked = [60.5 + 61 * minute + tick / 10 for tick in range(600)]
        went.append(len(admitted(known, asked)))

    assert went == [82, 90, 94, 96, 97]


def test_a_guess_is_forgotten_after_a_quarter_of_an_hour() -> None:
    known = guessed()

    assert len(admitted(known, [1000.0] * 300)) == 300


def test_the_limits_of_another_credential_or_model_are_its_own() -> None:
    known = rooms(rpm=100)
    for _ in range(120):
        begin(known, 7.0)

    assert known.find("key", "b") is None
    hear(known, 7.0, Window(Unit.REQUESTS, 5.0))
    known.on_limits("gone", "a", (Window(Unit.REQUESTS, 5.0),), 7.0, None)
    assert known.find("gone", "a") is None


def test_what_answers_tell_is_read_again_before_a_hundredth_of_a_limit_went() -> None:
    known = rooms()
    hear(known, 10.0, Window(Unit.REQUESTS, 10_000.0), Window(Unit.TOKENS, 1e6))
    room = known.find("key", "a")
    assert room is not None
    assert not room.listens(10.2)
    assert room.listens(10.25)

    for _ in range(99):
        begin(known, 10.2, allowed=1)
    assert not room.listens(10.2)
    begin(known, 10.2, allowed=1)
    assert room.listens(10.2)

    hear(known, 10.2, Window(Unit.REQUESTS, 10_000.0), Window(Unit.TOKENS, 1e6))
    begin(known, 10.2, tokens=9_998, allowed=1)
    assert not room.listens(10.2)
    begin(known, 10.2, allowed=1)
    assert room.listens(10.2)

    hear(known, 12.0, Window(Unit.REQUESTS, 1e9, 3.0), Window(Unit.TOKENS, 1e12))
    assert room.listens(12.0)


def test_a_limit_that_is_named_late_counts_what_went_before() -> None:
    known = rooms(rpm=600)
    charges = [begin(known, 10.0, tokens=490) for _ in range(100)]
    hear(known, 11.0, Window(Unit.TOKENS, 100_000.0), charge=charges[0])

    for charge in charges:
        assert charge is not None
        charge.settle(Usage(input_tokens=490, output_tokens=10), 12.0)

    uses = {use.unit: use.used for use in known.uses_at("a", 12.0)}
    assert uses == {"requests": 100.0, "tokens": 50_000.0}


def test_of_a_limit_that_was_set_by_hand_nothing_is_guessed_in_the_first_minute() -> None:
    known = Rooms()
    endpoint = Endpoint("one.test", 443, tls=True)
    provider = Provider("one", "groq", endpoint, "/v1", (KEY,), limits=RateLimits(600, None))
    known.adopt(provider, frozenset({"key"}), ("a",), rule=HeadroomRule(), workers=1, now=100.0)

    for now in (101.0, 102.0):
        charge = begin(known, now - 0.5)
        known.on_refusal("key", "a", charge, 1.0, now)

    assert [use.limit for use in known.uses_at("a", 103.0) if use.unit == "requests"] == [600.0]

import pytest

from hotswap.keeper.board import Board
from hotswap.keeper.leases import Leases
from hotswap.ledger.record import Transition


def change(
    at: float,
    after: str,
    *,
    target: str = "a/x",
    credential: str = "",
    reason: str = "failures",
    until: float | None = None,
) -> Transition:
    return Transition(at, target, credential, "before", after, reason, until=until)


def test_a_lease_has_one_holder_until_its_time_is_over() -> None:
    leases = Leases()

    assert leases.ask("a/x", "first", 10.0, now=0.0)
    assert not leases.ask("a/x", "second", 10.0, now=9.9)
    assert leases.ask("a/x", "second", 10.0, now=10.0)
    assert not leases.ask("a/x", "first", 10.0, now=10.0)


def test_the_holder_may_ask_again() -> None:
    leases = Leases()
    leases.ask("a/x", "first", 10.0, now=0.0)

    assert leases.ask("a/x", "first", 10.0, now=5.0)
    assert not leases.ask("a/x", "second", 10.0, now=14.9)


def test_leases_of_different_keys_do_not_meet() -> None:
    leases = Leases()

    assert leases.ask("a/x", "first", 10.0, now=0.0)
    assert leases.ask("a/y", "second", 10.0, now=0.0)


def test_what_nobody_spoke_of_is_closed() -> None:
    assert Board().of("a/x").state == "closed"
    assert Board().of("a/x").since is None


def test_the_newest_word_counts_whatever_comes_later() -> None:
    board = Board()

    assert board.learn(change(2.0, "ramp", reason="probe_ok"))
    assert not board.learn(change(1.0, "open"))
    assert (board.of("a/x").state, board.of("a/x").since) == ("ramp", 2.0)


def test_what_comes_twice_is_news_once() -> None:
    board = Board()

    assert board.learn(change(1.0, "open"))
    assert board.learn(change(1.0, "half_open"))
    assert not board.learn(change(1.0, "open"))
    assert board.of("a/x").state == "half_open"


def test_credentials_have_a_standing_of_their_own() -> None:
    board = Board()
    board.learn(change(1.0, "open", credential="main", reason="throttled"))

    assert board.of("a/x").state == "closed"
    assert board.of("a/x", "main").reason == "throttled"
    assert board.of("a/x", "spare").state == "closed"


def test_new_workers_hear_of_openings_that_last() -> None:
    board = Board()
    lasting = change(1.0, "open", target="a/lasting", until=20.0)
    timeless = change(1.0, "open", target="a/timeless")
    board.learn(lasting)
    board.learn(timeless)
    board.learn(change(1.0, "open", target="a/over", until=10.0))
    board.learn(change(1.0, "open", target="a/back", until=20.0))
    board.learn(change(2.0, "ramp", target="a/back"))

    assert board.worries(10.0) == [lasting, timeless]


@pytest.mark.parametrize("reason", ["auth", "exhausted", "gone"])
def test_a_disabled_key_is_told_of_for_a_day_after_its_last_refusal(reason: str) -> None:
    board = Board()
    refused = change(100.0, "open", target="a", credential="main", reason=reason, until=160.0)
    board.learn(refused)
    board.learn(change(160.0, "half_open", target="a", credential="main", reason="due"))

    assert board.worries(86_499.0) == [refused]
    assert board.worries(86_500.0) == []


def test_a_key_that_serves_again_is_not_told_of() -> None:
    board = Board()
    board.learn(change(1.0, "open", target="a", credential="main", reason="auth", until=61.0))
    board.learn(change(62.0, "ramp", target="a", credential="main", reason="probe_ok"))

    assert board.worries(63.0) == []


def test_a_throttle_is_told_of_until_its_time_is_over() -> None:
    board = Board()
    late = change(1.0, "open", credential="main", reason="throttled", until=61.0)
    board.learn(late)
    board.learn(change(61.0, "half_open", credential="main", reason="due"))

    assert board.worries(60.9) == [late]
    assert board.worries(61.0) == []


def test_a_drain_lasts_until_it_is_ended_whatever_else_happens() -> None:
    board = Board()
    drain = change(5.0, "drained", reason="operator")
    board.learn(drain)
    board.learn(change(9.0, "open", until=14.0))

    assert board.worries(1e9) == [drain]
    assert (board.of("a/x").state, board.of("a/x").reason) == ("drained", "operator")
    assert board.of("a/x", eldest_at=1e9).since == 5.0

    assert board.learn(change(20.0, "undrained", reason="operator"))
    assert (board.of("a/x").state, board.of("a/x").since) == ("half_open", 20.0)
    assert board.worries(1e9) == []


def test_whoever_closes_a_drained_target_ends_the_drain() -> None:
    board = Board()
    board.learn(change(5.0, "drained", reason="operator"))
    board.learn(change(6.0, "closed", reason="ramp_done"))
    assert board.of("a/x").state == "drained"

    board.learn(change(7.0, "closed", reason="operator"))

    assert (board.of("a/x").state, board.of("a/x").since) == ("closed", 7.0)
    assert board.worries(8.0) == []


def test_whoever_closes_a_target_forgives_what_its_keys_could_not_do() -> None:
    board = Board()
    board.learn(change(5.0, "open", credential="main", reason="throttled", until=60.0))
    board.learn(change(5.0, "open", target="a", credential="main", reason="auth"))
    board.learn(change(7.0, "closed", reason="operator"))

    assert board.of("a/x", "main").state == "closed"
    assert board.of("a", "main").state == "open"
    assert [one.target for one in board.worries(8.0)] == ["a"]


def test_a_drain_that_was_ended_since_is_not_restored() -> None:
    board = Board()
    board.learn(change(5.0, "undrained", reason="operator"))

    assert not board.learn(change(4.0, "drained", reason="operator"))
    assert board.of("a/x").state == "closed"


@pytest.mark.parametrize("after", ["undrained", "closed"])
def test_an_order_counts_although_a_worker_spoke_while_it_was_stored(after: str) -> None:
    board = Board()
    board.learn(change(5.0, "drained", reason="operator"))
    board.learn(change(9.1, "suspect", reason="latency"))

    assert board.learn(change(9.0, after, reason="operator"))
    assert board.of("a/x").state == "closed"
    assert board.worries(10.0) == []


def test_a_trial_says_nothing_before_its_probe_has_ended() -> None:
    board = Board()
    board.learn(change(1.0, "open", until=300.0))
    board.learn(change(2.0, "trial", reason="operator"))

    assert (board.of("a/x").state, board.of("a/x").until) == ("open", 300.0)


def test_larger_places_are_known_by_their_whole_names() -> None:
    board = Board()
    name = "region openai.com eu-west"
    down = Transition(1.0, name, "", "closed", "open", "members", until=20.0, scope="region")
    board.learn(down)

    assert board.larger() == {name: "region"}
    assert board.of(name).state == "open"
    assert board.worries(10.0) == [down]


def test_what_died_with_the_former_workers_is_closed() -> None:
    board = Board()
    board.learn(change(1.0, "ramp"))
    board.learn(change(1.0, "open", target="a/over", until=9.0))
    board.learn(change(1.0, "open", target="a/lasting", until=20.0))
    board.learn(change(10.0, "ramp", target="a/y"))

    states = [
        board.of(target, eldest_at=10.0).state for target in ("a/x", "a/over", "a/lasting", "a/y")
    ]

    assert states == ["closed", "closed", "open", "ramp"]


def test_a_new_verdict_does_not_bring_back_what_died_with_a_former_worker() -> None:
    board = Board()
    board.learn(change(1.0, "demoted", reason="error_rate"))
    board.learn(change(2.0, "open", until=5.0))
    board.learn(change(12.0, "suspect", reason="latency"))

    standing = board.of("a/x", eldest_at=10.0)

    assert standing.state == "closed"
    assert [overlay.name for overlay in standing.overlays] == ["suspect"]


def test_what_a_former_keeper_stored_is_known_as_what_is_heard() -> None:
    board = Board()
    newest = change(3.0, "closed", target="a/y")
    lasting = change(1.0, "open", until=20.0)
    board.learn(newest)
    board.restore([lasting, change(2.0, "open", target="a/y", until=20.0)])

    assert board.of("a/x").state == "open"
    assert board.of("a/x", eldest_at=10.0).state == "open"
    assert board.of("a/y").state == "closed"
    assert board.worries(10.0) == [lasting]

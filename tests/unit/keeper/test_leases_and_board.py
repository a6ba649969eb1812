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


def test_what_died_with_the_former_workers_is_closed() -> None:
    board = Board()
    board.learn(change(1.0, "ramp"))
    board.learn(change(1.0, "open", target="a/over", until=9.0))
    board.learn(change(1.0, "open", target="a/lasting", until=20.0))
    board.learn(change(10.0, "ramp", target="a/y"))
    board.restore([change(1.0, "open", target="a/restored", until=20.0)])

    states = [
        board.of(target, eldest_at=10.0).state
        for target in ("a/x", "a/over", "a/lasting", "a/y", "a/restored")
    ]

    assert states == ["closed", "closed", "open", "ramp", "closed"]
    assert board.of("a/restored", eldest_at=0.5).state == "open"


def test_what_a_former_keeper_stored_is_shown_but_not_told() -> None:
    board = Board()
    board.learn(change(3.0, "closed", target="a/y"))
    board.restore([change(1.0, "open"), change(2.0, "open", target="a/y")])

    assert board.of("a/x").state == "open"
    assert board.of("a/y").state == "closed"
    assert board.worries(0.0) == []

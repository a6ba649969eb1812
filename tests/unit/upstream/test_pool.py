"""Which connection is used, which are opened ahead, which are closed; all without a socket."""

from math import inf

import pytest

from hotswap.upstream.pool import Pool
from hotswap.upstream.settings import ClientSettings

SETTINGS = ClientSettings(max_idle=3, max_connections=4, warm_retry_s=1.0, warm_retry_max_s=8.0)


class Door:
    """A connection, as far as a pool cares."""

    def __init__(self, name: str, expires_at: float = inf, *, usable: bool = True) -> None:
        self.name = name
        self.expires_at = expires_at
        self.usable = usable


def pool_of(*doors: Door, wanted: int = 0) -> Pool[Door, object]:
    pool: Pool[Door, object] = Pool(SETTINGS)
    pool.wanted = wanted
    for door in doors:
        pool.on_opened(door)
        pool.put(door, used=True)
    return pool


def names(doors: list[Door]) -> str:
    return "".join(door.name for door in doors)


def taken(pool: Pool[Door, object]) -> str:
    doors: list[Door] = []
    while (door := pool.take()) is not None:
        doors.append(door)
    return names(doors)


def test_the_connection_used_most_recently_is_handed_out_first() -> None:
    assert taken(pool_of(Door("a"), Door("b"), Door("c"))) == "cba"


def test_used_connections_are_preferred_to_those_opened_ahead() -> None:
    pool = pool_of(Door("a"))

    pool.put(Door("b"), used=False)

    assert taken(pool) == "ab"


def test_a_connection_that_is_closing_is_not_handed_out() -> None:
    assert taken(pool_of(Door("a"), Door("b", usable=False))) == "a"


def test_the_least_recently_used_one_goes_when_too_many_are_idle() -> None:
    pool = pool_of(Door("a"), Door("b"), Door("c"))

    surplus = pool.put(Door("d"), used=True)

    assert surplus is not None
    assert surplus.name == "a"
    assert taken(pool) == "dcb"


def test_as_many_are_opened_ahead_as_are_wanted_beyond_idle_and_opening() -> None:
    pool = pool_of(Door("a"), wanted=3)
    pool.opening = pool.warming = 1

    assert pool.short
    assert pool.missing(0.0) == 1


def test_a_connection_handed_out_is_missing() -> None:
    pool = pool_of(Door("a"), wanted=1)
    assert (pool.short, pool.missing(0.0)) == (False, 0)

    pool.take()

    assert (pool.short, pool.missing(0.0)) == (True, 1)


def test_nothing_is_opened_ahead_beyond_the_limit_of_connections() -> None:
    pool = pool_of(Door("a"), Door("b"), wanted=9)
    pool.opening = 1

    assert pool.missing(0.0) == 1


def test_an_expired_connection_is_kept_until_its_replacement_is_there() -> None:
    pool = pool_of(Door("a", expires_at=10.0), wanted=1)
    assert pool.missing(9.9) == 0
    assert pool.missing(10.0) == 1
    assert pool.overdue(10.0) == []

    pool.put(Door("b", expires_at=60.0), used=False)

    assert names(pool.overdue(10.0)) == "a"
    assert names(pool.idle) == "b"


def test_expired_connections_that_nobody_wants_are_closed() -> None:
    pool = pool_of(Door("a", expires_at=10.0), Door("b", expires_at=20.0))

    assert names(pool.overdue(10.0)) == "a"
    assert names(pool.idle) == "b"


def test_an_expired_connection_is_replaced_after_the_pause_as_well() -> None:
    pool = pool_of(Door("a", expires_at=10.0), wanted=1)

    pool.on_unreached(10.0, 0.0)

    assert pool.missing(10.0) == 0
    assert pool.next_check(10.0) == 10.5
    assert pool.missing(10.5) == 1


def test_draining_takes_all_idle_connections_out() -> None:
    pool = pool_of(Door("a"), Door("b"))

    assert names(pool.drain()) == "ab"
    assert pool.idle == []


@pytest.mark.parametrize(
    ("failures", "jitter", "retry_at"),
    [(1, 0.0, 100.5), (1, 0.5, 100.75), (2, 0.0, 101.0), (3, 0.0, 102.0), (9, 0.0, 104.0)],
)
def test_pauses_grow_with_failures_up_to_a_limit(
    failures: int, jitter: float, retry_at: float
) -> None:
    pool = pool_of(wanted=2)

    for _ in range(failures):
        pool.on_unreached(100.0, jitter)

    assert pool.next_check(100.0) == retry_at
    assert pool.missing(retry_at - 0.01) == 0


def test_after_a_failure_connections_are_opened_one_at_a_time() -> None:
    pool = pool_of(wanted=3)

    pool.on_unreached(0.0, 0.0)

    assert pool.missing(60.0) == 1
    pool.opening = pool.warming = 1
    assert pool.missing(60.0) == 0


def test_a_connection_that_has_proven_good_ends_the_pause() -> None:
    pool = pool_of(wanted=3)
    pool.on_unreached(0.0, 0.0)

    pool.on_proven()

    assert pool.missing(0.0) == 3
    assert pool.next_check(0.0) == inf


def test_the_pause_grows_where_each_connection_is_closed_at_once() -> None:
    pool = pool_of(wanted=1)

    pauses: list[float] = []
    for _ in range(4):
        door = Door("a")
        pool.on_opened(door)
        pool.put(door, used=False)
        pool.forget(door)
        pool.on_unreached(0.0, 0.0)
        pauses.append(pool.retry_at)

    assert pauses == [0.5, 1.0, 2.0, 4.0]


def test_a_lost_connection_is_forgotten_wherever_it_was() -> None:
    idle, busy = Door("a"), Door("b")
    pool = pool_of(idle)
    pool.on_opened(busy)

    pool.forget(idle)
    pool.forget(busy)

    assert (pool.idle, pool.opened) == ([], set())
    assert pool.unused


def test_a_pool_is_in_use_while_anything_is_open_waiting_or_wanted() -> None:
    waiting = pool_of()
    waiting.waiting.append(object())
    opening = pool_of()
    opening.opening = 1

    assert not waiting.unused
    assert not opening.unused
    assert not pool_of(Door("a")).unused
    assert not pool_of(wanted=1).unused
    assert pool_of().unused


def test_a_pool_is_full_with_those_that_are_being_opened() -> None:
    pool = pool_of(Door("a"), Door("b"), Door("c"))
    assert not pool.full

    pool.opening = 1

    assert pool.full

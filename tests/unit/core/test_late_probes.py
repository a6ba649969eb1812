"""Probes that end late: after an answer, or the next one began, or this process stood still."""

import pytest

from hotswap.core.breaker import Breaker
from hotswap.core.change import Reason, State
from hotswap.core.settings import BreakerSettings
from hotswap.core.standings import Standings
from hotswap.core.terms import Cause, Chain, Failure, Target, Triggers
from hotswap.testing.standing import standings_of

HARD = Failure(Cause.HARD, "server_error", 500)
CANCEL = Failure(Cause.CANCEL)
SILENT = Failure(Cause.HANG, "first_content")
HOST = "endpoint one.test:443"
TARGETS = tuple(Target(f"one/{model}", "one", model) for model in "abcd")


def fail(made: Standings, target: str, now: float, times: int = 5) -> None:
    health = made.target(target)
    for _ in range(times):
        health.on_failure(health.begin(now, streamed=True), now, HARD)


def host_down() -> Standings:
    """Return a host that is down as a whole by three of its targets, and wanted by the fourth."""
    made = standings_of(Chain("c", TARGETS), lambda: 0.0)
    for target in ("one/a", "one/b", "one/c"):
        fail(made, target, 1.0)
    made.target("one/d").bar_at(2.0, Triggers())
    return made


def state(made: Standings, target: str) -> State:
    return made.target(target).breaker.state


@pytest.mark.parametrize("failure", [None, HARD, CANCEL])
def test_a_probe_of_a_host_that_has_answered_meanwhile_closes_no_member(
    failure: Failure | None,
) -> None:
    made = host_down()
    assert made.lease(HOST, 20.0, 15.0)
    health = made.target("one/d")
    health.on_success(health.begin(20.5, streamed=True), 21.0)
    fail(made, "one/a", 22.0, times=3)

    made.on_probe(HOST, 23.0, failure=failure, begun=20.0)

    assert state(made, "one/a") is State.OPEN


def test_a_probe_that_ends_after_the_next_one_began_leaves_the_lease_to_it() -> None:
    for failure in (None, HARD, CANCEL):
        made = host_down()
        assert made.lease(HOST, 20.0, 15.0)
        assert made.lease(HOST, 40.0, 15.0)

        made.on_probe(HOST, 41.0, failure=failure, begun=20.1)

        assert not made.lease(HOST, 42.0, 15.0)
        made.on_probe(HOST, 43.0, failure=None, begun=40.1)
        assert state(made, "one/a") is State.CLOSED


def test_a_lease_of_a_later_opening_is_not_given_back_by_an_earlier_probe() -> None:
    made = Breaker(BreakerSettings(), lambda: 0.5)
    made.trip(0.0, Reason.FAILURES)
    assert made.lease(20.0, 5.0)
    made.on_answer(20.2)
    made.trip(20.3, Reason.FAILURES)
    assert made.lease(50.0, 15.0)

    made.drop_probe(20.0)
    made.postpone_probe(50.1, 20.0)

    assert not made.lease(50.2, 15.0)
    assert made.on_probe(51.0, ok=True, begun=50.0)


def test_a_probe_that_ran_out_of_time_while_this_process_stood_still_says_nothing() -> None:
    made = standings_of(Chain("c", TARGETS), lambda: 0.0)
    fail(made, "one/a", 0.0)
    made.network.on_tick(20.0, 0.1)
    assert made.lease("target one/a", 20.0, 15.0)
    made.network.on_tick(40.0, 0.1)

    made.on_probe("target one/a", 40.01, failure=SILENT, begun=20.0)

    breaker = made.target("one/a").breaker
    assert (breaker.state, breaker.level) == (State.HALF_OPEN, 0)


def test_a_probe_whose_begin_is_not_told_began_with_its_lease() -> None:
    made = standings_of(Chain("c", TARGETS), lambda: 0.0)
    fail(made, "one/a", 0.0)
    made.network.on_tick(20.0, 0.1)
    assert made.lease("target one/a", 20.0, 15.0)
    made.network.on_tick(40.0, 0.1)

    made.on_probe("target one/a", 40.01, failure=SILENT)

    assert made.target("one/a").breaker.level == 0

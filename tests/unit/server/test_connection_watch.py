from asyncio import AbstractEventLoop
from collections.abc import Callable

import pytest

from hotswap.server.limits import Watch
from hotswap.server.status import Openings
from hotswap.testing.clock import VirtualClock
from hotswap.testing.loop import VirtualLoop


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


def watched(
    clock: VirtualClock, act: Callable[[AbstractEventLoop, Watch], None], *, end: float
) -> list[float]:
    """Let `act` use a watch in virtual time; return the moments at which it called."""
    late: list[float] = []
    loop = VirtualLoop(clock)
    watch = Watch(loop, clock, lambda: late.append(clock.now()))
    loop.call_soon(act, loop, watch)
    loop.call_later(end, loop.stop)
    loop.run_forever()
    loop.close()
    return late


def test_what_takes_too_long_is_told_once(clock: VirtualClock) -> None:
    def act(_loop: AbstractEventLoop, watch: Watch) -> None:
        watch.allow(10.0)

    assert watched(clock, act, end=100.0) == [10.0]


def test_a_later_limit_replaces_the_former(clock: VirtualClock) -> None:
    def act(loop: AbstractEventLoop, watch: Watch) -> None:
        watch.allow(10.0)
        loop.call_later(5.0, watch.allow, 10.0)
        loop.call_later(12.0, watch.allow, 10.0)

    assert watched(clock, act, end=100.0) == [22.0]


def test_an_earlier_limit_replaces_the_former(clock: VirtualClock) -> None:
    def act(loop: AbstractEventLoop, watch: Watch) -> None:
        watch.allow(75.0)
        loop.call_later(5.0, watch.allow, 10.0)

    assert watched(clock, act, end=100.0) == [15.0]


def test_a_watch_at_rest_never_calls_until_it_is_used_again(clock: VirtualClock) -> None:
    def act(loop: AbstractEventLoop, watch: Watch) -> None:
        watch.allow(10.0)
        watch.rest()
        loop.call_later(50.0, watch.allow, 10.0)

    assert watched(clock, act, end=100.0) == [60.0]


def test_a_cancelled_watch_never_calls(clock: VirtualClock) -> None:
    def act(_loop: AbstractEventLoop, watch: Watch) -> None:
        watch.allow(10.0)
        watch.cancel()

    assert watched(clock, act, end=100.0) == []


def test_moving_limits_cost_no_timers(clock: VirtualClock) -> None:
    def act(loop: AbstractEventLoop, watch: Watch) -> None:
        for _ in range(1_000):
            watch.allow(75.0)
            watch.rest()
        scheduled.append(len(getattr(loop, "_scheduled")))  # noqa: B009 - not in the stubs

    scheduled: list[int] = []

    watched(clock, act, end=1.0)

    assert scheduled == [2]


def test_the_date_is_written_anew_in_the_next_second() -> None:
    clock = VirtualClock(unix=1_800_000_000.9)
    openings = Openings(clock)

    first = openings.opening(200)
    same = openings.opening(200)
    clock.advance(0.2)

    assert first == b"HTTP/1.1 200 OK\r\ndate: Fri, 15 Jan 2027 08:00:00 GMT\r\n"
    assert same is first
    assert openings.opening(200).endswith(b"08:00:01 GMT\r\n")
    assert openings.opening(529) == b"HTTP/1.1 529 \r\ndate: Fri, 15 Jan 2027 08:00:01 GMT\r\n"

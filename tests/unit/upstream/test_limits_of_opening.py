"""Limits of time that share one timer."""

import asyncio

import pytest

from hotswap.clock import SystemClock
from hotswap.upstream.limits import Limits

CLOCK = SystemClock()


@pytest.fixture
async def limits() -> Limits:
    return Limits(asyncio.get_running_loop(), CLOCK)


async def endless(limits: Limits, limit_s: float) -> float:
    """Wait for ever, and return when that was ended."""
    try:
        async with asyncio.timeout(None) as limit:
            limits.add(limit, limit_s)
            try:
                await asyncio.Event().wait()
            finally:
                limits.drop(limit)
    except TimeoutError:
        pass
    return CLOCK.now()


@pytest.mark.parametrize("order", [(0.004, 0.012), (0.012, 0.004)])
async def test_none_is_ended_before_its_time(limits: Limits, order: tuple[float, float]) -> None:
    start = CLOCK.now()

    one, other = await asyncio.gather(*(endless(limits, limit_s) for limit_s in order))

    assert one - start >= order[0]
    assert other - start >= order[1]


async def test_a_limit_that_was_dropped_ends_nothing(limits: Limits) -> None:
    async with asyncio.timeout(None) as limit:
        limits.add(limit, 0.002)
        limits.drop(limit)
        await endless(limits, 0.006)

    assert not limit.expired()


async def test_nothing_is_ended_after_the_stop(limits: Limits) -> None:
    async with asyncio.timeout(None) as limit:
        limits.add(limit, 0.001)
        limits.stop()
        await asyncio.sleep(0.005)

    assert not limit.expired()

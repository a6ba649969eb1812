"""The timer that many limits share."""

import asyncio
from math import inf

from hotswap.clock import SystemClock
from hotswap.testing.clock import VirtualClock
from hotswap.upstream.alarm import Alarm

CLOCK = SystemClock()


async def test_it_rings_once_and_never_early() -> None:
    rung: list[float] = []
    done = asyncio.Event()

    def ring() -> None:
        rung.append(CLOCK.now())
        done.set()

    alarm = Alarm(asyncio.get_running_loop(), CLOCK, ring)
    at = CLOCK.now() + 0.0123

    alarm.arm(at)
    assert alarm.armed_at == at
    await done.wait()

    assert len(rung) == 1
    assert rung[0] >= at
    assert alarm.armed_at == inf


async def test_arming_anew_replaces_the_former_moment() -> None:
    rung: list[str] = []
    loop = asyncio.get_running_loop()
    alarm = Alarm(loop, CLOCK, lambda: rung.append("ring"))
    late = Alarm(loop, CLOCK, (done := asyncio.Event()).set)

    alarm.arm(CLOCK.now() + 0.001)
    alarm.arm(CLOCK.now() + 0.005)
    late.arm(CLOCK.now() + 0.01)
    await done.wait()

    assert rung == ["ring"]


async def test_a_stopped_alarm_does_not_ring() -> None:
    rung: list[str] = []
    alarm = Alarm(asyncio.get_running_loop(), CLOCK, lambda: rung.append("ring"))
    alarm.arm(CLOCK.now())

    alarm.stop()
    await asyncio.sleep(0.005)

    assert rung == []
    assert alarm.armed_at == inf


async def test_the_clock_decides_and_not_the_loop() -> None:
    clock = VirtualClock()
    done = asyncio.Event()
    alarm = Alarm(asyncio.get_running_loop(), clock, done.set)
    alarm.arm(0.002)

    await asyncio.sleep(0.01)
    assert not done.is_set()
    clock.advance(0.002)
    await done.wait()

"""The timer that many limits share."""

import asyncio
import socket
import time
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


async def test_after_a_suspension_it_rings_when_the_sockets_were_read() -> None:
    loop, clock, happened = asyncio.get_running_loop(), VirtualClock(), list[str]()
    ours, theirs = socket.socketpair()
    done = asyncio.Event()

    def ring() -> None:
        happened.append("ring")
        done.set()

    with ours, theirs:
        loop.add_reader(ours, lambda: happened.append(ours.recv(10).decode()))
        alarm = Alarm(loop, clock, ring)
        alarm.arm(0.001)
        await asyncio.sleep(0)
        time.sleep(0.002)  # noqa: ASYNC251 - the process stands still, ...
        clock.advance(0.001)
        theirs.send(b"answer")  # ... and an answer comes
        await done.wait()
        loop.remove_reader(ours)

    assert happened == ["answer", "ring"]

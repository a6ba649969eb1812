import asyncio
import socket
from random import Random

import pytest

from hotswap.testing.clock import VirtualClock
from hotswap.testing.loop import DeadlockError, run_virtual

Log = list[tuple[float, str]]


def test_time_jumps_to_the_next_timer() -> None:
    clock = VirtualClock(now=100.0)

    async def sleep() -> float:
        await asyncio.sleep(86_400.0)
        return asyncio.get_running_loop().time()

    assert run_virtual(sleep(), clock) == 86_500.0
    assert clock.now() == 86_500.0


def test_timers_fire_in_the_order_of_their_time() -> None:
    log: Log = []

    async def story() -> None:
        loop = asyncio.get_running_loop()

        def note(what: str) -> None:
            log.append((loop.time(), what))

        for at in (3.0, 1.0, 2.0):
            loop.call_at(at, note, f"due at {at}")
        loop.call_soon(note, "soon")
        await asyncio.sleep(5.0)

    run_virtual(story())

    assert log == [
        (0.0, "soon"),
        (1.0, "due at 1.0"),
        (2.0, "due at 2.0"),
        (3.0, "due at 3.0"),
    ]


def test_work_takes_no_time() -> None:
    async def work() -> float:
        for _ in range(1_000):
            await asyncio.sleep(0)
        return asyncio.get_running_loop().time()

    assert run_virtual(work()) == 0.0


def test_a_timeout_strikes_at_its_moment() -> None:
    async def story() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await asyncio.sleep(1.0)
        return asyncio.get_running_loop().time()

    assert run_virtual(story()) == pytest.approx(0.3)


def test_waiting_for_what_can_never_come_is_a_deadlock() -> None:
    async def wait_for_nobody() -> None:
        await asyncio.Event().wait()

    with pytest.raises(DeadlockError, match=r"nothing is scheduled; waiting: .*wait_for_nobody"):
        run_virtual(wait_for_nobody())


def test_a_deadlock_leaves_no_task_behind() -> None:
    ended: list[str] = []

    async def wait_for_nobody() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    with pytest.raises(DeadlockError):
        run_virtual(wait_for_nobody())

    assert ended == ["cancelled"]


def test_sockets_of_the_same_loop_work_without_passing_time() -> None:
    async def story() -> tuple[bytes, float]:
        left, right = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=left)
        other_reader, other = await asyncio.open_connection(sock=right)
        other.write(b"hello")
        heard = await reader.readexactly(5)
        for end in (writer, other):
            end.close()
            await end.wait_closed()
        assert await other_reader.read() == b""
        return heard, asyncio.get_running_loop().time()

    assert run_virtual(story()) == (b"hello", 0.0)


def history(seed: int) -> Log:
    """Let ten tasks with random pauses take turns at a lock."""
    log: Log = []
    random = Random(seed)  # noqa: S311 - a story, not a secret

    async def one(name: str, lock: asyncio.Lock) -> None:
        for _ in range(5):
            await asyncio.sleep(random.randint(0, 3) / 4)
            async with lock:
                await asyncio.sleep(random.randint(0, 3) / 4)
                log.append((asyncio.get_running_loop().time(), name))

    async def all_of_them() -> None:
        lock = asyncio.Lock()
        async with asyncio.TaskGroup() as group:
            for number in range(10):
                group.create_task(one(f"task {number}", lock))

    run_virtual(all_of_them())
    return log


def test_a_seed_tells_the_same_history_every_time() -> None:
    assert history(1) == history(1)
    assert len(history(1)) == 50
    assert history(1) != history(2)

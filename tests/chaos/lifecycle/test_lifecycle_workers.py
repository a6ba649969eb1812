"""Workers and the supervisor are killed or suspended under load."""

import asyncio
import os
import signal
import sqlite3
from collections import Counter
from pathlib import Path

import pytest

from hotswap.testing.gateway import GatewayProcess
from hotswap.testing.process import ProviderProcess
from hotswap.testing.step import Step

from .conftest import Note, Serve, end_well, stored
from .load import Load

pytestmark = pytest.mark.slow


async def test_a_killed_worker_costs_its_requests_in_flight_and_is_back_within_2_s(
    serve: Serve, load: Load, note: Note
) -> None:
    gateway = await serve()
    load.begin(await gateway.listens())
    await load.answers(200)
    connections = Counter(caller.worker for caller in load.callers)
    clock = asyncio.get_running_loop().time

    os.kill(gateway.child("worker 1"), signal.SIGKILL)
    killed_at = clock()
    await load.until(
        lambda outcome: any(a.worker == 1 and a.began > killed_at for a in outcome.answered)
    )
    back_s = clock() - killed_at
    await load.answers(200)
    outcome = await load.end()
    gateway.signal(signal.SIGTERM)

    assert await gateway.ends() == 0
    note(outcome, f"{len(outcome.cut)} in flight, back after {back_s:.2f} s")
    assert back_s < 2
    assert outcome.wrong == []
    # Nobody but the callers that it had accepted, and each of them once at most.
    assert {cut.worker for cut in outcome.cut} <= {1, None}
    assert max(cut.opened_at for cut in outcome.cut) < killed_at
    assert len(outcome.cut) <= connections[1] + connections[None]


async def test_a_suspended_worker_fails_nothing_and_trips_nothing(
    provider: ProviderProcess, serve: Serve, load: Load, note: Note
) -> None:
    provider.behave(Step(first_byte_s=0.3))
    gateway = await serve()
    load.begin(await gateway.listens(), plain=8, streams=24)
    await load.answers(50)
    worker = gateway.child("worker 0")

    os.kill(worker, signal.SIGSTOP)
    await asyncio.sleep(3)  # longer than any silence that the provider may keep
    os.kill(worker, signal.SIGCONT)
    await load.answers(50)

    await end_well(gateway, load, note, "suspended for 3 s")
    assert transitions(gateway.folder) == []


async def test_a_killed_supervisor_lets_its_children_finish_and_store(
    serve: Serve, load: Load, note: Note
) -> None:
    gateway = await serve()
    load.begin(await gateway.listens())
    await load.answers(200)

    gateway.signal(signal.SIGKILL)

    outcome = await load.stopped()
    await gateway.ends()
    note(outcome)
    assert outcome.failed == []
    assert outcome.unlike(stored(gateway.folder)) == []


async def test_descriptors_and_processes_are_back_to_base_after_all_of_it(
    provider: ProviderProcess, serve: Serve, load: Load
) -> None:
    gateway = await serve()
    port = await gateway.listens()
    first = Load()
    first.begin(port)
    await first.answers(100)
    await first.end()
    base = await at_rest(provider, gateway)

    load.begin(port)
    for name in ("keeper", "worker 0", "keeper", "worker 1"):
        await load.answers(100)
        os.kill(gateway.child(name), signal.SIGKILL)
        await gateway.says(f"{name} was ended by SIGKILL")
        gateway.signal(signal.SIGHUP)
    await load.answers(100)
    await load.end()

    clock = asyncio.get_running_loop().time
    patience = clock() + 10  # the last children may still be starting
    now = await at_rest(provider, gateway)
    while grown(base, now) and clock() < patience:
        now = await at_rest(provider, gateway)
    assert not grown(base, now), f"{base} has become {now}"


async def at_rest(provider: ProviderProcess, gateway: GatewayProcess) -> dict[str, int]:
    """Count the descriptors of every process while no connection to the provider is open."""
    provider.refuse()
    while connected(provider.port):  # noqa: ASYNC110 - the kernel tells nobody
        await asyncio.sleep(0.02)
    pids = {"supervisor": gateway.process.pid}
    for name in ("keeper", "worker 0", "worker 1"):
        pids |= {f"{name}, {at}": pid for at, pid in enumerate(gateway.children(name))}
    counts = {name: descriptors(pid) for name, pid in pids.items()}
    provider.revive()
    return counts


def connected(port: int) -> bool:
    """Say whether a connection to a local port is open."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return any(
        remote.endswith(f":{port:04X}") and state == "01"
        for _, _, remote, state, *_ in map(str.split, lines)
    )


def grown(before: dict[str, int], now: dict[str, int]) -> bool:
    """Say whether there are other processes, or one has more descriptors."""
    return before.keys() != now.keys() or any(now[name] > before[name] for name in now)


def descriptors(pid: int) -> int:
    """Count the open descriptors of a process."""
    return len([*Path(f"/proc/{pid}/fd").iterdir()])


def transitions(folder: Path) -> list[bytes]:
    """Return every change of standing that was stored."""
    with sqlite3.connect(folder / "records.db") as database:
        return [body for (body,) in database.execute("SELECT body FROM transitions")]

"""The keeper is killed, suspended or away under load: no request fails, no record is lost."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from hotswap.testing.gateway import GatewayProcess

from .conftest import AWAY_S, Note, Serve, end_well, health, resident_mib, stored
from .load import Load

pytestmark = pytest.mark.slow


async def test_a_killed_keeper_costs_no_request_and_no_record(
    serve: Serve, load: Load, note: Note
) -> None:
    gateway = await serve()
    load.begin(await gateway.listens())
    await load.answers(100)

    os.kill(gateway.child("keeper"), signal.SIGKILL)
    await gateway.says("keeper was ended by SIGKILL; it starts again at once")
    await load.answers(200)

    await end_well(gateway, load, note)


@pytest.mark.timeout(AWAY_S + 60)
async def test_a_keeper_that_stays_away_costs_no_request_and_no_record(
    serve: Serve, load: Load, note: Note
) -> None:
    gateway = await serve()
    load.begin(await gateway.listens(), plain=4, streams=4)
    await load.answers(100)

    async with absence(gateway):
        await asyncio.sleep(AWAY_S)
    # Its next start may take 5 s; the records wait in the workers meanwhile.
    while (await health(gateway)).status != "ok":  # noqa: ASYNC110 - it tells nobody
        await asyncio.sleep(0.05)

    await end_well(gateway, load, note, f"away for {AWAY_S:.0f} s")


async def test_a_suspended_keeper_costs_no_request_and_no_record(
    serve: Serve, load: Load, note: Note
) -> None:
    gateway = await serve()
    load.begin(await gateway.listens())
    await load.answers(100)
    keeper = gateway.child("keeper")

    os.kill(keeper, signal.SIGSTOP)
    await load.answers(1_000)
    os.kill(keeper, signal.SIGCONT)
    await load.answers(100)

    await end_well(gateway, load, note)


async def test_a_full_buffer_drops_unmoved_successes_first_and_counts_them(
    serve: Serve, load: Load, note: Note
) -> None:
    gateway = await serve(buffer=100)
    port = await gateway.listens()
    load.begin(port)
    await load.answers(100)
    worker = gateway.child("worker 0")
    before_mib = resident_mib(worker)

    async with absence(gateway):
        await load.answers(1_000)
        moving = Load()
        moving.begin(port, plain=2, streams=1, chain="moving")
        await moving.answers(30)
        moved = await moving.end()
        outcome = await load.end()
        grown_mib = resident_mib(worker) - before_mib
    made = outcome.attempts + moved.attempts
    await until_told(gateway, made)

    kept = stored(gateway.folder)
    note(outcome, f"{made - len(kept):,} of {made:,} records dropped")
    assert outcome.failed == moved.failed == []
    assert len(kept) < 600
    assert len(moved.moved) >= 5
    assert [one for one in moved.moved if one in moved.unlike(kept)] == []
    assert grown_mib < 8


async def until_told(gateway: GatewayProcess, made: int) -> None:
    """Wait until each of so many records is stored, or counted as dropped."""
    while made != len(stored(gateway.folder)) + (await health(gateway)).dropped:  # noqa: ASYNC110 - as above
        await asyncio.sleep(0.05)


@asynccontextmanager
async def absence(gateway: GatewayProcess) -> AsyncGenerator[None]:
    """Kill every keeper before it can do anything, from the beginning to the end."""

    async def kill() -> None:
        while True:
            for pid in gateway.children("keeper"):
                os.kill(pid, signal.SIGKILL)
            await asyncio.sleep(0.02)

    killing = asyncio.get_running_loop().create_task(kill())
    try:
        yield
    finally:
        killing.cancel()

"""A new supervisor takes the place of a running one under load: no request fails."""

import signal
import socket

import pytest

from hotswap.testing.gateway import GatewayProcess

from .conftest import Note, Serve, end_well, health
from .load import Load

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("workers", [1, 2, 3])
async def test_a_takeover_fails_no_request_and_loses_no_record(
    serve: Serve, load: Load, note: Note, workers: int
) -> None:
    old = await serve()
    load.begin(await old.listens())
    await load.answers(200)

    new = await serve("--takeover", workers=workers)
    await new.listens()
    assert await old.ends() == 0
    await load.answers(200)

    await end_well(new, load, note, f"2 workers replaced by {workers}")
    assert not list(new.folder.glob("hotswap-*"))


async def test_takeover_after_takeover_finds_every_worker_accepting(
    serve: Serve, load: Load, note: Note
) -> None:
    gateway = await serve()
    port = await gateway.listens()
    load.begin(port)

    for workers in (3, 1, 4):
        former, gateway = gateway, await serve("--takeover", workers=workers)
        await gateway.listens()
        assert await former.ends() == 0
        fresh = Load()
        fresh.begin(port, plain=48)
        await fresh.answers(100)
        assert (await fresh.end()).failed == []
        assert {answer.worker for answer in fresh.outcome.answered} == {*range(workers)}

    await end_well(gateway, load, note, "2, 3, 1, then 4 workers")


async def test_a_takeover_that_can_not_listen_leaves_the_old_one_as_it_was(
    serve: Serve, load: Load, note: Note
) -> None:
    old = await serve()
    load.begin(await old.listens())
    await load.answers(100)

    with socket.create_server(("127.0.0.1", 0)) as taken:
        new = await serve("--takeover", admin=taken.getsockname()[1])
        assert await new.ends() == 1
        assert "can not listen on 127.0.0.1:" in new.lines[-1]
    await load.answers(200)

    await goes_on(old, load, note)


@pytest.mark.parametrize("after", ["starting with", "taking over from the supervisor that runs"])
async def test_a_killed_successor_leaves_the_old_one_as_it_was(
    serve: Serve, load: Load, note: Note, after: str
) -> None:
    old = await serve()
    load.begin(await old.listens())
    await load.answers(100)

    new = await serve("--takeover")
    await new.says(after)
    new.signal(signal.SIGKILL)
    await new.ends()
    await load.answers(200)

    await goes_on(old, load, note)


async def test_an_old_supervisor_killed_in_the_midst_is_replaced_all_the_same(
    serve: Serve, load: Load, note: Note
) -> None:
    old = await serve()
    load.begin(await old.listens())
    await load.answers(100)

    new = await serve("--takeover")
    await old.says("another supervisor takes over")
    old.signal(signal.SIGKILL)
    await new.listens()
    await load.answers(200)
    await old.ends()  # its children, perhaps its keeper too, go on until they have stored all

    await end_well(new, load, note)
    assert not list(new.folder.glob("hotswap-*"))


async def test_sigterm_to_the_old_one_in_the_midst_changes_nothing(
    serve: Serve, load: Load, note: Note
) -> None:
    old = await serve()
    load.begin(await old.listens())
    await load.answers(100)

    new = await serve("--takeover")
    await old.says("another supervisor takes over")
    old.signal(signal.SIGTERM)
    await new.listens()
    assert await old.ends() == 0
    await load.answers(200)

    await end_well(new, load, note)


async def test_a_takeover_may_change_the_address(serve: Serve, load: Load, note: Note) -> None:
    old = await serve()
    load.begin(await old.listens())
    await load.answers(100)

    new = await serve("--takeover", listen="localhost:0")
    elsewhere = Load()
    elsewhere.begin(await new.listens())
    assert await old.ends() == 0
    outcome = await load.stopped()
    await elsewhere.answers(100)
    await elsewhere.end()
    new.signal(signal.SIGTERM)

    assert await new.ends() == 0
    note(outcome, "to another port")
    assert outcome.failed == elsewhere.outcome.failed == []
    assert outcome.refused == 32


async def test_a_stream_outlives_the_supervisor_that_it_began_under(
    serve: Serve, load: Load, note: Note
) -> None:
    old = await serve()
    load.begin(await old.listens(), plain=0, streams=4, chain="slow")
    await load.until(lambda outcome: outcome.begun >= 4)

    new = await serve("--takeover")
    await new.listens()
    await load.end()
    assert await old.ends() == 0

    outcome = await end_well(new, load, note)
    assert len(outcome.answered) == 4


async def goes_on(gateway: GatewayProcess, load: Load, note: Note) -> None:
    """Check that no request and no record was lost, and that there is a keeper."""
    while (await health(gateway)).status != "ok":
        await load.answers(10)

    await end_well(gateway, load, note)

"""What a running supervisor gives to a new one, and what it refuses."""

import asyncio
import signal
import socket
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .conftest import Start, ask, log, logs

pytestmark = pytest.mark.slow


async def test_the_new_one_serves_on_the_same_port_and_the_old_one_ends(
    start: Start, tmp_path: Path
) -> None:
    old = await start(2)
    port = await old.listens()

    new = await start(2, "takeover")

    assert await new.listens() == port
    assert await old.ends() == 0
    assert (tmp_path / "state/hotswap.pid").read_text() == f"{new.process.pid}\n"
    assert {(await ask(port)).pid for _ in range(40)} == {*new.children("worker")}


async def test_where_nobody_runs_it_just_starts(start: Start) -> None:
    gateway = await start(1, "takeover")

    port = await gateway.listens()

    assert (await ask(port)).number == 0


async def test_the_place_that_was_taken_is_taken(start: Start) -> None:
    old = await start(1)
    await old.listens()
    new = await start(1, "takeover")
    await new.listens()

    third = await start(1)

    assert await third.ends() == 1
    assert third.lines[-1].endswith(
        f"state is in use by process {new.process.pid}; --takeover would replace it"
    )


async def test_only_this_user_reaches_the_control_socket(start: Start, tmp_path: Path) -> None:
    gateway = await start(1)
    await gateway.listens()

    mode = (tmp_path / "state/hotswap.sock").stat().st_mode

    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o600


async def test_another_version_is_refused_and_changes_nothing(start: Start, tmp_path: Path) -> None:
    gateway = await start(1)
    port = await gateway.listens()

    with visitor(tmp_path) as connection:
        connection.send(b"takeover\0999")
        answer = await asyncio.to_thread(connection.recv, 1000)

    assert answer == b"refused\0it speaks version 1; stop it instead"
    assert (await ask(port)).number == 0
    assert "hears" not in log(gateway)


async def test_a_second_one_is_refused_while_one_takes_over(start: Start, tmp_path: Path) -> None:
    gateway = await start(1)
    await gateway.listens()

    with visitor(tmp_path) as first, visitor(tmp_path) as second:
        first.send(b"takeover\0001")
        await asyncio.to_thread(first.recv, 1000)
        answer = await asyncio.to_thread(second.recv, 1000)

    assert answer == b"refused\0another one takes over just now"


async def test_who_never_asked_can_not_end_it(start: Start, tmp_path: Path) -> None:
    gateway = await start(1)
    port = await gateway.listens()

    with visitor(tmp_path) as connection:
        connection.send(b"commit\0kept")
        assert await asyncio.to_thread(connection.recv, 1000) == b""

    assert (await ask(port)).number == 0


async def test_who_gives_up_lets_the_old_one_start_its_keeper_again(
    start: Start, tmp_path: Path
) -> None:
    gateway = await start(1)
    await gateway.listens()
    keeper = await logs(gateway, r"keeper (\d+) begins")

    with visitor(tmp_path) as connection:
        connection.send(b"takeover\0001")
        await logs(gateway, r"(\d+) hears shared")
        assert gateway.children("keeper") in ([], [int(keeper)])

    await gateway.says("the other supervisor did not take over")
    await logs(gateway, r"(\d+) hears alone")
    await logs(gateway, r"keeper \d+ begins(?s:.*)keeper \d+ begins")
    gateway.signal(signal.SIGTERM)
    assert await gateway.ends() == 0


@contextmanager
def visitor(folder: Path) -> Generator[socket.socket]:
    """Connect to the control socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
        connection.settimeout(10)
        connection.connect(str(folder / "state/hotswap.sock"))
        yield connection

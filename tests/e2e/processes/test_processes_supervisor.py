"""The supervisor with dummy children: real processes, real signals, real sockets."""

import asyncio
import os
import signal
import socket
from pathlib import Path

import pytest

from .conftest import Start, ask, log, logs, read_answer

pytestmark = pytest.mark.slow


async def test_it_says_where_it_listens_once_all_are_ready(start: Start, tmp_path: Path) -> None:
    gateway = await start(2)

    port = await gateway.listens()

    assert gateway.lines[0] == (
        f"hotswap: starting with hotswap.yaml (process {gateway.process.pid})"
    )
    assert (tmp_path / "state/hotswap.pid").read_text() == f"{gateway.process.pid}\n"
    assert {(await ask(port)).number for _ in range(40)} == {0, 1}


async def test_a_new_admin_key_is_shown(start: Start) -> None:
    gateway = await start(1)

    found = await gateway.says(r"^hotswap: the admin key is (\S+)")

    assert found[1] == "hs-admin-1"


async def test_a_killed_worker_is_replaced(start: Start) -> None:
    gateway = await start(1)
    port = await gateway.listens()
    killed = await ask(port)

    os.kill(killed.pid, signal.SIGKILL)

    await gateway.says("^hotswap: worker 0 was ended by SIGKILL; it starts again at once$")
    successor = await asyncio.wait_for(ask(port), 2.0)  # noqa: TID251 - the promise is 2 s
    assert successor.pid != killed.pid


async def test_a_connection_in_a_dead_workers_queue_is_served_by_its_successor(
    start: Start,
) -> None:
    gateway = await start(1)
    port = await gateway.listens()
    killed = await ask(port)
    os.kill(killed.pid, signal.SIGSTOP)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"?")

    os.kill(killed.pid, signal.SIGKILL)

    assert (await read_answer(reader)).pid != killed.pid
    writer.close()


async def test_a_restarted_child_holds_no_descriptor_of_another(start: Start) -> None:
    gateway = await start(3)
    port = await gateway.listens()
    killed = await ask(port)

    os.kill(killed.pid, signal.SIGKILL)

    await gateway.says("it starts again")
    successor = await ask(port)
    while successor.number != killed.number:
        successor = await ask(port)
    # Standard ones, channel, listener, the connection itself, and the listing that counts.
    assert successor.descriptors == 7


async def test_a_worker_that_starts_while_the_keeper_hangs_gets_the_newest_configuration(
    start: Start,
) -> None:
    gateway = await start(1)
    port = await gateway.listens()
    keeper = int(await logs(gateway, r"keeper (\d+) begins with first"))
    first = await ask(port)
    gateway.signal(signal.SIGHUP)
    await logs(gateway, "keeper reloads")
    os.kill(keeper, signal.SIGSTOP)

    os.kill(first.pid, signal.SIGKILL)

    assert first.snapshot == "first"
    assert (await ask(port)).snapshot == "second"


async def test_a_restarted_keeper_gets_the_newest_configuration(start: Start) -> None:
    gateway = await start(1)
    keeper = int(await logs(gateway, r"keeper (\d+) begins with first"))
    gateway.signal(signal.SIGHUP)
    await logs(gateway, "keeper reloads")

    os.kill(keeper, signal.SIGKILL)

    await logs(gateway, r"keeper (\d+) begins with second")


async def test_a_reload_that_is_asked_for_while_the_keeper_is_down_comes_when_it_is_back(
    start: Start,
) -> None:
    gateway = await start(1)
    keeper = int(await logs(gateway, r"keeper (\d+) begins with first"))
    await gateway.listens()

    os.kill(keeper, signal.SIGKILL)
    await gateway.says("keeper was ended by SIGKILL")
    gateway.signal(signal.SIGHUP)

    await logs(gateway, "keeper reloads")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
async def test_a_signal_ends_workers_first_and_then_the_keeper(
    start: Start, number: int, code: int
) -> None:
    gateway = await start(2)
    await gateway.listens()
    await logs(gateway, "keeper .* begins")

    gateway.signal(number)

    assert await gateway.ends() == code
    assert log(gateway).splitlines()[1:] == [
        "worker stops",
        "worker stops",
        "worker stopped",
        "worker stopped",
        "keeper stops",
    ]


async def test_the_end_leaves_nothing_behind(start: Start, tmp_path: Path) -> None:
    gateway = await start(1)
    port = await gateway.listens()

    gateway.signal(signal.SIGTERM)

    assert await gateway.ends() == 0
    assert _names(tmp_path) == {"log", "state"}
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)


async def test_a_second_signal_quits_at_once(start: Start) -> None:
    gateway = await start(1, "stuck")
    await gateway.listens()

    gateway.signal(signal.SIGINT)
    await logs(gateway, "worker stops")
    gateway.signal(signal.SIGINT)

    assert await gateway.ends() == 130
    assert gateway.lines[-1] == "hotswap: quitting at once"


async def test_a_worker_that_does_not_end_in_time_is_killed(start: Start) -> None:
    gateway = await start(1, "stuck", "impatient")
    await gateway.listens()
    await logs(gateway, "keeper .* begins")

    gateway.signal(signal.SIGTERM)

    assert await gateway.ends() == 0
    assert gateway.lines[-1] == "hotswap: worker 0 did not end in time"
    assert log(gateway).splitlines()[1:] == ["worker stops", "keeper stops"]


async def test_children_end_when_their_supervisor_is_killed(start: Start) -> None:
    gateway = await start(2)
    await gateway.listens()
    await logs(gateway, "keeper .* begins")
    children = _children(gateway.process.pid)

    gateway.signal(signal.SIGKILL)

    assert len(children) == 3
    while any(_lives(pid) for pid in children):  # noqa: ASYNC110 - nothing tells of their end
        await asyncio.sleep(0.01)


async def test_a_keeper_that_never_gets_ready_ends_the_gateway(start: Start) -> None:
    gateway = await start(1, "no-keeper")

    code = await gateway.ends()

    assert code == 1
    assert gateway.lines[-1] == (
        "hotswap: keeper ended with code 1 again and again before it was ready: giving up"
    )
    assert [line for line in gateway.lines if "keeper" in line][:2] == [
        "hotswap: keeper ended with code 1; it starts again at once",
        "hotswap: keeper ended with code 1; it starts again in 0.1 s",
    ]


async def test_a_refused_configuration_ends_it_with_the_loaders_code(start: Start) -> None:
    gateway = await start(1, "refused")

    assert await gateway.ends() == 3
    assert "hotswap.yaml:1:1: nothing is right" in gateway.lines


async def test_a_taken_address_is_told(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        gateway = await start(1, f"admin={port}")

        code = await gateway.ends()

    assert code == 1
    assert gateway.lines[-1] == (
        f"hotswap: can not listen on 127.0.0.1:{port}: Address already in use"
    )


async def test_two_never_work_on_one_state_folder(start: Start) -> None:
    first = await start(1)
    port = await first.listens()

    second = await start(1)

    assert await second.ends() == 1
    assert second.lines[-1].endswith(
        f"state is in use by process {first.process.pid}; --takeover would replace it"
    )
    assert (await ask(port)).number == 0


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*")}


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _lives(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] != "Z"

"""Sockets that systemd holds: a plain restart under load refuses nobody."""

import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from hotswap.testing.gateway import GatewayProcess

from .conftest import Note, end_well
from .load import Load

pytestmark = pytest.mark.slow

ACTIVATE: Final = Path(__file__).parent / "activate.py"


class Service(NamedTuple):
    """What systemd holds."""

    port: int
    started: list[GatewayProcess]
    notifications: socket.socket
    start: Callable[..., Awaitable[GatewayProcess]]


@pytest.fixture
async def service(
    tmp_path: Path, config: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Service]:
    """Hold sockets, and start gateways on them."""
    (tmp_path / "hotswap.yaml").write_text(config())
    started: list[GatewayProcess] = []

    async def start(*options: str) -> GatewayProcess:
        fds = (public.fileno(), admin.fileno())
        started.append(
            await GatewayProcess.start(
                tmp_path,
                str(ACTIVATE),
                *map(str, fds),
                str(tmp_path / "hotswap.yaml"),
                *options,
                descriptors=fds,
            )
        )
        return started[-1]

    with (
        socket.create_server(("127.0.0.1", 0), backlog=1000) as public,
        socket.create_server(("127.0.0.1", 0)) as admin,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifications,
    ):
        notifications.bind(str(tmp_path / "notify"))
        notifications.settimeout(0)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield Service(public.getsockname()[1], started, notifications, start)
        for gateway in started:
            await gateway.quit()


async def test_a_restart_on_systemds_sockets_refuses_nobody(
    service: Service, load: Load, note: Note
) -> None:
    first = await service.start()
    assert await first.listens() == service.port
    load.begin(service.port)
    await load.answers(200)

    first.signal(signal.SIGTERM)
    assert await first.ends() == 0
    second = await service.start()
    await second.listens()
    await load.answers(200)

    outcome = await end_well(second, load, note, "stopped, then started")
    assert outcome.refused == 0
    assert {answer.worker for answer in outcome.answered} == {0, 1}
    told = [service.notifications.recv(1000).decode() for _ in range(4)]
    assert told == [
        f"READY=1\nMAINPID={first.process.pid}",
        "STOPPING=1",
        f"READY=1\nMAINPID={second.process.pid}",
        "STOPPING=1",
    ]


async def test_systemds_sockets_can_be_taken_over(service: Service, load: Load, note: Note) -> None:
    first = await service.start()
    load.begin(await first.listens())
    await load.answers(200)

    second = await service.start("--takeover")
    assert await second.listens() == service.port
    assert await first.ends() == 0
    await load.answers(200)

    outcome = await end_well(second, load, note)
    assert outcome.refused == 0

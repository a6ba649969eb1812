"""Supervisors over dummy children and whole gateways, as processes that are always ended."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from hotswap.testing.gateway import GatewayProcess

SCRIPT: Final = Path(__file__).parent / "dummy_gateway.py"


class Answer(NamedTuple):
    """What a dummy worker says of itself."""

    number: int
    pid: int
    snapshot: str
    descriptors: int


async def ask(port: int) -> Answer:
    """Ask whichever worker the kernel chooses."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"?")
    answer = await read_answer(reader)
    writer.close()
    await writer.wait_closed()
    return answer


async def read_answer(reader: asyncio.StreamReader) -> Answer:
    """Read what a worker answers to a question that was sent already."""
    number, pid, snapshot, descriptors = (await reader.read()).decode().split()
    return Answer(int(number), int(pid), snapshot, int(descriptors))


async def logs(gateway: GatewayProcess, pattern: str) -> str:
    """Wait until a dummy child has logged a line that matches; return the first group or all."""
    while not (found := re.search(pattern, log(gateway))):  # noqa: ASYNC110 - it tells nobody
        await asyncio.sleep(0.01)
    return found[found.re.groups]


def log(gateway: GatewayProcess) -> str:
    """Return what the dummy children have logged so far."""
    file = gateway.folder / "log"
    return file.read_text() if file.exists() else ""


Start = Callable[..., Awaitable[GatewayProcess]]


@pytest.fixture
async def launch(tmp_path: Path) -> AsyncIterator[Start]:
    """Start commands of this interpreter; they are killed with their children at the end."""
    started: list[GatewayProcess] = []

    async def run(*command: str) -> GatewayProcess:
        started.append(await GatewayProcess.start(tmp_path, *command))
        return started[-1]

    yield run
    for gateway in started:
        await gateway.quit()


@pytest.fixture
def start(launch: Start, tmp_path: Path) -> Start:
    """Start a supervisor over dummy children as `start(workers, *what)`."""

    def run(workers: int, *what: str) -> Awaitable[GatewayProcess]:
        return launch(str(SCRIPT), str(tmp_path), str(workers), *what)

    return run


@pytest.fixture
def serve(launch: Start, tmp_path: Path) -> Start:
    """Start a whole gateway as `serve(config)`."""

    def run(config: str) -> Awaitable[GatewayProcess]:
        path = tmp_path / "hotswap.yaml"
        path.write_text(config)
        return launch("-P", "-m", "hotswap.processes", str(path))

    return run

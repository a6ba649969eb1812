"""Supervisors over dummy children and whole gateways, as processes that are always ended."""

import asyncio
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Final, NamedTuple

import pytest

SCRIPT: Final = Path(__file__).parent / "dummy_gateway.py"


class Answer(NamedTuple):
    """What a dummy worker says of itself."""

    number: int
    pid: int
    snapshot: str
    descriptors: int


class RunningGateway:
    """A supervisor that runs as a process of its own."""

    def __init__(self, process: Process, folder: Path) -> None:
        self.process = process
        self.folder = folder
        self.lines: list[str] = []

    async def says(self, pattern: str) -> re.Match[str]:
        """Wait for a line on stderr that matches."""
        assert self.process.stderr is not None
        while line := (await self.process.stderr.readline()).decode().rstrip("\n"):
            self.lines.append(line)
            if found := re.search(pattern, line):
                return found
        pytest.fail(f"ended without saying {pattern!r}: {self.lines}")

    async def listens(self) -> int:
        """Wait until it says where it listens; return the port."""
        return int((await self.says(r"is listening on http://127\.0\.0\.1:(\d+)"))[1])

    async def logs(self, pattern: str) -> str:
        """Wait until a child has logged a line that matches; return the first group or all."""
        while True:
            if found := re.search(pattern, self.log()):
                return found[found.re.groups]
            await asyncio.sleep(0.01)

    def log(self) -> str:
        """Return what the children logged so far."""
        file = self.folder / "log"
        return file.read_text() if file.exists() else ""

    def signal(self, number: int) -> None:
        """Send the supervisor a signal."""
        self.process.send_signal(number)

    async def ends(self) -> int:
        """Wait for the end and return the exit code."""
        assert self.process.stderr is not None
        self.lines += (await self.process.stderr.read()).decode().splitlines()
        return await self.process.wait()


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


Start = Callable[..., Awaitable[RunningGateway]]


@pytest.fixture
async def launch(tmp_path: Path) -> AsyncIterator[Start]:
    """Start commands of this interpreter; they are killed with their children at the end."""
    started: list[RunningGateway] = []

    async def run(*command: str) -> RunningGateway:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *command,
            stderr=PIPE,
            start_new_session=True,
            limit=1024 * 1024,
            env={**os.environ, "TMPDIR": str(tmp_path)},
        )
        started.append(RunningGateway(process, tmp_path))
        return started[-1]

    yield run
    for gateway in started:
        if gateway.process.returncode is None:
            os.killpg(gateway.process.pid, signal.SIGKILL)
            await gateway.ends()


@pytest.fixture
def start(launch: Start, tmp_path: Path) -> Start:
    """Start a supervisor over dummy children as `start(workers, *what)`."""

    def run(workers: int, *what: str) -> Awaitable[RunningGateway]:
        return launch(str(SCRIPT), str(tmp_path), str(workers), *what)

    return run


@pytest.fixture
def serve(launch: Start, tmp_path: Path) -> Start:
    """Start a whole gateway as `serve(config)`."""

    def run(config: str) -> Awaitable[RunningGateway]:
        path = tmp_path / "hotswap.yaml"
        path.write_text(config)
        return launch("-P", "-m", "hotswap.processes", str(path))

    return run

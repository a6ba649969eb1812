"""Gateways of two workers under a load that counts how every single request ended."""

import asyncio
import os
import signal
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

import pytest
from msgspec import Struct
from msgspec.json import decode

from hotswap.testing.gateway import GatewayProcess
from hotswap.testing.process import ProviderProcess
from hotswap.testing.step import Step

from .load import Load, Outcome

PACE: Final = Step(text="one two three four five six", first_byte_s=0.01, gap_s=0.02)
"""Slow enough that requests are always in flight, and that the load leaves the cores alone."""

SLOW: Final = Step(text="one two three four", gap_s=0.7)
"""A stream that lasts longer than a gateway takes to start."""

CONFIG: Final = """
server:
  {{listen: "{listen}", admin: "127.0.0.1:{admin}", state_dir: state, workers: {workers}}}
store: "sqlite:records.db"
records: {{buffer: {buffer}}}
providers:
  here: {{kind: openai, base_url: "{base_url}", allow_private: true, keys: []}}
  slow:
    {{kind: openai, base_url: "{base_url}", allow_private: true, keys: [{{id: a, secret: slow}}]}}
  gone: {{kind: openai, base_url: "http://127.0.0.1:9/v1", allow_private: true, keys: []}}
fallback:
  chains:
    - {{name: assist, models: [{{provider: here, model: small}}]}}
    - {{name: {extra}, models: [{{provider: here, model: other}}]}}
    - {{name: slow, models: [{{provider: slow, model: small}}]}}
    - {{name: moving, models: [{{provider: gone, model: any}}, {{provider: here, model: small}}]}}
"""


AWAY_S: Final = float(os.environ.get("LIFECYCLE_AWAY_S", "3"))
"""How long a keeper stays away; `make prove-lifecycle` says a minute."""

_figures: Final[list[str]] = []


class Serve(Protocol):
    """Starts gateways."""

    def __call__(self, *options: str, **settings: object) -> Awaitable[GatewayProcess]:
        """Start one with these options, by `config(**settings)`, and return at once."""
        ...


@pytest.fixture
def provider(running_provider: ProviderProcess) -> ProviderProcess:
    """Give a provider that never fails."""
    running_provider.behave(PACE)
    return running_provider


@pytest.fixture(scope="session")
def running_provider() -> Iterator[ProviderProcess]:
    """Run the one provider of all tests."""
    with ProviderProcess(keep=0) as provider:
        provider.behave(SLOW, key="slow")
        yield provider


@pytest.fixture
def config(provider: ProviderProcess) -> Callable[..., str]:
    """Write a configuration; `extra` names its second chain."""

    def write(
        *,
        listen: str = "127.0.0.1:0",
        admin: int = 0,
        workers: int = 2,
        buffer: int = 20_000,
        extra: str = "more",
    ) -> str:
        return CONFIG.format(
            base_url=provider.base_url,
            listen=listen,
            admin=admin,
            workers=workers,
            buffer=buffer,
            extra=extra,
        )

    return write


@pytest.fixture
async def serve(tmp_path: Path, config: Callable[..., str]) -> AsyncIterator[Serve]:
    """Start gateways over one folder; what is left of them is killed at the end."""
    started: list[GatewayProcess] = []

    async def run(*options: str, **settings: object) -> GatewayProcess:
        started.append(await GatewayProcess.serve(tmp_path, config(**settings), *options))
        return started[-1]

    yield run
    for gateway in started:
        await gateway.quit()


@pytest.fixture
async def load() -> AsyncIterator[Load]:
    """Give a load that was not begun; it is ended with the test."""
    load = Load()
    yield load
    await load.end()


Note = Callable[..., None]


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Note:
    """Keep an outcome as a line of the table that `make prove-lifecycle` prints."""
    title = request.node.name.removeprefix("test_").replace("_", " ")

    def write(outcome: Outcome, remark: str = "") -> None:
        longest_s = max(answer.took_s for answer in outcome.answered)
        _figures.append(
            f"| {title} | {len(outcome.answered):,} | {len(outcome.failed)} "
            f"| {longest_s:.2f} | {remark} |"
        )

    return write


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table."""
    if _figures and "LIFECYCLE_AWAY_S" in os.environ:
        terminalreporter.write_line("")
        terminalreporter.write_line("| | answered | failed | longest, s | |")
        terminalreporter.write_line("|---|---|---|---|---|")
        for line in _figures:
            terminalreporter.write_line(line)


async def end_well(gateway: GatewayProcess, load: Load, note: Note, remark: str = "") -> Outcome:
    """End load and gateway; no request may have failed, no record be missing or there twice."""
    outcome = await load.end()
    gateway.signal(signal.SIGTERM)
    assert await gateway.ends() == 0
    note(outcome, remark)
    assert outcome.failed == []
    assert outcome.unlike(stored(gateway.folder)) == []
    return outcome


class Health(Struct):
    """What the keeper says of the gateway."""

    status: str = ""
    """Empty: the keeper does not answer."""
    dropped: int = 0


async def health(gateway: GatewayProcess) -> Health:
    """Ask the keeper how the gateway is."""
    key = (gateway.folder / "state/admin.key").read_text().strip()
    request = (
        "GET /admin/api/v1/health HTTP/1.1\r\nhost: 127.0.0.1\r\n"
        f"authorization: Bearer {key}\r\nconnection: close\r\n\r\n"
    )
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.admin_port)
        writer.write(request.encode())
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
    except ConnectionError:
        return Health()
    return decode(answer.partition(b"\r\n\r\n")[2], type=Health) if answer else Health()


def resident_mib(pid: int) -> float:
    """Return the resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024 / 1024


def stored(folder: Path) -> list[str]:
    """Return the request ids of all stored attempts but probes, as often as each was stored."""
    with sqlite3.connect(folder / "records.db") as database, suppress(sqlite3.OperationalError):
        rows = database.execute("SELECT request_id FROM attempts WHERE request_id <> ''")
        return [request_id for (request_id,) in rows]
    return []  # no keeper was there for long enough to make the tables

"""Gateways of two workers under a load that counts how every single request ended."""

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Final, Protocol

import pytest

from hotswap.testing.gateway import GatewayProcess
from hotswap.testing.process import ProviderProcess
from hotswap.testing.step import Step

from .load import Load

PACE: Final = Step(text="one two three four five six", first_byte_s=0.01, gap_s=0.02)
"""Slow enough that requests are always in flight, and that the load leaves the cores alone."""

CONFIG: Final = """
server:
  {{listen: "127.0.0.1:{port}", admin: "127.0.0.1:0", state_dir: state, workers: {workers}}}
store: "sqlite:records.db"
records: {{buffer: {buffer}}}
providers: {{here: {{kind: openai, base_url: "{base_url}", allow_private: true, keys: []}}}}
fallback:
  chains:
    - {{name: assist, models: [{{provider: here, model: small}}]}}
    - {{name: {extra}, models: [{{provider: here, model: other}}]}}
"""


class Serve(Protocol):
    """Starts gateways."""

    def __call__(
        self, *options: str, workers: int = 2, buffer: int = 20_000
    ) -> Awaitable[GatewayProcess]:
        """Start one, by a configuration with these numbers, and return at once."""
        ...


@pytest.fixture(scope="session")
def provider() -> Iterator[ProviderProcess]:
    """Run a provider that never fails."""
    with ProviderProcess(default=PACE, keep=0) as provider:
        yield provider


@pytest.fixture
def config(provider: ProviderProcess) -> Callable[..., str]:
    """Write a configuration; `extra` names its second chain."""

    def write(*, port: int = 0, workers: int = 2, buffer: int = 20_000, extra: str = "more") -> str:
        return CONFIG.format(
            base_url=provider.base_url, port=port, workers=workers, buffer=buffer, extra=extra
        )

    return write


@pytest.fixture
async def serve(tmp_path: Path, config: Callable[..., str]) -> AsyncIterator[Serve]:
    """Start gateways over one folder; what is left of them is killed at the end."""
    started: list[GatewayProcess] = []

    async def run(*options: str, workers: int = 2, buffer: int = 20_000) -> GatewayProcess:
        text = config(workers=workers, buffer=buffer)
        started.append(await GatewayProcess.serve(tmp_path, text, *options))
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


def stored(folder: Path) -> list[str]:
    """Return the request ids of all records, one for each time it was stored."""
    with sqlite3.connect(folder / "records.db") as database:
        return [request_id for (request_id,) in database.execute("SELECT request_id FROM attempts")]

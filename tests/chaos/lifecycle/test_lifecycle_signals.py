"""SIGTERM and SIGHUP to a gateway under load: no request fails."""

import signal
from collections.abc import Callable

import pytest

from .conftest import Note, Serve, end_well, stored
from .load import Load

pytestmark = pytest.mark.slow


async def test_sigterm_under_load_fails_no_request(serve: Serve, load: Load, note: Note) -> None:
    gateway = await serve()
    load.begin(await gateway.listens())
    await load.answers(200)

    gateway.signal(signal.SIGTERM)

    outcome = await load.stopped()
    assert await gateway.ends() == 0
    note(outcome)
    assert outcome.failed == []
    assert outcome.refused == 32
    assert outcome.unlike(stored(gateway.folder)) == []


async def test_a_new_configuration_under_load_fails_no_request(
    serve: Serve, load: Load, note: Note, config: Callable[..., str]
) -> None:
    gateway = await serve()
    port = await gateway.listens()
    load.begin(port)
    await load.answers(100)

    (gateway.folder / "hotswap.yaml").write_text(config(extra="fresh"))
    gateway.signal(signal.SIGHUP)
    await gateway.says("configuration in force")
    fresh = Load()
    fresh.begin(port, plain=2, streams=2, chain="fresh")
    await fresh.answers(20)  # its first requests may be ahead of the configuration
    await fresh.end()
    await load.answers(100)

    await end_well(gateway, load, note)


async def test_a_broken_configuration_under_load_fails_no_request(
    serve: Serve, load: Load, note: Note
) -> None:
    gateway = await serve()
    load.begin(await gateway.listens())
    await load.answers(100)

    (gateway.folder / "hotswap.yaml").write_text("fallback: {chains: []}\nserver: {workers: none}")
    gateway.signal(signal.SIGHUP)
    await gateway.says("configuration refused, the former one stays in force")
    await load.answers(200)

    await end_well(gateway, load, note)

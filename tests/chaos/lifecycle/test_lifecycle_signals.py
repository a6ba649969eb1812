"""Signals to a gateway under load."""

import signal

import pytest

from .conftest import Serve, stored
from .load import Load, twice

pytestmark = pytest.mark.slow


async def test_sigterm_under_load_fails_no_request(serve: Serve, load: Load) -> None:
    gateway = await serve()
    load.begin(await gateway.listens())
    await load.answers(200)

    gateway.signal(signal.SIGTERM)

    outcome = await load.stopped()
    assert await gateway.ends() == 0
    assert outcome.failed == []
    assert outcome.refused == 32
    assert outcome.closed == 32
    records = stored(gateway.folder)
    assert outcome.missing(records) == set()
    assert twice(records) == []

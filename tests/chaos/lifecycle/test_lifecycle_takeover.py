"""A new supervisor takes the place of a running one under load: no request fails."""

import pytest

from .conftest import Note, Serve, stored
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
    outcome = await load.end()
    new.signal(15)

    assert await new.ends() == 0
    note(outcome, f"2 workers replaced by {workers}")
    assert outcome.failed == []
    assert outcome.unlike(stored(new.folder)) == []

import asyncio
from collections.abc import AsyncIterator

import pytest
import structlog
from msgspec import structs
from structlog.testing import CapturingLogger

from hotswap.config.outcome import Loaded, Mistake, Outcome, Refused
from hotswap.config.snapshot import Snapshot
from hotswap.core.settings import ServerSettings
from hotswap.keeper.reload import Reloader, Source

ONE = Snapshot("one", {}, {})
TWO = Snapshot("two", {}, {})


class Rig:
    """A reloader whose file is scripted."""

    def __init__(self) -> None:
        self.outcomes: asyncio.Queue[Outcome | OSError] = asyncio.Queue()
        self.changes = 0
        self.applied: list[str] = []
        self._log = CapturingLogger()
        self.reloader = Reloader(
            ONE,
            Source(self._load, self._changes),
            on_loaded=lambda snapshot: self.applied.append(snapshot.digest),
            log=structlog.wrap_logger(
                self._log,
                wrapper_class=structlog.make_filtering_bound_logger(0),
                processors=[structlog.stdlib.add_log_level, lambda _, __, event: ((), event)],
            ),
        )

    async def _load(self) -> Outcome:
        outcome = await self.outcomes.get()
        if isinstance(outcome, OSError):
            raise outcome
        return outcome

    async def _changes(self) -> AsyncIterator[None]:
        for _ in range(self.changes):
            yield
        raise OSError("the folder is gone")

    async def reload(self, outcome: Outcome | OSError) -> dict[str, object]:
        """Load `outcome` and return the log's first new line."""
        lines = len(self._log.calls)
        self.outcomes.put_nowait(outcome)
        self.reloader.reload()
        return await self.logged(lines)

    async def logged(self, at: int) -> dict[str, object]:
        """Wait for the log's line number `at`."""
        async with asyncio.timeout(5):
            while len(self._log.calls) <= at:  # noqa: ASYNC110 - the log has no event
                await asyncio.sleep(0)
        return dict(self._log.calls[at].kwargs)


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    rig = Rig()
    running = asyncio.ensure_future(rig.reloader.run())
    yield rig
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_good_file_is_put_in_force_and_both_digests_are_logged(rig: Rig) -> None:
    line = await rig.reload(Loaded(structs.replace(TWO, warnings=("few links",))))

    assert rig.applied == ["two"]
    assert rig.reloader.snapshot.digest == "two"
    assert line == {
        "level": "info",
        "event": "configuration in force",
        "former": "one",
        "digest": "two",
        "warnings": ["few links"],
    }


async def test_a_broken_file_changes_nothing_and_every_mistake_is_logged(rig: Rig) -> None:
    mistakes = (
        Mistake("hotswap.yaml", 12, 9, "chains[0]", "no provider", "did you mean 'a'?"),
        Mistake("hotswap.yaml", 20, 1, "", "unknown key"),
    )
    line = await rig.reload(Refused(mistakes))

    assert rig.applied == []
    assert rig.reloader.snapshot is ONE
    assert (line["level"], line["digest"]) == ("error", "one")
    assert line["mistakes"] == [
        "hotswap.yaml:12:9 chains[0]: no provider (did you mean 'a'?)",
        "hotswap.yaml:20:1 unknown key",
    ]


async def test_a_file_that_says_the_same_is_not_applied_again(rig: Rig) -> None:
    line = await rig.reload(Loaded(Snapshot("one", {}, {})))

    assert rig.applied == []
    assert line["event"] == "configuration read, nothing has changed"


async def test_a_good_file_after_a_broken_one_is_put_in_force(rig: Rig) -> None:
    await rig.reload(Refused(()))
    await rig.reload(Loaded(TWO))

    assert rig.applied == ["two"]


async def test_settings_that_need_a_restart_are_named(rig: Rig) -> None:
    server = ServerSettings(port=9000, workers=2, state_dir="/elsewhere")
    await rig.reload(Loaded(structs.replace(TWO, server=server)))
    line = await rig.logged(1)

    assert line == {
        "level": "warning",
        "event": "not taken over before a restart",
        "settings": ["server.listen", "server.workers", "server.state_dir"],
    }
    assert rig.applied == ["two"]


async def test_a_loader_that_can_not_be_started_is_logged_and_the_next_one_counts(
    rig: Rig,
) -> None:
    line = await rig.reload(OSError("no more processes"))
    await rig.reload(Loaded(TWO))

    assert (line["event"], line["problem"]) == ("configuration not loaded", "no more processes")
    assert rig.applied == ["two"]


async def test_a_noticed_change_is_loaded(rig: Rig) -> None:
    rig.changes = 1
    rig.outcomes.put_nowait(Loaded(TWO))
    watching = asyncio.ensure_future(rig.reloader.watch())
    lines = {str((await rig.logged(at))["event"]) for at in (0, 1)}
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)

    assert lines == {"configuration is not watched", "configuration in force"}
    assert rig.applied == ["two"]

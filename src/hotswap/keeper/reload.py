"""Takes over a changed configuration: whole when it is fine, not at all when it is not."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Final

from msgspec import Struct
from structlog.typing import FilteringBoundLogger

from ..config.outcome import Loaded, Outcome, Refused
from ..config.reload import is_same
from ..config.snapshot import Snapshot

WATCH_AGAIN_S: Final = 5.0
"""Pause before a watch that broke is begun again."""

RESTART: Final[Mapping[str, Callable[[Snapshot], object]]] = MappingProxyType(
    {
        "server.listen": lambda s: (s.server.host, s.server.port),
        "server.admin": lambda s: (s.server.admin_host, s.server.admin_port),
        "server.workers": lambda s: s.server.workers,
        "server.state_dir": lambda s: s.server.state_dir,
        "server.tls": lambda s: (s.server.tls_cert, s.server.tls_key),
        "store": lambda s: s.store.url,
        "records.commit_s": lambda s: s.store.commit_s,
        "records.buffer": lambda s: s.store.buffer,
    }
)
"""Settings, by their names in the file, that only a restart takes over."""


class Source(Struct, frozen=True):
    """Where configurations come from."""

    load: Callable[[], Awaitable[Outcome]]
    """Loads the file as it is now; never raises for what it says."""
    changes: Callable[[], AsyncIterator[None]]
    """Yields whenever the file has another content."""


class Reloader:
    """Holds the configuration in force and replaces it."""

    def __init__(
        self,
        snapshot: Snapshot,
        source: Source,
        *,
        on_loaded: Callable[[Snapshot], None],
        log: FilteringBoundLogger,
    ) -> None:
        """Begin with `snapshot`; `on_loaded` is called with each one that replaces it."""
        self.snapshot = snapshot
        self._source = source
        self._on_loaded = on_loaded
        self._log = log
        self._due = asyncio.Event()

    def reload(self) -> None:
        """Have the file read again soon."""
        self._due.set()

    async def run(self) -> None:
        """Load whenever it is due, until cancelled."""
        while True:
            await self._due.wait()
            self._due.clear()
            try:
                outcome = await self._source.load()
            except OSError as error:
                self._log.error("configuration not loaded", problem=str(error))
            else:
                self._take(outcome)

    async def watch(self) -> None:
        """Notice changes of the file, until cancelled."""
        while True:
            try:
                async for _ in self._source.changes():
                    self.reload()
            except OSError as error:
                self._log.error("configuration is not watched", problem=str(error))
            await asyncio.sleep(WATCH_AGAIN_S)

    def _take(self, outcome: Outcome) -> None:
        match outcome:
            case Refused(mistakes):
                self._log.error(
                    "configuration refused, the former one stays in force",
                    digest=self.snapshot.digest,
                    mistakes=[str(mistake) for mistake in mistakes],
                )
            case Loaded(snapshot) if is_same(self.snapshot, snapshot):
                self._log.info("configuration read, nothing has changed", digest=snapshot.digest)
            case Loaded(snapshot):
                former, self.snapshot = self.snapshot, snapshot
                self._log.info(
                    "configuration in force",
                    former=former.digest,
                    digest=snapshot.digest,
                    warnings=list(snapshot.warnings),
                )
                left = [name for name, read in RESTART.items() if read(former) != read(snapshot)]
                if left:
                    self._log.warning("not taken over before a restart", settings=left)
                self._on_loaded(snapshot)

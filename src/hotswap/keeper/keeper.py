"""The control plane: store, hub, configuration and admin listener in one process, one loop."""

import asyncio
import random
import signal
import socket
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import structlog
from msgspec import DecodeError
from msgspec.msgpack import Encoder
from structlog.typing import FilteringBoundLogger

from .. import __version__
from ..clock import Clock, SystemClock
from ..config.reload import changes, load_in_child
from ..config.snapshot import Snapshot
from ..errors import StoreError
from ..ledger.live import TICK, Live
from ..ledger.record import Transition
from ..ledger.rows import read_transition
from ..stopping import Stop
from ..store.api import Store
from ..store.sqlite import SqliteStore
from .admin_key import load_admin_key
from .door import Door, Server
from .feed import Feed, Hello
from .hub import Hub
from .orders import Orders
from .reload import Reloader, Source

PULSE_S: Final = 1.0
PRUNE_S: Final = 3600.0
DAY_S: Final = 86_400.0
PATIENCE_S: Final = 5.0
"""How long what has arrived may take to be stored at the end."""
DESERTED_S: Final = 10.0
"""What a keeper whose supervisor is gone gives its workers on top of their own limit."""
RESTORED: Final = 20_000
"""Transitions of a former keeper that tell the standing to begin with; a target that flaps makes
some thousands in the time after which lasting drains are stored again."""
RESTORE_S: Final = 1.0
"""How long the keeper may take to read them before it is ready nevertheless."""
_SQLITE: Final = "sqlite:"


class Keeper:
    """The control plane's parts, wired."""

    def __init__(
        self,
        snapshot: Snapshot,
        source: Source,
        store: Store,
        *,
        on_snapshot: Callable[[bytes], None],
        clock: Clock,
        jitter: Callable[[], float],
        log: FilteringBoundLogger,
    ) -> None:
        """Wire the parts.

        Args:
            snapshot: The configuration to begin with.
            source: Gives the ones that follow.
            store: Keeps the records; closed by `run`.
            on_snapshot: Takes each configuration that is put in force, as msgpack of `Snapshot`.
            clock: Read by every part.
            jitter: Gives a random number in [0, 1).
            log: For the operator.
        """
        self._clock = clock
        self._store = store
        self._on_snapshot = on_snapshot
        self._log = log
        self._version = __version__
        self._live = Live()
        self._reloader = Reloader(snapshot, source, on_loaded=self._apply, log=log)
        self._hub = Hub(snapshot, store=store, live=self._live, clock=clock, jitter=jitter, log=log)
        epoch = f"{int(clock.unix() * 1000):x}"
        self._feed = Feed(self._live, epoch=epoch, hello=self._hello)
        self._orders = Orders(
            self._hub,
            store=store,
            live=self._live,
            settings=lambda: self._reloader.snapshot.health.breaker,
            clock=clock,
            boot=f"keeper-{epoch}",
        )

    def reload(self) -> None:
        """Have the configuration file read again."""
        self._reloader.reload()

    async def run(
        self,
        link: socket.socket,
        admin: socket.socket,
        key: str,
        *,
        former: Sequence[socket.socket] = (),
        on_ready: Callable[[], None],
        stopping: asyncio.Future[Stop],
    ) -> None:
        """Serve until `stopping` is done; then store what has arrived.

        Unless it is replaced, the keeper goes on taking records until its last worker has left.

        Args:
            link: Bound unix socket that workers connect to; closed at the end.
            admin: Bound socket of the admin listener; closed at the end.
            key: The admin key.
            former: Like `link`, of workers that end with their own supervisor.
            on_ready: Called once workers can connect, and hear what lasts of former findings.
            stopping: Ends the keeper.
        """
        door = Door(admin, lambda: self._build_admin(key, admin))
        try:
            await self._hub.listen(link)
            for one in former:
                await self._hub.listen(one, former=True)
            async with asyncio.TaskGroup() as group:
                restoring = group.create_task(self._restore())
                loops = [
                    group.create_task(work)
                    for work in (
                        self._reloader.run(),
                        self._reloader.watch(),
                        self._pulse(),
                        self._prune(),
                    )
                ]
                group.create_task(door.run())
                # Whoever hears that all is ready may rely on what the workers know.
                await asyncio.wait([restoring], timeout=RESTORE_S)
                on_ready()
                stop = await stopping
                for loop in (restoring, *loops):
                    loop.cancel()
                self._live.close()
                door.close()
            if stop is not Stop.REPLACED:
                await self._hub.deserted(self._reloader.snapshot.server.drain_s + DESERTED_S)
        finally:
            await self._hub.close(PATIENCE_S)
            await self._store.close()

    def _build_admin(self, key: str, listener: socket.socket) -> Server:
        from .api import Admin  # noqa: PLC0415 - only a keeper that is asked pays for it
        from .server import AdminServer  # noqa: PLC0415 - only a keeper that is asked pays for it

        api = Admin(
            hub=self._hub,
            orders=self._orders,
            store=self._store,
            feed=self._feed,
            snapshot=lambda: self._reloader.snapshot,
            clock=self._clock,
            version=self._version,
        )
        return AdminServer(api.app(key), listener)

    def _apply(self, snapshot: Snapshot) -> None:
        self._hub.apply(snapshot)
        self._on_snapshot(Encoder().encode(snapshot))
        self._live.publish("config", {"digest": snapshot.digest})

    def _hello(self, reset: bool) -> Hello:  # noqa: FBT001 - a callback has no keywords
        return Hello(reset=reset, version=self._version, digest=self._reloader.snapshot.digest)

    async def _restore(self) -> None:
        """Begin with the standing that the former keeper knew."""
        bodies: tuple[bytes, ...] = ()
        try:
            bodies = (await self._store.transitions(None, RESTORED)).bodies
        except StoreError as error:
            self._log.error("the past can not be read", problem=str(error))
        self._hub.restore(self._readable(reversed(bodies)))

    def _readable(self, bodies: Iterable[bytes]) -> Iterator[Transition]:
        for body in bodies:
            try:
                yield read_transition(body)
            except DecodeError as error:
                self._log.error("a change of standing can not be read", problem=str(error))

    async def _pulse(self) -> None:
        while True:
            await asyncio.sleep(PULSE_S)
            self._live.publish(TICK, self._hub.pulse())

    async def _prune(self) -> None:
        while True:
            await asyncio.sleep(PRUNE_S)
            days = self._reloader.snapshot.store.retention_days
            try:
                await self._orders.confirm()
                forgotten = await self._store.prune(self._clock.unix() - days * DAY_S)
            except StoreError as error:
                self._log.error("old records are not forgotten", problem=str(error))
            else:
                self._log.info("old records forgotten", records=forgotten)


async def run_keeper(
    snapshot: Snapshot,
    config: Path,
    link: socket.socket,
    admin: socket.socket,
    former: Sequence[socket.socket],
    *,
    on_snapshot: Callable[[bytes], None],
    on_new_key: Callable[[str], None],
    on_ready: Callable[[], None],
    stopping: asyncio.Future[Stop],
) -> None:
    """Be the keeper's process until `stopping` is done. SIGHUP reloads the configuration.

    Args:
        snapshot: The configuration to begin with.
        config: The file it came from.
        link: As in `Keeper.run`.
        admin: As in `Keeper.run`.
        former: As in `Keeper.run`.
        on_snapshot: As in `Keeper`.
        on_new_key: Takes an admin key that was made just now; it is to be shown once.
        on_ready: As in `Keeper.run`.
        stopping: As in `Keeper.run`.

    Raises:
        ConfigError: The admin key can not be kept.
    """
    key = load_admin_key(Path(snapshot.server.state_dir))
    if key.new:
        on_new_key(key.secret)
    log: FilteringBoundLogger = structlog.get_logger()
    keeper = Keeper(
        snapshot,
        Source(partial(load_in_child, config), partial(changes, config, snapshot.source)),
        open_store(snapshot),
        on_snapshot=on_snapshot,
        clock=SystemClock(),
        jitter=random.random,  # noqa: TID251 - injected from here
        log=log,
    )
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, keeper.reload)
    await keeper.run(link, admin, key.secret, former=former, on_ready=on_ready, stopping=stopping)


def open_store(snapshot: Snapshot) -> Store:
    """Return the store that the configuration names."""
    path = snapshot.store.url.removeprefix(_SQLITE)
    return SqliteStore(Path(path), commit_s=snapshot.store.commit_s)

"""All connections to one endpoint: does what its pool decides."""

from asyncio import AbstractEventLoop, Task
from collections import deque
from collections.abc import Callable, Coroutine
from math import inf

from ..clock import Clock
from ..core.terms import Endpoint
from .alarm import Alarm
from .api import Fault, Listener
from .connection import Connection
from .dialer import Dialer
from .exchange import Exchange
from .flaw import Flaw
from .limits import Limits
from .pool import Pool
from .settings import ClientSettings
from .waiting import Waiting

_PROVEN_S = 1.0
"""A connection that the server closes sooner, unused, counts as one that was not opened."""


class Site:
    """Sends requests to one endpoint and keeps warm connections to it.

    A request without an idle connection has one opened for itself, and takes whichever is
    there first: that one, a freed one, or one opened ahead. What is left over becomes idle.
    """

    __slots__ = (
        "_alarm",
        "_clock",
        "_closed",
        "_dialer",
        "_endpoint",
        "_jitter",
        "_limits",
        "_loop",
        "_patience",
        "_pool",
        "_settings",
        "_tasks",
        "_undialed",
        "_where",
    )

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        loop: AbstractEventLoop,
        clock: Clock,
        jitter: Callable[[], float],
        settings: ClientSettings,
        dialer: Dialer,
    ) -> None:
        self._endpoint = endpoint
        self._loop = loop
        self._clock = clock
        self._jitter = jitter
        self._settings = settings
        self._dialer = dialer
        self._pool: Pool[Connection, Waiting] = Pool(settings)
        self._undialed: deque[Waiting] = deque()
        self._tasks: set[Task[None]] = set()
        self._alarm = Alarm(loop, clock, self._tend)
        self._limits = Limits(loop, clock)
        self._patience = Alarm(loop, clock, self._on_patience)
        self._where = f"{endpoint.host}:{endpoint.port}"
        self._closed = False

    @property
    def unused(self) -> bool:
        """Nothing is open, waiting or wanted here."""
        return self._pool.unused

    def send(self, request: bytes, listener: Listener, connect_s: float) -> Exchange:
        """Send on an idle connection, at once, or on the next one that is there."""
        exchange = Exchange(request, listener, connect_s)
        pool = self._pool
        connection = pool.take()
        if connection is None:
            self._wait(exchange)
        else:
            connection.start(exchange)
            if pool.short:
                self._tend()
        return exchange

    def warm(self, count: int) -> None:
        """Keep `count` idle connections from now on; none any more: close all that are idle."""
        pool = self._pool
        ended = pool.wanted > 0 and count == 0
        pool.wanted = count
        if ended:
            for connection in pool.drain():
                connection.close()
        self._tend()

    def close(self) -> set[Task[None]]:
        """Close everything; return the cancelled tasks, to be awaited."""
        self._closed = True
        for timer in (self._alarm, self._limits, self._patience):
            timer.stop()
        self._pool.wanted = 0
        flaw = Flaw(Fault.CLOSED, "the client was closed")
        for waiting in tuple(self._pool.waiting):
            waiting.fail(flaw)
        for connection in tuple(self._pool.opened):
            connection.end(flaw)
        for task in self._tasks:
            task.cancel()
        return self._tasks

    def on_free(self, connection: Connection) -> None:
        """Let a connection serve the next request, or rest."""
        pool = self._pool
        pool.on_proven()
        if pool.waiting:
            connection.start(pool.waiting[0].release())
        else:
            self._rest(connection, used=True)

    def on_lost(self, connection: Connection) -> None:
        """Forget a connection, and open another where one is needed."""
        pool = self._pool
        if connection not in pool.opened:
            return
        pool.forget(connection)
        if self._closed:
            return
        if not connection.served:
            self._judge(connection, self._clock.now())
        self._dial()
        if pool.short:
            self._tend()

    def _judge(self, connection: Connection, now: float) -> None:
        """Learn from the end of a connection that was never used."""
        if now < connection.proven_at:
            self._pool.on_unreached(now, self._jitter())
        else:
            self._pool.on_proven()

    def on_stale(self, exchange: Exchange) -> None:
        """Send an exchange anew on a fresh connection."""
        exchange.renewed = True
        self._wait(exchange)

    def on_expired(self) -> None:
        """Replace what has expired."""
        self._tend()

    def _on_patience(self) -> None:
        """Let each request that waits see whether it has waited too long."""
        now = self._clock.now()
        for waiting in tuple(self._pool.waiting):
            if not waiting.over:
                waiting.on_time(now)

    def _wait(self, exchange: Exchange) -> None:
        pool = self._pool
        now = self._clock.now()
        waiting = Waiting(self._patience, now, exchange, pool.waiting.remove, self._where)
        pool.waiting.append(waiting)
        self._undialed.append(waiting)
        self._dial()

    def _dial(self) -> None:
        """Open a connection for each request that has none under way, as far as there is room."""
        undialed, pool = self._undialed, self._pool
        while undialed and not pool.full:
            waiting = undialed.popleft()
            if not waiting.over:
                pool.opening += 1
                self._spawn(self._open(waiting))

    def _tend(self) -> None:
        """Close what is overdue, open ahead what is missing, and come back after a pause."""
        pool = self._pool
        now = self._clock.now()
        for connection in pool.overdue(now):
            connection.close()
        for _ in range(pool.missing(now)):
            pool.opening += 1
            pool.warming += 1
            self._spawn(self._open_ahead())
        if (at := pool.next_check(now)) < inf:
            self._alarm.arm(at)

    async def _open(self, waiting: Waiting) -> None:
        """Open a connection for a request that may have got another one by then."""
        connection = self._connection()
        limit_s = waiting.exchange.connect_s
        flaw = await self._dialer.dial(self._endpoint, connection, self._limits, limit_s)
        self._pool.opening -= 1
        if flaw is not None:
            if not waiting.over:
                waiting.fail(flaw)
            self._dial()
        else:
            self._place(connection, waiting)

    async def _open_ahead(self) -> None:
        """Open a connection for requests to come."""
        pool = self._pool
        connection = self._connection()
        limit_s = self._settings.warm_connect_s
        flaw = await self._dialer.dial(self._endpoint, connection, self._limits, limit_s)
        pool.opening -= 1
        pool.warming -= 1
        if flaw is not None:
            pool.on_unreached(self._clock.now(), self._jitter())
            self._dial()
        else:
            self._place(connection, None)
        self._tend()

    def _place(self, connection: Connection, waiting: Waiting | None) -> None:
        """Give a new connection to the request it was opened for, another one, or none."""
        pool = self._pool
        pool.on_opened(connection)
        connection.proven_at = self._clock.now() + _PROVEN_S
        if waiting is not None and not waiting.over:
            connection.start(waiting.release())
        elif pool.waiting:
            connection.start(pool.waiting[0].release())
        else:
            self._rest(connection, used=False)

    def _rest(self, connection: Connection, *, used: bool) -> None:
        settings = self._settings
        idle_s = settings.idle_s * (1.0 - settings.idle_jitter * self._jitter())
        now = self._clock.now()
        if not used:
            connection.stale_at = now + settings.stale_after_s
        connection.rest_until(now + idle_s)
        surplus = self._pool.put(connection, used=used)
        if surplus is not None:
            surplus.close()

    def _connection(self) -> Connection:
        return Connection(self._loop, self._clock, self._settings, self)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

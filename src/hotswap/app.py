"""The composition root: builds every part of a worker, and is the only place that knows all."""

import asyncio
import random
import socket
from collections.abc import Callable, Sequence
from typing import Final

import structlog
from msgspec.json import Encoder

from .clock import Clock, SystemClock
from .config.snapshot import Snapshot
from .core.learned import Lessons
from .core.standings import Standings
from .gateway.changes import to_change, to_transition
from .gateway.foresight import foresee
from .gateway.handle import Gateway, render_refusal
from .gateway.measuring import Measuring
from .gateway.plane import Plane
from .gateway.probes import Ask, Prober
from .gateway.services import Services
from .ledger.link import Measured
from .ledger.question import Question
from .ledger.record import Record, Transition
from .ledger.uplink import Load, Uplink
from .server.door import empty
from .server.drain import Drain
from .server.protocol import listen
from .server.state import ServerState
from .server.tls import server_context
from .stopping import Stop
from .upstream.client import HttpClient

PROBE_TICK_S: Final = 0.1
"""How often due probes are looked for; far below the shortest opening of 5 s."""
LAST_RECORDS_S: Final = 5.0
"""How long a worker that ends waits for the keeper to commit its last records."""
TOLD_S: Final = 1.0
"""How long a worker that starts waits for what is known of targets and keys; callers wait in the
listener's queue. At a common start the keeper is ready some hundredths of a second after it, on a
busy machine some tenths; who is not told asks each refused key again."""

_encode: Final = Encoder().encode


class DataPlane:
    """One worker's parts, wired: server, gateway, client, standings, probes."""

    def __init__(
        self,
        snapshot: Snapshot,
        *,
        index: int,
        record: Callable[[Record], None],
        changed: Callable[[Transition], None],
        ask: Ask,
        clock: Clock,
        jitter: Callable[[], float] = random.random,  # noqa: TID251 - injected from here
    ) -> None:
        """Wire the parts.

        Args:
            snapshot: The configuration to begin with.
            index: Number of the worker, part of its request ids.
            record: Takes records off the line.
            changed: Takes a change of standing that others should know at once.
            ask: Asks for a probe's lease.
            clock: Read by every part.
            jitter: Gives a random number in [0, 1).
        """
        self._clock = clock
        self._record = record
        self._changed = changed
        self._tag = (index & 0xFF) << 20
        # Not from 0: in a takeover two workers have the same number for a while.
        self._served = int(jitter() * (1 << 20))
        self._tick: asyncio.TimerHandle | None = None
        self._state: ServerState | None = None
        self._servers: list[asyncio.Server] = []
        self._listeners: Sequence[socket.socket] = ()
        self.standings = Standings(snapshot.health, jitter)
        self._lessons = Lessons(snapshot.health.lessons)
        self.client = HttpClient(clock=clock, jitter=jitter)
        self._services = Services(
            client=self.client,
            clock=clock,
            standings=self.standings,
            lessons=self._lessons,
            loop=asyncio.get_running_loop(),
            record=record,
            publish=self._publish,
            jitter=jitter,
            sleep=asyncio.sleep,
            running=set(),
        )
        self.gateway = Gateway(
            Plane(snapshot), self._services, new_id=self._new_id, on_bug=_log_bug
        )
        self._measuring = Measuring()
        self._prober = Prober(self._services, lambda: self.gateway.plane, ask)
        self.apply(snapshot)

    def apply(self, snapshot: Snapshot) -> None:
        """Serve by `snapshot` from the next request on; requests in flight keep the old one."""
        self.standings.adopt(
            snapshot.providers,
            snapshot.chains.values(),
            snapshot.health,
            workers=snapshot.server.workers,
            now=self._clock.now(),
        )
        self._lessons.adopt(snapshot.health.lessons)
        conversations = self._services.conversations
        for name in conversations.keys() - snapshot.chains.keys():
            del conversations[name]
        self.gateway.plane = Plane(snapshot)
        if self._state is not None:
            self._state.settings = snapshot.server
            self._warm()

    def _warm(self) -> None:
        self.client.warm(self.gateway.plane.endpoints())

    def learn(self, transition: Transition) -> None:
        """Take over what another worker found out about a target or a credential."""
        self.standings.learn(to_change(transition, self._clock), self._clock.now())

    async def serve(self, *listeners: socket.socket) -> None:
        """Accept callers on bound sockets, keep connections warm, look for due probes."""
        snapshot = self.gateway.plane.snapshot
        state = ServerState(
            self.gateway, snapshot.server, self._clock, render_refusal, _log_server_bug
        )
        tls = snapshot.server
        context = server_context(tls.tls_cert, tls.tls_key) if tls.tls_cert else None
        self._state = state
        self._listeners = listeners
        self._servers += [await listen(state, listener, context) for listener in listeners]
        self._warm()
        self._look()

    def load(self) -> Load:
        """Say what the worker is busy with."""
        state = self._state
        if state is None:
            return Load(0, 0)
        return Load(state.in_flight, len(state.connections))

    def measure(self) -> Measured:
        """Say what is measured of targets that have work."""
        return self._measuring.gather(self.gateway.plane, self.standings, self._clock.now())

    def explain(self, question: Question) -> bytes:
        """Say as JSON what would become of a request now."""
        return _encode(foresee(question, self.gateway.plane, self._services))

    async def drain(self, stop: Stop) -> None:
        """Let requests in flight end; what is left after `drain_s` ends with an error."""
        state = self._state
        if state is None:
            return
        self.gateway.draining = state.draining = True
        settings = self.gateway.plane.snapshot.server
        for_good = stop is Stop.FOR_GOOD
        if for_good and settings.linger_s:
            await asyncio.sleep(settings.linger_s)
        await empty(self._listeners, for_good=for_good)
        await Drain(state, *self._servers).run(settings.drain_s, self._cut_off)

    async def close(self) -> None:
        """Stop serving and probing, and close every connection to providers."""
        if self._state is not None:
            await Drain(self._state, *self._servers).run(0.0, self._cut_off)
        if self._tick is not None:
            self._tick.cancel()
        self._prober.close()
        await self.client.close()

    def _cut_off(self) -> None:
        for attempt in tuple(self._services.running):
            attempt.cut_off()

    def _look(self) -> None:
        # First, since a bug in one look must not end them all.
        self._tick = asyncio.get_running_loop().call_later(PROBE_TICK_S, self._look)
        # Before probes, since connections not made in time are told of a little later.
        self.standings.network.on_tick(self._clock.now(), PROBE_TICK_S)
        self._prober.tick()
        if self.standings.changes:
            self._publish()

    def _publish(self) -> None:
        for change in self.standings.take_changes():
            transition = to_transition(change, self._clock)
            self._record(transition)
            self._changed(transition)

    def _new_id(self) -> str:
        """Return an id that ascends in time: 44 bits of milliseconds, 8 of worker, 20 of count."""
        self._served += 1
        ms = int(self._clock.unix() * 1000)
        return f"{(ms << 28) | self._tag | (self._served & 0xFFFFF):018x}"


async def serve_worker(
    snapshot: Snapshot,
    listeners: Sequence[socket.socket],
    link_path: str,
    *,
    index: int,
    on_ready: Callable[[], None],
    stopping: asyncio.Future[Stop],
) -> None:
    """Serve until `stopping` is done, then drain and hand the last records to the keeper.

    Args:
        snapshot: The configuration to begin with; the keeper sends others over the link.
        listeners: Listening sockets to accept callers from.
        link_path: The keeper's unix socket.
        index: Number of the worker.
        on_ready: Called once callers are accepted.
        stopping: Done when the process shall end.
    """
    clock = SystemClock()
    born_at = clock.unix()

    def learn(transition: Transition) -> None:
        plane.learn(transition)

    def apply(applied: Snapshot) -> None:
        plane.apply(applied)

    uplink = Uplink(
        link_path,
        worker=index,
        boot=f"{index}-{born_at:.6f}",
        on_changed=learn,
        on_apply=apply,
        load=lambda: plane.load(),  # noqa: PLW0108 - bound below
        measure=lambda: plane.measure(),  # noqa: PLW0108 - bound below
        explain=lambda question: plane.explain(question),  # noqa: PLW0108 - bound below
        jitter=random.random,  # noqa: TID251 - injected from here
        limit=snapshot.store.buffer,
        born_at=born_at,
    )
    plane = DataPlane(
        snapshot,
        index=index,
        record=uplink.record,
        changed=uplink.changed,
        ask=uplink.ask,
        clock=clock,
    )
    linking = asyncio.get_running_loop().create_task(uplink.run())
    try:
        await uplink.told(TOLD_S)
        await plane.serve(*listeners)
        on_ready()
        await plane.drain(await stopping)
        await uplink.drain(LAST_RECORDS_S)
    finally:
        linking.cancel()
        await plane.close()


def _log_bug(bug: Exception, request_id: str) -> None:
    structlog.get_logger().error("bug", request_id=request_id, exc_info=bug)


def _log_server_bug(bug: Exception) -> None:
    structlog.get_logger().error("bug", exc_info=bug)

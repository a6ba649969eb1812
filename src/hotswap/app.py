"""The composition root: builds every part of a worker, and is the only place that knows all."""

import asyncio
import random
from collections.abc import Callable
from typing import Final

import structlog

from .clock import Clock
from .config.snapshot import Snapshot
from .core.backoff import RetryBudget
from .core.standings import Standings
from .gateway.changes import to_change, to_transition
from .gateway.handle import Gateway
from .gateway.plane import Plane
from .gateway.probes import Ask, Prober
from .gateway.services import Services
from .ledger.record import Record, Transition
from .upstream.client import HttpClient

PROBE_TICK_S: Final = 0.1
"""How often due probes are looked for; far below the shortest opening of 5 s."""


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
        self._index = index
        self._served = 0
        self._tick: asyncio.TimerHandle | None = None
        self.standings = Standings(snapshot.health, jitter)
        self.client = HttpClient(clock=clock, jitter=jitter)
        settings = snapshot.health.retry_budget
        self._services = Services(
            client=self.client,
            clock=clock,
            standings=self.standings,
            budget=RetryBudget(settings),
            record=record,
            publish=self._publish,
            jitter=jitter,
            sleep=asyncio.sleep,
        )
        self.gateway = Gateway(
            Plane(snapshot), self._services, new_id=self._new_id, on_bug=_log_bug
        )
        self._prober = Prober(self._services, lambda: self.gateway.plane, ask)
        self.apply(snapshot)

    def apply(self, snapshot: Snapshot) -> None:
        """Serve by `snapshot` from the next request on; requests in flight keep the old one."""
        plane = Plane(snapshot)
        self.standings.adopt(snapshot.providers, snapshot.chains.values(), snapshot.health)
        self.gateway.plane = plane

    def learn(self, transition: Transition) -> None:
        """Take over what another worker found out about a target or a credential."""
        self.standings.learn(to_change(transition, self._clock), self._clock.now())

    def start(self) -> None:
        """Open warm connections and begin to look for due probes."""
        self.client.warm(self.gateway.plane.endpoints())
        self._look()

    async def close(self) -> None:
        """Stop probing and close every connection to providers."""
        if self._tick is not None:
            self._tick.cancel()
        self._prober.close()
        await self.client.close()

    def _look(self) -> None:
        self._prober.tick()
        self._tick = asyncio.get_running_loop().call_later(PROBE_TICK_S, self._look)

    def _publish(self) -> None:
        for change in self.standings.take_changes():
            transition = to_transition(change, self._clock)
            self._record(transition)
            self._changed(transition)

    def _new_id(self) -> str:
        """Return an id that ascends in time: milliseconds, worker, count."""
        self._served += 1
        ms = int(self._clock.unix() * 1000)
        return f"{ms:011x}{self._index & 0xFF:02x}{self._served & 0xFFFFF:05x}"


def _log_bug(bug: Exception, request_id: str) -> None:
    structlog.get_logger().error("bug", request_id=request_id, exc_info=bug)

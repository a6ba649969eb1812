"""One worker's parts, wired as `app` does, but for the world around them."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Final

from ...clock import Clock
from ...config.snapshot import Snapshot
from ...core.learned import Lessons
from ...core.standings import Standings
from ...gateway.changes import to_transition
from ...gateway.handle import Gateway
from ...gateway.plane import Plane
from ...gateway.probes import Prober
from ...gateway.services import Services
from ...ledger.record import Record
from .transport import Providers, SimClient

LEASE_S: Final = 0.001
"""How long the keeper takes to grant a lease."""


class SimWorker:
    """Line, standings and probes of one worker, on the running loop."""

    def __init__(
        self,
        snapshot: Snapshot,
        providers: Providers,
        clock: Clock,
        *,
        jitter: Callable[[], float],
        record: Callable[[Record], None],
        new_id: Callable[[], str],
        on_bug: Callable[[Exception, str], None],
        standings: type[Standings] = Standings,
        plane: Plane | None = None,
        probers: int = 1,
    ) -> None:
        """Build the parts.

        Args:
            snapshot: The configuration.
            providers: Whoever answers.
            clock: That of the loop.
            jitter: Gives a random number in [0, 1).
            record: Takes all records, transitions among them.
            new_id: Gives request ids that ascend in time.
            on_bug: Takes what nobody expected, with the id of its request.
            standings: What is known of targets; tests replace it by a broken one.
            plane: What the gateway goes by, where that is not `snapshot`.
            probers: More than one only to see what two of them break.
        """
        self._clock = clock
        self._record = record
        self._loop = asyncio.get_running_loop()
        self.sleeping = 0
        """Requests that pause."""
        self.standings = standings(snapshot.health, jitter)
        self.standings.adopt(snapshot.providers, snapshot.chains.values(), snapshot.health)
        self.client = SimClient(providers, self._loop)
        self.services = Services(
            client=self.client,
            clock=clock,
            standings=self.standings,
            lessons=Lessons(snapshot.health.lessons),
            loop=self._loop,
            record=record,
            publish=self.publish,
            jitter=jitter,
            sleep=self._sleep,
            running=set(),
        )
        plane = Plane(snapshot) if plane is None else plane
        self.gateway = Gateway(plane, self.services, new_id=new_id, on_bug=on_bug)
        self._probers = [
            Prober(self.services, partial(_plane_of, self.gateway), self._ask)
            for _ in range(probers)
        ]

    def publish(self) -> None:
        """Record what changed."""
        for change in self.standings.take_changes():
            self._record(to_transition(change, self._clock))

    def tick(self) -> None:
        """Look for due probes."""
        for prober in self._probers:
            prober.tick()

    async def _sleep(self, seconds: float) -> None:
        self.sleeping += 1
        try:
            await asyncio.sleep(seconds)
        finally:
            self.sleeping -= 1

    def _ask(self, _key: str, _ttl_s: float, answer: Callable[[bool], None]) -> None:
        """Grant every lease, a moment later, as the keeper does."""
        self._loop.call_later(LEASE_S, answer, True)  # noqa: FBT003 - an answer's one value


def _plane_of(gateway: Gateway) -> Plane:
    return gateway.plane

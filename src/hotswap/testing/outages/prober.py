"""Probes on the virtual clock, as `gateway/probes` makes them over the network."""

from collections.abc import Callable
from functools import partial
from typing import Final

from msgspec import Struct

from ...core.run import Start
from ...core.settings import Health
from ...core.standings import ProbeDue, Standings
from ...core.terms import Cause, Failure
from .fate import Sky

TICK_S: Final = 0.5
"""How often is looked for what is due, as long as something is shut."""


class Probing(Struct):
    """Probes of one target under way, as its provider sees them."""

    now: int = 0
    most: int = 0


class Prober:
    """Probes what is due, each target by one call at a time.

    Args:
        standings: Say what is due, and hear the results.
        sky: Says what becomes of a probe.
        settings: Of the lease.
        at: Has something done later.
        began: Hears of each probe.
    """

    __slots__ = ("_at", "_began", "_running", "_settings", "_sky", "_standings", "seen")

    def __init__(
        self,
        standings: Standings,
        sky: Sky,
        settings: Health,
        at: Callable[[float, Callable[[float], None]], None],
        began: Callable[[], None],
    ) -> None:
        self._standings = standings
        self._sky = sky
        self._settings = settings
        self._at = at
        self._began = began
        self._running: set[str] = set()
        self.seen: dict[str, Probing] = {}

    def tick(self, now: float) -> None:
        """Probe whatever is due."""
        standings = self._standings
        for due in standings.due_probes(now):
            target = due.target
            ring = standings.keyring(target.provider)
            credential = due.credential or ring.pick(target.model, now, ())
            if target.id in self._running or credential is None:
                continue
            health = standings.target(target.id)
            limit_s = health.latency.first_content_limit_s(streamed=True)
            ttl_s = limit_s + self._settings.breaker.probe_extra_s
            if standings.lease(due.key, now, ttl_s):
                self._probe(due, Start(target, credential), limit_s, now)

    def _probe(self, due: ProbeDue, start: Start, limit_s: float, now: float) -> None:
        target = due.target
        self._running.add(target.id)
        self._began()
        seen = self.seen.setdefault(target.id, Probing())
        seen.now += 1
        seen.most = max(seen.most, seen.now)
        fate = self._sky.probe(start, now)
        failure, end_s = fate.failure, fate.end_s
        if end_s > limit_s:
            failure, end_s = Failure(Cause.HANG, "first_content"), limit_s
        self._at(now + end_s, partial(self._end, due, failure))

    def _end(self, due: ProbeDue, failure: Failure | None, now: float) -> None:
        self._running.discard(due.target.id)
        self.seen[due.target.id].now -= 1
        self._standings.on_probe(due.key, now, failure=failure)

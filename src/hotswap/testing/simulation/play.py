"""Plays a story from its first request to its rest, on the virtual loop."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from random import Random
from typing import Final

from msgspec import Struct

from ...core.breaker import Breaker
from ...core.change import Change, Reason, State
from ...core.standings import Standings
from ...core.terms import Target
from ...gateway.plane import Plane
from ...ledger.record import Record, Transition
from ...server.api import Incoming
from ..clock import VirtualClock
from ..loop import DeadlockError, run_virtual
from .asking import incoming
from .caller import SimExchange
from .providers import SimProviders, Visit
from .rest import judge_flow
from .scenario import Command, Scenario, Wish
from .tally import Broken, Tally
from .watch import Watch
from .worker import SimWorker

LOOK_S: Final = 0.2
"""How often due probes are looked for; half as often as a worker does, to spare turns."""
HEALING_S: Final = 300.0 + 30.0
"""I10: the longest opening, and a ramp."""
TRICKLE_S: Final = 10.0
"""So often each target that is not well is asked for, once all is calm."""
_TRICKLE: Final = 1_000_000
"""Numbers of these requests begin here."""

NewExchange = Callable[[Incoming, asyncio.AbstractEventLoop, float | None], SimExchange]


class Outcome(Struct, frozen=True):
    """What became of a story."""

    digest: str
    """Equal for equal runs."""
    broken: Sequence[Broken]
    tally: Tally
    trace: Sequence[str]


class Parts(Struct, frozen=True):
    """The parts that a test may replace by broken ones, to see that the promises notice."""

    plane: Callable[[Plane], Plane] = lambda plane: plane
    """What the gateway goes by; the watch goes by the scenario."""
    exchange: NewExchange = SimExchange
    """Makes what an answer is written to."""
    probers: int = 1
    standings: type[Standings] = Standings
    """What is known of targets."""


_SOUND: Final = Parts()


def play(scenario: Scenario, *, traced: bool = False, parts: Parts = _SOUND) -> Outcome:
    """Play a story to its end and say what was seen."""
    clock = VirtualClock(now=1.0)
    stage: list[_Stage] = []

    async def run() -> None:
        stage.append(_Stage(scenario, clock, parts, traced=traced))
        await stage[0].run()

    try:
        run_virtual(run(), clock)
    except DeadlockError as deadlock:
        stage[0].watch.broke("I1", f"nothing can ever happen: {deadlock}")
    watch = stage[0].watch
    watch.tally.virtual_s = clock.now()
    return Outcome(watch.digest, watch.broken, watch.tally, watch.trace or ())


class _Stage:
    """A worker, its callers, and whoever watches them."""

    def __init__(
        self, scenario: Scenario, clock: VirtualClock, parts: Parts, *, traced: bool
    ) -> None:
        self._scenario = scenario
        self._clock = clock
        self._parts = parts
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(self._on_stray_exception)
        jitter = Random(scenario.seed).random  # noqa: S311 - seeded on purpose
        snapshot = scenario.snapshot
        self._providers = SimProviders(scenario, clock.now, self._on_visit)
        self._worker = SimWorker(
            snapshot,
            self._providers,
            clock,
            jitter=jitter,
            record=self._on_record,
            new_id=self._new_id,
            on_bug=self._on_bug,
            standings=parts.standings,
            plane=parts.plane(Plane(snapshot)),
            probers=parts.probers,
        )
        self._standings = self._worker.standings
        self.watch = Watch(scenario, self._standings, clock.now, traced=traced)
        self._providers.on_ended = self.watch.on_visit_end
        self._providers.on_stuck = partial(self.watch.broke, "bug")
        self._providers.on_stray = partial(self.watch.broke, "I9")
        self._look: asyncio.TimerHandle | None = None
        self._resting = False
        """Nothing new is begun any more."""
        self._ids = 0
        self._left = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._done: asyncio.Future[None] = self._loop.create_future()
        self._begins: tuple[Wish, SimExchange] | None = None

    async def run(self) -> None:
        """Let all requests arrive and end, then wait for the rest."""
        wishes = self._scenario.wishes
        offset = self._clock.now()
        for wish in wishes:
            self._loop.call_at(offset + wish.at, self._arrive, wish)
        for command in self._scenario.commands:
            self._loop.call_at(offset + command.at, self._command, command)
        self._left += len(wishes)
        await self._all_done(max((wish.at for wish in wishes), default=0.0))
        await self._sleep_until(self._scenario.calm_at)
        await self._heal()
        await self._rest()

    def _on_stray_exception(self, _: object, context: dict[str, object]) -> None:
        self.watch.broke("bug", f"{context.get('exception')!r} in {context.get('message')}")

    # Requests

    def _arrive(self, wish: Wish) -> None:
        exchange = self._parts.exchange(
            incoming(wish, self._clock.now()), self._loop, wish.reads_bytes_per_s
        )
        if wish.leaves_s is not None:
            self._loop.call_later(wish.leaves_s, exchange.leave)
        task = self._loop.create_task(self._request(wish, exchange))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _request(self, wish: Wish, exchange: SimExchange) -> None:
        self._begins = wish, exchange
        await self._worker.gateway(exchange)
        self.watch.on_done(wish)
        self._left -= 1
        if not self._left and not self._done.done():
            self._done.set_result(None)

    async def _all_done(self, last_at: float) -> None:
        """Wait until every request has ended, or should have long ago."""
        if not self._left:
            return
        longest = max(c.timeouts.total_s for c in self._scenario.snapshot.chains.values())
        timer = self._loop.call_later(last_at + longest + 60.0, self._give_up)
        await self._done
        timer.cancel()
        self._done = self._loop.create_future()

    def _give_up(self) -> None:
        if not self._done.done():
            self.watch.broke("I1", f"{self._left} requests never end")
            self._done.set_result(None)

    def _new_id(self) -> str:
        """Name a request: its handler asks first of all, so the one that begins is meant."""
        self._ids += 1
        name = f"{self._ids:018x}"
        if self._begins is not None:
            wish, exchange = self._begins
            self._begins = None
            self.watch.on_begin(wish, exchange, name)
        return name

    async def _sleep_until(self, at: float) -> None:
        if at > self._clock.now():
            await asyncio.sleep(at - self._clock.now())

    # Standings

    def _on_visit(self, visit: Visit, request: bytes) -> None:
        self.watch.on_visit(visit, request)
        if self._standings.changes:
            self._look_soon()

    def _command(self, command: Command) -> None:
        """Do what an operator says, as the keeper passes it on to every worker."""
        now = self._clock.now()
        change = Change(
            at=now,
            target=command.target,
            credential="",
            before="",
            after=command.after,
            reason=Reason.OPERATOR,
        )
        self._standings.learn(change, now)
        # What was due before.
        self._worker.publish()
        self.watch.on_command(command)
        self._look_soon()

    def _on_record(self, record: Record) -> None:
        self.watch.on_record(record)
        if isinstance(record, Transition):
            self._look_soon()

    def _on_bug(self, bug: Exception, request_id: str) -> None:
        self.watch.on_bug(bug, request_id)

    def _look_soon(self) -> None:
        """Look for due probes, as long as something is not well: nothing is due in health."""
        if self._look is None and not self._resting:
            self._look = self._loop.call_later(LOOK_S, self._tick)

    def _tick(self) -> None:
        self._look = None
        self._worker.tick()
        if not self.watch.shadow.all_closed() or self._standings.changes:
            self._look_soon()

    # The end

    async def _heal(self) -> None:
        """I10: with a trickle of traffic, every target is closed again in time."""
        since = self._clock.now()
        number = _TRICKLE
        targets = self._scenario.snapshot.chains
        while ill := self._ill():
            if self._clock.now() > since + HEALING_S + TRICKLE_S:
                states = [f"{t.id} {self._standings.target(t.id).breaker.state}" for t in ill]
                self.watch.broke("I10", f"not closed {HEALING_S:g} s after calm: {states}")
                return
            begun = 0
            for target in ill:
                if targets[target.id].targets and self.watch.may_serve(target):
                    number += 1
                    begun += 1
                    self._trickle(target, number)
            await self._all_done(0.0)
            await asyncio.sleep(TRICKLE_S)

    def _ill(self) -> list[Target]:
        """Return the targets that are not closed."""
        now = self._clock.now()
        ill: list[Target] = []
        for name, chain in self._scenario.snapshot.chains.items():
            target = chain.targets[0]
            health = self._standings.target(target.id)
            breakers = [health.breaker, *(place.breaker for place in health.above)]
            if name == target.id and any(_is_ill(breaker, now) for breaker in breakers):
                ill.append(target)
        return ill

    def _trickle(self, target: Target, number: int) -> None:
        wish = Wish(
            number=number,
            at=self._clock.now(),
            dialect="openai_chat",
            chain=target.id,
            stream=True,
            tokens=3,
        )
        self._providers.add(wish)
        self._left += 1
        self._arrive(wish)

    async def _rest(self) -> None:
        """I12: nothing is left of all that was begun."""
        self._resting = True
        if self._look is not None:
            self._look.cancel()
            self._look = None
        # Probes in flight end by their own limit.
        waited = 0.0
        while self._worker.client.open and waited < 60.0:
            await asyncio.sleep(1.0)
            waited += 1.0
        await asyncio.sleep(1.0)
        watch, standings = self.watch, self._standings
        left = {
            "calls": len(self._worker.client.open),
            "attempts": len(self._worker.services.running),
            "pauses": self._worker.sleeping,
            "tasks": len(asyncio.all_tasks(self._loop)) - 1,
            "in flight": sum(
                standings.target(c.targets[0].id).in_flight
                for c in self._scenario.snapshot.chains.values()
            ),
        }
        if any(left.values()):
            watch.broke("I12", f"not back to nothing: {left}")
        for promise, words in judge_flow(watch, self._scenario):
            watch.broke(promise, words)


def _is_ill(breaker: Breaker, now: float) -> bool:
    ramping = breaker.state is State.RAMP and now < breaker.until
    return ramping or breaker.state in _SHUT


_SHUT: Final = frozenset({State.OPEN, State.HALF_OPEN})

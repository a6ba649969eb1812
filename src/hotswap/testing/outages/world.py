"""Plays the requests of one chain against a sky, event by event, on a virtual clock.

One request comes in every slot of the same length, at a random moment of it. So each minute has
the same number of them: with arrivals by chance some minutes would have so few that the five
failures before an opening alone were more than all the rest.
"""

from collections import deque
from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from random import Random
from typing import Final

from msgspec import Struct

from ...core.change import Change, State
from ...core.plan import Ask
from ...core.settings import Health
from ...core.standings import Standings
from ...core.terms import Chain, Failure, Provider
from .fate import Sky
from .line import Line
from .prober import TICK_S, Prober
from .tally import Minutes, Tally, Worst

DELAYED_S: Final = 2.0
MOST_CALLS: Final = 1.5
"""Per request in a minute in which some vendors are out, but not all."""
MOST_CALLS_IN_VAIN: Final = 3.0
"""The same in a minute in which nobody takes anything for some time: there are three targets."""
MINUTE_S: Final = 60.0
_ALERT_S: Final = 5.0
"""So long after a failure or a change somebody looks whether more is to be done."""
_OUT: Final = frozenset({State.OPEN.value, State.HALF_OPEN.value})
_STATES: Final = frozenset(state.value for state in State)


class Load(Struct, frozen=True, gc=False):
    """What comes."""

    rate: float
    """Requests per second."""
    seconds: float
    streamed: bool
    prompt_tokens: int = 800
    output_tokens: int = 400
    warm_s: float = 0.0
    """Requests that come before are played, and not counted."""


class Loss(Struct, frozen=True, gc=False):
    """A request that got an error."""

    number: int
    arrived_at: float
    why: str


class Out(Struct, frozen=True, gc=False):
    """Says of slots which vendors are out, one bit each."""

    masks: bytes
    every: int
    """The mask of all of them."""
    nobody: Callable[[float], bool] | None = None
    """Says of a moment that every vendor is wholly out, or has named a time until which it takes
    nothing; None: `masks` say all."""


class World:
    """Implements `Desk`.

    Args:
        chain: Whom all requests ask for.
        providers: Those of its targets, by name.
        settings: Of the standings.
        sky: What becomes of calls.
        load: What comes.
        rng: Seeded; arrivals, jitter and seams are drawn of it.
        seed: For the tally.
        out: Which vendors are out when; None: nobody asks.
        seam_share: Of broken streams, those that nobody can go on with.
    """

    def __init__(
        self,
        chain: Chain,
        providers: Iterable[Provider],
        settings: Health,
        *,
        sky: Sky,
        load: Load,
        rng: Random,
        seed: int = 0,
        out: Out | None = None,
        seam_share: float = 0.0,
    ) -> None:
        self._random = rng.random
        self._chain = chain
        self._load = load
        self._first = round(load.warm_s * load.rate)
        """Number of the first request that counts."""
        self._seed = seed
        self._out = out
        self._seam_share = seam_share
        self.sky = sky
        self.jitter: Callable[[], float] = rng.random
        self.standings = Standings(settings, rng.random)
        self.standings.adopt({p.name: p for p in providers}, (chain,), settings)
        self.tally = Tally()
        self._heap: list[tuple[float, int, Callable[[float], None]]] = []
        self._serial = 0
        self._prober = Prober(self.standings, sky, settings, self.at, self._probed)
        self._out_since: dict[tuple[str, str, str], float] = {}
        """What is shut, by scope, target and credential, and since when."""
        self._ticking = False
        self._alert_until = 0.0
        self._ended = 0
        self.losses: list[Loss] = []
        self.heard: list[Change] | None = None
        """Every change of standing, for whoever wants to read the story; None: nobody does."""

    def play(self) -> Tally:
        """Play all of it; return the numbers."""
        load, heap = self._load, self._heap
        slot_s = 1.0 / load.rate
        window = max(1, round(MINUTE_S * load.rate))
        minutes = _Window(window, self.tally, self._out, self._seed, slot_s)
        ask = Ask(prompt_tokens=load.prompt_tokens, output_tokens=load.output_tokens)
        random, chain, streamed = self._random, self._chain, load.streamed
        changes = self.standings.changes
        for number in range(round(load.seconds * load.rate)):
            begin = number * slot_s
            at = begin + random() * slot_s
            while heap and heap[0][0] <= at:
                moment, _, do = heappop(heap)
                do(moment)
            Line(self, chain, number, at, streamed=streamed, ask=ask)
            if changes:
                self.changed(at)
            end = begin + slot_s
            while heap and heap[0][0] <= end:
                moment, _, do = heappop(heap)
                do(moment)
            minutes.close(number, end)
        self._finish()
        return self.tally

    def _finish(self) -> None:
        """Let what is under way end."""
        heap, tally = self._heap, self.tally
        load = self._load
        came = round(load.seconds * load.rate)
        tally.requests = came - round(load.warm_s * load.rate)
        while heap and self._ended < came:
            moment, _, do = heappop(heap)
            do(moment)
        tally.streak_s = _longest_run(self.losses) / load.rate
        seen = self._prober.seen.values()
        tally.most_probes = max((probing.most for probing in seen), default=0)

    def at(self, moment: float, do: Callable[[float], None]) -> None:
        """Have something done later."""
        self._serial += 1
        heappush(self._heap, (moment, self._serial, do))

    def seam_fails(self) -> bool:
        """Say of a broken stream that nobody can go on with it."""
        return self._random() < self._seam_share

    def began(self, line: Line) -> None:
        """Count an attempt."""
        if line.number >= self._first:
            self.tally.attempts += 1

    def answered(self, line: Line, now: float) -> None:
        """Take note of a whole answer."""
        self._ended += 1
        if line.number < self._first:
            return
        tally = self.tally
        tally.answered += 1
        tally.carried[line.target] += 1
        tally.first.add((line.content_at or now) - line.arrived_at)
        if line.attempts > 1:
            tally.moved += 1
            if line.splices:
                tally.spliced += 1
            if line.begun_at > line.arrived_at + DELAYED_S:
                tally.delayed += 1

    def lost(self, line: Line, failure: Failure | None) -> None:
        """Take note of a request that got an error."""
        self._ended += 1
        if line.number < self._first:
            return
        why = "nobody could be asked" if failure is None else f"{failure.cause}/{failure.detail}"
        if line.splices:
            why = f"{why}, broken off"
        self.tally.lost[why] += 1
        self.losses.append(Loss(line.number, line.arrived_at, why))

    def changed(self, now: float) -> None:
        """Follow what is shut, and look for probes as long as anything is, or may be."""
        self._alert_until = now + _ALERT_S
        changes = self.standings.take_changes()
        if self.heard is not None:
            self.heard += changes
        for change in changes:
            if change.after not in _STATES:
                continue
            name = (change.scope, change.target, change.credential)
            if change.after in _OUT:
                self._out_since.setdefault(name, change.at)
            elif name in self._out_since:
                seconds = change.at - self._out_since.pop(name)
                if not change.scope and not change.credential:
                    self._back(seconds)
        if not self._ticking:
            self._ticking = True
            self.at(now + TICK_S, self._tick)

    def _back(self, seconds: float) -> None:
        """Take note of a target that has come back."""
        self.tally.opened.add(seconds)
        self.tally.longest_open_s = max(self.tally.longest_open_s, seconds)

    def _tick(self, now: float) -> None:
        self._prober.tick(now)
        if self.standings.changes:
            self.changed(now)
        self._ticking = bool(self._out_since) or now < self._alert_until
        if self._ticking:
            self.at(now + TICK_S, self._tick)

    def _probed(self) -> None:
        self.tally.probes += 1


class _Window:
    """Counts what was sent in the last minute, at the end of each slot."""

    __slots__ = (
        "_calls",
        "_ends",
        "_every",
        "_full",
        "_masks",
        "_nobody",
        "_outs",
        "_probes",
        "_seed",
        "_slot_s",
        "_tally",
    )

    def __init__(self, slots: int, tally: Tally, out: Out | None, seed: int, slot_s: float) -> None:
        self._tally = tally
        self._masks = out.masks if out is not None else b""
        self._every = out.every if out is not None else 0
        self._nobody = out.nobody if out is not None else None
        self._seed = seed
        self._slot_s = slot_s
        self._full = slots
        self._calls: deque[int] = deque([0] * (slots + 1), maxlen=slots + 1)
        self._probes: deque[int] = deque([0] * (slots + 1), maxlen=slots + 1)
        """What was sent from the beginning to the end of the last slots."""
        self._outs: deque[int] = deque([0] * slots, maxlen=slots)

    def close(self, number: int, now: float) -> None:
        """Judge the minute that ends with a slot."""
        tally, outs = self._tally, self._outs
        self._calls.append(tally.attempts)
        self._probes.append(tally.probes)
        if not self._masks:
            return
        nobody = self._nobody is not None and self._nobody(now)
        outs.append(self._every if nobody else self._masks[number])
        if number + 1 < self._full:
            return
        attempts, probes = tally.attempts - self._calls[0], tally.probes - self._probes[0]
        minutes = tally.calm
        if self._every in outs:
            minutes = tally.dark
        elif any(outs):
            minutes = tally.several if any(map(_several, outs)) else tally.single
        self._count(minutes, attempts, probes, now)

    def _count(self, minutes: Minutes, attempts: int, probes: int, now: float) -> None:
        minutes.count += 1
        minutes.calls += attempts + probes
        minutes.requests += self._full
        calls, without = (attempts + probes) / self._full, attempts / self._full
        minutes.over += calls > MOST_CALLS
        minutes.over_without += without > MOST_CALLS
        if calls > minutes.worst.calls:
            minutes.worst = Worst(calls, now, self._seed)
        if without > minutes.worst_without.calls:
            minutes.worst_without = Worst(without, now, self._seed)


def _several(mask: int) -> bool:
    return mask.bit_count() > 1


def _longest_run(losses: Iterable[Loss]) -> int:
    """Return how many requests in a row were lost at most."""
    longest = run = 0
    before = -2
    for number in sorted(loss.number for loss in losses):
        run = run + 1 if number == before + 1 else 1
        longest = max(longest, run)
        before = number
    return longest

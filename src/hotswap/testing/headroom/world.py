"""Plays a load against one account with hard limits, and a second target that has room.

Everything that decides is the product's own: plan, run, standings, the readers of headers and of
refusals. Only sockets are left out.
"""

from collections.abc import Callable
from functools import partial
from heapq import heappop, heappush
from random import Random
from typing import Final

from msgspec import Struct

from ...core.headroom import Charge
from ...core.plan import Ask, plan
from ...core.run import Run, Start
from ...core.settings import Health, RateLimitRule, RateLimits
from ...core.standings import ProbeDue, Standings
from ...core.terms import (
    Cause,
    Chain,
    Credential,
    Endpoint,
    Failure,
    Provider,
    Target,
    Triggers,
    Usage,
)
from ...dialects.fault import read_fault
from ...dialects.rate_limits import read_named, read_windows
from ..quota import MINUTE_S, Caps, Quota, Refusal

UNIX: Final = 1_795_000_020.0
"""At a full minute."""
_TRAVEL_S: Final = 0.05
"""The most that a request takes to the provider, and a refusal back."""
_HEAD_S: Final = 0.4
"""From the admission to the head of an answer."""
_TICK_S: Final = 0.1
"""Probes are looked for so often."""
_KINDS: Final = {
    "openai": "openai",
    "anthropic": "anthropic",
    "gemini": "google",
    "retry_after": "deepseek",
    "nothing": "deepseek",
}


class Load(Struct, frozen=True, gc=False):
    """What comes; sizes and moments are drawn by chance."""

    per_minute: float
    prompt_tokens: int
    """Mean of what is estimated; the provider counts up to 15 % more or less."""
    output_tokens: int
    """Mean; answers are from a quarter to four times as long."""
    allowed_tokens: int = 0
    """What callers allow the answer; 0: they do not say."""
    minutes: int = 11
    workers: int = 1
    """Their requests are unknown to each other."""
    others_per_minute: float = 0.0
    """Requests of somebody else who uses the same account."""


class Tally(Struct):
    """What became of it."""

    requests: int = 0
    """After the first minute."""
    refused: int = 0
    """Of them, those that met a 429."""
    diverted: int = 0
    """Of them, those that were sent to the other target at first."""
    minutes: list[list[float]] = []
    """Requests and tokens that the account served, by minute."""
    begun: list[float] = []
    """When requests arrived at the account."""


class _Worker:
    """One process: its own standings."""

    def __init__(self, world: "World") -> None:
        self.standings = Standings(Health(), world.rng.random)
        self.standings.adopt(world.providers, (world.chain,), Health(), workers=world.load.workers)


class World:
    """One account with limits.

    Args:
        caps: Its limits.
        load: What comes.
        by_hand: The limits are set in the configuration.
        seed: Of all chance.
    """

    def __init__(self, caps: Caps, load: Load, *, by_hand: bool = False, seed: int = 0) -> None:
        self.rng = Random(seed)  # noqa: S311 - seeded, so that it can be done again
        self.load = load
        self._tells = caps.tells
        self.kind = _KINDS[caps.tells]
        self._quota = Quota(caps)
        limits = RateLimits(caps.requests or None, caps.tokens or None) if by_hand else None
        self.providers = {
            "one": _provider("one", _KINDS[caps.tells], limits),
            "two": _provider("two", "vllm", None),
        }
        self.chain = Chain(
            "chain",
            (Target("one/m", "one", "m"), Target("two/m", "two", "m", priority=2)),
            Triggers(rate_limit=RateLimitRule()),
        )
        self._workers = [_Worker(self) for _ in range(load.workers)]
        self._heap: list[tuple[float, int, Callable[[float], None]]] = []
        self._serial = 0
        self.tally = Tally(minutes=[[0.0, 0.0] for _ in range(load.minutes + 2)])

    def play(self) -> Tally:
        """Play all of it."""
        end = self.load.minutes * MINUTE_S
        self._at(self._gap_s(), self._arrive)
        if self.load.others_per_minute:
            self._at(0.0, self._arrive_elsewhere)
        self._at(_TICK_S, self._tick)
        while self._heap and self._heap[0][0] < end:
            now, _, do = heappop(self._heap)
            do(now)
        return self.tally

    def travel_s(self) -> float:
        """Return how long the way takes this time."""
        return self.rng.uniform(0.1, 1.0) * _TRAVEL_S

    def later(self, seconds: float, now: float, do: Callable[[float], None]) -> None:
        """Call `do` so many seconds after `now`, with the moment."""
        self._at(now + seconds, do)

    def _at(self, moment: float, do: Callable[[float], None]) -> None:
        self._serial += 1
        heappush(self._heap, (moment, self._serial, do))

    def _gap_s(self) -> float:
        return self.rng.expovariate(self.load.per_minute / MINUTE_S)

    def _arrive(self, now: float) -> None:
        self._at(now + self._gap_s(), self._arrive)
        rng, load = self.rng, self.load
        worker = rng.choice(self._workers)
        prompt = max(1, round(load.prompt_tokens * rng.uniform(0.3, 1.7)))
        ask = Ask(prompt_tokens=prompt, output_tokens=load.allowed_tokens)
        _Request(self, worker, ask, now, counts=now >= MINUTE_S)

    def _arrive_elsewhere(self, now: float) -> None:
        load = self.load
        gap_s = self.rng.expovariate(load.others_per_minute / MINUTE_S)
        self._at(now + gap_s, self._arrive_elsewhere)
        tokens = float(load.prompt_tokens + load.output_tokens)
        if self._quota.ask(tokens, now) is None:
            self._count(tokens, now)

    def _count(self, tokens: float, now: float) -> None:
        minute = self.tally.minutes[int(now // MINUTE_S)]
        minute[0] += 1
        minute[1] += tokens

    def _tick(self, now: float) -> None:
        self._at(now + _TICK_S, self._tick)
        for worker in self._workers:
            for due in worker.standings.due_probes(now):
                if worker.standings.lease(due.key, now, 15.0):
                    self._probe(worker, due, now)

    def _probe(self, worker: _Worker, due: ProbeDue, now: float) -> None:
        refusal = self._quota.ask(10.0, now) if due.target.provider == "one" else None
        failure = None if refusal is None else self.failure(refusal)
        self._at(now + _HEAD_S, lambda at: worker.standings.on_probe(due.key, at, failure=failure))

    def failure(self, refusal: Refusal) -> Failure:
        """Read a refusal."""
        return read_fault(self.kind, 429, _headers(refusal.headers), refusal.body)

    def ask(self, request: "_Request", now: float) -> None:
        """Take a request at the account."""
        tally, load = self.tally, self.load
        tally.begun.append(now)
        prompt = round(request.ask.prompt_tokens * self.rng.uniform(0.85, 1.15))
        spread = self.rng.choice((0.25, 0.5, 0.5, 1.0, 1.0, 1.0, 1.5, 2.0, 4.0)) / 1.305
        output = max(1, round(load.output_tokens * spread))
        if load.allowed_tokens:
            output = min(output, load.allowed_tokens)
        at_once = float(prompt)
        later = 0.0 if self._tells == "gemini" else float(output)
        if self._tells == "openai":
            at_once, later = prompt + float(load.allowed_tokens or output), 0.0
        refusal = self._quota.ask(at_once, now)
        headers = _headers(self._quota.headers(now, UNIX + now))
        if refusal is not None:
            self.later(self.travel_s(), now, lambda at: request.on_refusal(refusal, headers, at))
            return
        self._count(at_once, now)
        usage = Usage(input_tokens=prompt, output_tokens=output)
        ends = now + _HEAD_S + output * 0.01
        self._at(now + _HEAD_S, lambda at: request.on_head(headers, at))
        self._at(ends, lambda at: self._end(request, usage, later, at))

    def _end(self, request: "_Request", usage: Usage, later: float, now: float) -> None:
        if later:
            self._quota.settle(later, now)
            self.tally.minutes[int(now // MINUTE_S)][1] += later
        request.on_end(usage, now)


class _Request:
    """One request's line, as the gateway goes it."""

    def __init__(
        self, world: World, worker: _Worker, ask: Ask, now: float, *, counts: bool
    ) -> None:
        self.ask = ask
        self._world = world
        self._standings = worker.standings
        self._counts = counts
        self._met = False
        self._charge: Charge | None = None
        self._token = 0
        chosen = plan(world.chain, self._standings, now, world.rng.random, ask=ask)
        self._run = Run(
            world.chain,
            chosen,
            self._standings,
            deadline=now + 60.0,
            jitter=world.rng.random,
            ask=ask,
        )
        action = self._run.begin(now)
        if counts:
            world.tally.requests += 1
        if isinstance(action, Start):
            if counts and action.target.provider == "two":
                world.tally.diverted += 1
            self._start(action, now)

    def _start(self, start: Start, now: float) -> None:
        self._hand = start
        self._health = self._standings.target(start.target.id)
        self._token = self._health.begin(now, streamed=False)
        self._rooms = self._standings.keyring(start.target.provider).rooms
        self._charge = self._rooms.begin(
            start.credential.id, "m", now, self.ask.prompt_tokens, self.ask.output_tokens
        )
        if start.target.provider == "one":
            self._world.later(self._world.travel_s(), now, partial(self._world.ask, self))
        else:
            self._world.later(1.0, now, self._done)

    def on_head(self, headers: dict[bytes, bytes], now: float, *, faulty: bool = False) -> None:
        """Take the head of an answer, as `Tab` does."""
        if not faulty and self._charge is not None and not self._charge.room.listens(now):
            return
        windows = read_windows(self._world.kind, headers)
        if windows:
            self._rooms.on_limits("key", "m", windows, now, self._charge)

    def on_end(self, usage: Usage, now: float) -> None:
        """Take the end of an answer."""
        if self._charge is not None:
            self._charge.settle(usage, now)
        self._done(now)

    def _done(self, now: float) -> None:
        self._health.on_success(self._token, now)

    def on_refusal(self, refusal: Refusal, headers: dict[bytes, bytes], now: float) -> None:
        """Take a 429, and do what follows."""
        if self._counts and not self._met:
            self._met = True
            self._world.tally.refused += 1
        self.on_head(headers, now, faulty=True)
        failure = self._world.failure(refusal)
        windows = read_named(refusal.body)
        if windows and failure.cause is Cause.THROTTLE:
            self._rooms.on_limits("key", "m", windows, now, self._charge)
        if self._charge is not None:
            self._charge.settle(None, now, refund=True)
        self._rooms.on_refusal("key", "m", self._charge, failure.retry_after_s or 0.0, now)
        self._health.on_end(self._token)
        keyring = self._standings.keyring("one")
        keyring.on_failure("key", "m", "", failure, now)
        self._standings.take_changes()
        action = self._run.on_failure(failure, now)
        if isinstance(action, Start):
            self._start(action, now)


def _provider(name: str, kind: str, limits: RateLimits | None) -> Provider:
    endpoint = Endpoint(f"{name}.test", 443, tls=True)
    return Provider(name, kind, endpoint, "/v1", (Credential("key", ""),), limits=limits)


def _headers(headers: dict[str, str]) -> dict[bytes, bytes]:
    return {name.encode(): value.encode() for name, value in headers.items()}

"""What a decision costs, and how well load is shared; all in this process, on virtual time.

A decision is a plan over the standing of six targets, with weights, the triggers `latency`,
`error_rate`, `rate_limit` and `region`, and limits that are known. The bimodal pair answers within
0.3 s, but for one of its targets, which takes 2 s for every twentieth request.
"""

import heapq
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Final

from msgspec import Struct

from hotswap.core.capability import obstacle
from hotswap.core.change import Reason
from hotswap.core.learned import Lessons
from hotswap.core.plan import Ask, Plan, plan
from hotswap.core.settings import (
    ErrorRateRule,
    Health,
    LatencyRule,
    LessonRule,
    RateLimitRule,
    RateLimits,
)
from hotswap.core.standings import Standings
from hotswap.core.terms import (
    Balance,
    Chain,
    Credential,
    Endpoint,
    Needs,
    Provider,
    Target,
    Triggers,
)

from .figures import Bench

EVERYTHING: Final = Triggers(
    rate_limit=RateLimitRule(),
    latency=LatencyRule(threshold_ms=5000),
    error_rate=ErrorRateRule(),
)
NOTHING: Final = Triggers(rate_limit=RateLimitRule())
WEIGHTS: Final = (6.0, 3.0, 1.0)
REQUESTS: Final = 20_000
"""Of each figure."""
BATCH: Final = 1_000
RATE: Final = 10.0
"""Requests per second to the pair."""
_PROMPT_TOKENS: Final = 500


class Site:
    """A chain in health and the standing of its targets, without a clock or a network."""

    __slots__ = ("ask", "chain", "jitter", "standings")

    def __init__(
        self,
        *weights: float,
        balance: Balance = Balance.PRIORITY,
        triggers: Triggers = EVERYTHING,
        tiers: bool = False,
    ) -> None:
        targets = tuple(
            Target(
                f"p{at}/m", f"p{at}", "m", at if tiers else 1, weight,
                vendor=f"v{at}", region=f"r{at}",
            )
            for at, weight in enumerate(weights)
        )  # fmt: skip
        limits = RateLimits(rpm=100_000, tpm=1_000_000_000)
        providers = {
            target.provider: Provider(
                target.provider,
                "openai",
                Endpoint(f"{target.provider}.test", 443, tls=True),
                "/v1",
                (Credential("main", "sk-1"),),
                limits=limits if triggers is EVERYTHING else None,
            )
            for target in targets
        }
        self.jitter: Callable[[], float] = Random(1).random  # noqa: S311 - no secret
        self.chain = Chain("bench", targets, triggers=triggers, balance=balance)
        self.standings = Standings(Health(), self.jitter)
        self.standings.adopt(providers, [self.chain], Health())
        needs, lessons = Needs(prompt_tokens=_PROMPT_TOKENS), Lessons(LessonRule())
        self.ask = Ask(
            partial(obstacle, needs, lessons=lessons, now=1.0), prompt_tokens=_PROMPT_TOKENS
        )

    def plan(self, now: float = 1.0) -> Plan:
        """Plan one request."""
        return plan(self.chain, self.standings, now, self.jitter, ask=self.ask)

    def open(self, count: int) -> None:
        """Open the first so many targets, for longer than the bench takes."""
        for target in self.chain.targets[:count]:
            breaker = self.standings.target(target.id).breaker
            breaker.trip(0.0, Reason.FAILURES, until=1000.0)


def measure(bench: Bench, _folder: Path) -> None:
    """Measure, as often as everything else."""
    for _ in range(bench.effort.rounds):
        for name, micros in decisions().items():
            bench.figures.add("hotswap", f"decision_{name}", micros)
    bench.figures.add("hotswap", "balance_shares", worst_share())
    for name, balance in (("weighted", Balance.WEIGHTED), ("least", Balance.LEAST_LATENCY)):
        bench.figures.add("hotswap", f"balance_{name}_p99", p99_s(balance))


def decisions() -> dict[str, float]:
    """Return the CPU microseconds of one plan over six targets, by situation."""
    six = (1.0,) * 6
    first_open, first_behind = Site(*six, tiers=True), Site(*six, tiers=True)
    first_open.open(1)
    breaker = first_behind.standings.target("p0/m").breaker
    breaker.trip(0.0, Reason.FAILURES)
    breaker.on_answer(0.99)
    return {
        "plain": _micros(Site(*six, triggers=NOTHING, tiers=True)),
        "all": _micros(Site(*range(1, 7))),
        "load": _micros(Site(*six, balance=Balance.LEAST_LATENCY)),
        "open": _micros(first_open),
        "behind": _micros(first_behind),
    }


def _micros(site: Site) -> float:
    """Return the cheapest of some batches: what disturbs one only ever adds to it."""
    site.plan()
    best = float("inf")
    for _ in range(REQUESTS // BATCH):
        began = time.process_time()
        for _ in range(BATCH):
            site.plan()
        best = min(best, time.process_time() - began)
    return best / BATCH * 1e6


def worst_share(requests: int = REQUESTS) -> float:
    """Return by how many points a target's share of the requests misses its weight's."""
    site = Site(*WEIGHTS)
    firsts = Counter(site.plan().targets[0].id for _ in range(requests))
    total = sum(WEIGHTS)
    return max(
        abs(firsts[target.id] / requests - target.weight / total) * 100.0
        for target in site.chain.targets
    )


class _Answer(Struct, frozen=True, order=True, gc=False):
    at: float
    number: int
    target: str
    token: int
    seconds: float


def p99_s(balance: Balance, requests: int = REQUESTS) -> float:
    """Return the p99 of the time to first content over the bimodal pair."""
    site = Site(1.0, 1.0, balance=balance)
    chance = Random(2)  # noqa: S311 - no secret
    under_way: list[_Answer] = []
    times: list[float] = []
    now = 1.0
    for number in range(requests):
        now += chance.expovariate(RATE)
        while under_way and under_way[0].at <= now:
            _answer(site, heapq.heappop(under_way))
        target = site.plan(now).targets[0].id
        slow = target == "p1/m" and chance.random() < 0.05
        seconds = 2.0 if slow else chance.uniform(0.1, 0.3)
        token = site.standings.target(target).begin(now, streamed=True)
        heapq.heappush(under_way, _Answer(now + seconds, number, target, token, seconds))
        times.append(seconds)
    return sorted(times)[len(times) * 99 // 100]


def _answer(site: Site, answer: _Answer) -> None:
    health = site.standings.target(answer.target)
    health.on_byte(answer.token, answer.at)
    health.on_content(answer.token, answer.at, answer.seconds)
    health.on_success(answer.token, answer.at)

"""Plays a chain while somebody wills that some of its targets fail; all else is well.

Limits that were set by hand are the providers' own here: what comes above them gets a 429.
"""

from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import Final

from msgspec import Struct

from ...core.run import Start
from ...core.settings import Health, RateLimits
from ...core.terms import Cause, Chain, Failure, Provider
from .fate import Fate, Healthy, refusal, throttled
from .tally import Tally
from .world import Load, World

WARM_S: Final = 60.0
"""All is well for so long first, so that times are learned."""
_RESET_S: Final = 30.0
"""What a target names that is throttled."""
_SOON_S: Final = 0.1
_KILLED: Final = Failure(Cause.HARD, "unavailable", 503)
_MINUTE_S: Final = 60.0


class Orders(Struct, frozen=True):
    """What is to befall which targets, by their ids."""

    kill: frozenset[str] = frozenset()
    """Every call gets a 503."""
    slow: Mapping[str, float] = {}
    """Answers come so many times later."""
    throttle: frozenset[str] = frozenset()
    """Every call gets a 429."""


class _Allowance:
    """What one key may do with one model: counted by minutes of the clock."""

    __slots__ = ("_limits", "_minute", "_requests", "_tokens")

    def __init__(self, limits: RateLimits) -> None:
        self._limits = limits
        self._minute = 0
        self._requests = 0
        self._tokens = 0

    def takes(self, now: float, tokens: int) -> float | None:
        """Count a call; return in how many seconds to come again if it is one too many."""
        minute = int(now // _MINUTE_S)
        if minute != self._minute:
            self._minute, self._requests, self._tokens = minute, 0, 0
        rpm, tpm = self._limits.rpm, self._limits.tpm
        if (rpm is not None and self._requests >= rpm) or (
            tpm is not None and self._tokens + tokens > tpm
        ):
            return (minute + 1) * _MINUTE_S - now
        self._requests += 1
        self._tokens += tokens
        return None


class _Drill:
    """Implements `Sky`."""

    __slots__ = ("_allowances", "_healthy", "_orders", "_providers", "_tokens")

    def __init__(
        self, orders: Orders, providers: Mapping[str, Provider], tokens: int, rng: Random
    ) -> None:
        self._orders = orders
        self._providers = providers
        self._tokens = tokens
        self._healthy = Healthy(rng)
        self._allowances: dict[tuple[str, str, str], _Allowance] = {}

    def ask(self, start: Start, now: float, *, streamed: bool) -> Fate:  # noqa: ARG002 - it goes the same way for both
        """Say what becomes of a call that begins now."""
        struck = self._strike(start, now, self._tokens)
        return struck if isinstance(struck, Fate) else self._healthy.answer(struck)

    def probe(self, start: Start, now: float) -> Fate:
        """Say what becomes of a probe."""
        struck = self._strike(start, now, 1)
        return struck if isinstance(struck, Fate) else self._healthy.word(struck)

    def _strike(self, start: Start, now: float, tokens: int) -> Fate | float:
        """Return how the call fails, or how many times slower than usual it is answered."""
        id_ = start.target.id
        if now >= WARM_S:
            if id_ in self._orders.kill:
                return refusal(_KILLED, _SOON_S)
            if id_ in self._orders.throttle:
                return throttled(_RESET_S, _SOON_S)
        limits = self._providers[start.target.provider].limits
        if limits is not None:
            wait_s = self._allowance(start, limits).takes(now, tokens)
            if wait_s is not None:
                return throttled(wait_s, _SOON_S)
        return self._orders.slow.get(id_, 1.0) if now >= WARM_S else 1.0

    def _allowance(self, start: Start, limits: RateLimits) -> _Allowance:
        target = start.target
        name = (target.provider, start.credential.id, target.model)
        if name not in self._allowances:
            self._allowances[name] = _Allowance(limits)
        return self._allowances[name]


class Drilled(Struct, frozen=True):
    """What became of one chain."""

    chain: str
    requests: int
    answered: int
    lost: int
    lost_share: float
    moved: int
    """Answered after a failed attempt."""
    calls: int
    """Attempts, without probes."""
    links: int
    links_left: int
    """Targets that are neither killed nor throttled."""
    vendors_left: int
    """Of those."""
    first_content_p50_s: float | None
    """None: nothing was answered."""
    first_content_p95_s: float | None
    added_p50_s: float | None
    """Against the same requests with all targets well; None: one of both was never answered."""
    added_p95_s: float | None
    shares: Mapping[str, float]
    """Of the answers, by target."""
    lost_by: Mapping[str, int]


def drill(
    chain: Chain,
    providers: Mapping[str, Provider],
    health: Health,
    orders: Orders,
    *,
    rate: float,
    minutes: float,
) -> Drilled:
    """Play a chain with all targets well, then the same requests under `orders`."""
    load = Load(rate, WARM_S + minutes * 60.0, streamed=True, warm_s=WARM_S)
    well = _play(chain, providers, health, Orders(), load)
    tally = _play(chain, providers, health, orders, load)
    left = [t for t in chain.targets if t.id not in orders.kill | orders.throttle]
    lost = tally.requests - tally.answered
    p50_s, p95_s = _first_s(tally, 0.5), _first_s(tally, 0.95)
    return Drilled(
        chain=chain.name,
        requests=tally.requests,
        answered=tally.answered,
        lost=lost,
        lost_share=lost / tally.requests if tally.requests else 0.0,
        moved=tally.moved,
        calls=tally.attempts,
        links=len(chain.targets),
        links_left=len(left),
        vendors_left=len({t.vendor or t.provider for t in left}),
        first_content_p50_s=p50_s,
        first_content_p95_s=p95_s,
        added_p50_s=_added_s(p50_s, _first_s(well, 0.5)),
        added_p95_s=_added_s(p95_s, _first_s(well, 0.95)),
        shares=_shares(tally, [t.id for t in chain.targets]),
        lost_by=dict(tally.lost),
    )


def _play(
    chain: Chain, providers: Mapping[str, Provider], health: Health, orders: Orders, load: Load
) -> Tally:
    used = _used(chain, providers.values())
    tokens = load.prompt_tokens + load.output_tokens
    sky = _Drill(orders, providers, tokens, Random(1))  # noqa: S311 - the same for both plays
    rng = Random(2)  # noqa: S311 - as above
    return World(chain, used, health, sky=sky, load=load, rng=rng).play()


def _used(chain: Chain, providers: Iterable[Provider]) -> list[Provider]:
    names = {target.provider for target in chain.targets}
    return [provider for provider in providers if provider.name in names]


def _first_s(tally: Tally, share: float) -> float | None:
    return tally.first.quantile(share) if tally.answered else None


def _added_s(now_s: float | None, well_s: float | None) -> float | None:
    return None if now_s is None or well_s is None else now_s - well_s


def _shares(tally: Tally, targets: Sequence[str]) -> dict[str, float]:
    answered = max(tally.answered, 1)
    return {target: tally.carried[target] / answered for target in targets}

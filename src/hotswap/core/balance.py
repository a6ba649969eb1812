"""In which order targets of equal priority are asked.

By weight it is a draw, random or, for a conversation, always the same one. By load or by price it
is the least cost; among equals a draw by weight decides, so that several workers, of which each
knows its own load only, do not all choose the same. Equal prices go by the order of the chain.
"""

from collections.abc import Callable, Sequence
from itertools import groupby
from math import inf, log
from typing import Final

from .ask import Scene
from .health import TargetHealth
from .sticky import draw
from .terms import Balance, Chain, Target

USUAL_OUTPUT_TOKENS: Final = 500
"""Taken for the length of an answer, to compare prices; a caller's limit may make it less. Callers
allow much more than is ever written."""
_FAILING: Final = 1e6
"""Requests in flight that a target seems to have that just failed."""
_PRIORITY: Final = Balance.PRIORITY
_WEIGHTED: Final = Balance.WEIGHTED
"""Looked up once: a member of an enum costs more than a comparison."""


def alone(targets: Sequence[Target], chain: Chain) -> bool:
    """Say whether the first target has no equal, so that there is nothing to balance."""
    return len(targets) == 1 or (
        targets[1].priority != targets[0].priority and chain.balance is not _WEIGHTED
    )


def first(targets: Sequence[Target], scene: Scene) -> int:
    """Return the place of the target that is asked first, of at least two by priority."""
    chain, name = scene.chain, scene.ask.conversation
    tier = targets[: _tier_end(targets, chain)]
    costs = _costs(tier, scene)
    if costs is None:
        if name:
            draws = [log(1.0 - draw(name, target)) / target.weight for target in tier]
            return draws.index(max(draws))
        return _drawn(tier, scene.jitter)
    least = min(costs)
    if chain.balance is Balance.CHEAPEST or costs.count(least) == 1:
        return costs.index(least)
    equals = [at for at, cost in enumerate(costs) if cost == least]
    return equals[_drawn([tier[at] for at in equals], scene.jitter)]


def ordered(targets: Sequence[Target], scene: Scene) -> Sequence[Target]:
    """Return the targets by priority, and those of one priority as the chain balances."""
    balance, jitter = scene.chain.balance, scene.jitter
    if balance is _WEIGHTED:
        return _by_draw(targets, scene)
    last = None
    for target in targets:
        if target.priority == last:
            break
        last = target.priority
    else:
        return targets
    found: list[Target] = []
    for _, members in groupby(targets, key=_priority):
        tier = list(members)
        costs = _costs(tier, scene) if len(tier) > 1 else None
        if costs is None:
            found += _by_draw(tier, scene)
        elif balance is Balance.CHEAPEST:
            found += [tier[at] for at in sorted(range(len(tier)), key=costs.__getitem__)]
        else:
            lots = [log(1.0 - jitter()) / -target.weight for target in tier]
            ranks = zip(costs, lots, tier, strict=True)
            found += [target for _, _, target in sorted(ranks, key=_rank)]
    return found


def _tier_end(targets: Sequence[Target], chain: Chain) -> int:
    """Return how many targets are the first one's equals, itself included."""
    if chain.balance is _WEIGHTED or targets[-1].priority == targets[0].priority:
        return len(targets)
    priority = targets[0].priority
    return next(at for at, target in enumerate(targets) if target.priority != priority)


def _costs(tier: Sequence[Target], scene: Scene) -> list[float] | None:
    """Return what the chain balances by, the least first; None: it is a draw by weight."""
    balance = scene.chain.balance
    if balance is _PRIORITY or balance is _WEIGHTED:
        return None
    health, now, ask = scene.standings.target, scene.now, scene.ask
    if balance is Balance.LEAST_LATENCY:
        return [health(target.id).load_cost(now) / target.weight for target in tier]
    if balance is Balance.LEAST_BUSY:
        return [_busy(health(target.id), scene) / target.weight for target in tier]
    answer = min(ask.output_tokens or USUAL_OUTPUT_TOKENS, USUAL_OUTPUT_TOKENS)
    return [_usd(target, ask.prompt_tokens, answer) for target in tier]


def _busy(health: TargetHealth, scene: Scene) -> float:
    """Return the requests in flight; very many, if it failed just now and has not answered since.

    Else whoever refuses at once, and so never has anything to do, would attract everything.
    """
    failed_at = health.failed_at
    if failed_at and failed_at > health.well_from:
        penalty_s = scene.standings.settings.learned.penalty_s
        return health.in_flight + (_FAILING if scene.now < failed_at + penalty_s else 0.0)
    return health.in_flight


def _usd(target: Target, prompt: int, answer: int) -> float:
    """Return what a request is expected to cost, in millionths; infinite: nobody knows."""
    price = target.price
    return inf if price is None else prompt * price.input + answer * price.output


def _drawn(tier: Sequence[Target], jitter: Callable[[], float]) -> int:
    """Draw one by weight; return its place."""
    left = jitter() * sum([target.weight for target in tier])
    for at, target in enumerate(tier):
        left -= target.weight
        if left < 0.0:
            return at
    return len(tier) - 1


def _by_draw(tier: Sequence[Target], scene: Scene) -> Sequence[Target]:
    """Shuffle by weight (Efraimidis and Spirakis, 2006), or always alike for one conversation."""
    if len(tier) == 1:
        return tier
    name, jitter = scene.ask.conversation, scene.jitter
    ranks = [(log(1.0 - (draw(name, t) if name else jitter())) / -t.weight, t) for t in tier]
    return [target for _, target in sorted(ranks, key=_lot)]


def _lot(ranked: tuple[float, Target]) -> float:
    return ranked[0]


def _rank(ranked: tuple[float, float, Target]) -> tuple[float, float]:
    return ranked[:2]


def _priority(target: Target) -> int:
    return target.priority

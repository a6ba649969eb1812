"""Which targets may serve a request, in which order, and why the others may not."""

from collections.abc import Callable, Sequence
from itertools import groupby
from math import log
from typing import Final

from msgspec import Struct

from .capability import TIGHT
from .standings import Standings
from .terms import Chain, Target

OTHER_MODEL: Final = "other_model"
"""Why a target is left out where answers of two models cannot be compared."""
_DEMOTED: Final = "demoted"
"""In a ramp, failing too often, too slow, or tight: asked after the others."""


class Skip(Struct, frozen=True, gc=False):
    """A target that the plan leaves out, or asks after the others."""

    target: str
    reason: str
    """open, half_open, throttled, exhausted, auth, gone, other_model, drained, or what it cannot
    do; where it is only asked later: ramp, demoted, suspect, headroom, tight."""
    unable: bool = False
    """The target cannot do what the request asks, however well it is."""
    rule: str = ""
    """The setting that was violated, such as `rate_limit.headroom`; empty: the reason says it."""
    measured: float | None = None
    """In the unit of `threshold`."""
    threshold: float | None = None
    scope: str = ""
    """The larger thing that is down, as `region openai.com eu-west`; empty: the target itself."""


Able = Callable[[Target], str]
"""Says what a target lacks for the request in hand; empty: nothing. `TIGHT`: it comes last."""


def able_for_all(_: Target) -> str:
    """Say that no target lacks anything."""
    return ""


class Ask(Struct, frozen=True, gc=False):
    """What of a request bears on where it goes."""

    able: Able = able_for_all
    """A target for which it has words is left out, also when nothing else is left."""
    one_model: bool = False
    """Only the first target's model may answer: vectors of another model are not comparable, so
    embeddings never move to one."""
    prompt_tokens: int = 0
    """Estimate."""
    output_tokens: int = 0
    """What the caller allows the answer; 0: it does not say."""
    conversation: bytes = b""
    """Names the conversation, where the chain keeps it at one target; empty: it does not."""
    order: Sequence[str] = ()
    """The caller's own: only these targets, in this order; empty: the chain's."""


ANYTHING: Final = Ask()


class Plan(Struct, frozen=True, gc=False):
    """The candidates of one request in the order in which they are asked."""

    targets: Sequence[Target]
    skips: tuple[Skip, ...] = ()
    behind: tuple[Skip, ...] = ()
    """The candidates that are asked after the others, and why."""
    panic: bool = False
    """Nothing is eligible: the candidates are the least bad, each subject to admission."""
    rest: Sequence[Target] = ()
    """Not looked at yet, since the first target is fine; `look` orders them when it failed."""


def plan(
    chain: Chain,
    standings: Standings,
    now: float,
    jitter: Callable[[], float],
    *,
    ask: Ask = ANYTHING,
) -> Plan:
    """Order the eligible targets of `chain`; demoted ones come last.

    Args:
        chain: Its targets are sorted by priority.
        standings: What is known of targets and credentials.
        now: Monotonic seconds.
        jitter: Gives a random number in [0, 1).
        ask: What of the request bears on it.
    """
    targets: Sequence[Target] = chain.targets
    others: list[Skip] = []
    if ask.one_model:
        model = targets[0].model
        others = [Skip(t.id, OTHER_MODEL) for t in targets if t.model != model]
        targets = [target for target in targets if target.model == model]
    count = len(targets)
    if count > 1 and targets[1].priority == targets[0].priority:
        targets = _ordered(targets, jitter)
    first = targets[0]
    if not ask.able(first) and not _verdict(first, chain, standings, now):
        return Plan((first,), tuple(others), rest=targets[1:])
    looked = look(targets, chain, standings, now, jitter, ask=ask)
    skips = (*others, *looked.skips)
    if looked.targets:
        return Plan(looked.targets, skips)
    return Plan(least_bad(chain, standings, now, skips), skips, panic=True)


def look(
    targets: Sequence[Target],
    chain: Chain,
    standings: Standings,
    now: float,
    jitter: Callable[[], float],
    *,
    ask: Ask = ANYTHING,
) -> Plan:
    """Order `targets`: eligible ones, demoted ones behind them; and those left out."""
    eligible: list[Target] = []
    demoted: list[Target] = []
    skips: list[Skip] = []
    for target in _ordered(targets, jitter):
        lacks = ask.able(target)
        if lacks and lacks != TIGHT:
            skips.append(Skip(target.id, lacks, unable=True))
            continue
        verdict = _verdict(target, chain, standings, now)
        if not verdict and not lacks:
            eligible.append(target)
        elif not verdict or verdict == _DEMOTED:
            demoted.append(target)
        else:
            skips.append(Skip(target.id, verdict))
    return Plan(eligible + demoted, tuple(skips))


def _verdict(target: Target, chain: Chain, standings: Standings, now: float) -> str:
    """Return why `target` may not be asked; `_DEMOTED`: after the others; nothing: in its turn."""
    triggers = chain.triggers
    health = standings.target(target.id)
    keyring = standings.keyring(target.provider)
    if triggers.error or triggers.latency:
        obstacle = health.obstacle_at(now)
        if obstacle is not None:
            return obstacle
    barred = keyring.obstacle_at(target.model, now)
    if barred is not None:
        return barred.reason
    if (
        not health.admits_at(now)
        or not keyring.admits_at(target.model, now)
        or (triggers.error_rate is not None and health.demotion(now, triggers.error_rate))
        or (triggers.latency is not None and health.suspicion(now, triggers.latency))
    ):
        return _DEMOTED
    return ""


def _ordered(targets: Sequence[Target], jitter: Callable[[], float]) -> Sequence[Target]:
    """Return the targets by priority; those of equal priority share by weight."""
    last = None
    for target in targets:
        if target.priority == last:
            return _shuffled(targets, jitter)
        last = target.priority
    return targets


def _shuffled(targets: Sequence[Target], jitter: Callable[[], float]) -> Sequence[Target]:
    """Shuffle each tier by weight (Efraimidis and Spirakis, 2006)."""
    ordered: list[Target] = []
    for _, tier in groupby(targets, key=lambda t: t.priority):
        keyed = [(log(1.0 - jitter()) / target.weight, target) for target in tier]
        ordered += [target for _, target in sorted(keyed, key=lambda pair: -pair[0])]
    return ordered


def least_bad(
    chain: Chain, standings: Standings, now: float, skips: Sequence[Skip]
) -> list[Target]:
    """Order what may be tried although nothing is eligible.

    A throttle whose end only we guessed comes first, then open targets by priority. A reset that
    the provider itself named is a clock and never tried before; disabled credentials never serve.
    """
    reasons = {skip.target: skip.reason for skip in skips}
    throttled: list[Target] = []
    opened: list[Target] = []
    for target in chain.targets:
        reason = reasons.get(target.id)
        if reason == "throttled":
            ring = standings.keyring(target.provider)
            if ring.panic_pick(target.model, now) is not None:
                throttled.append(target)
        elif reason in {"open", "half_open"}:
            opened.append(target)
    return throttled + opened

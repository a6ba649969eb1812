"""Which targets may serve a request, in which order, and why the others may not.

Four questions, in this order. Which targets may answer it at all: residency, the caller's own
order, one model for vectors. In which order: the chain's balance. Which of them can do it, and
are well. And who stands in for what is down: the same model in another region of its vendor.

Nothing that is only worse than usual bars a target: it is asked after the others. Where all are
worse, they come in this order: above the headroom of a limit (it answers now, and that headroom
is kept for such a moment), with a window that may be too small (a refusal costs one round trip),
in a ramp (it works, and must not be overrun), failing too often (it fails fast, mostly), too slow
(somebody waits), and at the very limit (it refuses, and the more so for others). Among those that
are alike in this, the usual order holds.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from .ask import ANYTHING, Able, Ask, Scene, able_for_all
from .balance import alone, first, ordered
from .capability import TIGHT
from .change import State
from .health import TargetHealth
from .keyring import Keyring
from .place import ramp_at
from .regions import stand_in
from .standings import Standings
from .terms import Chain, Reading, Target

__all__ = [
    "ANYTHING",
    "DOWN",
    "OTHER_MODEL",
    "RESIDENCY",
    "Able",
    "Ask",
    "Plan",
    "Skip",
    "able_for_all",
    "least_bad",
    "look",
    "plan",
]

OTHER_MODEL: Final = "other_model"
"""Why a target is left out where answers of two models cannot be compared."""
RESIDENCY: Final = "access.keys.zones"
"""The rule by which a target is left out where the caller's data may not be processed."""
RAMP: Final = "ramp"
HEADROOM: Final = "headroom"

_LATER: Final[Mapping[str, int]] = {HEADROOM: 0, TIGHT: 1, RAMP: 2, "demoted": 3, "suspect": 4}
"""Why targets are asked after the others, and after which of those."""
_LAST: Final = 5
"""At the very limit."""
_RAMP_RULE: Final = "breaker.ramp_s"
"""Its readings are shares of the traffic."""
_KEYS_RAMP: Final = Reading(RAMP)
"""Every key that may be used is in a ramp."""
_RAMPING: Final = State.RAMP
"""Looked up once: a member of an enum costs more than a comparison."""
DOWN: Final = frozenset({State.OPEN.value, State.HALF_OPEN.value})
"""Why targets are left out that do not answer."""


class Skip(Struct, frozen=True, gc=False):
    """A target that the plan leaves out, or asks after the others."""

    target: str
    reason: str
    """open, half_open, throttled, exhausted, auth, gone, other_model, drained, `zone us`, or what
    it cannot do; where it is only asked later: ramp, demoted, suspect, headroom, tight."""
    unable: bool = False
    """The target cannot do what the request asks, however well it is."""
    rule: str = ""
    """The setting that was violated, such as `rate_limit.headroom`; empty: the reason says it."""
    measured: float | None = None
    """In the unit of `threshold`."""
    threshold: float | None = None
    scope: str = ""
    """The larger thing that is down, as `region openai.com eu-west`; empty: the target itself."""


class Plan(Struct, frozen=True, gc=False):
    """The candidates of one request in the order in which they are asked."""

    targets: Sequence[Target]
    skips: tuple[Skip, ...] = ()
    behind: tuple[Skip, ...] = ()
    """The candidates that are asked after the others, and why."""
    panic: bool = False
    """Nothing is eligible: the candidates are the least bad, each subject to admission."""
    rest: Sequence[Target] = ()
    """Not looked at yet, since there is one that is fine, and those that come behind; `look` orders
    them when it failed."""


class _Behind(Struct, frozen=True, gc=False):
    rank: int
    target: Target
    skip: Skip


def plan(
    chain: Chain,
    standings: Standings,
    now: float,
    jitter: Callable[[], float],
    *,
    ask: Ask = ANYTHING,
) -> Plan:
    """Order the eligible targets of `chain`; those that are worse than usual come last.

    Args:
        chain: Its targets are sorted by priority.
        standings: What is known of targets and credentials.
        now: Monotonic seconds.
        jitter: Gives a random number in [0, 1).
        ask: What of the request bears on it.
    """
    scene = Scene(chain, standings, now, jitter, ask)
    targets: Sequence[Target] = chain.targets
    others: tuple[Skip, ...] = ()
    if ask.one_model or ask.order or ask.zones:
        bounded = _bounded(targets, ask)
        targets, others = bounded.targets, bounded.skips
        if not targets:
            return bounded
    at = 0
    if not ask.order and (ask.warm or not alone(targets, chain)):
        at = _first(targets, scene)
    chosen = targets[at]
    rest = (*targets[:at], *targets[at + 1 :]) if at else targets[1:]
    skip = _obstacle(chosen, scene)
    if skip is None:
        return Plan((chosen,), others, rest=rest)
    in_order = (chosen, *_in_order(rest, scene))
    found = _sorted_out(in_order, scene, {chosen.id: skip}, enough=True)
    skips = (*others, *found.skips)
    if found.targets:
        return Plan(found.targets, skips, found.behind, rest=found.rest)
    return Plan(least_bad(chain, standings, now, skips), skips, panic=True)


def look(
    targets: Sequence[Target],
    chain: Chain,
    standings: Standings,
    now: float,
    jitter: Callable[[], float],
    *,
    ask: Ask = ANYTHING,
    behind: Sequence[Skip] = (),
) -> Plan:
    """Order `targets` to the last: eligible ones, worse ones behind them; and those left out.

    Args:
        targets: Such as the rest of a plan.
        chain: As for `plan`.
        standings: As for `plan`.
        now: As for `plan`.
        jitter: As for `plan`.
        ask: As for `plan`.
        behind: What that plan said of some of them; they are not judged again.
    """
    scene = Scene(chain, standings, now, jitter, ask)
    others: tuple[Skip, ...] = ()
    if ask.order or ask.zones:
        bounded = _bounded(targets, ask)
        targets, others = bounded.targets, bounded.skips
    known = {skip.target: skip for skip in behind}
    found = _sorted_out(_in_order(targets, scene), scene, known, enough=False)
    return Plan(found.targets, (*others, *found.skips), found.behind)


def least_bad(
    chain: Chain,
    standings: Standings,
    now: float,
    skips: Sequence[Skip],
) -> list[Target]:
    """Order what may be tried although nothing is eligible.

    A throttle whose end only we guessed comes first, then open targets, as they were looked at. A
    reset that the provider itself named is a clock and never tried before; disabled credentials
    never serve.
    """
    named = {target.id: target for target in chain.targets}
    throttled: list[Target] = []
    opened: list[Target] = []
    for skip in skips:
        target = named[skip.target]
        if skip.reason == "throttled":
            ring = standings.keyring(target.provider)
            if ring.panic_pick(target.model, now) is not None:
                throttled.append(target)
        elif skip.reason in DOWN:
            opened.append(target)
    return throttled + opened


def _bounded(targets: Sequence[Target], ask: Ask) -> Plan:
    """Return the targets that may answer at all, and why others may not.

    Those that the caller's own order leaves out are not told of: it knows.
    """
    model = targets[0].model if targets else ""
    skips: list[Skip] = []
    if ask.order:
        named = {target.id: target for target in targets}
        targets = [named[id_] for id_ in ask.order if id_ in named]
        model = targets[0].model if targets else ""
    if ask.zones:
        skips = [_elsewhere(target) for target in targets if target.zone not in ask.zones]
        targets = [target for target in targets if target.zone in ask.zones]
    if ask.one_model:
        skips += [Skip(t.id, OTHER_MODEL) for t in targets if t.model != model]
        targets = [target for target in targets if target.model == model]
    return Plan(targets, tuple(skips))


def _elsewhere(target: Target) -> Skip:
    zone = f"zone {target.zone}" if target.zone else "no zone"
    return Skip(target.id, zone, unable=True, rule=RESIDENCY)


def _first(targets: Sequence[Target], scene: Scene) -> int:
    """Return the place of the target that is asked first, if it is fine."""
    warm = scene.ask.warm
    if warm:
        for at, target in enumerate(targets):
            if target.id == warm:
                return at
    return 0 if alone(targets, scene.chain) else first(targets, scene)


def _in_order(targets: Sequence[Target], scene: Scene) -> Sequence[Target]:
    """Return the targets in the caller's own order, or by priority and balance."""
    return targets if scene.ask.order else ordered(targets, scene)


def _sorted_out(
    targets: Sequence[Target], scene: Scene, known: Mapping[str, Skip], *, enough: bool
) -> Plan:
    """Look at targets in order: eligible ones, worse ones behind them; and those left out.

    Args:
        targets: In the order in which they would be asked.
        scene: The request.
        known: What is wrong with those that were looked at already.
        enough: The first one that is fine is: the others become the rest.
    """
    # Who names an order wants no other one.
    region = None if scene.ask.order else scene.chain.triggers.region
    eligible: list[Target] = []
    behind: list[_Behind] = []
    skips: list[Skip] = []
    down: list[Target] = []
    # The last one that is down, as long as nobody was found to stand in for it.
    orphan: Target | None = None
    left = list(targets)
    while left:
        at = 0 if orphan is None else stand_in(orphan, left, down) or 0
        target = left.pop(at)
        skip = known.get(target.id) or _obstacle(target, scene)
        if skip is None:
            eligible.append(target)
            orphan = None
            if enough:
                break
        elif skip.reason in _LATER:
            behind.append(_Behind(_rank(skip), target, skip))
        else:
            skips.append(skip)
            if region is not None and skip.reason in DOWN:
                down.append(target)
                orphan = target
    if len(behind) > 1:
        behind.sort(key=_rank_of)
    late = [one.target for one in behind]
    told = tuple([one.skip for one in behind])
    if eligible and enough:
        return Plan(eligible, tuple(skips), told, rest=left + late)
    return Plan(eligible + late, tuple(skips), told)


def _obstacle(target: Target, scene: Scene) -> Skip | None:
    """Return why `target` is not asked in its turn; None: it is."""
    lacks = scene.ask.able(target)
    if lacks and lacks != TIGHT:
        return Skip(target.id, lacks, unable=True)
    health = scene.standings.target(target.id)
    keyring = scene.standings.keyring(target.provider)
    barred = health.bar_at(scene.now, scene.chain.triggers)
    if barred is not None:
        return _told(target, barred)
    shut = None if keyring.well else keyring.obstacle_at(target.model, scene.now)
    if shut is not None:
        return Skip(target.id, shut.reason)
    found = _drawback(target, health, keyring, scene)
    if found is not None:
        return _told(target, found)
    return Skip(target.id, TIGHT) if lacks else None


def _drawback(
    target: Target, health: TargetHealth, keyring: Keyring, scene: Scene
) -> Reading | None:
    """Return why others should be asked before `target`; None: nothing speaks for them.

    The worst is looked for first.
    """
    triggers, now = scene.chain.triggers, scene.now
    found: Reading | None = None
    if health.is_outlier(now):
        found = None if triggers.latency is None else health.suspicion(now, triggers.latency)
        if found is None and triggers.error_rate is not None:
            found = health.demotion(now, triggers.error_rate)
    if found is None and (health.above or health.breaker.state is _RAMPING):
        found = _ramp(health, scene)
    if found is None and not keyring.well and not keyring.admits_at(target.model, now):
        return _KEYS_RAMP
    if found is None and keyring.rooms.by_model and triggers.rate_limit is not None:
        ask, headroom = scene.ask, triggers.rate_limit.headroom
        found = keyring.pressed_at(
            target.model, now, ask.prompt_tokens, ask.output_tokens, headroom
        )
    return found


def _ramp(health: TargetHealth, scene: Scene) -> Reading | None:
    """Return which ramp has no room for this request; None: none, or it has."""
    now = scene.now
    share, name = ramp_at(health.above, now, scene.chain.triggers)
    if share < 1.0 and scene.jitter() >= share:
        return Reading(RAMP, _RAMP_RULE, share, 1.0, name)
    if health.admits_at(now):
        return None
    return Reading(RAMP, _RAMP_RULE, health.breaker.share_at(now), 1.0)


def _told(target: Target, found: Reading) -> Skip:
    return Skip(
        target.id,
        found.reason,
        rule=found.rule,
        measured=found.measured,
        threshold=found.threshold,
        scope=found.scope,
    )


def _rank(skip: Skip) -> int:
    if skip.reason == HEADROOM and (skip.measured or 0.0) >= 1.0:
        return _LAST
    return _LATER[skip.reason]


def _rank_of(behind: _Behind) -> int:
    return behind.rank

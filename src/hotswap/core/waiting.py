"""A request that waits for a target to come back: how long, how often it looks, when it may go."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from .place import ramp_at
from .standings import Standings
from .terms import Target, Triggers

LOOK_S: Final = 0.05
"""A request that waits for a target looks so often at the least ..."""
LOOK_MAX_S: Final = 0.25
"""... and so often at the most: a probe may bring one back before its time."""


class Patience(Struct, frozen=True, gc=False):
    """How one request waits."""

    until: float
    """Monotonic seconds."""
    turn: float
    """The share of a ramp from which on the request may go there; random between the ramp's first
    share and 1, since those who waited must not come back all at once."""


def pause_s(
    patience: Patience,
    targets: Sequence[Target],
    standings: Standings,
    triggers: Triggers,
    now: float,
    *,
    looked: bool,
) -> float | None:
    """Return the seconds until another look; None: nobody will be back in time.

    Args:
        patience: Of the request.
        targets: Those that it waits for.
        standings: Of everything.
        triggers: Of its chain.
        now: Monotonic seconds.
        looked: It has looked already, so what is back by now only is not its turn yet.
    """
    left = patience.until - now
    soonest = standings.soonest_reopening(targets, now, triggers)
    if left <= 0 or soonest is None:
        return None
    # A probe may bring one back earlier than it is told.
    probed = any(standings.target(target.id).bars(now, triggers) for target in targets)
    if soonest > left and not probed:
        return None
    back = looked and soonest <= 0.0 and not probed
    return min(left, LOOK_MAX_S if back else max(LOOK_S, min(LOOK_MAX_S, soonest)))


def is_turn(
    patience: Patience, target: Target, standings: Standings, triggers: Triggers, now: float
) -> bool:
    """Say whether a request that waited may ask a target that has come back.

    In a ramp each request has a moment of its own, and whoever finds that nobody is being served
    need not wait for it.
    """
    health = standings.target(target.id)
    if now >= patience.until or not health.in_flight:
        return True
    share = min(
        health.breaker.share_at(now),
        ramp_at(health.above, now, triggers)[0],
        standings.keyring(target.provider).share_at(target.model, now),
    )
    return share >= 1.0 or share > patience.turn

"""Whom to ask although nothing is eligible, and with which key."""

from .change import State
from .standings import Standings
from .terms import Chain, Credential, Target, Triggers


def is_barred(target: Target, standings: Standings, triggers: Triggers, now: float) -> bool:
    """Say whether nothing but panic leads to a target."""
    ring = standings.keyring(target.provider)
    return (
        standings.target(target.id).bars(now, triggers)
        or ring.obstacle_at(target.model, now) is not None
    )


def panic_key(
    target: Target, usable: Credential | None, chain: Chain, standings: Standings, now: float
) -> Credential | None:
    """Return the key to ask a target with in panic; None: it is not to be asked.

    Who has come back since the plan was made needs no admission; who was drained has none.

    Args:
        target: Whom.
        usable: The key that it would be asked with in health; None: none can be used.
        chain: Of the request.
        standings: Of everything.
        now: Monotonic seconds.
    """
    health = standings.target(target.id)
    bar = health.bar_at(now, chain.triggers)
    if bar is not None and bar.reason == State.DRAINED:
        return None
    if bar is None and usable is not None:
        return usable
    if not (chain.on_exhausted.least_bad or health.admits_in_panic(now)):
        return None
    return usable or standings.keyring(target.provider).panic_pick(target.model, now)

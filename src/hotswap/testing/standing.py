"""Standings for tests of what decides: every provider is at a host of its own."""

from collections.abc import Iterable
from typing import Final

from ..core.backoff import Jitter
from ..core.settings import Health, RateLimits
from ..core.standings import Standings
from ..core.terms import Chain, Credential, Endpoint, Provider, Target

KEY: Final = Credential("main", "sk-1")


def providers_of(
    targets: Iterable[Target],
    *,
    keys: tuple[Credential, ...] = (KEY,),
    limits: RateLimits | None = None,
) -> dict[str, Provider]:
    """Return the providers of targets, each at `NAME.test`."""
    names = dict.fromkeys(target.provider for target in targets)
    return {
        name: Provider(
            name, "openai", Endpoint(f"{name}.test", 443, tls=True), "/v1", keys, limits=limits
        )
        for name in names
    }


def standings_of(
    chain: Chain,
    jitter: Jitter,
    *,
    keys: tuple[Credential, ...] = (KEY,),
    limits: RateLimits | None = None,
    health: Health | None = None,
) -> Standings:
    """Return how the targets of a chain stand of which nothing is known yet.

    Args:
        chain: Its targets.
        jitter: Gives numbers in [0, 1).
        keys: Of every provider.
        limits: Of every provider.
        health: How standing is judged; None: by the defaults.
    """
    health = health or Health()
    made = Standings(health, jitter)
    made.adopt(providers_of(chain.targets, keys=keys, limits=limits), [chain], health)
    return made

"""The chains that are replayed, and what is switched off to see what it is worth."""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from ...core.settings import (
    BreakerSettings,
    ErrorRateRule,
    Health,
    LatencyRule,
    RateLimitRule,
    SilenceRule,
)
from ...core.terms import Balance, Chain, Credential, Endpoint, Provider, Target, Triggers

_NEVER: Final = 1_000_000_000
_STREAMED_MS: Final = 4_000.0
_WHOLE_MS: Final = 30_000.0
_RATED_S: Final = 300.0
"""Over so long errors are counted: with little traffic, shared by three targets, a minute holds too
few results to judge by ..."""
_RATED_LEAST: Final = 10
"""... and so many are enough: twenty take a minute in which every other call may fail."""


class Story(Struct, frozen=True):
    """One chain with what comes to it."""

    name: str
    chain: Chain
    providers: Mapping[str, Provider]
    streamed: bool
    regions: tuple[str, ...] = ()
    """Of the first vendor, where it has several."""

    @property
    def bounded(self) -> bool:
        """Say whether few calls are promised in a minute with an outage.

        Each target fails five times before it opens: with three of one vendor those are more than
        half of the requests of a minute. So are whole answers that hang, since all that came
        within their limit are under way before the first of them can be missed.
        """
        vendors = [target.vendor for target in self.chain.targets]
        return self.streamed and len(set(vendors)) == len(vendors)


def _provider(vendor: str, region: str = "") -> Provider:
    name = f"{vendor}-{region}" if region else vendor
    endpoint = Endpoint(f"{name}.example", 443, tls=True)
    key = Credential("main", "secret")
    return Provider(name, vendor, endpoint, "/v1", (key,), region=region, vendor=vendor)


def _triggers(threshold_ms: float) -> Triggers:
    return Triggers(
        rate_limit=RateLimitRule(),
        latency=LatencyRule(threshold_ms=threshold_ms),
        error_rate=ErrorRateRule(window_s=_RATED_S, min_requests=_RATED_LEAST),
    )


def _story(
    name: str,
    places: Sequence[tuple[Provider, str]],
    *,
    streamed: bool = True,
    balance: Balance = Balance.PRIORITY,
    weights: Sequence[float] = (),
) -> Story:
    """Compose a chain of models at providers, in order."""
    level = balance is not Balance.PRIORITY
    targets = tuple(
        Target(
            f"{provider.name}/{model}",
            provider.name,
            model,
            priority=1 if level else at + 1,
            weight=weights[at] if weights else 1.0,
            vendor=provider.vendor,
            region=provider.region,
        )
        for at, (provider, model) in enumerate(places)
    )
    triggers = _triggers(_STREAMED_MS if streamed else _WHOLE_MS)
    chain = Chain(name, targets, triggers, balance=balance)
    providers = {provider.name: provider for provider, _ in places}
    regions = tuple(dict.fromkeys(p.region for p, _ in places if p.region))
    return Story(name, chain, providers, streamed, regions)


_OPENAI, _ANTHROPIC, _MISTRAL = map(_provider, ("openai", "anthropic", "mistral"))
_EU, _US = _provider("openai", "eu"), _provider("openai", "us")
_THREE: Final = tuple((one, "large") for one in (_OPENAI, _ANTHROPIC, _MISTRAL))

STORIES: Final = (
    _story("priority, streamed", _THREE),
    _story("priority, whole answers", _THREE, streamed=False),
    _story("weighted, streamed", _THREE, balance=Balance.WEIGHTED, weights=(5.0, 3.0, 2.0)),
    _story("least_latency, streamed", _THREE, balance=Balance.LEAST_LATENCY),
    _story(
        "two regions, streamed",
        (
            (_EU, "large"),
            (_EU, "small"),
            (_US, "large"),
            (_ANTHROPIC, "large"),
            (_MISTRAL, "large"),
        ),
    ),
)
"""Each seed plays one of them, in turn."""

EVERYTHING: Final = "everything on"
BREAKER: Final = "breaker"
VARIANTS: Final = (
    EVERYTHING,
    "rate_limit",
    "latency",
    "error",
    "error_rate",
    "auth",
    "region",
    BREAKER,
)
"""What is switched off; nothing, in the first one."""


def without(story: Story, off: str) -> tuple[Chain, Health]:
    """Return a story's chain and the settings with one thing switched off."""
    health = Health()
    if off == EVERYTHING:
        return story.chain, health
    if off == BREAKER:
        breaker = BreakerSettings(failures=_NEVER, min_requests=_NEVER, ramp_failures=_NEVER)
        return story.chain, replace(health, breaker=breaker, silence=SilenceRule(waiting=_NEVER))
    triggers = replace(story.chain.triggers, **{off: None})
    return replace(story.chain, triggers=triggers), health

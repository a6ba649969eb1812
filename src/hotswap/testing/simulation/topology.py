"""Who serves: providers, where they are, targets, one chain over them, and who may ask."""

from hashlib import sha256
from random import Random
from typing import Final

from msgspec.structs import replace

from ...config.snapshot import AccessKey, Snapshot
from ...core.abilities import Abilities, Prefill
from ...core.settings import (
    ErrorRateRule,
    ErrorRule,
    Exhausted,
    Hedging,
    LatencyRule,
    RateLimitRule,
    RateLimits,
    RegionRule,
    Retry,
    ServerSettings,
    Sticky,
    Streaming,
    Timeouts,
)
from ...core.terms import (
    Balance,
    Chain,
    Credential,
    Endpoint,
    Price,
    Provider,
    Target,
    Triggers,
)
from .asking import CALLER_KEY, DIALECTS

CHAIN: Final = "story"
HUSH: Final = "hush"
"""Part of every secret: no output may hold it."""
KINDS: Final = {
    "openai_chat": ("openai", "openai", "vllm", "mistral", "groq", "deepseek", "llamacpp"),
    "openai_responses": ("openai",),
    "anthropic": ("anthropic",),
    "gemini": ("gemini",),
}
_BASES: Final = {"openai_chat": "/v1", "openai_responses": "/v1"}
_PREFILLS: Final = (Prefill.NO, Prefill.NO, Prefill.NATIVE)


def draw_snapshot(rng: Random) -> Snapshot:
    """Draw a whole configuration; every target has a chain of its own besides."""
    providers: dict[str, Provider] = {}
    targets: list[Target] = []
    for number in range(rng.choice((1, 2, 2, 2, 3, 3, 3, 4, 5))):
        if providers and rng.random() < 0.15:
            name = rng.choice(list(providers))
        else:
            name = f"p{number}"
            account = _provider(rng, name, rng.choice(DIALECTS))
            providers[name] = _placed(rng, account, tuple(providers.values()))
        targets.append(_target(rng, number, providers[name], targets))
    targets.sort(key=lambda target: target.priority)
    chain = Chain(
        CHAIN,
        tuple(targets),
        triggers=_triggers(rng),
        timeouts=_timeouts(rng),
        retry=Retry(max_attempts=rng.choice((1, 2, 3, 3, 4)), base_s=rng.choice((0.05, 0.2))),
        stream=Streaming(
            splice=rng.random() < 0.85,
            tool_calls="hold" if rng.random() < 0.8 else "live",
            structured="hold" if rng.random() < 0.8 else "live",
            max_splices=rng.choice((0, 1, 2, 2, 2, 5)),
        ),
        hedge=_hedging(rng) if rng.random() < 0.15 else None,
        balance=rng.choice((*(Balance.PRIORITY,) * 4, *Balance)),
        sticky=Sticky() if rng.random() < 0.15 else None,
        on_exhausted=Exhausted(
            least_bad=rng.random() < 0.1, wait_s=rng.choice((0.0,) * 8 + (1.0, 20.0))
        ),
    )
    alone = {t.id: replace(chain, name=t.id, targets=(t,)) for t in targets}
    return Snapshot(
        digest="0123456789abcdef",
        chains={CHAIN: chain, **alone},
        providers=providers,
        server=ServerSettings(keep_alive_s=rng.choice((15.0, 15.0, 2.0))),
        listed=(CHAIN,),
        keys=_keys(rng),
    )


def _provider(rng: Random, name: str, dialect: str) -> Provider:
    keys = tuple(
        Credential(f"key{number}", f"sk-{name}{number}-{HUSH}-{name}{number}")
        for number in range(rng.choice((1, 1, 2, 3)))
    )
    return Provider(
        name,
        rng.choice(KINDS[dialect]),
        Endpoint(f"{name}.sim", 443, tls=True),
        _BASES.get(dialect, ""),
        keys,
        dialect=dialect,
    )


def _placed(rng: Random, account: Provider, others: tuple[Provider, ...]) -> Provider:
    """Say where a provider is: some share a vendor with another one, and some its host as well."""
    region = rng.choice(("", "", "eu", "us"))
    placed = replace(account, vendor=account.endpoint.host, region=region, zone=region)
    if rng.random() < 0.15:
        limits = RateLimits(rpm=rng.choice((None, 20, 200)), tpm=rng.choice((None, 5000, 100_000)))
        placed = replace(placed, limits=limits)
    chance = rng.random()
    if others and chance < 0.4:
        other = rng.choice(others)
        placed = replace(placed, vendor=other.vendor)
        if chance < 0.15:
            placed = replace(placed, endpoint=other.endpoint)
    return placed


def _target(rng: Random, number: int, account: Provider, others: list[Target]) -> Target:
    provider = account.name
    priority = number + 1 if rng.random() < 0.7 else 1
    abilities = Abilities(prefill=rng.choice(_PREFILLS), stop=rng.random() < 0.85)
    weight = rng.choice((1.0, 1.0, 3.0))
    model = f"m{number}"
    sisters = [t for t in others if t.vendor == account.vendor and t.provider != provider]
    if sisters and rng.random() < 0.5:
        model = rng.choice(sisters).model
    if any(one.provider == provider and one.model == model for one in others):
        model = f"m{number}"
    return Target(
        f"{provider}/{model}",
        provider,
        model,
        priority,
        weight,
        abilities=abilities,
        vendor=account.vendor,
        region=account.region,
        zone=account.zone,
        price=Price(rng.uniform(0.1, 10), rng.uniform(0.1, 30)) if rng.random() < 0.7 else None,
    )


def _triggers(rng: Random) -> Triggers:
    latency = LatencyRule(threshold_ms=rng.choice((500.0, 1500.0, 4000.0)))
    return Triggers(
        rate_limit=RateLimitRule() if rng.random() < 0.9 else None,
        latency=latency if rng.random() < 0.2 else None,
        error=ErrorRule() if rng.random() < 0.95 else None,
        error_rate=ErrorRateRule() if rng.random() < 0.15 else None,
        region=RegionRule() if rng.random() < 0.9 else None,
    )


def _timeouts(rng: Random) -> Timeouts:
    return Timeouts(
        connect_s=rng.choice((0.5, 2.0)),
        first_content_s=rng.choice((None, None, 2.0, 6.0)),
        silence_s=rng.choice((None, 2.0, 5.0)),
        total_s=rng.choice((10.0, 40.0, 120.0, 600.0)),
        first_tokens_per_s=20.0 if rng.random() < 0.05 else None,
        tokens_per_s=5.0 if rng.random() < 0.05 else None,
    )


def _hedging(rng: Random) -> Hedging:
    return Hedging(
        after=rng.choice(("p95", 0.1, 0.5)), after_min_s=0.1, max_share=0.5, max_spend_share=0.5
    )


def _keys(rng: Random) -> tuple[AccessKey, ...]:
    """Let some gateways know their callers, and forbid them something."""
    if rng.random() < 0.8:
        return ()
    digest = sha256(CALLER_KEY.encode()).hexdigest()
    allowed = rng.random() < 0.9
    return (
        AccessKey(
            "teller",
            digest,
            fallback=allowed,
            splice=rng.random() < 0.8,
            order=rng.random() < 0.5,
            zones=rng.choice(((), (), ("eu",), ("eu", "us"))),
        ),
    )

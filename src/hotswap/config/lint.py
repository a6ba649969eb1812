"""Warnings about what can be served, and yet hold less than they seem to.

Each check yields sentences that go after `chain NAME: `: what is weak, why, and what helps where
that does not follow by itself.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from ..core.settings import LatencyRule, RegionRule
from ..core.terms import Balance, Chain, Provider, Target
from .findings import Findings, join, suggest
from .schema import ChainFile, ConfigFile, RequireFile
from .snapshot import AccessKey

_SPARE: Final = 0.9
"""Part of the first target's limit that the others should take together: three vendors with 2 % of
errors then answer 99.992 % of requests, and 99.98 % where it is a half."""
_UNITS: Final = (("rpm", "requests"), ("tpm", "tokens"))
_ENDING: Final[Mapping[str, str]] = {
    "first_content": "first_content_s",
    "gap": "silence_s",
    "total": "total_s",
}
"""The timeout that ends what a `latency` trigger measures."""
_IN_TIERS: Final = frozenset({Balance.LEAST_LATENCY, Balance.LEAST_BUSY, Balance.CHEAPEST})
"""Balances that choose among targets of one priority."""


class Surroundings:
    """What checks look at besides the chain: all providers, and the targets of all chains."""

    __slots__ = ("crowds", "providers")

    def __init__(self, file: ConfigFile, providers: Mapping[str, Provider]) -> None:
        """Take the whole file, and the providers that can be used, by name."""
        self.providers = providers
        links = {(one.provider, one.model) for c in file.fallback.chains for one in c.models}
        found = [providers[name] for name, _ in links if name in providers]
        self.crowds = Counter((one.vendor, one.region) for one in found if one.region)
        """How many targets a region of a vendor has."""


def lint(chain: Chain, entry: ChainFile, around: Surroundings, findings: Findings) -> None:
    """Add what is weak about a chain to the warnings.

    Args:
        chain: As it will be served.
        entry: As it is written.
        around: The rest of the configuration.
        findings: Take the warnings.
    """
    for words in (
        *_balance(chain, entry),
        *_still(chain),
        *_links(chain, entry, around),
        *_region(chain, entry, around),
        *_spare(chain, around),
        *_unwatched(chain, around),
        *_timeouts(chain),
        *_hedge(chain),
        *_triggers(chain, entry, around),
    ):
        findings.warnings.append(f"chain {chain.name}: {words}")


def lint_regions(file: ConfigFile, around: Surroundings, findings: Findings) -> None:
    """Warn of regions near this gateway that no provider has."""
    known = {provider.region for provider in around.providers.values() if provider.region}
    for region in file.server.regions:
        if region not in known:
            hint = suggest(region, known)
            said = f" ({hint})" if hint else ""
            findings.warnings.append(f"server: no provider is in region {region}{said}")


def lint_keys(keys: Iterable[AccessKey], chains: Sequence[Chain], findings: Findings) -> None:
    """Warn of callers whose zones leave them too little."""
    for key in keys:
        if not key.zones:
            continue
        barred: list[str] = []
        alone: list[str] = []
        for chain in chains:
            left = {target.vendor for target in chain.targets if target.zone in key.zones}
            if not left:
                barred.append(chain.name)
            elif len(left) == 1 < len({target.vendor for target in chain.targets}):
                alone.append(f"{min(left)} of {chain.name}")
        zones = join(key.zones, "or")
        if barred:
            findings.warnings.append(
                f"access key {key.id}: nothing of {join(barred)} is in zone {zones}, "
                f"so it gets no answer there"
            )
        if alone:
            findings.warnings.append(
                f"access key {key.id}: zone {zones} leaves it only {join(alone)}; it takes another "
                f"vendor there to stand in for its outages"
            )


def _balance(chain: Chain, entry: ChainFile) -> Iterator[str]:
    """Tell of what counts for nothing when the first target is chosen."""
    written = {link.priority for link in entry.models if link.priority is not None}
    if chain.balance is Balance.WEIGHTED and len(written) > 1:
        yield "priorities count for nothing under balance: weighted"
    targets = chain.targets
    apart = len({target.priority for target in targets}) == len(targets) > 1
    if apart and chain.balance in _IN_TIERS:
        yield (
            f"balance: {chain.balance} chooses among targets of one priority, and every target "
            f"has its own"
        )
    if len({target.weight for target in targets}) > 1:
        if chain.balance is Balance.CHEAPEST:
            yield "weights count for nothing under balance: cheapest"
        elif apart:
            yield (
                "weights count for nothing, as every target has a priority of its own; "
                "balance: weighted shares among all"
            )
    if chain.sticky is not None and len(targets) == 1:
        yield "sticky does nothing where there is one link"
    unpriced = [target.id for target in targets if target.price is None]
    if chain.balance is Balance.CHEAPEST and unpriced:
        yield (
            f"no price is known of {join(unpriced)}, asked last under balance: cheapest; "
            f"`models` can name it"
        )


def _still(chain: Chain) -> Iterator[str]:
    """Tell of a chain that stays where it is when a provider fails."""
    triggers = chain.triggers
    moving = (triggers.rate_limit, triggers.latency, triggers.error)
    if len(chain.targets) > 1 and not any(moving):
        yield "its other links are not asked: rate_limit, latency and error are not enabled"


def _links(chain: Chain, entry: ChainFile, around: Surroundings) -> Iterator[str]:
    """Tell of outages that leave too little of the chain."""
    targets = chain.targets
    if len(targets) < 3:
        links = "one link" if len(targets) == 1 else "two links"
        yield f"has {links}; it takes three for an answer when two fail"
    vendors = {target.vendor for target in targets}
    if len(vendors) == 2 and len(targets) > 2:
        yield (
            f"its links are at {join(sorted(vendors))} only: while one of them is down, "
            f"nothing stands behind the other"
        )
    if len(vendors) > 1:
        return
    named = [around.providers.get(link.provider) for link in entry.models]
    elsewhere = {one.vendor for one in named if one and not _placed(one, entry.require)} - vendors
    if elsewhere:
        yield (
            f"the places that it requires leave {min(vendors)} without {join(sorted(elsewhere))}; "
            f"it takes another vendor there to stand in for its outages"
        )
    elif len(targets) > 1:
        yield f"all targets are at {min(vendors)}, whose outages will coincide"


def _region(chain: Chain, entry: ChainFile, around: Surroundings) -> Iterator[str]:
    regions = {target.region for target in chain.targets}
    if len(chain.targets) == 1 or len(regions) > 1 or regions == {""}:
        return
    usable = [one for one in around.providers.values() if _placed(one, entry.require)]
    others = {one.region for one in usable if one.region} - regions
    if others:
        yield (
            f"all targets are in region {min(regions)}, whose outages will coincide; "
            f"there are providers in {join(sorted(others))}"
        )


def _spare(chain: Chain, around: Surroundings) -> Iterator[str]:
    """Tell of fallbacks that cannot take what the first target serves; limits by hand only."""
    tier = [target for target in chain.targets if target.priority == chain.targets[0].priority]
    for unit, words in _UNITS:
        limits = {t.id: _limit(t, unit, around) for t in chain.targets}
        first = max(tier, key=lambda target: limits[target.id] or 0)
        others = [limit for id_, limit in limits.items() if id_ != first.id]
        limit, spare = limits[first.id], sum(one or 0 for one in others)
        if limit and all(others) and others and spare < _SPARE * limit:
            yield (
                f"its other links take {spare:,} {words} a minute together, "
                f"{100 * spare // limit} % of the {limit:,} of {first.id}; below 90 % an outage of "
                f"it leaves requests unanswered, so raise `limits` or add a link"
            )


def _limit(target: Target, unit: str, around: Surroundings) -> int | None:
    """Return what all keys of a target may do in a minute; None: nobody has set it."""
    provider = around.providers[target.provider]
    limit = None if provider.limits is None else getattr(provider.limits, unit)
    return limit * len(provider.credentials) if isinstance(limit, int) else None


def _unwatched(chain: Chain, around: Surroundings) -> Iterator[str]:
    names = dict.fromkeys(target.provider for target in chain.targets)
    limited = [name for name in names if around.providers[name].limits is not None]
    if limited and chain.triggers.rate_limit is None:
        yield f"the limits of {join(limited)} count for nothing without the trigger rate_limit"


def _timeouts(chain: Chain) -> Iterator[str]:
    timeouts, wait_s = chain.timeouts, chain.on_exhausted.wait_s
    if wait_s > timeouts.total_s:
        yield f"on_exhausted.wait_s, {wait_s:g}, ends with timeouts.total_s, {timeouts.total_s:g}"
    for name in ("connect_s", "first_content_s", "silence_s"):
        limit: float | None = getattr(timeouts, name)
        if limit is not None and limit >= timeouts.total_s:
            yield (
                f"timeouts.{name} is not below total_s, {timeouts.total_s:g}: a target that "
                f"hangs leaves no time for another"
            )


def _hedge(chain: Chain) -> Iterator[str]:
    hedge, limit = chain.hedge, chain.timeouts.first_content_s
    if hedge is None:
        return
    if len({target.vendor for target in chain.targets}) == 1:
        yield "hedge never begins: a second attempt is made at another vendor, and there is none"
    soonest = hedge.after_min_s if hedge.after == "p95" else hedge.after
    if limit is not None and soonest >= limit:
        yield (
            f"hedge never begins: it waits {soonest:g} s or longer, and the first attempt ends "
            f"after timeouts.first_content_s, {limit:g}"
        )


def _triggers(chain: Chain, entry: ChainFile, around: Surroundings) -> Iterator[str]:
    """Tell of triggers that never fire."""
    triggers = chain.triggers
    if triggers.latency is not None:
        yield from _latency(chain, triggers.latency)
    if triggers.error_rate is not None and triggers.error_rate.threshold >= 1:
        yield "trigger error_rate never fires: no more than all can fail, so threshold is below 1"
    listed = any(one.type == "region" and one.enabled for one in entry.triggers or ())
    if triggers.region is not None and listed:
        yield from _crowd(chain, triggers.region, around)


def _latency(chain: Chain, rule: LatencyRule) -> Iterator[str]:
    """Tell of a threshold that no answer lives to pass."""
    name, limit = "total_s", chain.timeouts.total_s
    own: float | None = getattr(chain.timeouts, _ENDING[rule.metric])
    if own is not None and own < limit:
        name, limit = _ENDING[rule.metric], own
    if rule.threshold_ms is not None and rule.threshold_ms > limit * 1000:
        yield (
            f"trigger latency never fires: its threshold_ms, {rule.threshold_ms:g}, is above "
            f"timeouts.{name}, {limit:g}"
        )


def _crowd(chain: Chain, rule: RegionRule, around: Surroundings) -> Iterator[str]:
    places = {(target.vendor, target.region) for target in chain.targets if target.region}
    if not places:
        yield "trigger region never fires: no provider of the chain has a `region`"
        return
    most = max(around.crowds[place] for place in places)
    if most < rule.min_targets:
        yield (
            f"trigger region never fires: min_targets, {rule.min_targets}, must fail together in "
            f"one region of a vendor, and none has more than {most}"
        )


def _placed(provider: Provider, require: RequireFile) -> bool:
    """Say whether a provider is where a chain requires."""
    return (not require.regions or provider.region in require.regions) and (
        not require.zones or provider.zone in require.zones
    )

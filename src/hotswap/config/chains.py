"""From the file's chains to targets in order, with triggers and limits."""

import json
from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import structs

from ..core.settings import Hedging, RateLimitRule
from ..core.terms import Balance, Chain, Provider, Target, Triggers
from .abilities import Knowledge, shortfall
from .catalog import KINDS
from .findings import Findings, join, suggest
from .lint import Surroundings, lint, lint_regions
from .nearness import nearest_first
from .nodes import Path
from .providers import Absent, Account
from .schema import ChainFile, ConfigFile, LinkFile
from .triggers import build_triggers

_OURS: Final = frozenset({"model", "stream"})
"""Fields of a request that decide where it goes and how it comes back."""

Accounts = Mapping[str, Account | None]


def build_chains(
    file: ConfigFile, accounts: Accounts, knowledge: Knowledge, findings: Findings
) -> tuple[Chain, ...]:
    """Return the chains that have a target left, in the order of the file."""
    chains: list[Chain] = []
    around = Surroundings(file, _usable(accounts))
    for at, entry in enumerate(file.fallback.chains):
        path = ("fallback", "chains", at)
        usable = _targets(entry, path, accounts, knowledge, findings)
        targets = _fitting(usable, entry, path, accounts, findings)
        triggers = build_triggers(entry.name, entry.triggers, path, findings)
        if not targets:
            findings.warnings.append(f"chain {entry.name}: left out, because no target is left")
            continue
        chain = Chain(
            name=entry.name,
            targets=nearest_first(targets, file.server.regions),
            triggers=triggers,
            timeouts=entry.timeouts,
            retry=entry.retry,
            stream=entry.stream,
            hedge=_hedging(entry, triggers),
            balance=Balance(entry.balance),
            sticky=entry.sticky,
            on_exhausted=entry.on_exhausted,
            aliases=entry.aliases,
        )
        lint(chain, entry, around, findings)
        chains.append(chain)
    lint_regions(file, around, findings)
    _check_names(file, findings)
    _warn_of_skipped(file, accounts, findings)
    if not chains and not findings.mistakes:
        problem = "no chain has a target that can be used"
        findings.mistake(("fallback", "chains"), problem, _reasons(file, accounts), at_key=True)
    return tuple(chains)


def _hedging(entry: ChainFile, triggers: Triggers) -> Hedging | None:
    """Return how requests are hedged; a trigger that hedges may name the delay."""
    latency = triggers.latency
    if latency is None or latency.action != "hedge":
        return entry.hedge
    hedge = entry.hedge or Hedging()
    if latency.threshold_ms is None:
        return hedge
    return structs.replace(hedge, after=latency.threshold_ms / 1000)


def named_chains(chains: Iterable[Chain]) -> dict[str, Chain]:
    """Return the chains by every name that a caller may use, single targets included."""
    chains = tuple(chains)
    named = {name: chain for chain in chains for name in (chain.name, *chain.aliases)}
    for chain in chains:
        for target in chain.targets:
            alone = structs.replace(target, priority=1, weight=1.0, overrides=b"")
            triggers = Triggers(rate_limit=RateLimitRule())
            single = Chain(name=target.id, targets=(alone,), triggers=triggers)
            named.setdefault(target.id, single)
    return named


def _targets(
    entry: ChainFile, path: Path, accounts: Accounts, knowledge: Knowledge, findings: Findings
) -> tuple[Target, ...]:
    """Return the usable targets of a chain, sorted by priority."""
    priorities = _priorities(entry)
    targets: list[Target] = []
    seen: set[str] = set()
    for at, (link, priority) in enumerate(zip(entry.models, priorities, strict=True)):
        place = (*path, "models", at)
        identity = f"{link.provider}/{link.model}"
        if identity in seen:
            findings.mistake(place, f"{identity} is in this chain twice", "keep one of them")
            continue
        seen.add(identity)
        overrides = _overrides(link, place, findings)
        provider = _provider(link, place, accounts, findings)
        if provider is not None:
            targets.append(
                Target(
                    id=identity,
                    provider=link.provider,
                    model=link.model,
                    priority=priority,
                    weight=link.weight,
                    overrides=overrides,
                    abilities=knowledge.abilities(provider, link.model),
                    vendor=provider.vendor,
                    region=provider.region,
                    zone=provider.zone,
                    price=knowledge.price_of(provider, link.model),
                )
            )
    return tuple(sorted(targets, key=lambda target: target.priority))


def _priorities(entry: ChainFile) -> list[int]:
    """Return a priority for every link: those without one come after the others."""
    given = [link.priority for link in entry.models if link.priority is not None]
    if entry.balance == "weighted":
        return [1] * len(entry.models)
    if entry.balance != "priority":
        unwritten = max(given, default=0) + 1
        return [unwritten if link.priority is None else link.priority for link in entry.models]
    following = max(given, default=0)
    priorities: list[int] = []
    for link in entry.models:
        if link.priority is None:
            following += 1
            priorities.append(following)
        else:
            priorities.append(link.priority)
    return priorities


def _overrides(link: LinkFile, place: Path, findings: Findings) -> bytes:
    if not link.overrides:
        return b""
    for name in sorted(_OURS & link.overrides.keys()):
        findings.mistake((*place, "overrides", name), f"{name} cannot be overridden", at_key=True)
    try:
        text = json.dumps(
            dict(link.overrides), allow_nan=False, ensure_ascii=False, separators=(",", ":")
        )
    except ValueError:
        findings.mistake((*place, "overrides"), "holds a number that JSON cannot say")
        return b""
    return text.encode()


def _fitting(
    targets: tuple[Target, ...],
    entry: ChainFile,
    path: Path,
    accounts: Accounts,
    findings: Findings,
) -> tuple[Target, ...]:
    """Return the targets that have what the chain requires."""
    fitting: list[Target] = []
    short: dict[str, str] = {}
    for target in targets:
        provider = _present(accounts.get(target.provider))
        lack = "" if provider is None else shortfall(provider, target.abilities, entry.require)
        if lack:
            short[target.id] = lack
        else:
            fitting.append(target)
    if short and not fitting:
        reasons = "; ".join(f"{id_}: {lack}" for id_, lack in short.items())
        findings.mistake((*path, "require"), "no target has all of this", reasons)
    for id_, lack in short.items():
        findings.warnings.append(
            f"chain {entry.name}: {id_} left out: {lack}, and the chain requires otherwise"
        )
    return tuple(fitting)


def _provider(
    link: LinkFile, place: Path, accounts: Accounts, findings: Findings
) -> Provider | None:
    """Return the provider of a link; None: it cannot be used."""
    if link.provider not in accounts:
        shown = findings.quote((*place, "provider"), link.provider)
        hint = suggest(link.provider, {*accounts, *KINDS}) or "define it under providers"
        findings.mistake((*place, "provider"), f"no provider is named {shown}", hint)
    return _present(accounts.get(link.provider))


def _usable(accounts: Accounts) -> dict[str, Provider]:
    found = {name: _present(account) for name, account in accounts.items()}
    return {name: provider for name, provider in found.items() if provider is not None}


def _present(account: Account | None) -> Provider | None:
    return account.provider if account and isinstance(account.provider, Provider) else None


def _check_names(file: ConfigFile, findings: Findings) -> None:
    """A name means one chain; an alias is a name as well."""
    owners: dict[str, str] = {}
    for at, entry in enumerate(file.fallback.chains):
        path = ("fallback", "chains", at)
        places = [(*path, "name"), *((*path, "aliases", n) for n in range(len(entry.aliases)))]
        for place, name in zip(places, (entry.name, *entry.aliases), strict=True):
            if name in owners:
                shown = findings.quote(place, name)
                findings.mistake(place, f"{shown} already names chain {owners[name]}")
            owners.setdefault(name, f"chains[{findings.origin(path)[2]}]")


def _warn_of_skipped(file: ConfigFile, accounts: Accounts, findings: Findings) -> None:
    for name, reason in _absences(accounts).items():
        models = dict.fromkeys(
            link.model
            for chain in file.fallback.chains
            for link in chain.models
            if link.provider == name
        )
        if models:
            left_out = join(f"{name}/{model}" for model in models)
            findings.warnings.append(f"provider {name}: {left_out} left out: {reason}")


def _reasons(file: ConfigFile, accounts: Accounts) -> str:
    used = {link.provider for chain in file.fallback.chains for link in chain.models}
    absences = _absences(accounts)
    return "; ".join(f"{name}: {absences[name]}" for name in sorted(used & absences.keys()))


def _absences(accounts: Accounts) -> dict[str, str]:
    return {
        name: account.provider.reason
        for name, account in accounts.items()
        if account is not None and isinstance(account.provider, Absent)
    }

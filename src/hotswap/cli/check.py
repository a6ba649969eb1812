"""`hotswap check`: is this configuration right, and what does it say?"""

import os
import sys
from pathlib import Path

from msgspec import Struct
from msgspec.json import encode
from rich.table import Table

from ..config.load import load
from ..config.outcome import ConfigMistakes, Mistake
from ..config.snapshot import Snapshot
from ..core.terms import Chain, Price, Provider, Trigger
from ..processes.exits import Exit
from .naming import chains_of
from .options import CONFIG_FILE, AsJson, ConfigFile
from .showing import address, show, table


class TargetReport(Struct, frozen=True):
    """One target as it will be used."""

    target: str
    priority: int
    weight: float
    price: Price | None
    """In USD per million tokens; null: unknown."""
    endpoint: str
    keys: tuple[str, ...]
    """Ids of its credentials."""


class ChainReport(Struct, frozen=True):
    """One chain as it will be used."""

    chain: str
    aliases: tuple[str, ...]
    triggers: tuple[str, ...]
    targets: tuple[TargetReport, ...]


class CheckReport(Struct, frozen=True):
    """What `hotswap check --json` writes."""

    ok: bool
    digest: str = ""
    mistakes: tuple[Mistake, ...] = ()
    warnings: tuple[str, ...] = ()
    chains: tuple[ChainReport, ...] = ()


def check(*, config: ConfigFile = CONFIG_FILE, as_json: AsJson = False) -> Exit:
    """Check a configuration and show its chains.

    Exits with 1 when the file has mistakes, and with 3 when it can not be read at all.
    """
    report, code = _check(config)
    if as_json:
        sys.stdout.write(f"{encode(report).decode()}\n")
    else:
        _show(config, report)
    return code


def _check(config: Path) -> tuple[CheckReport, Exit]:
    try:
        snapshot = load(config, os.environ)
    except ConfigMistakes as refused:
        whole = all(not mistake.path for mistake in refused.mistakes)
        code = Exit.UNREADABLE if whole else Exit.FAILED
        return CheckReport(ok=False, mistakes=refused.mistakes), code
    chains = tuple(_chain(chain, snapshot) for chain in chains_of(snapshot))
    report = CheckReport(ok=True, digest=snapshot.digest, warnings=snapshot.warnings, chains=chains)
    return report, Exit.FINE


def _chain(chain: Chain, snapshot: Snapshot) -> ChainReport:
    targets = tuple(
        TargetReport(
            target=target.id,
            priority=target.priority,
            weight=target.weight,
            price=target.price,
            endpoint=_endpoint(snapshot.providers[target.provider]),
            keys=tuple(key.id for key in snapshot.providers[target.provider].credentials),
        )
        for target in chain.targets
    )
    triggers = tuple(trigger.value for trigger in Trigger if chain.triggers.active(trigger))
    return ChainReport(chain.name, chain.aliases, triggers, targets)


def _endpoint(provider: Provider) -> str:
    scheme = "https" if provider.endpoint.tls else "http"
    where = address(provider.endpoint.host, provider.endpoint.port)
    return f"{scheme}://{where}{provider.base_path}"


def _show(config: Path, report: CheckReport) -> None:
    for mistake in report.mistakes:
        sys.stderr.write(f"{mistake}\n")
    for warning in report.warnings:
        sys.stderr.write(f"{config}: warning: {warning}\n")
    if not report.ok:
        return
    targets = sum(len(chain.targets) for chain in report.chains)
    done = (
        f"{config} is fine (chains: {len(report.chains)}, targets: {targets},"
        f" warnings: {len(report.warnings)})"
    )
    show([_table(report), done])


def _table(report: CheckReport) -> Table:
    rows: list[tuple[str, ...]] = []
    for chain in report.chains:
        name = ", ".join((chain.chain, *chain.aliases))
        triggers = " ".join(chain.triggers)
        for target in chain.targets:
            rows.append(
                (
                    name,
                    str(target.priority),
                    target.target,
                    f"{target.weight:g}",
                    _price(target.price),
                    target.endpoint,
                    " ".join(target.keys),
                    triggers,
                )
            )
            name = triggers = ""
    columns = (
        "chain",
        "priority#",
        "target",
        "weight#",
        "$ in/out#",
        "endpoint",
        "keys",
        "triggers",
    )
    return table(columns, rows)


def _price(price: Price | None) -> str:
    return "-" if price is None else f"{price.input:g}/{price.output:g}"

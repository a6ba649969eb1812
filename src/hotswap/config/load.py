"""From the path of a YAML file to a `Snapshot`, or to every mistake in the file at once."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final, cast

from msgspec import structs, to_builtins

from ..clock import Clock, SystemClock
from ..core.terms import Chain, Provider
from .abilities import Knowledge
from .chains import build_chains, named_chains
from .expand import expand
from .findings import Findings
from .lint import lint_keys
from .nodes import Document
from .outcome import ConfigMistakes, Mistake
from .providers import build_accounts
from .schema import ConfigFile
from .serving import build_keys, build_server, build_store
from .snapshot import Snapshot
from .source import parse, read_bytes, shown
from .validate import validate

_SECRET: Final = frozenset({"secret", "proxy"})
"""Keys whose values may be, or hold, a secret."""
_CLOCK: Final = SystemClock()


def load(path: Path, environ: Mapping[str, str], clock: Clock = _CLOCK) -> Snapshot:
    """Read, check and resolve a configuration.

    Args:
        path: The YAML file; relative paths in it are relative to its folder.
        environ: Where `${NAME}` and the usual keys of providers are looked up.
        clock: Says which day's prices count.

    Raises:
        ConfigMistakes: The file cannot be used. No message holds a secret.
    """
    file = shown(path)
    content = read_bytes(path)
    folder = path.absolute().parent
    document = parse(path, content, lambda part: expand(part, environ, folder))
    if document.value is None:
        hint = "it needs `fallback:` with at least one chain; docs/quick-start.md shows one"
        raise ConfigMistakes((Mistake(file, 0, 0, "", "the file is empty", hint),))
    findings = Findings(file, document)
    findings.flaws()
    model = validate(document.value, findings)
    snapshot = None
    if model is not None:
        snapshot = _snapshot(model, document, environ, folder, findings, unix=clock.unix())
    if findings.mistakes or snapshot is None:
        raise ConfigMistakes(findings.mistakes)
    return structs.replace(snapshot, source=hashlib.sha256(content).hexdigest())


def _snapshot(
    file: ConfigFile,
    document: Document,
    environ: Mapping[str, str],
    folder: Path,
    findings: Findings,
    *,
    unix: float,
) -> Snapshot:
    """Build what the processes use; what is wrong on the way goes to the findings."""
    accounts = build_accounts(file, environ, folder, findings)
    knowledge = Knowledge(file, folder, findings, unix)
    chains = build_chains(file, accounts, knowledge, findings)
    keys = build_keys(file, findings)
    lint_keys(keys, chains, findings)
    used = {target.provider for chain in chains for target in chain.targets}
    providers = {
        name: account.provider
        for name, account in accounts.items()
        if name in used and account is not None and isinstance(account.provider, Provider)
    }
    return Snapshot(
        digest=_digest(document.value, chains),
        chains=named_chains(chains),
        providers=providers,
        server=build_server(file, folder, findings),
        store=build_store(file, folder, findings),
        keys=keys,
        health=file.fallback.health,
        listed=tuple(name for chain in chains for name in (chain.name, *chain.aliases)),
        warnings=tuple(findings.warnings),
    )


def _digest(values: object, chains: tuple[Chain, ...]) -> str:
    """Identify what the file says.

    The targets count too: they depend on which keys are there, on the file of models and on prices.
    """
    targets = {
        chain.name: [
            (target.id, to_builtins(target.abilities), to_builtins(target.price))
            for target in chain.targets
        ]
        for chain in chains
    }
    content = json.dumps([_open(values), targets], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def _open(value: object) -> object:
    """Return the values without secrets."""
    if isinstance(value, dict):
        entries = cast("dict[str, object]", value)
        return {key: _open(item) for key, item in entries.items() if key not in _SECRET}
    if isinstance(value, list):
        return [_open(item) for item in cast("list[object]", value)]
    return value

"""From the entries of `triggers` to the conditions that a chain acts on.

`error`, `auth` and `region` act unless they are listed as disabled, every other trigger acts when
listed, `all` lists every one with its defaults. Without the key: these and rate_limit.
"""

from typing import Final, TypeVar

from msgspec import Struct

from ..core.settings import (
    AuthRule,
    ErrorRateRule,
    ErrorRule,
    LatencyRule,
    RateLimitRule,
    RegionRule,
)
from ..core.terms import Triggers
from .fields import Listed
from .findings import Findings, join
from .nodes import Path
from .schema import TRIGGER_RULES

_INERT: Final = ("cost", "quality")
"""They may be listed, and do nothing yet."""
_UNLISTED: Final = ("error", "auth", "region")
"""They act without being listed."""
_SAME: Final = {"availability": "error"}
_ALL: Final = {
    name: rule() for name, rule in TRIGGER_RULES.items() if name != "all" and name not in _SAME
}

_R = TypeVar("_R", bound=Struct)


def build_triggers(
    chain: str, entries: tuple[Listed, ...] | None, path: Path, findings: Findings
) -> Triggers:
    """Return the active triggers of a chain; what does nothing yet is warned about by name."""
    if entries is None:
        return Triggers(rate_limit=RateLimitRule())
    active: dict[str, Struct | None] = {name: _ALL[name] for name in _UNLISTED}
    for entry in entries:
        if entry.type == "all":
            active = {name: rule if entry.enabled else None for name, rule in _ALL.items()}
    listed: set[str] = set()
    for at, entry in enumerate(entries):
        name = _SAME.get(entry.type, entry.type)
        if name in listed:
            findings.mistake((*path, "triggers", at), f"{name} is listed twice", "keep one of them")
        listed.add(name)
        if name != "all":
            active[name] = entry.rule if entry.enabled else None
    inert = [name for name in _INERT if active.get(name) is not None]
    if inert:
        verb = "is" if len(inert) == 1 else "are"
        noun = "trigger" if len(inert) == 1 else "triggers"
        findings.warnings.append(f"chain {chain}: {noun} {join(inert)} {verb} not active yet")
    return Triggers(
        rate_limit=_rule(active, "rate_limit", RateLimitRule),
        latency=_rule(active, "latency", LatencyRule),
        error=_rule(active, "error", ErrorRule),
        error_rate=_rule(active, "error_rate", ErrorRateRule),
        auth=_rule(active, "auth", AuthRule),
        region=_rule(active, "region", RegionRule),
    )


def _rule(active: dict[str, Struct | None], name: str, kind: type[_R]) -> _R | None:
    rule = active.get(name)
    return rule if isinstance(rule, kind) else None

"""Warnings about chains that can be served, and yet hold less than they seem to."""

from ..core.terms import Chain
from .findings import Findings
from .schema import ChainFile


def lint(chain: Chain, entry: ChainFile, findings: Findings) -> None:
    """Add what is weak about a chain to the warnings, each with its reason.

    Args:
        chain: As it will be served.
        entry: As it is written.
        findings: Take the warnings.
    """
    for words in (*_balance(entry), *_links(chain)):
        findings.warnings.append(f"chain {chain.name}: {words}")


def _balance(entry: ChainFile) -> list[str]:
    written = {link.priority for link in entry.models if link.priority is not None}
    if entry.balance == "weighted" and len(written) > 1:
        return ["priorities count for nothing under balance: weighted"]
    return []


def _links(chain: Chain) -> list[str]:
    found: list[str] = []
    count = len(chain.targets)
    if count < 3:
        links = "one link" if count == 1 else "two links"
        found.append(f"has {links}; it takes three for an answer when two fail")
    vendors = {target.vendor for target in chain.targets}
    if len(vendors) == 1 and count > 1:
        found.append(f"all targets are at {min(vendors)}, whose outages will coincide")
    return found

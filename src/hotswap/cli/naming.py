"""What commands find in a configuration by name."""

from ..config.snapshot import Snapshot
from ..core.terms import Chain


def chains_of(snapshot: Snapshot) -> list[Chain]:
    """Return the chains in the order of the file, without their aliases."""
    listed = ((name, snapshot.chains[name]) for name in snapshot.listed)
    return [chain for name, chain in listed if chain.name == name]

"""What the admin listener shows: plain JSON forms of targets, chains and records."""

from collections.abc import Mapping

from msgspec import Struct, structs

from ..config.snapshot import Snapshot
from ..core.terms import Chain
from ..ledger.record import AttemptRecord, Transition
from ..ledger.rows import read_attempt, read_transition
from ..store.api import AttemptRow, TransitionRow
from .board import Board, Standing


class TargetView(Struct, frozen=True):
    """One target with its standing."""

    id: str
    provider: str
    model: str
    region: str
    chains: tuple[str, ...]
    standing: Standing
    credentials: Mapping[str, Standing]
    """Those of which something is known, whether for this model or for the whole provider."""


class ChainTarget(Struct, frozen=True):
    """A target's place in a chain."""

    id: str
    priority: int
    weight: float
    state: str
    overlay: str


class ChainView(Struct, frozen=True):
    """One chain in the order of its targets."""

    name: str
    aliases: tuple[str, ...]
    targets: tuple[ChainTarget, ...]


def to_json_form(value: object) -> object:
    """Return a record, or the record of a row, with all fields, also those with defaults."""
    match value:
        case AttemptRow():
            return structs.asdict(read_attempt(value.body))
        case TransitionRow():
            return structs.asdict(read_transition(value.body))
        case AttemptRecord() | Transition():
            return structs.asdict(value)
        case _:
            return value


def view_chains(snapshot: Snapshot, board: Board) -> list[ChainView]:
    """Show the configured chains."""
    return [
        ChainView(
            chain.name,
            chain.aliases,
            tuple(
                ChainTarget(
                    target.id,
                    target.priority,
                    target.weight,
                    board.of(target.id).state,
                    board.of(target.id).overlay,
                )
                for target in chain.targets
            ),
        )
        for chain in _chains(snapshot)
    ]


def view_targets(snapshot: Snapshot, board: Board) -> list[TargetView]:
    """Show every target of the configured chains once."""
    chains = _chains(snapshot)
    targets = {target.id: target for chain in chains for target in chain.targets}
    return [
        TargetView(
            target.id,
            target.provider,
            target.model,
            snapshot.providers[target.provider].region,
            tuple(
                chain.name
                for chain in chains
                if any(member.id == target.id for member in chain.targets)
            ),
            board.of(target.id),
            board.credentials(target.provider) | board.credentials(target.id),
        )
        for target in targets.values()
    ]


def _chains(snapshot: Snapshot) -> list[Chain]:
    """Leave out the aliases, and the chains of one target that are named as it is."""
    return [
        chain
        for name, chain in snapshot.chains.items()
        if name == chain.name and [target.id for target in chain.targets] != [name]
    ]

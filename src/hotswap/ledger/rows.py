"""Records as they travel and as the store keeps them, and back.

A record is encoded once, by the worker that it is about. The keeper stores those bytes as they
came; what it searches, counts and tells the others travels beside them.
"""

from typing import Final

from msgspec import Struct
from msgspec.msgpack import Decoder, Encoder

from ..store.api import AttemptRow, TransitionRow
from .record import AttemptRecord, Record, Transition

_encode: Final = Encoder().encode
_decode_attempt: Final = Decoder(AttemptRecord).decode
_decode_transition: Final = Decoder(Transition).decode


class AttemptEntry(Struct, frozen=True, gc=False, array_like=True, tag=1):
    """An attempt on its way to the store, with what is counted on arrival."""

    row: AttemptRow
    number: int
    final: bool
    answered: bool
    cause: str


class TransitionEntry(Struct, frozen=True, gc=False, array_like=True, tag=2):
    """A change of standing on its way to the store, with what the other workers are told."""

    row: TransitionRow
    transition: Transition


Entry = AttemptEntry | TransitionEntry


def write_entry(record: Record) -> Entry:
    """Prepare a record for its way."""
    if isinstance(record, AttemptRecord):
        return AttemptEntry(
            AttemptRow(
                record.started_at + record.end_s,
                record.request_id,
                record.chain,
                record.target,
                _encode(record),
            ),
            record.number,
            record.final,
            record.answered,
            record.cause,
        )
    return TransitionEntry(TransitionRow(record.at, _encode(record)), record)


def read_attempt(body: bytes) -> AttemptRecord:
    """Understand the body of an attempt's row."""
    return _decode_attempt(body)


def read_transition(body: bytes) -> Transition:
    """Understand the body of a transition's row."""
    return _decode_transition(body)

"""Records as the store keeps them, and back."""

from collections.abc import Iterable
from typing import Final

from msgspec.msgpack import Decoder, Encoder

from ..store.api import AttemptRow, Row, TransitionRow
from .record import AttemptRecord, Record, Transition

_encode: Final = Encoder().encode
_decode_attempt: Final = Decoder(AttemptRecord).decode
_decode_transition: Final = Decoder(Transition).decode


def write_rows(records: Iterable[Record]) -> list[Row]:
    """Prepare records for the store."""
    return [
        AttemptRow(
            record.started_at + record.end_s,
            record.request_id,
            record.chain,
            record.target,
            _encode(record),
        )
        if isinstance(record, AttemptRecord)
        else TransitionRow(record.at, _encode(record))
        for record in records
    ]


def read_attempt(body: bytes) -> AttemptRecord:
    """Understand the body of an attempt's row."""
    return _decode_attempt(body)


def read_transition(body: bytes) -> Transition:
    """Understand the body of a transition's row."""
    return _decode_transition(body)

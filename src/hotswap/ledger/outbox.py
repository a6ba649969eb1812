"""The records that a worker still owes the keeper: bounded, numbered, kept until acknowledged.

Numbers are positions: the n-th record that is ever sent of a boot has the number n, from 1. A
record that was sent once keeps its number, so that the keeper can drop what it already has. When
the outbox is full, an unmoved success gives way to what tells of a fallback, unless it was sent.
"""

from typing import Final

from msgspec import Raw

from .link import WINDOW, Parcel, write_record
from .record import AttemptRecord, Record

FRAME: Final = 500
"""Records of one batch: encoding it holds up the loop for a third of a millisecond."""


class Outbox:
    """A list with three marks: acknowledged | on its way | sent before | never sent."""

    __slots__ = (
        "_acked",
        "_expendable",
        "_limit",
        "_numbered",
        "_on_way",
        "_records",
        "_scanned",
        "_window",
        "dropped",
    )

    def __init__(self, limit: int, *, window: int = WINDOW) -> None:
        """Make room for `limit` records, of which `window` may be sent ahead of their `ack`."""
        self._limit = limit
        self._window = window
        self._records: list[Raw] = []
        self._expendable = bytearray()
        """Beside each record: 1 if it may give way to another."""
        self._acked: int = 0
        self._on_way: int = 0
        self._numbered: int = 0
        self._scanned: int = 0
        self.dropped = 0
        """Records that did not fit."""

    def __len__(self) -> int:
        return len(self._records)

    @property
    def waiting(self) -> bool:
        """Something could be sent now."""
        return self._on_way < min(len(self._records), self._window)

    def add(self, record: Record) -> None:
        """Keep `record`, or count one as dropped."""
        if len(self._records) < self._limit:
            self._records.append(write_record(record))
            self._expendable.append(_expendable(record))
            return
        self.dropped += 1
        if not _expendable(record):
            self._displace(record)

    def take(self) -> Parcel | None:
        """Return the next records to send; None: there are none, or the window is full."""
        begin = self._on_way
        end = min(len(self._records), begin + FRAME, self._window)
        if end <= begin:
            return None
        self._on_way = end
        self._numbered = max(self._numbered, end)
        first = self._acked + begin + 1
        return Parcel(first, tuple(self._records[begin:end]), self.dropped)

    def ack(self, upto: int) -> None:
        """Let go of every record up to number `upto`."""
        done = min(upto - self._acked, self._numbered)
        if done <= 0:
            return
        del self._records[:done]
        del self._expendable[:done]
        self._acked += done
        self._on_way = max(0, self._on_way - done)
        self._numbered -= done
        self._scanned = max(0, self._scanned - done)

    def rewind(self) -> None:
        """Start again from the first unacknowledged record: the connection is a new one."""
        self._on_way = 0

    def _displace(self, record: Record) -> None:
        """Put `record` in the place of the next unmoved success.

        The search goes on where the last one ended: nothing expendable is added while the outbox
        is full, so that all searches together look at each record once.
        """
        at = self._expendable.find(1, max(self._scanned, self._numbered))
        if at < 0:
            self._scanned = len(self._records)
            return
        self._records[at] = write_record(record)
        self._expendable[at] = 0
        self._scanned = at + 1


def _expendable(record: Record) -> bool:
    return isinstance(record, AttemptRecord) and record.answered and record.number == 1

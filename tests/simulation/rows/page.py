"""The page `docs/rows.md`: what was measured in every row."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Final

from tools.docs_tables import table

from .row import Row

HEAD: Final = """# Rows: what health does about every fault, in virtual time

Written by `ROWS_WRITE=1 pytest -m "slow or not slow" tests/simulation/rows`, not by hand.
Each fault is played with the whole gateway: line, standings, probes and dialects.
Only sockets and time are simulated.
A row fails where its criterion is not met; the figures are those of the last writing.
Unless a fault says otherwise, there is a healthy target behind the one that goes wrong.
The same faults over real sockets, before every SDK: [faults](faults.md).
"""


def page_of(rows: Sequence[Row], measured: Mapping[str, str]) -> str:
    """Write the page.

    Args:
        rows: All of them.
        measured: By name.
    """
    parts = [HEAD]
    for row, plays in groupby(sorted(rows, key=_number), key=_number):
        shown = [(play.fault, play.passes, measured[play.name]) for play in plays]
        parts.append(f"\n## Row {row}\n\n{table(('fault', 'passes', 'measured'), shown)}")
    return "".join(parts)


def _number(row: Row) -> int:
    return int(row.row)

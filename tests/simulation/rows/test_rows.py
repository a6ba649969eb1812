"""Every row of the fault table that is about health, with the numbers of the table.

`ROWS_WRITE=1 pytest -m "slow or not slow" tests/simulation/rows` writes the page.
"""

import os
from pathlib import Path
from typing import Final

import pytest

from .page import page_of
from .row import Row
from .rows_clock import ROWS as CLOCK
from .rows_errors import ROWS as ERRORS
from .rows_limits import ROWS as LIMITS
from .rows_places import ROWS as PLACES
from .rows_recovery import ROWS as RECOVERY
from .rows_silence import ROWS as SILENCE
from .rows_slow import ROWS as SLOW

PAGE: Final = Path(__file__).parents[3] / "docs" / "rows.md"
ROWS: Final = [*ERRORS, *SILENCE, *LIMITS, *SLOW, *RECOVERY, *PLACES, *CLOCK]


def _param(row: Row) -> object:
    marks = [pytest.mark.slow, pytest.mark.timeout(300)] if row.slow else []
    return pytest.param(row, id=row.name, marks=marks)


@pytest.mark.parametrize("row", [_param(row) for row in ROWS])
def test_the_row_holds(row: Row, measured: dict[str, str]) -> None:
    measured[row.name] = row.run()


@pytest.mark.slow
def test_the_page_tells_of_every_row(measured: dict[str, str]) -> None:
    if os.environ.get("ROWS_WRITE") == "1":
        PAGE.write_text(page_of(ROWS, measured))

    page = PAGE.read_text()
    missing = [row.name for row in ROWS if f"| {row.fault} | {row.passes} |" not in page]
    assert missing == []

"""How long the gateway took to switch, as its own records tell."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from hotswap.ledger.rows import read_attempt

from .measure import Figures
from .setups import SWITCHING

STORE: Final = Path(".hotswap") / "hotswap.db"


def add(figures: Figures, folder: Path) -> None:
    """Add the switch times of the paced runs, from the store of a gateway that has ended."""
    times = sorted(_switch_times(folder / STORE))
    if times:
        figures.add("hotswap", "switch_p50", times[len(times) // 2] * 1000)
        figures.add("hotswap", "switch_p99", times[len(times) * 99 // 100] * 1000)


def _switch_times(path: Path) -> list[float]:
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT body FROM attempts WHERE chain = ?", (SWITCHING,))
        attempts = [read_attempt(row[0]) for row in rows]
    return [attempt.switch_s for attempt in attempts if attempt.switch_s is not None]

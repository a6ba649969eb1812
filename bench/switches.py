"""How long the gateway took to switch, as its own records tell."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from hotswap.ledger.rows import read_attempt

from . import load
from .figures import Bench
from .setups import hotswap
from .upstreams import FAULTS, SMALL, Chain

PACE: Final = 200.0
"""Requests per second at which the time of a switch is promised."""
PARKED: Final = "limited"
"""A target that said 429 is left alone for as long as it asked: every request needs a fresh one."""
STORE: Final = Path(".hotswap") / "hotswap.db"


def measure(bench: Bench, folder: Path) -> None:
    """Send requests whose primary fails, one kind of fault after the other."""
    parked = bench.chains[PARKED]
    each = round(PACE * bench.effort.switch_s)
    names = [f"{PARKED}-{number}" for number in range(each * bench.effort.rounds)]
    ours = [
        *(bench.chains[name] for name in (SMALL, *FAULTS) if name != PARKED),
        *(Chain(name, parked.ports, account=PARKED) for name in names),
    ]
    with hotswap(ours, folder, prefix=bench.cores.for_gateway()) as gateway:
        for number in range(bench.effort.rounds):
            for fault in FAULTS:
                fresh = names[each * number : each * (number + 1)]
                asked = fresh if fault == PARKED else [fault]
                cost = load.paced(
                    gateway, asked, bench.cores, rate=PACE, seconds=bench.effort.switch_s
                )
                bench.figures.note(gateway.name, f"{fault} at a steady pace", cost.failed)
    for fault in FAULTS:
        times = sorted(switch_times(folder / STORE, f"{fault}-%"))
        if times:
            bench.figures.add("hotswap", f"{fault}_switch_p50", times[len(times) // 2] * 1000)
            bench.figures.add(
                "hotswap", f"{fault}_switch_p99", times[len(times) * 99 // 100] * 1000
            )


def switch_times(path: Path, targets: str) -> Iterator[float]:
    """Yield how long each attempt took to be sent after the one before it had failed, in seconds.

    Args:
        path: Of the store.
        targets: Pattern of `LIKE` for the targets of the attempts.
    """
    with closing(sqlite3.connect(path)) as connection:
        rows: list[tuple[bytes]] = connection.execute(
            "SELECT body FROM attempts WHERE target LIKE ?", (targets,)
        ).fetchall()
    for (body,) in rows:
        switch_s = read_attempt(body).switch_s
        if switch_s is not None:
            yield switch_s

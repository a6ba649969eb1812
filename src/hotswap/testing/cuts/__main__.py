"""Cuts streams after every byte: all of them for the figures, or one to see what happens."""

import argparse
import multiprocessing
import os
import sys
import time
from pathlib import Path

from ..clock import VirtualClock
from ..loop import run_virtual
from .judge import Found, judge
from .page import figures, page
from .stage import Played, Stage
from .sweep import Result, everything, run
from .trial import Trial, trial_of


def main() -> int:
    """Run the command; 1: the promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m hotswap.testing.cuts", description=__doc__)
    parser.add_argument("--cut", help="play the cut of this key, as a failure tells it")
    parser.add_argument("--run", type=int, default=0, help="number of the run; 0: by the day")
    parser.add_argument("--share", type=int, default=1, help="only every so many part of it")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--page", type=Path, help="write the figures to this file")
    asked = parser.parse_args()
    if asked.cut is not None:
        return _one(trial_of(asked.cut))
    number = asked.run or int(time.strftime("%Y%m%d", time.gmtime()))
    began = time.perf_counter()
    result = Result()
    sweeps = list(everything(number))[:: asked.share]
    with multiprocessing.get_context("spawn").Pool(asked.processes) as pool:
        for done, part in enumerate(pool.imap_unordered(run, sweeps), 1):
            result.add(part)
            if done % 100 == 0:
                _say(f"{done} of {len(sweeps)} parts, {result.count():,} cuts")
    took_s = time.perf_counter() - began
    for line in (*figures(result, number, took_s, asked.processes), *result.told[:40]):
        _say(line)
    if asked.page is not None:
        asked.page.write_text(page(result, number, took_s, asked.processes))
    return 1 if result.told else 0


def _one(trial: Trial) -> int:
    clock = VirtualClock(1.0)

    async def play() -> tuple[Played, Found]:
        played = await Stage(clock).play(trial)
        return played, judge(trial, played)

    played, found = run_virtual(play(), clock)
    for begun, told in zip(played.begun, played.told, strict=True):
        _say(f"asked to go on after {begun!r}: {told!r}")
    for record in played.records:
        _say(f"attempt {record.number}: {record.cause} {record.detail} {record.bar}")
    _say(b"".join(played.exchange.body).decode(errors="replace"))
    _say(f"{found.verdict.value}: {found.words}")
    return 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

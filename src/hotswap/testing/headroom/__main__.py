"""Asks accounts with hard limits for twice as much as they can do, and says what became of it."""

import argparse
import multiprocessing
import os
import sys
import time
from pathlib import Path

from .cases import Case, Figures, cases, play, pooled
from .page import failures, page


def main() -> int:
    """Run the command; 1: the promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m hotswap.testing.headroom", description=__doc__)
    parser.add_argument("--seeds", type=int, default=4, help="runs of each case")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--page", type=Path, help="write the figures to this file")
    asked = parser.parse_args()
    began = time.perf_counter()
    jobs = [(case, seed) for case in cases() for seed in range(asked.seeds)]
    found: dict[Case, list[Figures]] = {}
    with multiprocessing.get_context("spawn").Pool(asked.processes) as pool:
        for (case, _), one in zip(jobs, pool.starmap(play, jobs, chunksize=4), strict=True):
            found.setdefault(case, []).append(one)
    figures = {case: pooled(several) for case, several in found.items()}
    text = page(figures, asked.seeds, time.perf_counter() - began)
    if asked.page is not None:
        asked.page.write_text(text)
    broken = list(failures(figures))
    for line in (text, *broken):
        sys.stdout.write(line + "\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())

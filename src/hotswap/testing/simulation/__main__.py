"""Simulates: many seeds for the figures, or one of them line by line."""

import argparse
import os
import sys
from pathlib import Path

from .page import figures, page
from .prove import prove
from .replay import told


def main() -> int:
    """Run the command; 1: a promise was broken."""
    parser = argparse.ArgumentParser(
        prog="python -m hotswap.testing.simulation", description=__doc__
    )
    parser.add_argument("--seed", type=int, help="tell this seed's story, made small if it fails")
    parser.add_argument("--whole", action="store_true", help="tell all of it, however large")
    parser.add_argument("--requests", type=int, default=1_000_000, help="simulate so many at least")
    parser.add_argument("--first", type=int, default=0, help="begin with this seed")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--page", type=Path, help="write the figures to this file")
    asked = parser.parse_args()
    if asked.seed is not None:
        kept = True
        for line in told(asked.seed, whole=asked.whole):
            _say(line)
            kept = line == "every promise was kept"
        return 0 if kept else 1
    proof = prove(asked.requests, asked.first, asked.processes, _say)
    for line in (*figures(proof), *proof.failures[:20]):
        _say(line)
    if asked.page is not None:
        asked.page.write_text(page(proof))
    return 1 if proof.failures else 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

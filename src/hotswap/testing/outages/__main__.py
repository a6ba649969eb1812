"""Replays outages: many seeds for the figures, or one of them line by line."""

import argparse
import os
import sys
from pathlib import Path

from .page import figures, page, tables, worth
from .prove import prove
from .replay import told

PAGE = Path("docs/availability.md")


def main() -> int:
    """Run the command; 1: a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m hotswap.testing.outages", description=__doc__)
    parser.add_argument("--seed", type=int, help="tell this seed's story")
    parser.add_argument("--days", type=float, default=30.0, help="of each seed")
    parser.add_argument("--seeds", type=int, default=20, help="how many; each plays one chain")
    parser.add_argument("--first", type=int, default=0, help="begin with this seed")
    parser.add_argument("--worth-days", type=float, default=4.0, help="of each trigger; 0: none")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--write", action="store_true", help=f"write the figures to {PAGE}")
    asked = parser.parse_args()
    if asked.seed is not None:
        for line in told(asked.seed, asked.days):
            _say(line)
        return 0
    seeds = range(asked.first, asked.first + asked.seeds)
    proof = prove(asked.days, seeds, asked.processes, _say, worth_days=asked.worth_days)
    for line in (*tables(proof), *worth(proof), *figures(proof), *proof.failures):
        _say(line)
    if asked.write:
        PAGE.write_text(page(proof))
    return 1 if proof.failures else 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

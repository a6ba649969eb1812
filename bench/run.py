"""Runs the whole bench: `python -m bench.run`, or `make bench`."""

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from . import switches, tree
from .machine import describe, ensure_tools, find_cores
from .measure import FULL, QUICK, Effort, Figures, measure
from .report import failures, page, table
from .setups import direct, hotswap, nginx, upstreams

PAGE: Final = Path(__file__).parent.parent / "docs" / "benchmarks.md"
SETTLE_S: Final = 1.0
"""Before the memory of an idle tree is read."""


def run(names: Sequence[str], effort: Effort) -> Figures:
    """Start everything, measure, stop everything."""
    cores = find_cores()
    # What is started without a core of its own, this process included, stays off the gateway's.
    os.sched_setaffinity(0, {cores.load})
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        _say("starting the scripted upstreams")
        chains = stack.enter_context(upstreams(cores))
        gateways = [direct(chains)]
        with ExitStack() as running:
            if "nginx" in names:
                gateways.append(
                    running.enter_context(nginx(chains, cores, _below(folder, "nginx")))
                )
            if "hotswap" in names:
                ours = hotswap(chains, cores, _below(folder, "hotswap"))
                gateways.append(running.enter_context(ours))
            time.sleep(SETTLE_S)
            idle = [(gateway, tree.rss_mib(gateway.pid)) for gateway in gateways if gateway.pid]
            figures = measure(gateways, cores, effort, _say)
        for gateway, rss in idle:
            figures.add(gateway.name, "rss", rss)
            figures.add(gateway.name, "start", gateway.start_s)
        if "hotswap" in names:
            switches.add(figures, folder / "hotswap")
    return figures


def main() -> None:
    """Measure, print the table, and keep the page where asked for or where it is a full run."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=...")
    parser.add_argument("--quick", action="store_true", help="one short round")
    parser.add_argument(
        "--page", type=Path, help="where the report goes; default: docs/benchmarks.md of a full run"
    )
    parser.add_argument(
        "--gateways", default="nginx,hotswap", help="which to measure, with a comma between"
    )
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, _leave)
    ensure_tools()
    names = options.gateways.split(",")
    figures = run(names, QUICK if options.quick else FULL)
    machine, failed = describe(), failures(figures)
    sys.stdout.write("\n".join([*machine, "", table(figures), "", *failed, ""]))
    kept: Path | None = options.page or (None if options.quick else PAGE)
    if kept is not None:
        kept.write_text(page(figures, machine, failed))


def _below(folder: Path, name: str) -> Path:
    below = folder / name
    below.mkdir()
    return below


def _leave(number: int, _frame: object) -> None:
    # As an exception, so that everything that was started is stopped.
    raise SystemExit(128 + number)


def _say(text: str) -> None:
    sys.stderr.write(f"bench: {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()

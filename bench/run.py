"""Runs the whole bench: `python -m bench.run`, or `make bench`."""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import hotswap as package
from hotswap.clock import SystemClock

from . import balance, growth, memory, splices, switches, translation, tree, workers
from .figures import FULL, QUICK, Bench, Effort, Figures
from .machine import compile_modules, describe, ensure_tools, find_cores, stop_on_sigterm
from .measure import ROUNDS, measure
from .report import failures, page, table
from .setups import below, direct, hotswap, nginx
from .upstreams import upstreams

PAGE: Final = Path(__file__).parent.parent / "docs" / "benchmarks.md"
SETTLE_S: Final = 1.0
"""Before the memory of an idle tree is read."""

Alone = Callable[[Bench, Path], None]
ALONE: Final[Mapping[str, Alone]] = {
    "switch": switches.measure,
    "splices": splices.measure,
    "translation": translation.measure,
    "growth": growth.measure,
    "workers": workers.measure,
    "memory": memory.measure,
    "balance": balance.measure,
}
"""What hotswap is measured by without others beside it, in gateways of its own."""
GROUPS: Final = (*ROUNDS, *ALONE)


def run(names: Collection[str], groups: Collection[str], effort: Effort) -> Figures:
    """Start everything, measure, stop everything."""
    cores = find_cores()
    # What is started without a core of its own, this process included, stays off the gateway's.
    os.sched_setaffinity(0, {cores.load})
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        _say("starting the scripted upstreams")
        bench = Bench(stack.enter_context(upstreams(cores)), cores, effort, Figures())
        if any(group in ROUNDS for group in groups):
            _race(names, groups, bench, folder)
        for group, alone in ALONE.items():
            if group in groups and "hotswap" in names:
                _say(group)
                alone(bench, below(folder, group))
        return bench.figures


def _race(names: Collection[str], groups: Collection[str], bench: Bench, folder: Path) -> None:
    """Measure all gateways in turn."""
    chains, cores = bench.chains, bench.cores
    gateways = [direct(chains.values())]
    with ExitStack() as running:
        if "nginx" in names:
            theirs = nginx(chains.values(), cores, below(folder, "nginx"))
            gateways.append(running.enter_context(theirs))
        if "hotswap" in names:
            ours = hotswap(chains.values(), below(folder, "hotswap"), prefix=cores.for_gateway())
            gateways.append(running.enter_context(ours))
        time.sleep(SETTLE_S)
        for gateway in gateways:
            if gateway.pid:
                bench.figures.add(gateway.name, "rss", tree.rss_mib(gateway.pid))
                bench.figures.add(gateway.name, "start", gateway.start_s)
        measure(gateways, groups, bench, _say)


def main() -> None:
    """Measure, print the table, and keep the page where asked for or where it is a full run."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=...")
    parser.add_argument("--quick", action="store_true", help="short rounds, most of them once")
    parser.add_argument(
        "--page", type=Path, help="where the report goes; default: docs/benchmarks.md of a full run"
    )
    parser.add_argument(
        "--gateways", default="nginx,hotswap", help="which to measure, with a comma between"
    )
    parser.add_argument(
        "--only", default=",".join(GROUPS), help=f"groups of measures: {', '.join(GROUPS)}"
    )
    options = parser.parse_args()
    names, groups = options.gateways.split(","), options.only.split(",")
    if unknown := set(groups) - set(GROUPS):
        parser.error(f"unknown group {', '.join(sorted(unknown))}; there are {', '.join(GROUPS)}")
    ensure_tools()
    compile_modules(Path(package.__file__).parent)
    stop_on_sigterm()
    start = SystemClock().now()
    figures = run(names, groups, QUICK if options.quick else FULL)
    _say(f"took {SystemClock().now() - start:.0f} s")
    machine, failed = describe(), failures(figures)
    sys.stdout.write("\n".join([*machine, "", table(figures), "", *failed, ""]))
    full = not options.quick and set(groups) == set(GROUPS)
    kept: Path | None = options.page or (PAGE if full else None)
    if kept is not None:
        kept.write_text(page(figures, machine, failed))


def _say(text: str) -> None:
    sys.stderr.write(f"bench: {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()

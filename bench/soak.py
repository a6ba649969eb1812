"""Proves that nothing grows with time: `python -m bench.soak`, or `make prove-soak`.

Two workers serve a steady, mixed load for half an hour. It fails when the memory of a process goes
on growing after the warm-up, when descriptors do not come back to what they were at rest, when a
process ends, or when a request fails whose caller did not leave.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from hotswap.clock import SystemClock
from hotswap.testing.step import Limit, Step

from . import load, mix
from .config import Setting
from .machine import Cores, describe, ensure_tools, find_cores, stop_on_sigterm
from .setups import Gateway, hotswap
from .soak_report import Soak, faults, page, report
from .trend import Watch
from .upstreams import FAULTS, SMALL, Chain, answer, provider

PAGE: Final = Path(__file__).parent.parent / "docs" / "soak.md"
WORKERS: Final = 2
LOOK_S: Final = 10.0
WARM: Final = 1 / 3
"""Share of the time in which pools and arenas may fill."""
WARM_MOST_S: Final = 600.0
SETTLE_S: Final = 5.0
"""Without a change of any process's descriptors, before any load."""
READY: Final = "hotswap is listening"
"""What the supervisor says as soon as all processes are ready; a worker answers before that."""
READY_S: Final = 60.0
REST_S: Final = 90.0
"""Until idle connections to providers must have been closed, which is after 50 s."""
FULL_MINUTES: Final = 30.0


class Plan(Struct, frozen=True, gc=False):
    """How long and how hard."""

    seconds: float
    rate: float
    aborts: float


def soak(plan: Plan) -> Soak:
    """Start everything, load it, watch it, stop everything."""
    cores = find_cores()
    os.sched_setaffinity(0, {cores.load})
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="soak-")))
        chains = stack.enter_context(_upstreams(cores))
        ours = hotswap(chains, folder, prefix=cores.for_both(), setting=Setting(workers=WORKERS))
        gateway = stack.enter_context(ours)
        watch = Watch(gateway.pid)
        _settle(watch, folder / "log")
        result = _load(gateway, cores, plan, watch)
        left_over = _rest(watch)
        store = sum(file.stat().st_size for file in (folder / ".hotswap").glob("hotswap.db*"))
    warm_s = min(WARM_MOST_S, plan.seconds * WARM)
    return Soak(plan.rate, warm_s, result, watch, left_over, store)


def main() -> None:
    """Soak, print the report, keep it where asked for or where it is long enough; exits 1."""
    parser = argparse.ArgumentParser(prog="make prove-soak ARGS=...")
    parser.add_argument("--minutes", type=float, default=FULL_MINUTES)
    parser.add_argument("--rate", type=float, default=2000.0, help="requests per second")
    parser.add_argument("--aborts", type=float, default=0.01, help="share of callers who leave")
    parser.add_argument(
        "--page", type=Path, help="where the report goes; default: docs/soak.md of a full run"
    )
    options = parser.parse_args()
    ensure_tools()
    stop_on_sigterm()
    outcome = soak(Plan(options.minutes * 60, options.rate, options.aborts))
    machine, wrong = describe(), faults(outcome)
    sys.stdout.write("\n".join([*machine, "", report(outcome), "", *wrong, ""]))
    kept: Path | None = options.page or (PAGE if options.minutes >= FULL_MINUTES else None)
    if kept is not None:
        kept.write_text(page(outcome, machine, wrong))
    sys.exit(1 if wrong else 0)


@contextmanager
def _upstreams(cores: Cores) -> Generator[list[Chain]]:
    brief = Step(text=(" word",) * (mix.BRIEF_EVENTS - 3), gap_s=mix.BRIEF_GAP_S)
    late = msgspec.structs.replace(answer(1024), first_byte_s=mix.LATE_S)
    steps = {"good": answer(1024), mix.BRIEF: brief, mix.LATE: late, "limited": answer(1024)}
    steps |= {name: step for name in ("failing", "closing") if (step := FAULTS[name])}
    with ExitStack() as stack:
        running = {
            name: stack.enter_context(provider(name, step, cores)) for name, step in steps.items()
        }
        # So it is throttled, probed, in a ramp and healthy again and again.
        running["limited"].set_limit(Limit(requests=5, window_s=1.0))
        good = running["good"].port
        alike = (mix.BRIEF, mix.LATE)
        yield [
            Chain(SMALL, (good, good)),
            *(Chain(name, (running[name].port,) * 2) for name in alike),
            *(Chain(name, (running[name].port, good)) for name in FAULTS if name in running),
        ]


def _load(gateway: Gateway, cores: Cores, plan: Plan, watch: Watch) -> mix.Result:
    words = (*cores.for_load(), sys.executable, "-m", "bench.mix", gateway.url)
    numbers = (f"--rate={plan.rate}", f"--seconds={plan.seconds}", f"--aborts={plan.aborts}")
    now = SystemClock().now
    start = now()

    def look() -> None:
        watch.look(now() - start)
        _say(watch)

    # Where the machine is too slow for the pace, the requests go on until all were sent.
    output = load.run((*words, *numbers), look, look_s=LOOK_S, limit_s=2 * plan.seconds + 60)
    return msgspec.json.decode(output, type=mix.Result)


def _settle(watch: Watch, log: Path) -> None:
    """Wait until everything has started, and remember the descriptors of that moment."""
    now = SystemClock().now
    until = now() + READY_S
    quiet_at = now() + SETTLE_S
    while now() < quiet_at or READY not in log.read_text():
        if now() >= until:
            raise SystemExit(f"soak: the gateway does not settle\n{log.read_text()[-2000:]}")
        before = dict(watch.base)
        watch.rest()
        if watch.base != before:
            quiet_at = now() + SETTLE_S
        time.sleep(0.5)


def _rest(watch: Watch) -> dict[int, int]:
    """Wait for the descriptors to come back; return those that do not."""
    now = SystemClock().now
    until = now() + REST_S
    while (left_over := watch.left_over()) and now() < until:
        time.sleep(1)
    return left_over


def _say(watch: Watch) -> None:
    latest = {watch.names[pid]: samples[-1] for pid, samples in watch.samples.items()}
    at = max(sample.at for sample in latest.values())
    sizes = ", ".join(f"{name} {sample.rss_mib:.1f} MiB" for name, sample in latest.items())
    sys.stderr.write(f"soak: {at:.0f} s: {sizes}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()

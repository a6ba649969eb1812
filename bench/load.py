"""Puts load on a gateway from the other core and says what it cost and how long it took."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from hotswap.clock import SystemClock

from . import paced as pace
from . import streams, tree
from .machine import Cores
from .setups import Gateway

SCRIPT: Final = Path(__file__).with_name("load.lua")
LIMIT_S: Final = 60.0
"""No run may last longer."""
LOOK_S: Final = 0.5
"""How often the memory is looked at while streams are read."""


class Cost(Struct, frozen=True, gc=False):
    """One run of plain requests."""

    requests: int
    rps: float
    cpu_us: float
    """CPU of the gateway's process tree per request."""
    busiest_us: float
    """The same of its busiest process alone."""
    p50_ms: float
    p99_ms: float
    failed: float
    """Share of requests without a good answer."""


class StreamCost(Struct, frozen=True, gc=False):
    """One run of streams."""

    cpu_us: float
    """CPU of the gateway's process tree per stream."""
    busiest_us: float
    """The same of its busiest process alone."""
    first_p50_ms: float
    first_p99_ms: float
    failed: float
    rss_mib: float
    """Of the gateway's process tree, at its largest."""


class PacedCost(Struct, frozen=True, gc=False):
    """One run at a steady pace."""

    cpu_us: float
    """CPU of the gateway's process tree per request."""
    failed: float


class _Summary(Struct, frozen=True, gc=False):
    requests: int
    seconds: float
    failed: int
    p50_ms: float
    p99_ms: float


def requests(
    gateway: Gateway,
    chains: Sequence[str],
    cores: Cores,
    *,
    connections: int,
    size: int,
    seconds: float,
    keys: int = 1,
    heads: int = 1,
) -> Cost:
    """Send chat requests of `size` bytes as fast as they are answered.

    Args:
        gateway: Takes them.
        chains: Asked in turn; all behind one URL.
        cores: Where the load runs.
        connections: Kept open, each with one request at a time.
        size: Bytes of a body.
        seconds: How long.
        keys: Callers' keys that are used in turn.
        heads: Different heads that are sent in turn.
    """
    command = (*cores.for_load(), "wrk", "-t1", f"-c{connections}", f"-d{seconds:.0f}s")
    words = ("--", ",".join(chains), str(size), str(keys), str(heads))
    meter = tree.Meter(gateway.pid)
    output = run((*command, "--timeout", "10s", "-s", str(SCRIPT), gateway.urls[chains[0]], *words))
    used = meter.read()
    summary = msgspec.json.decode(output.splitlines()[-1], type=_Summary)
    count = max(summary.requests, 1)
    return Cost(
        summary.requests,
        summary.requests / summary.seconds,
        used.tree_s * 1e6 / count,
        used.busiest_s * 1e6 / count,
        summary.p50_ms,
        summary.p99_ms,
        summary.failed / count,
    )


def read_streams(
    gateway: Gateway, chain: str, cores: Cores, *, slots: int, seconds: float
) -> StreamCost:
    """Read so many streams at a time, one after the other."""
    words = (sys.executable, "-m", "bench.streams", gateway.urls[chain], chain)
    numbers = ("--slots", str(slots), "--seconds", str(seconds))
    meter = tree.Meter(gateway.pid)
    peaks = [0.0]
    output = run(
        (*cores.for_load(), *words, *numbers), lambda: peaks.append(tree.rss_mib(gateway.pid))
    )
    used = meter.read()
    result = msgspec.json.decode(output, type=streams.Result)
    whole = max(result.streams, 1)
    return StreamCost(
        used.tree_s * 1e6 / whole,
        used.busiest_s * 1e6 / whole,
        result.first_p50_ms,
        result.first_p99_ms,
        result.failed / (whole + result.failed),
        max(peaks),
    )


def paced(
    gateway: Gateway, chains: Sequence[str], cores: Cores, *, rate: float, seconds: float
) -> PacedCost:
    """Send `rate` requests per second to the chains in turn."""
    words = (sys.executable, "-m", "bench.paced", gateway.urls[chains[0]], ",".join(chains))
    numbers = ("--rate", str(rate), "--seconds", str(seconds))
    meter = tree.Meter(gateway.pid)
    output = run((*cores.for_load(), *words, *numbers))
    used = meter.read()
    result = msgspec.json.decode(output, type=pace.Result)
    count = max(result.requests, 1)
    return PacedCost(used.tree_s * 1e6 / count, result.failed / count)


def _nothing() -> None:
    """Look at nothing meanwhile."""


def run(
    command: tuple[str, ...],
    look: Callable[[], None] = _nothing,
    *,
    look_s: float = LOOK_S,
    limit_s: float = LIMIT_S,
) -> str:
    """Run a command that puts load on something and return what it printed; exits if it fails.

    Args:
        command: Words of our own.
        look: Called at the beginning and then again and again.
        look_s: Between two looks.
        limit_s: The command is killed if it lasts longer.
    """
    now = SystemClock().now
    until = now() + limit_s
    with subprocess.Popen(  # noqa: S603 - words of our own
        command,
        cwd=SCRIPT.parent.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            while now() < until and process.poll() is None:
                look()
                with suppress(subprocess.TimeoutExpired):
                    process.wait(look_s)
        finally:
            process.kill()
        output = process.stdout.read() if process.stdout is not None else ""
    if process.returncode != 0 or not output:
        raise SystemExit(f"bench: {' '.join(command[:6])} failed: {output}")
    return output

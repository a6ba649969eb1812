"""Puts load on a gateway from the other core and says what it cost and how long it took."""

import subprocess
import sys
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from . import paced as pace
from . import streams, tree
from .machine import Cores
from .setups import EVENTS, Gateway

SCRIPT: Final = Path(__file__).with_name("load.lua")
GRACE_S: Final = 20.0


class Cost(Struct, frozen=True, gc=False):
    """One run of plain requests."""

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
    """CPU of the gateway's process tree per event."""
    busiest_us: float
    """The same of its busiest process alone."""
    first_p50_ms: float
    first_p99_ms: float
    failed: float


class _Summary(Struct, frozen=True, gc=False):
    requests: int
    seconds: float
    failed: int
    p50_ms: float
    p99_ms: float


def requests(
    gateway: Gateway, chain: str, cores: Cores, *, connections: int, size: int, seconds: float
) -> Cost:
    """Send chat requests of `size` bytes as fast as they are answered."""
    command = (*cores.for_load(), "wrk", "-t1", f"-c{connections}", f"-d{seconds:.0f}s")
    script = ("-s", str(SCRIPT), gateway.urls[chain], "--", chain, str(size))
    meter = tree.Meter(gateway.pid)
    output = _run((*command, "--timeout", "10s", *script), seconds)
    used = meter.read()
    summary = msgspec.json.decode(output.splitlines()[-1], type=_Summary)
    count = max(summary.requests, 1)
    return Cost(
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
    output = _run((*cores.for_load(), *words, *numbers), seconds)
    used = meter.read()
    result = msgspec.json.decode(output, type=streams.Result)
    whole = max(result.streams, 1)
    return StreamCost(
        used.tree_s * 1e6 / (whole * EVENTS),
        used.busiest_s * 1e6 / (whole * EVENTS),
        result.first_p50_ms,
        result.first_p99_ms,
        result.failed / (whole + result.failed),
    )


def paced(gateway: Gateway, chain: str, cores: Cores, *, rate: float, seconds: float) -> float:
    """Send `rate` requests per second; return the share of those that failed."""
    words = (sys.executable, "-m", "bench.paced", gateway.urls[chain], chain)
    numbers = ("--rate", str(rate), "--seconds", str(seconds))
    output = _run((*cores.for_load(), *words, *numbers), seconds)
    result = msgspec.json.decode(output, type=pace.Result)
    return result.failed / max(result.requests, 1)


def _run(command: tuple[str, ...], seconds: float) -> str:
    root = SCRIPT.parent.parent
    done = subprocess.run(  # noqa: S603 - words of our own
        command, cwd=root, capture_output=True, text=True, timeout=seconds + GRACE_S, check=False
    )
    if done.returncode != 0 or not done.stdout:
        raise SystemExit(f"bench: {command[3]} failed: {done.stderr.strip() or done.stdout}")
    return done.stdout

"""The rounds: every gateway after the other, the same measures in the same order."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

from . import load
from .figures import Bench
from .setups import Gateway
from .upstreams import EVENTS, FAULTS, SLOW, SLOW_S, SMALL, STREAM

KIB: Final = 1024
CONNECTIONS: Final = 64
SLOTS: Final = 200
CROWD: Final = 1000
"""Slow streams at one time."""

Say = Callable[[str], None]
Step = Callable[[Gateway, Bench], None]


def measure(
    gateways: Sequence[Gateway],
    groups: Collection[str],
    bench: Bench,
    say: Say,
) -> None:
    """Go through all rounds of those groups of `ROUNDS`."""
    steps = [step for group in ROUNDS if group in groups for step in ROUNDS[group]]
    effort, figures = bench.effort, bench.figures
    for number in range(1, effort.rounds + 1):
        say(f"round {number} of {effort.rounds}")
        for step in steps:
            if step is _crowd and number > effort.slow_rounds:
                continue
            # One after the other in short turns: what else the machine does hits all alike.
            for gateway in gateways:
                step(gateway, bench)
    for gateway in gateways:
        for name in ("one", *FAULTS):
            if gateway.pid:
                for value in figures.added(gateway.name, f"{name}_p50", "one_p50"):
                    figures.add(gateway.name, f"{name}_added", value)


def _small(gateway: Gateway, bench: Bench) -> None:
    _plain(gateway, bench, name="small", size=KIB)


def _big(gateway: Gateway, bench: Bench) -> None:
    _plain(gateway, bench, name="big", size=100 * KIB)


def _plain(gateway: Gateway, bench: Bench, *, name: str, size: int) -> None:
    cost = load.requests(
        gateway,
        [SMALL],
        bench.cores,
        connections=CONNECTIONS,
        size=size,
        seconds=bench.effort.plain_s,
    )
    bench.figures.add(gateway.name, f"{name}_rps", cost.rps)
    bench.figures.add(gateway.name, f"{name}_cpu", cost.cpu_us)
    bench.figures.add(gateway.name, f"{name}_busiest", cost.busiest_us)
    bench.figures.add(gateway.name, f"{name}_p99", cost.p99_ms)
    bench.figures.note(gateway.name, name, cost.failed)


def _one(gateway: Gateway, bench: Bench) -> None:
    _single(gateway, SMALL, bench)


def _faults(gateway: Gateway, bench: Bench) -> None:
    if not gateway.pid:
        return
    for name in FAULTS:
        _single(gateway, name, bench)
    for name in ("limited", "failing", "closing"):
        cost = load.requests(
            gateway,
            [name],
            bench.cores,
            connections=CONNECTIONS,
            size=KIB,
            seconds=bench.effort.single_s,
        )
        bench.figures.add(gateway.name, f"{name}_rps", cost.rps)
        bench.figures.note(gateway.name, name, cost.failed)


def _single(gateway: Gateway, chain: str, bench: Bench) -> None:
    cost = load.requests(
        gateway, [chain], bench.cores, connections=1, size=KIB, seconds=bench.effort.single_s
    )
    bench.figures.add(gateway.name, f"{'one' if chain == SMALL else chain}_p50", cost.p50_ms)
    bench.figures.note(gateway.name, chain, cost.failed)


def _streams(gateway: Gateway, bench: Bench) -> None:
    cost = load.read_streams(
        gateway, STREAM, bench.cores, slots=SLOTS, seconds=bench.effort.stream_s
    )
    bench.figures.add(gateway.name, "stream_cpu", cost.cpu_us / EVENTS)
    bench.figures.add(gateway.name, "stream_busiest", cost.busiest_us / EVENTS)
    bench.figures.add(gateway.name, "stream_first_p50", cost.first_p50_ms)
    bench.figures.add(gateway.name, "stream_first_p99", cost.first_p99_ms)
    bench.figures.add(gateway.name, "stream_rss", cost.rss_mib)
    bench.figures.note(gateway.name, STREAM, cost.failed)


def _crowd(gateway: Gateway, bench: Bench) -> None:
    # All of them last longer than it takes to begin them, so each slot reads exactly one.
    cost = load.read_streams(gateway, SLOW, bench.cores, slots=CROWD, seconds=SLOW_S)
    bench.figures.add(gateway.name, "slow_first_p50", cost.first_p50_ms)
    bench.figures.add(gateway.name, "slow_first_p99", cost.first_p99_ms)
    bench.figures.add(gateway.name, "slow_rss", cost.rss_mib)
    bench.figures.note(gateway.name, SLOW, cost.failed)


ROUNDS: Final[Mapping[str, Sequence[Step]]] = {
    "plain": (_small, _big, _one),
    "faults": (_faults,),
    "streams": (_streams,),
    "slow": (_crowd,),
}
"""What every gateway is measured by, in groups."""

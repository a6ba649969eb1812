"""The rounds: every gateway after the other, the same measures in the same order."""

from collections.abc import Callable, Sequence
from statistics import median
from typing import Final

from msgspec import Struct

from . import load
from .machine import Cores
from .setups import FAULTS, SMALL, STREAM, SWITCHING, Gateway

KIB: Final = 1024
PACE: Final = 200.0
"""Requests per second at which the time of a switch is promised."""


class Effort(Struct, frozen=True, gc=False):
    """How much is measured."""

    rounds: int
    plain_s: float
    """Of each run with 64 connections."""
    single_s: float
    """Of each run with one connection."""
    stream_s: float
    slots: int = 200


FULL = Effort(rounds=5, plain_s=2, single_s=1, stream_s=2)
QUICK = Effort(rounds=1, plain_s=1, single_s=1, stream_s=1.5)

Say = Callable[[str], None]


class Figures:
    """What was measured, by gateway and measure, one value per round."""

    __slots__ = ("_values", "failed")

    def __init__(self) -> None:
        self._values: dict[tuple[str, str], list[float]] = {}
        self.failed: dict[str, float] = {}
        """Largest share of failed requests, by gateway and chain."""

    def add(self, gateway: str, measure: str, value: float) -> None:
        """Remember a value of this round."""
        self._values.setdefault((gateway, measure), []).append(value)

    def note(self, gateway: str, chain: str, failed: float) -> None:
        """Remember that requests failed."""
        if failed > 0:
            place = f"{gateway}, {chain}"
            self.failed[place] = max(failed, self.failed.get(place, 0.0))

    def middle(self, gateway: str, measure: str) -> float | None:
        """Return the median over the rounds; None: not measured."""
        values = self._values.get((gateway, measure))
        return median(values) if values else None

    def ratio(self, gateway: str, other: str, measure: str) -> float | None:
        """Return the median over the rounds of one gateway's value through another's."""
        ours, theirs = self._values.get((gateway, measure)), self._values.get((other, measure))
        if not ours or not theirs or min(theirs) <= 0:
            return None
        return median(a / b for a, b in zip(ours, theirs, strict=False))

    def added(self, gateway: str, measure: str, base: str) -> list[float]:
        """Return round by round how much more `measure` is than `base` is without a gateway."""
        ours, bare = self._values[gateway, measure], self._values["direct", base]
        return [max(a - b, 0.001) for a, b in zip(ours, bare, strict=False)]


def measure(gateways: Sequence[Gateway], cores: Cores, effort: Effort, say: Say) -> Figures:
    """Go through all rounds."""
    figures = Figures()
    for number in range(1, effort.rounds + 1):
        say(f"round {number} of {effort.rounds}")
        for step in (_small, _big, _one, _faults, _streams):
            # One after the other in short turns: what else the machine does hits all alike.
            for gateway in gateways:
                step(gateway, cores, effort, figures)
    for gateway in gateways:
        for name in ("one", *FAULTS):
            if gateway.pid:
                for value in figures.added(gateway.name, f"{name}_p50", "one_p50"):
                    figures.add(gateway.name, f"{name}_added", value)
    return figures


def _small(gateway: Gateway, cores: Cores, effort: Effort, figures: Figures) -> None:
    _plain(gateway, cores, effort, figures, name="small", size=KIB)


def _big(gateway: Gateway, cores: Cores, effort: Effort, figures: Figures) -> None:
    _plain(gateway, cores, effort, figures, name="big", size=100 * KIB)


def _plain(
    gateway: Gateway, cores: Cores, effort: Effort, figures: Figures, *, name: str, size: int
) -> None:
    cost = load.requests(gateway, SMALL, cores, connections=64, size=size, seconds=effort.plain_s)
    figures.add(gateway.name, f"{name}_rps", cost.rps)
    figures.add(gateway.name, f"{name}_cpu", cost.cpu_us)
    figures.add(gateway.name, f"{name}_busiest", cost.busiest_us)
    figures.add(gateway.name, f"{name}_p99", cost.p99_ms)
    figures.note(gateway.name, name, cost.failed)


def _one(gateway: Gateway, cores: Cores, effort: Effort, figures: Figures) -> None:
    _single(gateway, SMALL, cores, effort, figures)


def _faults(gateway: Gateway, cores: Cores, effort: Effort, figures: Figures) -> None:
    if not gateway.pid:
        return
    for name in FAULTS:
        _single(gateway, name, cores, effort, figures)
    for name in ("limited", "failing", "closing"):
        cost = load.requests(
            gateway, name, cores, connections=64, size=KIB, seconds=effort.single_s
        )
        figures.add(gateway.name, f"{name}_rps", cost.rps)
        figures.note(gateway.name, name, cost.failed)
    failed = load.paced(gateway, SWITCHING, cores, rate=PACE, seconds=effort.single_s)
    figures.note(gateway.name, SWITCHING, failed)


def _single(gateway: Gateway, chain: str, cores: Cores, effort: Effort, figures: Figures) -> None:
    cost = load.requests(gateway, chain, cores, connections=1, size=KIB, seconds=effort.single_s)
    figures.add(gateway.name, f"{'one' if chain == SMALL else chain}_p50", cost.p50_ms)
    figures.note(gateway.name, chain, cost.failed)


def _streams(gateway: Gateway, cores: Cores, effort: Effort, figures: Figures) -> None:
    cost = load.read_streams(gateway, STREAM, cores, slots=effort.slots, seconds=effort.stream_s)
    figures.add(gateway.name, "stream_cpu", cost.cpu_us)
    figures.add(gateway.name, "stream_busiest", cost.busiest_us)
    figures.add(gateway.name, "stream_first_p50", cost.first_p50_ms)
    figures.add(gateway.name, "stream_first_p99", cost.first_p99_ms)
    figures.note(gateway.name, STREAM, cost.failed)

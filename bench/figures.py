"""How much is measured, with what, and what was measured."""

from collections.abc import Mapping
from statistics import median
from typing import Final

from msgspec import Struct

from .machine import Cores
from .upstreams import Chain


class Effort(Struct, frozen=True, gc=False):
    """How much is measured."""

    rounds: int
    plain_s: float
    """Of each run with 64 connections."""
    single_s: float
    """Of each run with one connection."""
    stream_s: float
    slow_rounds: int
    """Of those with 1,000 slow streams."""
    switch_s: float
    """For each kind of fault, in each of `rounds`, at 200 requests/s."""
    pairs: int
    """Runs of each gateway where hotswap is compared with itself, of a second each."""
    spreads: int
    """How often connections are spread over two workers."""
    flat: int
    """Requests after which memory must have stopped growing; a tenth of them warms up."""


FULL: Final = Effort(
    rounds=5,
    plain_s=2,
    single_s=1,
    stream_s=2,
    slow_rounds=2,
    switch_s=1,
    pairs=16,
    spreads=9,
    flat=200_000,
)
QUICK: Final = Effort(
    rounds=1,
    plain_s=1,
    single_s=1,
    stream_s=1.5,
    slow_rounds=1,
    switch_s=1,
    pairs=2,
    spreads=1,
    flat=10_000,
)


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
        ours, bare = self._values.get((gateway, measure), []), self._values.get(("direct", base))
        return [max(a - b, 0.001) for a, b in zip(ours, bare or [], strict=False)]


class Bench(Struct, frozen=True):
    """What every measure needs."""

    chains: Mapping[str, Chain]
    """By name; their scripted upstreams run."""
    cores: Cores
    effort: Effort
    figures: Figures

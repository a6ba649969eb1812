"""Memory and descriptors of processes over time, and whether they grow."""

from collections.abc import Sequence
from contextlib import suppress
from statistics import linear_regression
from typing import Final

from msgspec import Struct

from . import tree

HOUR_S: Final = 3600.0


class Sample(Struct, frozen=True, gc=False):
    """One look at one process."""

    at: float
    """Seconds since the load began."""
    rss_mib: float
    descriptors: int


class Watch:
    """The processes of one tree, looked at again and again."""

    def __init__(self, root: int) -> None:
        self._root = root
        self.names: dict[int, str] = {}
        self.samples: dict[int, list[Sample]] = {}
        self.base: dict[int, int] = {}
        """Descriptors at rest, before any load."""

    def rest(self) -> None:
        """Remember the descriptors of a tree without load."""
        for reading in tree.members(self._root):
            self.names[reading.pid] = self._name(reading)
            self.base[reading.pid] = tree.descriptors(reading.pid)

    def look(self, at: float) -> None:
        """Take one sample of every process, those that came later included."""
        for reading in tree.members(self._root):
            self.names.setdefault(reading.pid, f"{self._name(reading)} (came later)")
            with suppress(OSError):  # it ended in between
                rss, descriptors = tree.exact_rss_mib(reading.pid), tree.descriptors(reading.pid)
                self.samples.setdefault(reading.pid, []).append(Sample(at, rss, descriptors))

    def left_over(self) -> dict[int, int]:
        """Return by process how many descriptors are open now that were not at rest."""
        there = {reading.pid for reading in tree.members(self._root)} & self.base.keys()
        more = {pid: tree.descriptors(pid) - self.base[pid] for pid in there}
        return {pid: count for pid, count in more.items() if count > 0}

    def _name(self, reading: tree.Reading) -> str:
        # Children are called "worker 0 hotswap", as far as that fits into 15 bytes.
        return "supervisor" if reading.pid == self._root else reading.name.partition(" hots")[0]


class Trend(Struct, frozen=True, gc=False):
    """How the memory of one process went."""

    start_mib: float
    end_mib: float
    most_mib: float
    slope: float
    """MiB per hour, by least squares over what comes after the warm-up."""
    growth_mib: float
    """By how much that line rises from the end of the warm-up to the last sample."""


def trend(samples: Sequence[Sample], warm_s: float) -> Trend:
    """Judge the samples of one process; there are at least two after `warm_s`."""
    late = [sample for sample in samples if sample.at >= warm_s]
    times, sizes = [sample.at / HOUR_S for sample in late], [sample.rss_mib for sample in late]
    slope = linear_regression(times, sizes).slope
    return Trend(
        samples[0].rss_mib,
        samples[-1].rss_mib,
        max(sample.rss_mib for sample in samples),
        slope,
        slope * (times[-1] - times[0]),
    )

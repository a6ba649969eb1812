"""What a replay amounts to, in numbers; those of several worlds can be added."""

from collections import Counter
from math import exp, log
from typing import Final

from msgspec import Struct, field

_PER_LOG: Final = 50.0
"""Times are kept to 2 %."""
_LEAST_S: Final = 0.001


class Times:
    """A histogram of durations."""

    __slots__ = ("buckets", "count")

    def __init__(self) -> None:
        self.buckets: Counter[int] = Counter()
        self.count = 0

    def add(self, seconds: float) -> None:
        """Take one."""
        self.buckets[int(log(seconds / _LEAST_S) * _PER_LOG) if seconds > _LEAST_S else 0] += 1
        self.count += 1

    def merge(self, other: "Times") -> None:
        """Take those of another one."""
        self.buckets.update(other.buckets)
        self.count += other.count

    def quantile(self, share: float) -> float:
        """Return the duration below which `share` of them lie; 0.0: there is none."""
        wanted, seen = share * self.count, 0
        for bucket in sorted(self.buckets):
            seen += self.buckets[bucket]
            if seen >= wanted:
                return _LEAST_S * exp((bucket + 0.5) / _PER_LOG)
        return 0.0


class Worst(Struct, frozen=True, gc=False):
    """The minute with the most calls per request."""

    calls: float = 0.0
    """Per request, probes included."""
    at: float = 0.0
    """Its end."""
    seed: int = -1


class Minutes(Struct):
    """Minutes of one kind, one for each arrival: they overlap."""

    count: int = 0
    over: int = 0
    """With more than 1.5 calls per request."""
    over_without: int = 0
    """The same, probes not counted."""
    calls: int = 0
    requests: int = 0
    """Of all of them: their quotient is the mean."""
    worst: Worst = field(default_factory=Worst)
    worst_without: Worst = field(default_factory=Worst)

    @property
    def mean(self) -> float:
        """Return the calls per request of all of them."""
        return self.calls / self.requests if self.requests else 0.0

    def add(self, other: "Minutes") -> None:
        """Add those of another world."""
        for name in ("count", "over", "over_without", "calls", "requests"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.worst = max(self.worst, other.worst, key=lambda worst: worst.calls)
        self.worst_without = max(
            self.worst_without, other.worst_without, key=lambda worst: worst.calls
        )


class Tally(Struct):
    """What became of the requests of one chain."""

    requests: int = 0
    answered: int = 0
    attempts: int = 0
    probes: int = 0
    most_probes: int = 0
    """Probes of one target at a time."""
    moved: int = 0
    """Answered after a failed attempt."""
    spliced: int = 0
    """Answered in spite of a break."""
    delayed: int = 0
    """Answered by an attempt that began more than 2 s after the request came."""
    lost: Counter[str] = field(default_factory=Counter[str])
    """By how the last attempt failed."""
    carried: Counter[str] = field(default_factory=Counter[str])
    """Answers by target."""
    first: Times = field(default_factory=Times)
    """From a request's arrival to its first content."""
    single: Minutes = field(default_factory=Minutes)
    """One vendor is out."""
    several: Minutes = field(default_factory=Minutes)
    """Several vendors are out, but not all."""
    dark: Minutes = field(default_factory=Minutes)
    """For some time no vendor takes anything."""
    calm: Minutes = field(default_factory=Minutes)
    """No vendor is out."""
    opened: Times = field(default_factory=Times)
    """How long targets stayed open."""
    longest_open_s: float = 0.0
    streak_s: float = 0.0
    """The longest time in which every request that came was lost."""
    outages: int = 0
    """That the vendors of its worlds had."""

    def add(self, other: "Tally") -> None:
        """Add what became of others."""
        for name in (
            "requests",
            "answered",
            "attempts",
            "probes",
            "moved",
            "spliced",
            "delayed",
            "outages",
        ):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("most_probes", "longest_open_s", "streak_s"):
            setattr(self, name, max(getattr(self, name), getattr(other, name)))
        self.lost.update(other.lost)
        self.carried.update(other.carried)
        self.first.merge(other.first)
        self.opened.merge(other.opened)
        self.single.add(other.single)
        self.several.add(other.several)
        self.dark.add(other.dark)
        self.calm.add(other.calm)

    @property
    def partial(self) -> Minutes:
        """Return the minutes in which some vendors are out, but not all."""
        both = Minutes()
        both.add(self.single)
        both.add(self.several)
        return both

    @property
    def share(self) -> float:
        """Return the share of the requests that were answered."""
        return self.answered / self.requests if self.requests else 1.0

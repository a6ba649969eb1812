"""What a story amounts to: promises that were not kept, lives of requests, numbers."""

from collections import Counter

from msgspec import Struct, field

from ...core.terms import Chain
from ...ledger.record import AttemptRecord
from .caller import SimExchange
from .providers import Visit
from .scenario import Wish


class Broken(Struct, frozen=True):
    """A promise that was not kept."""

    promise: str
    """I1 to I12, `deadline` or `bug`."""
    words: str
    at: float


class Tally(Struct):
    """What happened, in numbers; those of several stories can be added."""

    requests: int = 0
    calls: int = 0
    """Visits of user requests."""
    probes: int = 0
    virtual_s: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter[str])
    troubles: Counter[str] = field(default_factory=Counter[str])
    manners: Counter[str] = field(default_factory=Counter[str])
    """Visits that were asked to go on, by the target's manner."""
    cuts: int = 0
    """Plain-text streams that broke after content, where splices are on and may help."""
    healed: int = 0
    left_over: int = 0
    """Those that were not healed although a healthy target was left."""

    def add(self, other: "Tally") -> None:
        """Add the numbers of another story."""
        for name in ("requests", "calls", "probes", "virtual_s", "cuts", "healed", "left_over"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.outcomes.update(other.outcomes)
        self.troubles.update(other.troubles)
        self.manners.update(other.manners)


class Life(Struct):
    """One request from its begin to its end."""

    wish: Wish
    exchange: SimExchange
    chain: Chain
    begun_at: float
    panic: bool
    """When it was planned, nothing was eligible."""
    visits: list[Visit] = field(default_factory=list[Visit])
    records: list[AttemptRecord] = field(default_factory=list[AttemptRecord])

    @property
    def deadline_s(self) -> float:
        """How long it may take."""
        total_s = self.chain.timeouts.total_s
        asked = self.wish.deadline_ms
        return total_s if asked is None else min(total_s, asked / 1000)

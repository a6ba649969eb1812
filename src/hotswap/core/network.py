"""Whether our own network is down: then nobody else is to blame.

A host that can not be found or reached, a connection that is not ready in time and an attempt
without a single byte look the same whether the provider is dead or our own line. What tells them
apart is everybody else: when two vendors at least fail like that, and nobody has given a sign of
life since, it is us. A refusal, a reset, an alert and any status are signs of life of the network.
With one vendor only it can not be told, and the target is blamed.
"""

from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import Final, Protocol

from .change import Change, Reason
from .terms import Cause, Failure, Scope

UP: Final = "up"
DOWN: Final = "down"
_VENDORS: Final = 2
_SETTLE_S: Final = 2.0
"""After a second vendor failed, the next one that is asked has so long to show a sign of life.
Meanwhile failures count; the verdict takes them back."""
_STALL_S: Final = 1.0
"""A tick that comes so late tells that this process stood still."""
_AFTER_STALL_S: Final = 5.0
"""So long after this process stood still, what began before may still run into its limits."""
_UNREACHED: Final = frozenset({"dns", "connect", "timeout"})
"""Details of failures below HTTP that our own side can be the reason of."""
_OURS: Final = _UNREACHED | {"address", "proxy"}
"""Details that are no sign of life either."""


class Witness(Protocol):
    """What one target tells of the network."""

    heard_at: float
    """When a byte came last."""

    @property
    def newest_at(self) -> float:
        """When the newest attempt in flight began; minus infinity: there is none."""
        ...


class Network:
    """Our own side of all connections."""

    __slots__ = (
        "_alive_at",
        "_changes",
        "_doubts",
        "_first_at",
        "_on_down",
        "_second_at",
        "_stalled_until",
        "_tick_at",
        "_vendors",
        "_witnesses",
        "down",
    )

    def __init__(self, changes: list[Change], on_down: Callable[[float, float], None]) -> None:
        self._changes = changes
        self._on_down = on_down
        """Takes back what was concluded since a moment; hears that moment and now."""
        self._vendors: Mapping[str, str] = {}
        self._witnesses: Mapping[str, Sequence[Witness]] = {}
        self._doubts: set[str] = set()
        """Vendors that failed as if the network were down, since the last sign of life."""
        self._first_at = 0.0
        self._second_at = 0.0
        self._alive_at = -inf
        """The last sign of life that was no byte."""
        self._stalled_until = -inf
        self._tick_at = inf
        self.down = False

    def adopt(
        self, vendors: Mapping[str, str], witnesses: Mapping[str, Witness], now: float
    ) -> None:
        """Go by a new configuration: the vendor of each target, and who tells of it.

        Where none of the vendors in doubt is left, nothing speaks against our network any more.
        """
        self._vendors = vendors
        by_vendor: dict[str, list[Witness]] = {}
        for target, vendor in vendors.items():
            by_vendor.setdefault(vendor, []).append(witnesses[target])
        self._witnesses = by_vendor
        self._doubts &= by_vendor.keys()
        if self.down and not self._doubts:
            self._end(now)

    def excuses(
        self, target: str, failure: Failure, begun: float, heard_at: float, now: float
    ) -> bool:
        """Take in how an attempt failed; say whether our own side is the reason.

        Args:
            target: Who was asked.
            failure: A hard one or a hang.
            begun: When the attempt began.
            heard_at: When a byte came from the target last.
            now: Monotonic seconds.
        """
        if failure.status or not _speaks_of_us(failure, heard_at < begun):
            if failure.cause is Cause.HARD and failure.detail not in _OURS:
                self._alive_at = now
            return False
        stalled_until = self._stalled_until
        if begun < stalled_until and now < stalled_until + _AFTER_STALL_S:
            return True
        return self.doubts(target, now)

    def doubts(self, target: str, now: float) -> bool:
        """Take in that a target is as good as cut off; say whether our own network is at fault."""
        vendor = self._vendors.get(target)
        self.look(now)
        if vendor is not None and vendor not in self._doubts:
            if not self._doubts:
                self._first_at = now
            self._second_at = now
            self._doubts.add(vendor)
        return self.down

    def on_tick(self, now: float, next_s: float) -> None:
        """See whether this process stood still: limits passed then that nobody could keep.

        Args:
            now: Monotonic seconds.
            next_s: The next tick is due in so many.
        """
        if now >= self._tick_at + _STALL_S:
            self._stalled_until = now
        self._tick_at = now + next_s

    def look(self, now: float) -> None:
        """See whether anybody has given a sign of life, or it is time for the verdict."""
        if not self._doubts:
            return
        heard_at = max(one.heard_at for many in self._witnesses.values() for one in many)
        alive_at = max(self._alive_at, heard_at)
        if alive_at >= self._first_at:
            self._doubts.clear()
            if self.down:
                self._end(now)
        elif not self.down and self._certain(now):
            self.down = True
            self._tell(now, UP, DOWN)
            self._on_down(alive_at, now)

    def _end(self, now: float) -> None:
        self.down = False
        self._tell(now, DOWN, UP)

    def _certain(self, now: float) -> bool:
        if len(self._doubts) < _VENDORS or now < self._second_at + _SETTLE_S:
            return False
        # Whoever was asked since and has not failed yet may be about to answer.
        return not any(
            one.newest_at >= self._first_at
            for vendor, many in self._witnesses.items()
            if vendor not in self._doubts
            for one in many
        )

    def _tell(self, now: float, before: str, after: str) -> None:
        down = after == DOWN
        self._changes.append(
            Change(
                at=now,
                target=Scope.NETWORK.value,
                credential="",
                before=before,
                after=after,
                reason=Reason.NETWORK,
                measured=len(self._doubts) if down else None,
                threshold=_VENDORS if down else None,
                scope=Scope.NETWORK.value,
            )
        )


def _speaks_of_us(failure: Failure, unheard: bool) -> bool:  # noqa: FBT001 - a finding, no switch
    if failure.cause is Cause.HARD:
        return failure.detail in _UNREACHED
    return failure.cause is Cause.HANG and unheard

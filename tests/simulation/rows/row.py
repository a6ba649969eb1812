"""What a row of the fault table is, and what several of them share."""

from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct

from .world import Got, Place, World

ONE: Final = Place(name="one")
TWO: Final = Place(name="two")
PAIR: Final = (ONE, TWO)
"""A target that fails, and one behind it that does not."""


class Row(Struct, frozen=True, kw_only=True):
    """One play of one row."""

    row: str
    """Its number in the table."""
    fault: str
    passes: str
    """The criterion."""
    run: Callable[[], str]
    """Proves the criterion; returns what was measured."""
    slow: bool = False
    """It takes more than a second."""

    @property
    def name(self) -> str:
        """Names its test."""
        return f"row {self.row}: {self.fault}"


def all_answered(gots: Sequence[Got]) -> str:
    """Prove that every request was answered; say how many there were."""
    lost = [got for got in gots if not got.answered]
    assert not lost, f"{len(lost)} of {len(gots)} were not answered: {lost[:3]}"
    return f"{len(gots):,} of {len(gots):,} answered"


def share(world: World, target: str, gots: Sequence[Got]) -> float:
    """Return the share of the traffic that came to a target."""
    return len(world.sent(target)) / len(gots)


def percent(value: float) -> str:
    """Write a share."""
    return f"{100 * value:.2g} %"


def monotonic(world: World, unix: float) -> float:
    """Return the loop's time of a record's."""
    return unix - world.clock.unix() + world.clock.now()

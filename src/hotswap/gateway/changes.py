"""Changes of standing on their way to the ledger and to the other workers, and back.

Both values have the same fields; inside a process times are monotonic, outside they are Unix time.
"""

from typing import TypeVar

from msgspec import convert, structs

from ..clock import Clock
from ..core.standings import Change
from ..ledger.record import Transition

T = TypeVar("T", Change, Transition)


def to_transition(change: Change, clock: Clock) -> Transition:
    """Express a change in Unix time, for whoever is outside this process."""
    moved = _moved(change, clock.unix() - clock.now())
    return convert(moved, Transition, from_attributes=True)


def to_change(transition: Transition, clock: Clock) -> Change:
    """Express what another worker learned in this process's monotonic time."""
    moved = _moved(transition, clock.now() - clock.unix())
    return convert(moved, Change, from_attributes=True)


def _moved(value: T, offset_s: float) -> T:
    until = value.until + offset_s if value.until is not None else None
    return structs.replace(value, at=value.at + offset_s, until=until)

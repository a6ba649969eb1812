"""What an attempt and the one that runs beside it know of each other."""

from typing import Final, Protocol

from ..core.run import Start
from .line import Line

HEDGE_LOST: Final = "hedge_lost"
"""Another attempt at the same request has answered first."""


class Contender(Protocol):
    """An attempt, as the one beside it sees it."""

    line: Line
    start: Start
    started_at: float

    def lose(self) -> bool:
        """End because the other one has answered; say whether this one was still running."""
        ...


class Hedge(Protocol):
    """Another attempt beside one, from this one's side."""

    due_at: float
    """When it begins, as long as there is no content; infinite once it has."""

    @property
    def waited_s(self) -> float | None:
        """How long the first attempt had waited when this one began; None: this is the first."""
        ...

    def check(self, attempt: Contender, now: float) -> None:
        """Begin the other attempt if it is due."""
        ...

    def win(self, now: float) -> None:
        """End the other attempt: this one answers."""
        ...

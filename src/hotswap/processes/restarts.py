"""When a child that died is started again."""

from typing import Final

QUICK_S: Final = 10.0
"""A life shorter than this is part of a series."""
FIRST_PAUSE_S: Final = 0.1
TRIES: Final = 5
TRIES_WITHIN_S: Final = 30.0


class Restarts:
    """How long a place stays empty after its child died.

    The first death costs no pause. While the child dies again within `QUICK_S` of its start, the
    pause doubles from `FIRST_PAUSE_S` up to `longest_s`; one longer life forgets the series.

    A child that never got ready, and died `TRIES` times within `TRIES_WITHIN_S`, will not do so
    at the next try either: the place is hopeless. Once it was ready, it never becomes hopeless
    again: a keeper on a full disk must not end workers that serve.
    """

    __slots__ = ("_deaths", "_longest_s", "_proven", "_quick_until", "_streak")

    def __init__(self, longest_s: float) -> None:
        self._longest_s = longest_s
        self._deaths: list[float] = []
        self._proven = False
        self._quick_until = 0.0
        self._streak = 0

    def on_start(self, now: float) -> None:
        """Take note that the child was started."""
        self._quick_until = now + QUICK_S

    def on_ready(self) -> None:
        """Take note that the child serves."""
        self._proven = True
        self._deaths.clear()

    def on_death(self, now: float) -> float | None:
        """Return the pause in seconds before the next start; None: hopeless."""
        if not self._proven:
            self._deaths = [*self._deaths[1 - TRIES :], now]
            if len(self._deaths) == TRIES and now <= self._deaths[0] + TRIES_WITHIN_S:
                return None
        self._streak = self._streak + 1 if now < self._quick_until else 1
        if self._streak == 1:
            return 0.0
        return min(self._longest_s, FIRST_PAUSE_S * 2.0 ** (min(self._streak, 32) - 2))

"""How long to wait: jittered pauses that grow, and a budget that bounds repeated tries."""

from collections.abc import Callable

from .settings import RetryBudget as RetryBudgetSettings
from .window import Ring

Jitter = Callable[[], float]
"""Gives a number in [0, 1), a new one each time."""

_MOST_DOUBLINGS = 64
"""Further doublings change nothing below any sensible cap, and would overflow in the end."""


def full_jitter(base_s: float, n: int, cap_s: float, jitter: Jitter) -> float:
    """Return a pause between 0 and min(cap, base x 2^n) seconds.

    Ends contention with the least work, so it suits retries.
    """
    return jitter() * _ceiling_s(base_s, n, cap_s)


def equal_jitter(base_s: float, n: int, cap_s: float, jitter: Jitter) -> float:
    """Return a pause between one half and the whole of min(cap, base x 2^n) seconds.

    Guarantees a minimum of silence, so it suits whatever must rest.
    """
    return (0.5 + 0.5 * jitter()) * _ceiling_s(base_s, n, cap_s)


def no_jitter(base_s: float, n: int, cap_s: float, _: Jitter) -> float:
    """Return min(cap, base x 2^n) seconds."""
    return _ceiling_s(base_s, n, cap_s)


def _ceiling_s(base_s: float, n: int, cap_s: float) -> float:
    return min(cap_s, base_s * 2.0 ** min(n, _MOST_DOUBLINGS))


class RetryBudget:
    """Bounds same-target retries to a share of the attempts, so that an outage is not multiplied.

    A fallback is the next target's first try and takes nothing from here.
    """

    __slots__ = ("_settings", "_started", "_taken")

    def __init__(self, settings: RetryBudgetSettings) -> None:
        self._settings = settings
        self._started = Ring(settings.window_s)
        self._taken = Ring(settings.window_s)

    def adopt(self, settings: RetryBudgetSettings) -> None:
        """Go by other settings; a window of another length begins empty."""
        old, self._settings = self._settings, settings
        if old.window_s != settings.window_s:
            self._started = Ring(settings.window_s)
            self._taken = Ring(settings.window_s)

    def started(self, now: float) -> None:
        """Count an attempt that begins."""
        self._started.add(now)

    def take(self, now: float) -> bool:
        """Take one retry from the budget, or say that none is left."""
        settings = self._settings
        allowed = settings.share * self._started.total_at(now) + settings.reserve
        if self._taken.total_at(now) + 1 > allowed:
            return False
        self._taken.add(now)
        return True

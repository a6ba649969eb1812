"""A clock that moves only when it is told to."""


class VirtualClock:
    """Implements `hotswap.clock.Clock` by hand.

    Args:
        now: Monotonic seconds at the start.
        unix: Unix seconds at the monotonic second 0.
    """

    __slots__ = ("_base", "_now")

    def __init__(self, now: float = 0.0, unix: float = 1_800_000_000.0) -> None:
        self._now = now
        self._base = unix

    def now(self) -> float:
        """Monotonic seconds."""
        return self._now

    def unix(self) -> float:
        """Unix seconds; runs along with `now`."""
        return self._base + self._now

    def advance(self, seconds: float) -> None:
        """Let time pass; raises `ValueError` below 0, because time never goes back."""
        self.move_to(self._now + seconds)

    def move_to(self, at: float) -> None:
        """Go to the monotonic second `at`; raises `ValueError` if it has passed."""
        if at < self._now:
            raise ValueError(f"the clock is at {self._now} s and can not go back to {at} s")
        self._now = at

    def jump_unix(self, seconds: float) -> None:
        """Set the wall clock forward, or back below 0, as an operator or NTP does."""
        self._base += seconds

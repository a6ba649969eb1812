"""The only place that reads clocks; everything else takes `now` or a `Clock`."""

import time
from typing import Protocol


class Clock(Protocol):
    """Monotonic time for decisions, Unix time for records."""

    def now(self) -> float:
        """Monotonic seconds."""
        ...

    def unix(self) -> float:
        """Unix seconds."""
        ...


class SystemClock:
    """The machine's clocks."""

    __slots__ = ()

    now = staticmethod(time.monotonic)  # noqa: TID251 - this is where the clock is read
    unix = staticmethod(time.time)  # noqa: TID251 - this is where the clock is read

"""What a new configuration leaves out, kept for the requests that began by a former one."""

from collections.abc import Mapping
from typing import Final, Generic, TypeVar

Thing = TypeVar("Thing")

_LATE_S: Final = 60.0
"""A request's end may be noticed so much later than it was due, if this process stood still."""


class Leaving(Generic[Thing]):
    """Things by name that are no longer configured, for as long as a request may ask for them.

    No request asks for what was left out before it began, and none lasts longer than its chain
    allows. What is needed no longer goes when the next configuration comes.
    """

    __slots__ = ("_lasting_s", "_until", "things")

    def __init__(self) -> None:
        self.things: dict[str, Thing] = {}
        self._lasting_s: Mapping[str, float] = {}
        self._until: dict[str, float] = {}

    def adopt(self, former: dict[str, Thing], lasting_s: Mapping[str, float], now: float) -> None:
        """Go by a new configuration.

        Args:
            former: What it leaves out, or replaces.
            lasting_s: All that it has, with the longest time that a request there may last.
            now: Monotonic seconds.
        """
        for name, seconds in self._lasting_s.items():
            self._until[name] = max(self._until.get(name, now), now + seconds + _LATE_S)
        self._lasting_s = lasting_s
        self._until = {name: until for name, until in self._until.items() if now < until}
        left = self.things | former
        self.things = {
            name: left[name] for name in left if name in self._until and name not in lasting_s
        }

"""The places that the supervisor keeps filled."""

from collections.abc import Iterator
from math import inf

from .channel import Message
from .children import Child, Entry, start
from .restarts import Restarts


class Place:
    """What one child at a time fills.

    A child of a place that was told to `leave` is not replaced.
    """

    __slots__ = ("_deaf", "_entry", "_nice", "_restarts", "child", "due_at", "name", "ready")

    def __init__(self, name: str, entry: Entry, longest_s: float, *, nice: int = 0) -> None:
        """Prepare an empty place.

        Args:
            name: How operators know it.
            entry: The child's main function.
            longest_s: Longest pause between a death and the next start.
            nice: The child's niceness on top of the supervisor's.
        """
        self._deaf = False
        self._entry = entry
        self._nice = nice
        self._restarts = Restarts(longest_s)
        self.child: Child | None = None
        self.due_at = inf
        """When the next child is to be started."""
        self.name = name
        self.ready = False
        """The child serves."""

    @property
    def heard(self) -> bool:
        """There is a child and its channel has not ended."""
        return self.child is not None and not self._deaf

    def fileno(self) -> int:
        """Return the descriptor to poll while `heard`."""
        return -1 if self.child is None else self.child.channel.fileno()

    def fill(self, now: float) -> None:
        """Start a child."""
        self.due_at = inf
        self._deaf = False
        self._restarts.on_start(now)
        self.child = start(self._entry, f"{self.name} hotswap", nice=self._nice)

    def messages(self) -> Iterator[Message]:
        """Yield every message that waits; none although the channel was readable: it has ended."""
        self._deaf = True
        while self.child is not None and (message := self.child.channel.hear()) is not None:
            self._deaf = False
            yield message

    def on_ready(self) -> None:
        """Take note that the child serves."""
        self.ready = True
        self._restarts.on_ready()

    def on_death(self, now: float) -> float | None:
        """Empty the place; return the pause until the next child is due, None: hopeless."""
        if self.child is not None:
            self.child.channel.close()
        self.child = None
        self.ready = False
        return self._restarts.on_death(now)

    def signal(self, number: int) -> None:
        """Send a signal to the child, if there is one."""
        if self.child is not None:
            self.child.signal(number)

    def leave(self, number: int) -> None:
        """End the child by a signal and start no other."""
        self.due_at = inf
        self.signal(number)

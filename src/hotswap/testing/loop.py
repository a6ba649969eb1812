"""An asyncio loop in virtual time: an hour of timers takes as long as its callbacks.

The loop runs what is ready; when nothing is, it moves the clock to the next timer instead of
waiting for it. When nothing is ready and nothing is scheduled, no event can ever come, and
`DeadlockError` names the tasks that wait. The same coroutine with the same seeded randomness
therefore takes the same steps at the same moments, every time::

    clock = VirtualClock()
    run_virtual(outage(Random(seed), clock), clock)

Sockets are looked at in every turn but never waited for, so only socket pairs with both ends in
this loop are of use; TCP may deliver later than the next timer. Threads are not waited for.
"""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import TypeVar

from typing_extensions import override

from .clock import VirtualClock

T = TypeVar("T")


class DeadlockError(RuntimeError):
    """Everything waits and nothing can come; the message lists what waits, and where."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """Runs in the time of `clock`, which is moved by this loop alone."""

    def __init__(self, clock: VirtualClock) -> None:
        self._virtual = clock
        selector = _JumpingSelector(clock)
        super().__init__(selector)
        selector.loop = self

    @override
    def time(self) -> float:
        return self._virtual.now()


class _JumpingSelector(selectors.DefaultSelector):
    """Moves the clock where a real selector would wait."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__()
        self._clock = clock
        self.loop: VirtualLoop | None = None

    @override
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if timeout is None:
            raise DeadlockError(_waiting(self.loop))
        self._clock.advance(timeout)
        return []


def run_virtual(main: Coroutine[object, object, T], clock: VirtualClock | None = None) -> T:
    """Run `main` to its end in virtual time and return its result.

    Raises `DeadlockError` where it can never end, and whatever `main` raises. Tasks that are left
    are cancelled.

    Args:
        main: What to run.
        clock: Where time begins, for those who ask it too; None: a new one at 0.
    """
    virtual = VirtualClock() if clock is None else clock
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(virtual)) as runner:
        return runner.run(main)


def _waiting(loop: VirtualLoop | None) -> str:
    if loop is None:
        return "nothing is scheduled"
    lines = sorted(_line(task) for task in asyncio.all_tasks(loop))
    return "nothing is ready and nothing is scheduled; waiting: " + ("; ".join(lines) or "no task")


def _line(task: asyncio.Task[object]) -> str:
    stack = task.get_stack(limit=1)
    coroutine = task.get_coro()
    name = getattr(coroutine, "__qualname__", repr(coroutine))
    return f"{name} at line {stack[-1].f_lineno}" if stack else str(name)

"""Signals as something to poll for."""

import os
import signal
from collections.abc import Sequence
from types import FrameType
from typing import Final

HANDLED: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)


class Signals:
    """Turns `HANDLED` into bytes on a pipe, so that no code ever runs in a signal's midst."""

    __slots__ = ("_reader", "_writer")

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        for number in HANDLED:
            signal.signal(number, _do_nothing)

    def fileno(self) -> int:
        """Return the descriptor to poll."""
        return self._reader

    def take(self) -> Sequence[int]:
        """Return the signals that came since the last call, in order."""
        try:
            return os.read(self._reader, 4096)
        except BlockingIOError:
            return ()


def reset_in_child() -> None:
    """Give a forked child the usual signals, but let it ignore those of the terminal.

    SIGINT and SIGHUP reach the whole process group; what concerns a child is passed on to it.
    """
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


def _do_nothing(number: int, frame: FrameType | None) -> None:
    del number, frame  # the wakeup descriptor has told already

"""Forking: how a child starts as a clean process, and what its parent keeps of it."""

# ruff: noqa: PTH123, PTH208 - pathlib would cost the supervisor a megabyte for good

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

from .channel import Channel, pair
from .signals import HANDLED, reset_in_child

Entry = Callable[[Channel], int]
"""The main function of a child; returns its exit code."""


class Child:
    """A running child as its parent sees it."""

    __slots__ = ("channel", "pid")

    def __init__(self, pid: int, channel: Channel) -> None:
        self.pid = pid
        self.channel = channel

    def signal(self, number: int) -> None:
        """Send a signal; the child is not reaped yet, so its process id is still its own."""
        os.kill(self.pid, number)


def start(entry: Entry, name: str, *, nice: int = 0) -> Child:
    """Fork a child that runs `entry` and nothing else.

    It holds no descriptor of its parent but its end of the channel and the standard ones. The
    caller must run neither threads nor a loop.

    Args:
        entry: Imports what it needs by itself, so that the parent stays small.
        name: Shown by `ps` and `top` (15 bytes of it).
        nice: Added to the parent's niceness.
    """
    ours, theirs = pair()
    # A signal between the fork and the reset would be told to the parent.
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)
    pid = os.fork()
    if pid == 0:
        reset_in_child()
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        _become(entry, theirs, name, nice)
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    theirs.close()
    return Child(pid, ours)


def _become(entry: Entry, channel: Channel, name: str, nice: int) -> NoReturn:
    """Run a child to its end; never returns, so that nothing of the parent's is finalised here."""
    code = 1
    try:
        _close_all_but(channel.fileno())
        _show(name)
        os.nice(nice)
        code = entry(channel)
    except BaseException as error:  # noqa: BLE001 - the interpreter does not get to see it
        sys.excepthook(type(error), error, error.__traceback__)
    finally:
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _close_all_but(keep: int) -> None:
    for name in os.listdir("/proc/self/fd"):
        descriptor = int(name)
        if descriptor > 2 and descriptor != keep:
            with suppress(OSError):  # the one of the listing itself is closed by now
                os.close(descriptor)


def _show(name: str) -> None:
    with suppress(OSError), open("/proc/self/comm", "w", encoding="ascii") as comm:
        comm.write(name)

"""Single keys from the terminal."""

import os
import sys
import termios
import tty
from asyncio import AbstractEventLoop
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final

CTRL_C: Final = "\x03"
_LOCAL_FLAGS: Final = 3


@contextmanager
def single_keys(
    loop: AbstractEventLoop, on_key: Callable[[str], None]
) -> Generator[None, None, None]:
    """Call `on_key` for every key, Ctrl-C included, until the end of the block."""
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor)
    attributes = termios.tcgetattr(descriptor)
    attributes[_LOCAL_FLAGS] &= ~termios.ISIG
    termios.tcsetattr(descriptor, termios.TCSANOW, attributes)

    def on_readable() -> None:
        for key in os.read(descriptor, 64).decode(errors="replace"):
            on_key(key)

    loop.add_reader(descriptor, on_readable)
    try:
        yield
    finally:
        loop.remove_reader(descriptor)
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)

"""Starts the loader as a child process, from a parent that has no event loop."""

import subprocess
import sys
from pathlib import Path
from typing import Final

from msgspec import MsgspecError

from .outcome import Mistake, Outcome, Refused, decode

LIMIT_S: Final = 30.0
"""A loader that takes longer hangs, for example on a network file system, and is killed."""


def command(path: Path) -> tuple[str, ...]:
    """Return the command line; `-P` keeps modules of the working directory out."""
    return (sys.executable, "-P", "-m", "hotswap.config", str(path))


def load_in_process(path: Path) -> Outcome:
    """Load a configuration and wait for it; never raises for what the file says.

    The child inherits the environment, and writes to our standard error what would be a bug.
    """
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and module
            command(path),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            timeout=LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return hung(path)
    return read_outcome(path, done.returncode, done.stdout)


def read_outcome(path: Path, code: int, output: bytes) -> Outcome:
    """Return what the child said; a child that died says so as a mistake of the file."""
    if code == 0:
        try:
            return decode(output)
        except MsgspecError:
            pass  # Cut off: the same as no answer.
    return _failed(path, f"the loader ended with code {code}; its own message is on standard error")


def hung(path: Path) -> Refused:
    """Return the outcome for a child that did not end in time."""
    return _failed(path, f"could not be loaded within {LIMIT_S:.0f} seconds")


def _failed(path: Path, problem: str) -> Refused:
    return Refused((Mistake(str(path), 0, 0, "", problem),))

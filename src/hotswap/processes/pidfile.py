"""The file that says which supervisor works on a state folder, so that two never do."""

# ruff: noqa: PTH103, PTH108 - pathlib would cost the supervisor a megabyte for good

import os
from contextlib import suppress
from typing import Final

NAME: Final = "hotswap.pid"


class TakenError(Exception):
    """Another supervisor works on this state folder."""


class PidFile:
    """Holds the process id while it is open; the lock ends with the process, however it dies."""

    __slots__ = ("_descriptor", "_path")

    def __init__(self, state_dir: str) -> None:
        """Take the folder, which is made if it is missing.

        Raises:
            TakenError: Another process holds it.
            OSError: The folder can not be written to.
        """
        os.makedirs(state_dir, 0o700, exist_ok=True)
        self._path = f"{state_dir}/{NAME}"
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            os.lockf(self._descriptor, os.F_TLOCK, 0)
        except OSError as error:
            holder = os.read(self._descriptor, 20).decode().strip()
            os.close(self._descriptor)
            raise TakenError(f"{state_dir} is in use by process {holder}") from error
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, b"%d\n" % os.getpid())

    def close(self) -> None:
        """Remove the file and give the folder free."""
        with suppress(OSError):
            os.unlink(self._path)
        os.close(self._descriptor)

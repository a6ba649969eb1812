"""The file that says which supervisor works on a state folder, so that two never do."""

# ruff: noqa: PTH103, PTH108 - pathlib would cost the supervisor a megabyte for good

import fcntl
import os
from contextlib import suppress
from typing import Final

NAME: Final = "hotswap.pid"


class TakenError(Exception):
    """Another supervisor works on this state folder."""


class PidFile:
    """Holds the process id while it is open.

    The lock belongs to the open file: it ends with the last process that has the descriptor,
    however that dies, and goes on with whoever the descriptor was handed to.
    """

    __slots__ = ("_path", "descriptor")

    def __init__(self, state_dir: str, descriptor: int | None = None) -> None:
        """Take the folder, which is made if it is missing.

        Args:
            state_dir: The folder.
            descriptor: The file, locked, from a supervisor that hands over; `sign` makes it ours.

        Raises:
            TakenError: Another process holds it.
            OSError: The folder can not be written to.
        """
        self._path = f"{state_dir}/{NAME}"
        if descriptor is not None:
            self.descriptor = descriptor
            return
        os.makedirs(state_dir, 0o700, exist_ok=True)
        self.descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self.descriptor, 20, 0).decode().strip()
            os.close(self.descriptor)
            raise TakenError(
                f"{state_dir} is in use by process {holder}; --takeover would replace it"
            ) from error
        self.sign()

    def sign(self) -> None:
        """Write our process id into it."""
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, b"%d\n" % os.getpid(), 0)

    def close(self, *, remove: bool = True) -> None:
        """Give the folder free; the file stays only if another process goes on with it."""
        if remove:
            with suppress(OSError):
                os.unlink(self._path)
        os.close(self.descriptor)

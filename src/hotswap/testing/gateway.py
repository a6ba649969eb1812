"""A whole gateway in processes of its own, for tests that signal, kill and stop its parts."""

import asyncio
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

_LISTENS: Final = r"is listening on https?://[^ ]+:(\d+) \(admin http://[^ ]+:(\d+)\)"
_LINE: Final = 1024 * 1024
"""Bytes; a log line is never longer."""


class GatewayProcess:
    """A supervisor that runs, in a session of its own, over the folder it keeps its files in."""

    def __init__(self, process: Process, folder: Path) -> None:
        """Take over a started process; use `start`."""
        self.process = process
        self.folder = folder
        self.lines: list[str] = []
        """What it said on stderr, as far as it was read."""
        self.admin_port = 0
        """Where the admin listener is, once it listens."""

    @classmethod
    async def start(cls, folder: Path, *command: str, descriptors: Sequence[int] = ()) -> Self:
        """Start a command of this interpreter, whose temporary files go to `folder`.

        Args:
            folder: Where it keeps its files.
            command: What follows the interpreter.
            descriptors: It inherits these.
        """
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *command,
            stderr=PIPE,
            pass_fds=descriptors,
            start_new_session=True,
            limit=_LINE,
            env={**os.environ, "TMPDIR": str(folder)},
        )
        return cls(process, folder)

    @classmethod
    async def serve(cls, folder: Path, config: str, *options: str) -> Self:
        """Write `config` to `folder` and start a gateway by it."""
        path = folder / "hotswap.yaml"
        path.write_text(config)
        return await cls.start(folder, "-P", "-m", "hotswap.processes", str(path), *options)

    async def says(self, pattern: str) -> re.Match[str]:
        """Wait for the next line on stderr that matches; `AssertionError`: it ended before."""
        while line := await self._line():
            if found := re.search(pattern, line):
                return found
        raise AssertionError(f"ended without saying {pattern!r}: {self.lines}")

    async def listens(self) -> int:
        """Wait until it says where it listens; return the port."""
        found = await self.says(_LISTENS)
        self.admin_port = int(found[2])
        return int(found[1])

    def signal(self, number: int) -> None:
        """Send the supervisor a signal."""
        self.process.send_signal(number)

    async def ends(self) -> int:
        """Wait until nothing of it can speak any more; return the supervisor's exit code."""
        while await self._line():
            pass
        return await self.process.wait()

    async def quit(self) -> None:
        """Kill what is left of it."""
        if self.process.returncode is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        await self.ends()

    def child(self, name: str) -> int:
        """Return the process id of the only child whose name begins like this."""
        (pid,) = self.children(name)
        return pid

    def children(self, name: str = "") -> list[int]:
        """Return the process ids of the supervisor's children whose names begin like this."""
        pid = self.process.pid
        found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [int(child) for child in found if _name(child).startswith(name)]

    async def _line(self) -> str:
        """Return the next line, with its end; empty: there is no further one."""
        if self.process.stderr is None:
            return ""
        line = (await self.process.stderr.readline()).decode()
        if line:
            self.lines.append(line.rstrip("\n"))
        return line


def _name(pid: str) -> str:
    """Return the name of a process; empty: it has gone."""
    try:
        return Path(f"/proc/{pid}/comm").read_text()
    except OSError:
        return ""

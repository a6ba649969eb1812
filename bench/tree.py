"""CPU time and memory of a process and everything below it, as the kernel counts them."""

import contextlib
import os
import signal
from pathlib import Path
from typing import Final

from msgspec import Struct

TICK_S: Final = 1 / os.sysconf("SC_CLK_TCK")
PAGE_MIB: Final = os.sysconf("SC_PAGE_SIZE") / 1024 / 1024
_ESTABLISHED: Final = "01"
"""As /proc/net/tcp says it."""


class Reading(Struct, frozen=True, gc=False):
    """One look at a process."""

    pid: int
    parent: int
    name: str
    cpu_s: float
    """User and system time so far."""
    rss_mib: float


class Used(Struct, frozen=True, gc=False):
    """CPU seconds between two moments."""

    tree_s: float
    """Of all processes together."""
    busiest_s: float
    """Of the one process that used most: the worker."""


class Meter:
    """Measures the CPU time of `root` and all its descendants from now on."""

    __slots__ = ("_before", "_root")

    def __init__(self, root: int) -> None:
        self._root = root
        self._before = {reading.pid: reading.cpu_s for reading in members(root)}

    def read(self) -> Used:
        """Return what was used since the beginning; nothing where `root` is 0."""
        used = [r.cpu_s - self._before.get(r.pid, 0.0) for r in members(self._root)]
        return Used(sum(used), max(used, default=0.0))


def rss_mib(root: int) -> float:
    """Return the resident memory of `root` and all its descendants; shared pages count in each."""
    return sum(reading.rss_mib for reading in members(root))


def connections(root: int, port: int) -> dict[int, int]:
    """Return how many accepted connections to a port of loopback each process holds, by id."""
    inodes = _established(port)
    held = {reading.pid: _sockets(reading.pid) & inodes for reading in members(root)}
    return {pid: len(sockets) for pid, sockets in held.items() if sockets}


def exact_rss_mib(pid: int) -> float:
    """Return the resident memory of a process, counted page by page: dear, but no estimate."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Rss:"):
            return int(line.split()[1]) / 1024
    return 0.0


def descriptors(pid: int) -> int:
    """Return how many descriptors a process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def end(root: int) -> None:
    """Kill `root` and all its descendants, by id."""
    for reading in members(root):
        with contextlib.suppress(ProcessLookupError):
            os.kill(reading.pid, signal.SIGKILL)


def members(root: int) -> list[Reading]:
    """Look at `root` and all its descendants; at nothing where `root` is 0."""
    if root == 0:  # the parent of all there is
        return []
    readings = {reading.pid: reading for reading in map(_read, _pids()) if reading is not None}
    family = {root}
    # Children have higher ids than their parents nearly always; a second pass finds the rest.
    for _ in range(2):
        family |= {pid for pid in sorted(readings) if readings[pid].parent in family}
    return [readings[pid] for pid in sorted(family) if pid in readings]


def _pids() -> list[int]:
    return [int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdigit()]


def _read(pid: int) -> Reading | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:  # it ended in between
        return None
    # The name in parentheses may hold spaces and parentheses itself.
    head, _, rest = text.rpartition(")")
    fields = rest.split()
    ticks = int(fields[11]) + int(fields[12])
    return Reading(
        pid, int(fields[1]), head.partition("(")[2], ticks * TICK_S, int(fields[21]) * PAGE_MIB
    )


def _established(port: int) -> set[int]:
    """Return the inodes of the server's ends of the connections to `port`."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    local = f":{port:04X}"
    return {int(row[9]) for row in rows if row[1].endswith(local) and row[3] == _ESTABLISHED}


def _sockets(pid: int) -> set[int]:
    """Return the inodes of the sockets that a process holds."""
    found: set[int] = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):  # closed in between
            kind, _, inode = str(descriptor.readlink()).partition(":")
            if kind == "socket":
                found.add(int(inode.strip("[]")))
    return found

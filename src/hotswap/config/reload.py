"""Notices changes of the configuration and loads it without stopping the event loop.

The file is looked at twice a second. That needs no watcher whose limits a machine may have used
up, finds a file however it is replaced, also by the swapped folder links of Kubernetes, and works
on file systems that notify of nothing. What counts as a change is the file's content.
`${file:...}` secrets are not watched; SIGHUP reloads them.
"""

import asyncio
import hashlib
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncGenerator
from pathlib import Path

from msgspec import Struct, structs

from .child import LIMIT_S, command, hung, read_outcome
from .outcome import Outcome
from .snapshot import Snapshot


async def load_in_child(path: Path) -> Outcome:
    """Load a configuration in a child process; never raises for what the file says."""
    child = await asyncio.create_subprocess_exec(*command(path), stdin=DEVNULL, stdout=PIPE)
    try:
        async with asyncio.timeout(LIMIT_S):
            output, _ = await child.communicate()
    except TimeoutError:
        return hung(path)
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    return read_outcome(path, child.returncode or 0, output)


async def changes(path: Path, known: str, *, look_s: float = 0.5) -> AsyncGenerator[None, None]:
    """Yield once for each new content of the file, from the first moment on.

    A file that is missing is no change: it may be about to be replaced. One that changes between
    two looks may be half written: it is read when it rests.

    Args:
        path: The file, or a link to it.
        known: `Snapshot.source` of the configuration in force.
        look_s: Pause between two looks at the file.
    """
    read, former = None, _look(path)
    while True:
        seen = _look(path)
        if seen is not None and seen == former and seen != read:
            read, content = seen, _fingerprint(path)
            if content is not None and content != known:
                known = content
                yield
        former = seen
        await asyncio.sleep(look_s)


def is_same(old: Snapshot, new: Snapshot) -> bool:
    """Say whether nothing changes. The digest alone does not tell: it leaves secrets out."""
    return old == structs.replace(new, source=old.source)


class _Seen(Struct, frozen=True, gc=False):
    """What differs after a file was written or replaced."""

    device: int
    inode: int
    size: int
    changed_ns: int
    """Of the inode: a program that copies a file may set the time of its content."""


def _look(path: Path) -> _Seen | None:
    """Look at the file that a link leads to; None: there is none, or it can not be seen."""
    try:
        found = path.stat()
    except OSError:
        return None
    return _Seen(found.st_dev, found.st_ino, found.st_size, found.st_ctime_ns)


def _fingerprint(path: Path) -> str | None:
    """Return a digest of the content; None: there is no file to read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None

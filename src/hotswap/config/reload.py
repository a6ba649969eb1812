"""Notices changes of the configuration and loads it without stopping the event loop.

The parent folder is watched, not the file: editors replace files, and Kubernetes swaps the link
of a folder beside it. What counts as a change is the file's content. `${file:...}` secrets are
not watched; SIGHUP reloads them.
"""

import asyncio
import hashlib
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncGenerator
from pathlib import Path

from msgspec import structs
from watchfiles import (
    awatch,  # pyright: ignore[reportUnknownVariableType] - its default for trio is untyped
)

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


async def changes(path: Path, known: str, *, check_s: float = 5.0) -> AsyncGenerator[None, None]:
    """Yield once for each new content of the file, from the first moment on.

    A file that is missing is no change: it may be about to be replaced.

    Args:
        path: The file, or a link to it.
        known: `Snapshot.source` of the configuration in force.
        check_s: The content is compared this often in any case, for file systems that notify
            of nothing.
    """
    watching = awatch(
        *_folders(path),
        watch_filter=None,
        recursive=False,
        step=50,
        debounce=200,
        rust_timeout=int(check_s * 1000),
        yield_on_timeout=True,
    )
    seen = _fingerprint(path)
    if seen is not None and seen != known:
        known = seen
        yield
    async for _ in watching:
        seen = _fingerprint(path)
        if seen is not None and seen != known:
            known = seen
            yield


def is_same(old: Snapshot, new: Snapshot) -> bool:
    """Say whether nothing changes. The digest alone does not tell: it leaves secrets out."""
    return old == structs.replace(new, source=old.source)


def _folders(path: Path) -> set[Path]:
    """Return the folder of the link and, where it is one, the folder of what it leads to."""
    return {path.absolute().parent, path.resolve().parent}


def _fingerprint(path: Path) -> str | None:
    """Return a digest of the content; None: there is no file to read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None

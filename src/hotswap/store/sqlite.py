"""Records in one SQLite file: a thread that writes in groups, and one that reads.

Contract: `append` returns after the commit of its group, which takes place `commit_s` after the
first waiting row, or at once when many wait. WAL with synchronous=NORMAL: a killed process loses
nothing that was committed, a power cut may lose the last commits. A database that can not be
opened or written is tried anew with the next call.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from msgspec import Struct

from ..errors import StoreError
from .api import Page, Row, Search
from .sqlite_file import Append, Reader, Writer

GROUP: Final = 500
"""So many waiting rows are written without further delay."""

T = TypeVar("T")


class _Job(Struct, frozen=True):
    """Rows that wait for their commit."""

    append: Append
    done: asyncio.Future[None]


class SqliteStore:
    """The store for one machine."""

    def __init__(self, path: Path, *, commit_s: float = 0.02) -> None:
        """Name the file; it is made, or opened, when it is first needed.

        Args:
            path: The database file; its folder is made as well.
            commit_s: How long a row may wait for others to be committed with.
        """
        self._commit_s = commit_s
        self._writer = Writer(path)
        self._writing = ThreadPoolExecutor(1, "store-writer")
        self._reader = Reader(path)
        self._reading = ThreadPoolExecutor(1, "store-reader")
        self._closed = False
        self._jobs: list[_Job] = []
        self._waiting = 0
        self._timer: asyncio.TimerHandle | None = None
        self._busy: asyncio.Future[None] | None = None

    async def append(self, boot: str, first: int, rows: Sequence[Row]) -> None:
        """Keep all of them or none; see `Store`."""
        if not rows:
            return
        if self._closed:
            raise StoreError("the store is closed")
        job = _Job(Append(boot, first, rows), asyncio.get_running_loop().create_future())
        self._jobs.append(job)
        self._waiting += len(rows)
        self._commit_soon()
        await job.done

    async def attempts(self, search: Search) -> Page:
        """Return attempts, the one that ended last first."""
        return await self._read(partial(self._reader.attempts, search))

    async def transitions(self, since: float | None, limit: int) -> Page:
        """Return changes of standing, newest first."""
        return await self._read(partial(self._reader.transitions, since, limit))

    async def prune(self, before: float) -> int:
        """Forget in small steps, between which records are written."""
        forgotten = 0
        while count := await self._write(partial(self._writer.prune, before)):
            forgotten += count
        return forgotten

    async def close(self) -> None:
        """Commit what is pending and close the file."""
        self._closed = True
        while self._busy is not None or self._jobs:
            if self._busy is None:
                self._commit()
            if self._busy is not None:
                await asyncio.wait([self._busy])
        await asyncio.get_running_loop().run_in_executor(self._reading, self._reader.close)
        await asyncio.get_running_loop().run_in_executor(self._writing, self._writer.close)
        self._reading.shutdown()
        self._writing.shutdown()

    async def _write(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._writing, work)

    async def _read(self, work: Callable[[], T]) -> T:
        await self._write(self._writer.open)  # the writer makes the tables
        return await asyncio.get_running_loop().run_in_executor(self._reading, work)

    def _commit_soon(self) -> None:
        if self._busy is not None:
            return
        if self._waiting >= GROUP:
            self._commit()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._commit_s, self._commit)

    def _commit(self) -> None:
        """Hand all that waits to the writer; one group at a time."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        jobs, self._jobs, self._waiting = self._jobs, [], 0
        loop = asyncio.get_running_loop()
        self._busy = loop.run_in_executor(
            self._writing, self._writer.append, [job.append for job in jobs]
        )
        self._busy.add_done_callback(partial(self._committed, jobs))

    def _committed(self, jobs: Sequence[_Job], group: asyncio.Future[None]) -> None:
        self._busy = None
        error = None if group.cancelled() else group.exception()
        for job in jobs:
            if job.done.done():
                continue  # whoever waited has gone
            if error is None:
                job.done.set_result(None)
            else:
                job.done.set_exception(error)
        if self._jobs:
            self._commit_soon()

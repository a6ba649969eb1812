"""A SQLite file from the side of the two threads that touch it."""

import itertools
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from ..errors import StoreError
from .api import AttemptRow, Page, Row, Search
from .migrate import migrate

PRUNE: Final = 500
"""Rows that one transaction forgets; a larger one would hold up the records for longer."""
BUSY_S: Final = 1.0
"""How long another process may hold the database's lock."""
PAGE: Final = 8192
"""Bytes of a page; a row takes some 500, and the default page holds too few of them."""
WAL_PAGES: Final = 2_000
"""Pages that gather before they are copied back; fewer would copy the same index pages more."""
MANY: Final = 32
"""Rows of one statement: the interpreter's lock changes hands once for all of them."""
_INSERT: Final = "INSERT INTO attempts (id, request_id, chain, target, body) VALUES (?, ?, ?, ?, ?)"
_INSERT_MANY: Final = _INSERT + ", (?, ?, ?, ?, ?)" * (MANY - 1)
_COUNT_BITS: Final = 20
_COUNT_MASK: Final = (1 << _COUNT_BITS) - 1
_LATEST: Final = 8_000_000_000.0
"""Unix seconds in the year 2223, of which an id still fits into SQLite's integers."""

_AttemptValues = tuple[int, str, str, str, bytes]
_TransitionValues = tuple[int, bytes]


class Append(Struct, frozen=True):
    """Rows `first`, `first + 1`, ... of a boot."""

    boot: str
    first: int
    rows: Sequence[Row]


class Writer:
    """The writer thread's side; every method runs there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._last: dict[str, int] = {}
        self._count = 0

    def open(self) -> None:
        """Make sure that the database is open and its schema up to date."""
        self._opened()

    def append(self, jobs: Sequence[Append]) -> None:
        """Commit the new rows of all jobs, or nothing."""
        connection = self._opened()
        last, count = dict[str, int](), itertools.count(self._count)
        attempts: list[_AttemptValues] = []
        transitions: list[_TransitionValues] = []
        boots: list[tuple[str, int, float]] = []
        try:
            for job in jobs:
                known = last.get(job.boot) or self._last_of(connection, job.boot)
                fresh = job.rows[max(0, known + 1 - job.first) :]
                if fresh:
                    last[job.boot] = job.first + len(job.rows) - 1
                    boots.append((job.boot, last[job.boot], fresh[-1].at))
                    _spread(fresh, count, attempts, transitions)
            if boots:
                self._count = next(count)
                self._keep(connection, attempts, transitions, boots)
        except sqlite3.Error as error:
            self._reset()
            raise StoreError(f"{self._path} can not be written: {error}") from error
        self._last.update(last)

    def prune(self, before: float) -> int:
        """Forget some rows from before `before`; return how many, 0 when none is left."""
        connection = self._opened()
        bound = _id(before, 0)
        try:
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("DELETE FROM boots WHERE at < ?", (before,))
                return sum(
                    connection.execute(
                        f"DELETE FROM {table} WHERE id IN "  # noqa: S608 - a name from this line
                        f"(SELECT id FROM {table} WHERE id < ? ORDER BY id LIMIT ?)",
                        (bound, PRUNE),
                    ).rowcount
                    for table in ("attempts", "transitions")
                )
        except sqlite3.Error as error:
            self._reset()
            raise StoreError(f"{self._path} can not be pruned: {error}") from error

    def close(self) -> None:
        """Close the database."""
        self._reset()

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            try:
                self._connection = self._connect()
            except (OSError, sqlite3.Error, StoreError) as error:
                raise StoreError(f"{self._path} can not be opened: {error}") from error
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        connection = sqlite3.connect(
            self._path, timeout=BUSY_S, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute(f"PRAGMA page_size = {PAGE}")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}")
            migrate(connection)
            (count,) = connection.execute("SELECT value FROM counts WHERE name = 'ids'").fetchone()
        except (sqlite3.Error, StoreError):
            connection.close()
            raise
        self._count = count
        return connection

    def _keep(
        self,
        connection: sqlite3.Connection,
        attempts: list[_AttemptValues],
        transitions: list[_TransitionValues],
        boots: list[tuple[str, int, float]],
    ) -> None:
        # Workers overlap by some milliseconds; in order, rows fall into the same last page.
        attempts.sort()
        connection.execute("BEGIN IMMEDIATE")
        whole = len(attempts) - len(attempts) % MANY
        for at in range(0, whole, MANY):
            values = tuple(itertools.chain.from_iterable(attempts[at : at + MANY]))
            connection.execute(_INSERT_MANY, values)
        connection.executemany(_INSERT, attempts[whole:])
        connection.executemany("INSERT INTO transitions (id, body) VALUES (?, ?)", transitions)
        connection.executemany(
            "INSERT INTO boots (boot, last, at) VALUES (?, ?, ?) "
            "ON CONFLICT (boot) DO UPDATE SET last = excluded.last, at = excluded.at",
            boots,
        )
        connection.execute("UPDATE counts SET value = ? WHERE name = 'ids'", (self._count,))
        connection.execute("COMMIT")

    def _last_of(self, connection: sqlite3.Connection, boot: str) -> int:
        """Return the number of the last row that was kept of `boot`; 0: none was."""
        if boot not in self._last:
            row = connection.execute("SELECT last FROM boots WHERE boot = ?", (boot,)).fetchone()
            self._last[boot] = row[0] if row is not None else 0
        return self._last[boot]

    def _reset(self) -> None:
        """Forget the connection: the next call opens a new one, which rolls back what is open."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._last.clear()


class Reader:
    """The reader thread's side; every method runs there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None

    def attempts(self, search: Search) -> Page:
        """Search the attempts."""
        wheres: list[str] = []
        values: list[object] = []
        for where, value in (
            ("request_id = ?", search.request_id or None),
            ("chain = ?", search.chain or None),
            ("target = ?", search.target or None),
            ("id >= ?", _id(search.since, 0) if search.since is not None else None),
            ("id < ?", search.after),
        ):
            if value is not None:
                wheres.append(where)
                values.append(value)
        return self._page("attempts", wheres, values, search.limit)

    def transitions(self, since: float | None, limit: int) -> Page:
        """Return the newest transitions."""
        if since is None:
            return self._page("transitions", [], [], limit)
        return self._page("transitions", ["id >= ?"], [_id(since, 0)], limit)

    def close(self) -> None:
        """Close the database."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _page(
        self, table: str, wheres: Sequence[str], values: Sequence[object], limit: int
    ) -> Page:
        where = f"WHERE {' AND '.join(wheres)}" if wheres else ""
        query = f"SELECT id, body FROM {table} {where} ORDER BY id DESC LIMIT ?"  # noqa: S608 - only literals of this module; values are bound
        try:
            if self._connection is None:
                self._connection = sqlite3.connect(
                    self._path, timeout=BUSY_S, check_same_thread=False
                )
                self._connection.execute("PRAGMA query_only = 1")
            rows: list[tuple[int, bytes]] = self._connection.execute(
                query, (*values, limit)
            ).fetchall()
        except sqlite3.Error as error:
            self.close()
            raise StoreError(f"{self._path} can not be read: {error}") from error
        following = rows[-1][0] if len(rows) == limit else None
        return Page(tuple(body for _, body in rows), following, tuple(id_ for id_, _ in rows))


def _id(at: float, count: int) -> int:
    """Return the id of a moment; what is no moment becomes the first or the last one."""
    if not 0 <= at < _LATEST:
        at = _LATEST if at > 0 else 0.0
    return int(at * 1000) << _COUNT_BITS | count & _COUNT_MASK


def _spread(
    rows: Sequence[Row],
    count: "itertools.count[int]",
    attempts: list[_AttemptValues],
    transitions: list[_TransitionValues],
) -> None:
    """Sort rows by table and give each its id."""
    for row, number in zip(rows, count, strict=False):
        at = _id(row.at, number)
        if isinstance(row, AttemptRow):
            attempts.append((at, row.request_id, row.chain, row.target, row.body))
        else:
            transitions.append((at, row.body))

"""The door to durable records: rows of few searchable columns around a body that others encode.

A store neither knows nor cares what a body says, so that a record may grow a field without a
migration.
"""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct


class AttemptRow(Struct, frozen=True, gc=False, array_like=True):
    """One attempt; array-like, because every one of them crosses the link."""

    at: float
    """Unix seconds when it ended; kept to the millisecond."""
    request_id: str
    chain: str
    target: str
    body: bytes


class TransitionRow(Struct, frozen=True, gc=False, array_like=True):
    """One change of standing."""

    at: float
    """Unix seconds; kept to the millisecond."""
    body: bytes


Row = AttemptRow | TransitionRow


class Search(Struct, frozen=True):
    """Which attempts to give; what is empty or None does not restrict."""

    request_id: str = ""
    chain: str = ""
    target: str = ""
    since: float | None = None
    """Unix seconds: only what ended then or later."""
    limit: int = 100
    """At most so many, at least 1."""
    after: int | None = None
    """`Page.next` of the page before."""


class Page(Struct, frozen=True):
    """Bodies, newest first."""

    bodies: tuple[bytes, ...]
    next: int | None
    """Gives the following page; None: this is the last."""
    ids: tuple[int, ...] = ()
    """Of the bodies; each may be given as `Search.after`, to go on after that one."""


class Store(Protocol):
    """Durable records. Every verb raises `StoreError` when it can not be done now."""

    async def append(self, boot: str, first: int, rows: Sequence[Row]) -> None:
        """Keep all of them or none; returns once they are committed.

        Rows are numbered `first`, `first + 1`, ... within `boot`. A number that was kept before
        is dropped silently, so that a batch may be given again. Calls for one boot follow each
        other in the order of their numbers.
        """
        ...

    async def attempts(self, search: Search) -> Page:
        """Return attempts, the one that ended last first."""
        ...

    async def transitions(self, since: float | None, limit: int) -> Page:
        """Return changes of standing at or after `since` (Unix seconds), newest first."""
        ...

    async def prune(self, before: float) -> int:
        """Forget what ended before `before` (Unix seconds); return how many rows."""
        ...

    async def close(self) -> None:
        """Commit what is pending and let go of every resource."""
        ...

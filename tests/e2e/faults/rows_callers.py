"""Row 22 and T12: callers that leave, and callers that send too much."""

import asyncio
from typing import Final

from hotswap.clock import SystemClock
from hotswap.testing.step import Seen, Step

from .cells import STREAMED, Cell
from .scenes import Scene, first_fails, raised
from .site import Site

GONE_S: Final = 0.1
TRIES: Final = 3
"""The machine does many things at once; the best of so many counts."""
HUGE: Final = 50 * 1000 * 1000
"""Bytes; the limit is 32 MiB."""


async def is_let_go(site: Site, cell: Cell) -> str:
    """The provider's connection is closed within 100 ms after the caller has left."""
    took = [await _leave(site, cell, number) for number in range(TRIES)]

    assert min(took) < GONE_S
    assert site.seen(cell, 1) == []
    attempts = await site.attempts(cell, requests=TRIES)
    assert {a.cause for a in attempts} == {"cancel"}
    return "upstream closed"


async def _leave(site: Site, cell: Cell, number: int) -> float:
    """Leave while the target answers for the n-th time; return how long it was kept after that."""
    asking = asyncio.ensure_future(site.ask(cell))
    await site.provider.wait_for(lambda _: len(site.seen(cell, 0)) > number)
    request: Seen = site.seen(cell, 0)[number]
    left_at = SystemClock().now()
    asking.cancel()
    await asyncio.wait([asking])
    await site.provider.wait_for(lambda _: request.closed_early_at is not None)
    return (request.closed_early_at or 0.0) - left_at


async def is_refused(site: Site, cell: Cell) -> str:
    """A body over the limit is refused or cut off, and no provider sees it."""
    got = await site.ask(cell, said="x" * HUGE)

    assert got.status in {413, None}
    assert site.seen(cell, 0) == []
    return raised(got, cell, got.status)


SCENES: Final = [
    Scene(
        row="T12",
        fault="the caller leaves before the answer",
        links=first_fails(Step(hang=True)),
        play=is_let_go,
    ),
    Scene(
        row="T12",
        fault="the caller leaves before content",
        links=first_fails(Step(silent_after=1)),
        play=is_let_go,
        ways=STREAMED,
    ),
    Scene(
        row="T12",
        fault="the caller leaves in the middle",
        links=first_fails(Step(text=("One ", "two "), silent_after=3)),
        play=is_let_go,
        ways=STREAMED,
    ),
    Scene(
        row="22",
        fault="a body of 50 MB",
        links=first_fails(Step()),
        play=is_refused,
        alone=True,
    ),
]

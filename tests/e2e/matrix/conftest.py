"""One gateway, its scripted providers and all clients, for every test of the matrix."""

import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest_asyncio

from .grid import Grid, running

# The page's generator belongs to the checkout, not to the package.
sys.path.insert(0, str(Path(__file__).parents[3]))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def grid() -> AsyncGenerator[Grid]:
    """Run everything once."""
    async with running() as grid:
        yield grid

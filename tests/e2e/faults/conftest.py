"""The gateways, providers and SDKs of the fault table, run once for all of its tests."""

import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import pytest_asyncio

# The generator of tables belongs to the checkout, not to the package.
sys.path.insert(0, str(Path(__file__).parents[3]))
pytest.register_assert_rewrite(
    *(f"{__package__}.{file.stem}" for file in Path(__file__).parent.glob("[!c]*.py"))
)

from .stages import Theatre  # noqa: E402 - rewritten, so that what fails shows its values


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def theatre(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Theatre]:
    """Give the stages, which are set when the first of their scenes is played."""
    theatre = Theatre(tmp_path_factory.mktemp("faults"))
    try:
        yield theatre
    finally:
        await theatre.close()

"""Pytest fixture for tests of your own chains; needs pytest-asyncio.

Name it in the top `conftest.py`::

    pytest_plugins = ["hotswap.testing.pytest_plugin"]

and ask for as many providers as the chain has links. Each listens on a free port of loopback and
is stopped when the test ends::

    async def test_a_rate_limit_moves_on(scripted_provider: StartProvider) -> None:
        first = await scripted_provider("openai", Step(status=429))
        second = await scripted_provider("mistral", Step(text="Good morning."))

        answer = await ask_my_chain(first.base_url, second.base_url)

        assert answer == "Good morning."
        assert (first.requests, second.requests) == (1, 1)
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack

import pytest_asyncio

from .provider import HEALTHY, ScriptedProvider, StartProvider
from .step import Check, Limit, Step


@pytest_asyncio.fixture
async def scripted_provider() -> AsyncIterator[StartProvider]:
    """Yield a function that starts scripted providers."""
    async with AsyncExitStack() as stack:

        async def start(
            name: str = "scripted",
            default: Step = HEALTHY,
            *,
            keys: Iterable[str] | None = None,
            limit: Limit | None = None,
            check: Check | None = None,
        ) -> ScriptedProvider:
            provider = ScriptedProvider(name, default, keys=keys, limit=limit, check=check)
            return await stack.enter_async_context(provider)

        yield start

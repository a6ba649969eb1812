"""Listeners that are closed after the test, on both event loops."""

import asyncio
from asyncio import AbstractEventLoop
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import msgspec
import pytest
import uvloop

from hotswap.clock import Clock
from hotswap.core.settings import ServerSettings
from hotswap.server.api import Handler
from hotswap.testing.site import Site, Tls


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], AbstractEventLoop]]:
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
async def open_site() -> AsyncIterator[Callable[..., Awaitable[Site]]]:
    """Open a site with a handler and settings of the test's choice."""
    opened: list[Site] = []

    async def open_one(
        handler: Handler,
        *,
        clock: Clock | None = None,
        tls: Tls | None = None,
        **settings: float,
    ) -> Site:
        site = Site(handler, msgspec.convert(settings, ServerSettings), clock, tls)
        await site.open()
        opened.append(site)
        return site

    yield open_one
    for site in opened:
        await site.close()

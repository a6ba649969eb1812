"""Servers and clients that are closed after the test.

Every test here runs on both event loops: asyncio's own, and the one that workers use.
"""

import asyncio
from asyncio import AbstractEventLoop
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from ssl import SSLContext

import msgspec
import pytest
import uvloop

from hotswap.clock import SystemClock
from hotswap.testing.certificates import Certificates, make_certificates
from hotswap.testing.raw_server import RawServer
from hotswap.testing.recorder import Asker
from hotswap.upstream.client import HttpClient
from hotswap.upstream.dns import Resolve, system_resolve
from hotswap.upstream.settings import ClientSettings


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], AbstractEventLoop]]:
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
async def start_server() -> AsyncIterator[Callable[..., Awaitable[RawServer]]]:
    """Start as many servers as the test asks for."""
    running: list[RawServer] = []

    async def start(context: SSLContext | None = None) -> RawServer:
        server = RawServer(context=context)
        running.append(server)
        await server.start()
        return server

    yield start
    for server in running:
        await server.close()


@pytest.fixture
async def server(start_server: Callable[..., Awaitable[RawServer]]) -> RawServer:
    return await start_server()


@pytest.fixture
async def make_client() -> AsyncIterator[Callable[..., HttpClient]]:
    """Make clients with settings of the test's choice."""
    clients: list[HttpClient] = []

    def make(resolve: Resolve = system_resolve, **settings: float) -> HttpClient:
        client = HttpClient(
            clock=SystemClock(),
            jitter=lambda: 0.5,
            settings=msgspec.convert(settings, ClientSettings),
            resolve=resolve,
        )
        clients.append(client)
        return client

    yield make
    for client in clients:
        await client.close()


@pytest.fixture
def client(make_client: Callable[..., HttpClient]) -> HttpClient:
    return make_client()


@pytest.fixture
def ask(client: HttpClient) -> Asker:
    return Asker(client)

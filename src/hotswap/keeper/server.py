"""The admin listener's HTTP server: uvicorn, which here neither logs nor touches signals."""

import asyncio
import socket
from collections.abc import Generator
from contextlib import contextmanager, suppress

import uvicorn
from starlette.types import ASGIApp
from typing_extensions import override


class AdminServer(uvicorn.Server):
    """Serves until `stop`; uvicorn offers no other way to leave signals alone than a subclass."""

    def __init__(self, app: ASGIApp, listener: socket.socket) -> None:
        """Serve `app` on a bound socket, which is closed at the end."""
        super().__init__(
            uvicorn.Config(
                app,
                access_log=False,
                http="httptools",
                lifespan="off",
                log_config=None,
                loop="none",
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=1,
                ws="none",
            )
        )
        self._listener = listener
        self._stopping = asyncio.Event()

    async def run_until_stopped(self) -> None:
        """Serve."""
        await self.serve([self._listener])

    def stop(self) -> None:
        """End soon; answers that have begun may be finished within a second."""
        self.should_exit = True
        self._stopping.set()

    @override
    async def main_loop(self) -> None:
        """Renew the `date` header each second; uvicorn's own loop wakes up ten times as often."""
        while not self.should_exit:
            await self.on_tick(0)
            with suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._stopping.wait()

    @contextmanager
    @override
    def capture_signals(self) -> Generator[None, None, None]:
        yield

"""The admin listener's door: the server behind it is built when the first caller stands before it.

Its libraries take 5 MiB and a third of the keeper's start, and many a gateway is never asked.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Protocol


class Server(Protocol):
    """What serves a listener."""

    async def run_until_stopped(self) -> None:
        """Accept connections, also those that wait already, until `stop`."""
        ...

    def stop(self) -> None:
        """End soon."""
        ...


class Door:
    """Waits for the first caller, then lets a server take over."""

    __slots__ = ("_build", "_closed", "_knocked", "_listener", "_server")

    def __init__(self, listener: socket.socket, build: Callable[[], Server]) -> None:
        """Set up.

        Args:
            listener: Listening socket, closed at the end.
            build: Imports and makes the server, in a thread.
        """
        self._listener = listener
        self._build = build
        self._server: Server | None = None
        self._knocked = asyncio.Event()
        self._closed = False

    async def run(self) -> None:
        """Serve until `close`."""
        with self._listener:
            await self._wait()
            if self._closed:
                return
            # In a thread: what workers tell each other must not wait for imports.
            server = await asyncio.to_thread(self._build)
            if not self._closed:
                self._server = server
                await server.run_until_stopped()

    def close(self) -> None:
        """Let no more callers in."""
        self._closed = True
        self._knocked.set()
        if self._server is not None:
            self._server.stop()

    async def _wait(self) -> None:
        """Wait for a caller, who stays in the listener's queue."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self._listener, self._knocked.set)
        try:
            await self._knocked.wait()
        finally:
            loop.remove_reader(self._listener)

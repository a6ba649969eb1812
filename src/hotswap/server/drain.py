"""The graceful stop: accept nothing new, let what runs end well, cut the rest in time."""

import asyncio
from collections.abc import Callable
from typing import Final

from .state import ServerState

FAREWELL_S: Final = 1.0
"""How long the last words of those that are cut may take to go out."""


class Drain:
    """Stops the listeners of one `ServerState`; to be used once.

    From its first moment on nothing is accepted, and every answer is the last one of its
    connection; connections without a request are closed after a second in which none came. It ends
    when no connection and no request is left. What is left at the deadline is told to say its last
    words, flushed and dropped.

    Args:
        state: The connections and requests to wait for.
        servers: Closed first.
    """

    __slots__ = ("_less", "_servers", "_state", "cut")

    def __init__(self, state: ServerState, *servers: asyncio.Server) -> None:
        self._state = state
        self._servers = servers
        self._less = asyncio.Event()
        self.cut = 0
        """Requests that were still in flight at the deadline."""

    async def run(
        self,
        drain_s: float,
        last_words: Callable[[], None] | None = None,
        *,
        farewell_s: float = FAREWELL_S,
    ) -> None:
        """Drain, in at most `drain_s` plus `farewell_s` seconds.

        Args:
            drain_s: How long requests in flight may go on; 0: not at all.
            last_words: Called at the deadline when requests are left, so that streams can be ended
                with an error event; what is not aborted then is aborted here.
            farewell_s: How long what was written by then may take to go out.
        """
        state = self._state
        state.draining = True
        state.on_less = self._less.set
        for server in self._servers:
            server.close()
        for connection in tuple(state.connections):
            connection.retire()
        if await self._quiet(drain_s):
            return
        self.cut = state.in_flight
        if last_words is not None:
            last_words()
        for exchange in tuple(state.exchanges):
            exchange.drop()
        if not await self._quiet(farewell_s):
            for connection in tuple(state.connections):
                connection.drop()

    async def _quiet(self, seconds: float) -> bool:
        """Wait until nothing is left; say whether that came in time."""
        state = self._state
        try:
            async with asyncio.timeout(seconds):
                while state.connections or state.exchanges:
                    self._less.clear()
                    await self._less.wait()
        except TimeoutError:
            return False
        return True

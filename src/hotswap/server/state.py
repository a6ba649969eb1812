"""What the connections of one listener share: settings, handler, requests in flight."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from ..clock import Clock
from ..core.settings import ServerSettings
from .api import Handler
from .exchange import HttpExchange
from .limits import Bodies, room_for_callers
from .status import Openings
from .writes import Writes

Refuse = Callable[[str, int, str, str], tuple[bytes, bytes]]
"""Renders path, status, code and message as header lines and body in the caller's dialect."""


class UnansweredError(Exception):
    """A handler returned without an answer."""


class Connection(Protocol):
    """What a drain needs of a connection."""

    def retire(self) -> None:
        """Close unless a request is being received or served."""
        ...

    def drop(self) -> None:
        """Tell the handler that the caller is gone, and end the connection at once."""
        ...


class ServerState:
    """What the connections of one listener share.

    Args:
        handler: Serves the requests.
        settings: Limits; replace the attribute to apply others to new connections.
        clock: Read for timers and the `date` header.
        refuse: Renders the errors that are answered without the handler.
        on_bug: Takes what a handler raised, for the log.
    """

    __slots__ = (
        "bodies",
        "clock",
        "connections",
        "draining",
        "exchanges",
        "handler",
        "loop",
        "on_bug",
        "on_less",
        "openings",
        "refuse",
        "room",
        "settings",
        "turned_away",
        "writes",
    )

    def __init__(
        self,
        handler: Handler,
        settings: ServerSettings,
        clock: Clock,
        refuse: Refuse,
        on_bug: Callable[[Exception], None],
    ) -> None:
        self.handler = handler
        self.settings = settings
        self.clock = clock
        self.refuse = refuse
        self.on_bug = on_bug
        self.loop = asyncio.get_running_loop()
        self.openings = Openings(clock)
        self.writes = Writes(self.loop)
        self.connections: set[Connection] = set()
        self.exchanges: dict[HttpExchange, asyncio.Task[None]] = {}
        """Requests in flight: their handlers have not returned. Keeps their tasks alive."""
        self.bodies = Bodies()
        self.draining = False
        """Every answer is the last one of its connection."""
        self.on_less: Callable[[], None] | None = None
        """Called when there is a connection or an exchange less, for those who wait for it."""
        self.room = room_for_callers()
        self.turned_away = 0
        """Connections closed at once because there were too many."""

    @property
    def in_flight(self) -> int:
        """Requests whose handlers have not returned."""
        return len(self.exchanges)

    def run(self, exchange: HttpExchange) -> None:
        """Have the handler serve a request."""
        self.exchanges[exchange] = asyncio.Task(
            _serve(self, exchange), loop=self.loop, name="request"
        )


async def _serve(state: ServerState, exchange: HttpExchange) -> None:
    """Run the handler to its end and see to it that the caller gets one."""
    try:
        await state.handler(exchange)
    except Exception as bug:  # noqa: BLE001 - a bug must cost one request only
        _fail(state, exchange, bug)
    else:
        if not exchange.over:
            _fail(state, exchange, UnansweredError(f"no answer to {exchange.incoming.path}"))
    finally:
        exchange.abort()
        del state.exchanges[exchange]
        if state.on_less is not None:
            state.on_less()


def _fail(state: ServerState, exchange: HttpExchange, bug: Exception) -> None:
    state.on_bug(bug)
    path, message = exchange.incoming.path, "The server failed on this request."
    exchange.answer(500, *state.refuse(path, 500, "internal_error", message))

"""What the line works with; built once per worker by `app`."""

from asyncio import AbstractEventLoop
from collections.abc import Awaitable, Callable
from typing import Protocol

from msgspec import Struct, field

from ..clock import Clock
from ..core.hedge import HedgeBudget
from ..core.learned import Lessons
from ..core.standings import Standings
from ..core.sticky import Conversations
from ..ledger.record import Record
from ..upstream.api import Client


class Running(Protocol):
    """An attempt in flight, as far as whoever ends the process cares."""

    def cut_off(self) -> None:
        """End because the process ends."""
        ...


class Services(Struct, frozen=True):
    """The injected parts of the data plane."""

    client: Client
    clock: Clock
    standings: Standings
    lessons: Lessons
    loop: AbstractEventLoop
    record: Callable[[Record], None]
    """Takes a record off the line; never blocks, never raises."""
    publish: Callable[[], None]
    """Sends the changes of standing that have gathered."""
    jitter: Callable[[], float]
    """Gives a random number in [0, 1)."""
    sleep: Callable[[float], Awaitable[None]]
    running: set["Running"]
    """The attempts in flight."""
    hedges: dict[str, HedgeBudget] = field(default_factory=dict[str, HedgeBudget])
    """What each chain may send twice, by its name."""
    conversations: dict[str, Conversations] = field(default_factory=dict[str, Conversations])
    """Who answered the conversations of each sticky chain, by its name."""

"""How a worker stops to accept without losing a connection that waits to be accepted."""

import asyncio
import socket
from contextlib import suppress
from typing import Final

from .packet_filter import queued, turn_away

SETTLE_S: Final = 0.2
"""For handshakes that have begun; longer than most round trips."""
LOOK_S: Final = 0.005
"""How often a queue that is not empty is looked at."""


async def empty(listener: socket.socket, *, for_good: bool) -> None:
    """Go on accepting until the socket can be closed.

    Args:
        listener: A listening socket that is accepted from all the while.
        for_good: Nobody else listens on this socket: turn new connections away, and wait until
            those that began have been accepted. Otherwise others accept what waits.
    """
    with suppress(OSError):  # not TCP, or the kernel does not know these programs
        if for_good:
            turn_away(listener)
        await asyncio.sleep(SETTLE_S)
        while for_good and queued(listener):  # noqa: ASYNC110 - the kernel tells nobody
            await asyncio.sleep(LOOK_S)

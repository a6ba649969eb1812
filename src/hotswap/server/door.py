"""How a worker stops to accept without losing a connection that waits to be accepted."""

import asyncio
import socket
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from .packet_filter import queued, turn_away

SETTLE_S: Final = 0.2
"""For handshakes that have begun; longer than most round trips."""
LOOK_S: Final = 0.005
"""How often a queue that is not empty is looked at."""
LOOKS: Final = 200
"""How many times: where descriptors have run out, nothing is accepted."""


async def empty(listeners: Sequence[socket.socket], *, for_good: bool) -> None:
    """Go on accepting until the sockets can be closed.

    Args:
        listeners: Listening sockets that are accepted from all the while.
        for_good: Nobody else has them: turn new connections away, and wait for those that began.
    """
    with suppress(OSError):  # not TCP, or the kernel does not know these programs
        for listener in listeners if for_good else ():
            turn_away(listener)
        await asyncio.sleep(SETTLE_S)
        for _ in range(LOOKS):
            if not any(map(queued, listeners)):
                return
            await asyncio.sleep(LOOK_S)

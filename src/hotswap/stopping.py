"""How a process is told to end."""

from enum import Enum, auto


class Stop(Enum):
    """What becomes of the sockets that it serves."""

    FOR_GOOD = auto()
    """Nobody will serve them any more."""
    REPLACED = auto()
    """Others, who have them as well, go on."""

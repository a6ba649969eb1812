"""How a process is told to end."""

from enum import Enum, auto


class Stop(Enum):
    """Why it ends, and so what becomes of what it shares with others."""

    FOR_GOOD = auto()
    """The gateway ends: nobody will listen any more."""
    REPLACED = auto()
    """Others go on with the same sockets."""
    FORSAKEN = auto()
    """The supervisor is gone; somebody may have its sockets, or nobody."""

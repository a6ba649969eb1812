"""How processes and commands end: the exit codes that scripts may rely on."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of `hotswap`."""

    FINE = 0
    FAILED = 1
    """The check failed, or the gateway could not go on; stderr says why."""
    USAGE = 2
    """The command line is wrong."""
    UNREADABLE = 3
    """The configuration can not be used."""
    UNREACHABLE = 4
    """No gateway answers."""
    FORBIDDEN = 5
    """The gateway does not accept the key."""
    INTERRUPTED = 130
    """Ended by Ctrl-C."""

"""What systemd may give a supervisor, and be told: sockets that it holds, and readiness.

Without `LISTEN_FDS` and `NOTIFY_SOCKET` in the environment nothing here does anything.
"""

import os
import socket
from contextlib import suppress
from typing import Final, NamedTuple

ADMIN: Final = "admin"
"""`FileDescriptorName=` of the socket that is the admin listener; all others are public ones."""
_FIRST: Final = 3


class Given(NamedTuple):
    """Listening sockets that were inherited."""

    public: tuple[int, ...] = ()
    admin: tuple[int, ...] = ()


NOTHING: Final = Given()


def given() -> Given:
    """Return the sockets that systemd has passed to this very process, once."""
    environ = os.environ
    if environ.pop("LISTEN_PID", "") != str(os.getpid()):
        return NOTHING
    count = int(environ.pop("LISTEN_FDS", "0"))
    names = environ.pop("LISTEN_FDNAMES", "").split(":")
    named = {_FIRST + at: names[at] if at < len(names) else "" for at in range(count)}
    for descriptor in named:
        os.set_inheritable(descriptor, False)  # noqa: FBT003 - the only argument there is
    return Given(
        tuple(descriptor for descriptor, name in named.items() if name != ADMIN),
        tuple(descriptor for descriptor, name in named.items() if name == ADMIN),
    )


def notify(*lines: str) -> None:
    """Tell systemd, if it wants to know."""
    path = os.environ.get("NOTIFY_SOCKET", "")
    if path:
        address = "\0" + path[1:] if path.startswith("@") else path
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as service:
            service.connect(address)
            service.send("\n".join(lines).encode())

"""How a new supervisor takes the place of one that runs, without closing a socket.

They talk over a unix socket in the state folder, of mode 0600, and only with processes of the same
user. Connections never notice: both processes hold the same listening sockets, and what waits in
their queues is accepted by whoever comes first.

| new supervisor | running supervisor |
| --- | --- |
| `TAKEOVER`, once its configuration is loaded | `OFFER` with every descriptor, or `REFUSED` |
| waits | ends its keeper, so that there are never two; `RELEASED` |
| starts its keeper, which also serves the other's workers, and its workers | serves on |
| `COMMIT`, when all of them are ready | its workers finish what they have; it ends |

Until `COMMIT` the new one may fail in any way: the running one sees its end, starts its keeper
again and has lost nothing. When the running one dies at any moment, the new one goes on alone.
"""

# ruff: noqa: PTH101, PTH108 - pathlib would cost the supervisor a megabyte for good

import os
import socket
import struct
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Final, NamedTuple

from .channel import Channel, Word

NAME: Final = "hotswap.sock"
VERSION: Final = "1"
"""Raised when these words, or the link between workers and keeper, change incompatibly."""
PATIENCE_S: Final = 5.0
"""How long a running supervisor may take to answer; it has nothing else to do."""
KEPT: Final = "kept"
"""With `COMMIT`: the public listeners are served on, not left."""
ACTIVATED: Final = "activated"
"""With `OFFER`: the public listeners came from systemd."""
_CREDENTIALS: Final = struct.Struct("3i")


class HandoverError(Exception):
    """The running supervisor does not hand over; the message says why."""


class Goods(NamedTuple):
    """What is handed over; whoever has it owns the descriptors."""

    pid_file: int
    """Open and locked: the lock is common to all who have it."""
    control: int
    admin: int
    links: tuple[int, ...]
    """The keeper's listeners, and those of supervisors before whose workers may still drain."""
    public: tuple[int, ...]


class Offer(NamedTuple):
    """A running supervisor's answer."""

    channel: Channel
    """To it; it ends with the process."""
    goods: Goods
    public_at: str
    """Host and port of the public listeners, as configured."""
    admin_at: str
    """Host and port of the admin listener, as configured."""
    activated: bool
    """The public listeners came from systemd: each worker serves all of them."""


def open_control(state_dir: str) -> int:
    """Listen for successors; the state folder must be ours. Raises `OSError`."""
    with _reach(state_dir) as path, socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as control:
        with suppress(FileNotFoundError):
            os.unlink(path)
        control.bind(path)
        os.chmod(path, 0o600)
        control.listen(1)
        control.settimeout(0.0)
        return control.detach()


def close_control(state_dir: str) -> None:
    """Leave no socket in the state folder."""
    with suppress(OSError):
        os.unlink(f"{state_dir}/{NAME}")


def accept(control: int) -> Channel | None:
    """Let somebody in; None: it has left, or is another user."""
    with socket.socket(fileno=os.dup(control)) as listener, suppress(OSError):
        connection, _ = listener.accept()
        connection.settimeout(0.0)
        if _user(connection) in (os.geteuid(), 0):
            return Channel(connection)
        connection.close()
    return None


def ask(state_dir: str) -> Offer | None:
    """Ask for everything that the supervisor of this state folder has; None: there is none.

    Raises:
        HandoverError: It refuses, or does not answer.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.settimeout(PATIENCE_S)
    try:
        with _reach(state_dir) as path:
            connection.connect(path)
    except (FileNotFoundError, ConnectionRefusedError):
        connection.close()
        return None
    channel = Channel(connection)
    try:
        channel.say(Word.TAKEOVER, VERSION)
        return _read(channel)
    except (HandoverError, OSError) as error:
        channel.close()
        raise HandoverError(f"the running supervisor does not hand over: {error}") from error


def offer(
    channel: Channel, goods: Goods, public_at: str, admin_at: str, *, activated: bool
) -> None:
    """Answer a successor with what `Offer` says; the descriptors stay open here as well."""
    pid_file, control, admin, links, public = goods
    fields = (public_at, admin_at, ACTIVATED if activated else "", str(len(links)))
    channel.say(Word.OFFER, *fields, descriptors=(pid_file, control, admin, *links, *public))


def _read(channel: Channel) -> Offer:
    message = channel.hear()
    if message is None:
        raise HandoverError("it has ended")
    if message.word is not Word.OFFER:
        raise HandoverError(" ".join(message.fields))
    channel.never_wait()
    public_at, admin_at, activated, links = message.fields
    pid_file, control, admin, *rest = message.descriptors
    goods = Goods(pid_file, control, admin, tuple(rest[: int(links)]), tuple(rest[int(links) :]))
    return Offer(channel, goods, public_at, admin_at, activated == ACTIVATED)


@contextmanager
def _reach(state_dir: str) -> Generator[str]:
    """Give a short path of the control socket: more than 107 bytes can not be used."""
    folder = os.open(state_dir, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{NAME}"
    finally:
        os.close(folder)


def _user(connection: socket.socket) -> int:
    """Return the user id of the process at the other end."""
    packed = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, user, _ = _CREDENTIALS.unpack(packed)
    return int(user)

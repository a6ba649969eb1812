"""The sockets that the supervisor opens and keeps open, whoever of its children dies."""

# ruff: noqa: PTH102, PTH106, PTH108 - pathlib would cost the supervisor a megabyte for good

import os
import socket
from contextlib import suppress
from typing import Final, NamedTuple

BACKLOG: Final = 1024
"""Connections that wait while a worker restarts."""


class ListenError(Exception):
    """An address can not be listened on; the message says which and why."""


class Listener(NamedTuple):
    """A listening TCP socket as a bare descriptor, which no forked child closes by accident."""

    descriptor: int
    port: int
    """The one that the kernel chose, if it did."""
    url: str
    """Where clients reach it, such as `http://127.0.0.1:8100`."""


class Link(NamedTuple):
    """The keeper's listening unix socket, in a folder of its own that only this user may enter."""

    descriptor: int
    folder: str
    path: str

    def close(self) -> None:
        """Close the descriptor and remove the folder."""
        os.close(self.descriptor)
        with suppress(OSError):
            os.unlink(self.path)
        with suppress(OSError):
            os.rmdir(self.folder)


def listen(host: str, port: int, *, shared: bool, scheme: str = "http") -> Listener:
    """Listen on an address or a name; of a name's addresses an IPv4 one is preferred.

    Args:
        host: `0.0.0.0` is every IPv4 address, `::` every address of both families.
        port: 0 lets the kernel choose.
        shared: Other listeners of ours may take the same port (SO_REUSEPORT).
        scheme: What its URL begins with; nothing here speaks it.

    Raises:
        ListenError: The name is unknown, or the address is taken or not ours.
    """
    try:
        # As bytes, because a str would load the codec of international names for good.
        found = socket.getaddrinfo(host.encode(), port, type=socket.SOCK_STREAM)
        family, _, _, _, address = min(found, key=lambda entry: entry[0] is not socket.AF_INET)
        with socket.socket(family, socket.SOCK_STREAM) as listener:
            _prepare(listener, shared=shared)
            listener.bind(address)
            listener.listen(BACKLOG)
            bound = int(listener.getsockname()[1])
            return Listener(listener.detach(), bound, _url(scheme, host, bound))
    except OSError as error:
        raise ListenError(f"can not listen on {host}:{port}: {error.strerror}") from error


def adopt(descriptor: int, host: str, scheme: str = "http") -> Listener:
    """Describe a listening socket that somebody else has opened.

    Args:
        descriptor: The socket.
        host: What its URL names.
        scheme: What its URL begins with.

    Raises:
        OSError: It is no socket.
    """
    with socket.socket(fileno=os.dup(descriptor)) as listener:
        name: tuple[str, int] | str = listener.getsockname()
    port = 0 if isinstance(name, str) else name[1]
    return Listener(descriptor, port, _url(scheme, host, port))


def open_link() -> Link:
    """Open the keeper's unix socket.

    The folder lies in the system's place for temporary files, not in the state folder: the path
    of a unix socket is limited to 107 bytes. Raises `ListenError`.
    """
    base = os.environ.get("TMPDIR", "/tmp")  # noqa: S108 - the folder in it is new and private
    folder = f"{base}/hotswap-{os.getpid()}-{os.urandom(6).hex()}"
    path = f"{folder}/link"
    try:
        os.mkdir(folder, 0o700)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(path)
            listener.listen(BACKLOG)
            return Link(listener.detach(), folder, path)
    except OSError as error:
        raise ListenError(f"can not open {path}: {error.strerror}") from error


def _prepare(listener: socket.socket, *, shared: bool) -> None:
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if listener.family is socket.AF_INET6:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)


def _url(scheme: str, host: str, port: int) -> str:
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"

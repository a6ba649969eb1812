"""What processes tell each other: small packets, with file descriptors attached.

Anything that may be large, such as a configuration, travels as a descriptor of anonymous memory, so
that no packet ever blocks its sender. When the other end dies the channel ends: this is how a child
notices that its supervisor is gone.
"""

import os
import socket
from collections.abc import Sequence
from enum import StrEnum
from typing import Final, NamedTuple

_PACKET: Final = 64 * 1024
_DESCRIPTORS: Final = 253
"""The kernel passes no more at once."""


class Word(StrEnum):
    """What may be said."""

    LOADED = "loaded"
    """The loader: the fields of `Opening`; the snapshot attached."""
    READY = "ready"
    """The child serves."""
    SNAPSHOT = "snapshot"
    """The keeper: the attached configuration is in force, also for children that start later."""
    ADMIN_KEY = "admin_key"
    """The keeper: a new admin key was made; it is to be shown once."""
    SHARED = "shared"
    """To a child: others have its sockets as well, and go on when it ends."""
    ALONE = "alone"
    """To a child: nobody else has them any more."""
    TAKEOVER = "takeover"
    """A new supervisor to a running one: the version it speaks. `handover` tells the rest."""
    OFFER = "offer"
    """The running one's answer: see `handover.offer`."""
    REFUSED = "refused"
    """Its other answer: why."""
    RELEASED = "released"
    """The running one: its keeper has ended."""
    COMMIT = "commit"
    """The new one: it serves; whether the public listeners are `KEPT`."""


class Message(NamedTuple):
    """What the other end said. Whoever receives it owns the descriptors."""

    word: Word
    fields: tuple[str, ...]
    descriptors: tuple[int, ...]


class Begin(NamedTuple):
    """What a keeper or a worker gets for its work; it owns the sockets."""

    number: int
    """The worker's number, from 0; 0 for the keeper."""
    link: str
    """Path of the keeper's unix socket."""
    config: str
    """Path of the configuration file."""
    snapshot: bytes
    """The configuration in force, as the loader or the keeper wrote it."""
    sockets: tuple[int, ...]
    """Worker: its public listeners. Keeper: the admin listener, the link's, former links'."""


class Channel:
    """One end of the line between the supervisor and one child."""

    __slots__ = ("_socket",)

    def __init__(self, end: socket.socket) -> None:
        self._socket = end

    def fileno(self) -> int:
        """Return the descriptor to poll."""
        return self._socket.fileno()

    def never_wait(self) -> None:
        """Let `hear` return at once from now on."""
        self._socket.settimeout(0.0)

    def say(
        self,
        word: Word,
        *fields: str,
        memory: bytes | None = None,
        descriptors: Sequence[int] = (),
    ) -> None:
        """Tell the other end; it gets copies of `descriptors`, or `memory` as one."""
        if memory is None:
            self._send((word, *fields), descriptors)
            return
        descriptor = remember(memory)
        self._send((word, *fields), (descriptor,))
        os.close(descriptor)

    def hear(self) -> Message | None:
        """Return the next message; None: the other end is gone, or none waits for a supervisor."""
        packet = self._receive()
        if packet is None:
            return None
        (word, *fields), descriptors = packet
        try:
            return Message(Word(word), tuple(fields), descriptors)
        except ValueError:  # a stranger's word
            return None

    def begin(
        self, number: int, link: str, config: str, snapshot: int, sockets: Sequence[int]
    ) -> None:
        """Give a child what `Begin` says; the descriptors stay open here, it gets its own.

        Args:
            number: As in `Begin`.
            link: As in `Begin`.
            config: As in `Begin`.
            snapshot: Descriptor that `remember` returned.
            sockets: As in `Begin`.
        """
        self._send((str(number), link, config), (snapshot, *sockets))

    def await_begin(self) -> Begin | None:
        """Wait in a child for what it needs; None: the supervisor is gone."""
        packet = self._receive()
        if packet is None:
            return None
        (number, link, config), (snapshot, *sockets) = packet
        return Begin(int(number), link, config, recall(snapshot), tuple(sockets))

    def close(self) -> None:
        """Let go of this end."""
        self._socket.close()

    def _send(self, fields: Sequence[str], descriptors: Sequence[int]) -> None:
        try:
            socket.send_fds(self._socket, ["\0".join(fields).encode()], descriptors)
        except (BrokenPipeError, ConnectionResetError):
            return  # whoever polls the channel learns of it

    def _receive(self) -> tuple[list[str], tuple[int, ...]] | None:
        try:
            packet, descriptors, _, _ = socket.recv_fds(
                self._socket, _PACKET, _DESCRIPTORS, socket.MSG_CMSG_CLOEXEC
            )
        except (BlockingIOError, ConnectionResetError):
            return None
        return (packet.decode().split("\0"), tuple(descriptors)) if packet else None


def pair() -> tuple[Channel, Channel]:
    """Return the supervisor's end of a new channel, which never waits, and the child's."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.settimeout(0.0)
    return Channel(ours), Channel(theirs)


def remember(content: bytes) -> int:
    """Put `content` into anonymous memory and return its descriptor."""
    memory = os.memfd_create("hotswap")
    with os.fdopen(os.dup(memory), "wb") as file:
        file.write(content)
    return memory


def recall(memory: int) -> bytes:
    """Return what was remembered, and close this descriptor of it."""
    try:
        # Not `read`: all descriptors of one memory share their position.
        return os.pread(memory, os.fstat(memory).st_size, 0)
    finally:
        os.close(memory)

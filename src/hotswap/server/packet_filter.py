"""Small programs for the kernel that say which listening socket a new connection goes to.

Closing a listening socket resets the connections that wait in its queue. These programs empty a
queue first: they touch the first packet of a connection only, and its sender repeats that one.
Linux's classic packet filters, which need no privilege.
"""

import socket
import struct
import sys
from array import array
from typing import Final

_ATTACH_FILTER: Final = 26
_ATTACH_REUSEPORT: Final = 51
_TCP_INFO_BYTES: Final = 28
_QUEUED: Final = struct.Struct("24xI")
"""A listening socket's `tcp_info.tcpi_unacked`: connections that nobody has accepted yet."""

# An instruction: code, jump if true, jump if false, operand.
_Instruction = tuple[int, int, int, int]
_LOAD_BYTE: Final = 0x30
_LOAD_WORD: Final = 0x20
_AND: Final = 0x54
_MODULO: Final = 0x94
_JUMP_IF_EQUAL: Final = 0x15
_RETURN: Final = 0x06
_RETURN_RESULT: Final = 0x16
_TCP_FLAGS: Final = 13
_SYN: Final = 0x02
_ACK: Final = 0x10
_RANDOM: Final = 0xFFFFF000 + 56

_NO_SYN: Final = (
    (_LOAD_BYTE, 0, 0, _TCP_FLAGS),
    (_AND, 0, 0, _SYN | _ACK),
    (_JUMP_IF_EQUAL, 0, 1, _SYN),
    (_RETURN, 0, 0, 0),
    (_RETURN, 0, 0, 0xFFFFFFFF),
)


def turn_away(listener: socket.socket) -> None:
    """Let no further connection come to this socket; those that began to are completed.

    Whoever tries is left without an answer, and refused when it tries again after the last such
    socket was closed. It concerns every process that shares the socket, and can not be undone.
    """
    _attach(listener, _ATTACH_FILTER, _NO_SYN)


def steer(listener: socket.socket, sockets: int) -> None:
    """Spread new connections over the first `sockets` of all that share this one's port.

    Replaces what was said before. The others' queues run empty, so that they can be closed.
    """
    program = (
        (_LOAD_WORD, 0, 0, _RANDOM),
        (_MODULO, 0, 0, sockets),
        (_RETURN_RESULT, 0, 0, 0),
    )
    _attach(listener, _ATTACH_REUSEPORT, program)


def queued(listener: socket.socket) -> int:
    """Return how many connections wait to be accepted."""
    info = listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
    (waiting,) = _QUEUED.unpack(info)
    return int(waiting)


def _attach(listener: socket.socket, option: int, program: tuple[_Instruction, ...]) -> None:
    code = array("Q", (_packed(instruction) for instruction in program))
    address, length = code.buffer_info()
    listener.setsockopt(socket.SOL_SOCKET, option, struct.pack("@HP", length, address))


def _packed(instruction: _Instruction) -> int:
    return int.from_bytes(struct.pack("=HBBI", *instruction), sys.byteorder)

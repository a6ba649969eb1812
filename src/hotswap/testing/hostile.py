"""What tests of hostile peers share: damaged bytes, crowds of sockets, and bounds on memory."""

import asyncio
import socket
import tracemalloc
from collections.abc import AsyncGenerator, Generator, Iterable, Sequence
from contextlib import asynccontextmanager, contextmanager
from enum import Enum, auto
from itertools import pairwise
from typing import assert_never


class Damage(Enum):
    """What happens to a message on its way."""

    INSERT = auto()
    REPLACE = auto()
    DELETE = auto()
    FLIP = auto()
    """One bit."""
    REPEAT = auto()
    LINE = auto()
    """A line is added behind the one that is hit."""


def damaged(raw: bytes, damage: Damage, at: int, piece: bytes, size: int) -> bytes:
    """Return `raw` with one damage at `at`; `piece` is what is put in, `size` what is hit."""
    before, after = raw[:at], raw[at:]
    match damage:
        case Damage.INSERT:
            return before + piece + after
        case Damage.REPLACE:
            return before + piece + after[len(piece) :]
        case Damage.DELETE:
            return before + after[size:]
        case Damage.FLIP:
            return before + bytes(byte ^ 1 << at % 8 for byte in after[:1]) + after[1:]
        case Damage.REPEAT:
            return before + raw[max(0, at - size) :]
        case Damage.LINE:
            rest, end, further = after.partition(b"\r\n")
            return before + rest + end + piece + end + further
        case _:
            assert_never(damage)


def pieces(raw: bytes, cuts: Iterable[int]) -> list[bytes]:
    """Cut `raw` at any numbers, taken modulo its length."""
    edges = [0, *sorted({cut % (len(raw) + 1) for cut in cuts}), len(raw)]
    return [raw[a:b] for a, b in pairwise(edges) if a < b]


@asynccontextmanager
async def crowd(port: int, number: int) -> AsyncGenerator[Sequence[socket.socket]]:
    """Connect so many callers to loopback that cost next to no memory of their own."""
    loop = asyncio.get_running_loop()
    opened: list[socket.socket] = []
    try:
        for _ in range(number):
            sock = socket.socket()
            opened.append(sock)
            sock.setblocking(False)  # noqa: FBT003 - the standard library's signature
            await loop.sock_connect(sock, ("127.0.0.1", port))
        yield opened
    finally:
        for sock in opened:
            sock.close()


@contextmanager
def kept_below(size: int) -> Generator[None]:
    """Require that less than `size` bytes of what was allocated meanwhile are left at the end."""
    tracemalloc.start()
    try:
        yield
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    if kept >= size:
        raise AssertionError(f"{kept} bytes were kept, which is not below {size}")


@contextmanager
def allocated_below(size: int) -> Generator[None]:
    """Require that never as much as `size` bytes is allocated meanwhile."""
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    if peak >= size:
        raise AssertionError(f"{peak} bytes were allocated, which is not below {size}")

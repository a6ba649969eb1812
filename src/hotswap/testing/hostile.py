"""What tests of hostile peers share: damaged bytes, crowds of sockets, and bounds on memory."""

import asyncio
import socket
import tracemalloc
from collections.abc import AsyncGenerator, Generator, Iterable, Sequence
from contextlib import asynccontextmanager, contextmanager
from enum import Enum, auto
from itertools import pairwise
from typing import Final, assert_never

ODD_BYTES: Final = (
    *(b"\r", b"\n", b"\r\n", b"\r\n\r\n", b"\n\n", b"\0", b" ", b"\t", b"\x0b", b"\x80", b"\xff"),
    *(b":", b",", b";", b"0", b"1", b"-", b"+", b"0x", b"_", b"\r\n ", b"\r\n\t", b"%0d%0a"),
    *(b"HTTP/0.9", b"HTTP/2.0", b"ffffffffffffffff\r\n", b"-1\r\n", b"0\r\n\r\n"),
)
"""What parsers stumble over, wherever it stands."""
ODD_LINES: Final = (
    *(b"Content-Length: %b" % v for v in (b"0", b"5", b"+5", b"-5", b"0x5", b"5, 5", b"5,6")),
    *(b"Content-Length: %b" % v for v in (b"5 5", b"5_0", b"", b"\x0b5", b"5\x0c", b"\xb2")),
    *(b"Content-Length: %b" % v for v in (b"9" * 20, b"18446744073709551621")),
    *(b"Content-Length%b 5" % v for v in (b" :", b"\t:", b":\r\n", b"\0:", b"\xa0:")),
    *(b"Transfer-Encoding: %b" % v for v in (b"chunked", b"Chunked", b"xchunked", b"identity")),
    *(b"Transfer-Encoding: %b" % v for v in (b"chunked, identity", b"identity, chunked", b"")),
    *(b"Transfer-Encoding: %b" % v for v in (b"chunked;q=1", b'"chunked"', b"\x0bchunked")),
    *(b"Transfer-Encoding: %b" % v for v in (b",chunked", b"chunked,", b"chunked chunked")),
    *(b"Transfer-Encoding%b chunked" % v for v in (b" :", b"\t:", b":\r\n", b"\0:", b"")),
    *(b"Transfer_Encoding: chunked", b"X: y\rTransfer-Encoding: chunked", b"X: y\nA: b"),
    *(b" X: y", b": x", b"no colon", b"N\xc3\xa9: x", b"(x): y", b"Connection: close"),
    *(b"Connection: upgrade", b"Upgrade: h2c"),
)
"""Header lines that say how long a body is in a way that two parsers may read differently."""


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

"""What a scripted answer is made of: bytes, pauses and endings, in the order of their time.

Every layer is a generator from moves to moves, so faults combine freely: pings fill pauses, a cut
ends a body anywhere, framing and slicing come last. Nothing here knows a socket or a clock.
"""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from .step import Cut


class Pause(Struct, frozen=True, gc=False):
    """Nothing is sent for this long."""

    seconds: float


class Hang(Struct, frozen=True, gc=False):
    """Nothing is sent any more; the connection stays."""


class Leave(Struct, frozen=True, gc=False):
    """The connection ends, by EOF or RESET; in a framed body END closes the framing instead."""

    cut: Cut


Move = bytes | Pause | Hang | Leave


def with_pings(moves: Iterable[Move], ping: bytes, every_s: float) -> Iterator[Move]:
    """Send `ping` in every pause, as often as it fits."""
    for move in moves:
        if isinstance(move, Pause):
            left = move.seconds
            while left > every_s:
                yield Pause(every_s)
                yield ping
                left -= every_s
            yield Pause(left)
        elif isinstance(move, Hang):
            while True:
                yield Pause(every_s)
                yield ping
        else:
            yield move


def cut_after(moves: Iterable[Move], size: int, cut: Cut) -> Iterator[Move]:
    """Let `size` bytes pass, then end."""
    left = size
    for move in moves:
        if isinstance(move, bytes):
            if len(move) >= left:
                yield move[:left]
                yield Leave(cut)
                return
            left -= len(move)
        yield move


def chunked(moves: Iterable[Move]) -> Iterator[Move]:
    """Frame a body as chunks; it ends cleanly with the moves, or where they leave by END."""
    for move in moves:
        if isinstance(move, bytes):
            if move:
                yield b"%x\r\n%b\r\n" % (len(move), move)
        elif isinstance(move, Leave) and move.cut is Cut.END:
            break
        else:
            yield move
    yield b"0\r\n\r\n"


def sliced(moves: Iterable[Move], size: int, pause_s: float) -> Iterator[Move]:
    """Send everything in slices of `size` bytes, with a pause after each."""
    pause = Pause(pause_s)
    for move in moves:
        if isinstance(move, bytes):
            for at in range(0, len(move), size):
                yield move[at : at + size]
                yield pause
        else:
            yield move

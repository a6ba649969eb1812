"""Troubles in bodies: from a provider's events to the moves that its caller gets."""

from collections.abc import Iterator, Sequence
from random import Random
from typing import Final

from msgspec import Struct

from ..form import Form
from ..moves import Hang, Leave, Move, Pause
from .scenario import Kind, Trouble

GARBAGE: Final = (
    b"data: {\n\n",
    b'data: {"choices": 7}\n\n',
    b"data: \xff\xfe\n\n",
    b"<html><body>502 Bad Gateway</body></html>\n\n",
    b'data: {"type": []}\n\n',
)
PINGS_S: Final = 1.0
_NEVER: Final = (Hang(),)


class Pace(Struct, frozen=True, gc=False):
    """How a stream comes."""

    first_s: float
    """From the opening to the first content."""
    gap_s: float
    """Between events; 0: all at once."""
    slice_bytes: int
    """What the network makes of it: pieces of so many bytes; 0: one event each."""


def disturbed(
    events: Sequence[bytes], form: Form, trouble: Trouble, pace: Pace, rng: Random
) -> Iterator[Move]:
    """Return the moves of a stream.

    Args:
        events: All of them, the terminator included.
        form: Writes errors and pings.
        trouble: What goes wrong.
        pace: How they come.
        rng: Draws what the trouble leaves open.
    """
    at = int(trouble.where * (len(events) + 1))
    match trouble.kind:
        case Kind.MUTE:
            return iter(_NEVER)
        case Kind.PINGS:
            return _pings(events[0], form)
        case Kind.CUT | Kind.STALL:
            return _cut(events, trouble, pace)
        case Kind.ERROR:
            events = [*events[:at], form.error_event("The model is overloaded.", at)]
        case Kind.GARBAGE:
            events = [*events[:at], rng.choice(GARBAGE), *events[at:]]
        case Kind.SLOW:
            pace = Pace(pace.first_s, 0.2 + 3 * trouble.where, 0)
        case _:
            pass
    return _paced(events, pace)


def _pings(opening: bytes, form: Form) -> Iterator[Move]:
    yield opening
    while True:
        yield Pause(PINGS_S)
        yield form.PING


def _cut(events: Sequence[bytes], trouble: Trouble, pace: Pace) -> Iterator[Move]:
    """End, or fall silent, after any byte; the last half of all cuts is near the end."""
    size = sum(map(len, events))
    left = int(trouble.where * size)
    for move in _paced(events, pace):
        if isinstance(move, bytes):
            if len(move) > left:
                yield move[:left]
                break
            left -= len(move)
        yield move
    yield Hang() if trouble.kind is Kind.STALL else Leave(trouble.cut)


def _paced(events: Sequence[bytes], pace: Pace) -> Iterator[Move]:
    """Put the pauses between events, and cut them as the network does."""
    if pace.gap_s == 0.0:
        opening, rest = events[:1], events[1:]
        yield from _pieces(b"".join(opening), opening, pace)
        if pace.first_s:
            yield Pause(pace.first_s)
        yield from _pieces(b"".join(rest), rest, pace)
        return
    wait, gap = Pause(pace.first_s), Pause(pace.gap_s)
    for number, event in enumerate(events):
        if number:
            yield wait if number == 1 else gap
        yield from _pieces(event, (event,), pace)


def _pieces(data: bytes, events: Sequence[bytes], pace: Pace) -> Iterator[bytes]:
    if pace.slice_bytes == 0:
        yield from events
        return
    for at in range(0, len(data), pace.slice_bytes):
        yield data[at : at + pace.slice_bytes]

"""What providers do in the rows of the fault table."""

from collections.abc import Iterator, Mapping
from math import inf
from random import Random
from typing import Final

from hotswap.testing import openai_form
from hotswap.testing.form import Answer, Asked
from hotswap.testing.moves import Hang, Move, Pause
from hotswap.testing.simulation.transport import Script
from hotswap.upstream.api import Fault, Headers

from .world import PIECES, Behaves, Visit

FIRST_S: Final = 0.4
"""Usual time to the first content."""
GAP_S: Final = 0.02
FAILING_S: Final = 0.03
"""How long an error takes."""
_JSON: Final = {b"content-type": b"application/json"}
_STREAM: Final = {b"content-type": b"text/event-stream"}


def _answer(pieces: tuple[str, ...]) -> Answer:
    return Answer(
        id="sim",
        model="m",
        thinking=(),
        signature="",
        pieces=pieces,
        tools=(),
        finish_reason="stop",
        prompt_tokens=4,
        cached_tokens=0,
        completion_tokens=len(pieces),
    )


_ASKED: Final = Asked(model="m", stream=True)
_BODY: Final = openai_form.answer_body(_answer(PIECES), Asked(model="m"))
_EVENTS: Final = (*openai_form.answer_events(_answer(PIECES), _ASKED), openai_form.DONE)


def answers(rng: Random, *, first_s: float = FIRST_S, gap_s: float = GAP_S) -> Behaves:
    """Answer well; times to the first content spread by half around theirs."""

    def behave(visit: Visit) -> Script:
        first = first_s * (0.5 + rng.random())
        if not visit.stream:
            whole_s = first + gap_s * (len(_EVENTS) - 2)
            return Script(0.0, None, whole_s, None, 200, _JSON, iter((_BODY,)))
        return Script(0.0, None, 0.5 * first, None, 200, _STREAM, _paced(0.5 * first, gap_s))

    return behave


def _paced(first_s: float, gap_s: float) -> Iterator[Move]:
    opening, first, *others = _EVENTS
    yield opening
    yield Pause(first_s)
    yield first
    for event in others:
        if gap_s:
            yield Pause(gap_s)
        yield event


def fails(status: int) -> Behaves:
    """Answer with an error."""
    return _refusal(status, {})


def limited(headers: Mapping[str, str]) -> Behaves:
    """Answer with a 429 that says these headers."""
    return _refusal(429, {name.encode(): value.encode() for name, value in headers.items()})


def wrong_key(_visit: Visit) -> Script:
    """Refuse the key."""
    return _refusal(401, {})(_visit)


def no_money(_visit: Visit) -> Script:
    """Say that the account is empty."""
    return _refusal(402, {})(_visit)


def _refusal(status: int, headers: Headers) -> Behaves:
    body = openai_form.error_body(status)

    def behave(_visit: Visit) -> Script:
        return Script(0.0, None, FAILING_S, None, status, {**_JSON, **headers}, iter((body,)))

    return behave


def unreachable(fault: Fault) -> Behaves:
    """Never have a connection; each try of one fails soon."""
    return lambda _visit: Script(FAILING_S, fault)


def resets(_visit: Visit) -> Script:
    """Take the request, then reset the connection."""
    return Script(0.0, None, FAILING_S, Fault.RESET)


def lost(_visit: Visit) -> Script:
    """Never have a connection, and never say so."""
    return Script(inf)


def silent(_visit: Visit) -> Script:
    """Take the request, and say nothing."""
    return Script(0.0, None, inf)


def mute(visit: Visit) -> Script:
    """Begin a stream, and say nothing in it."""
    return _opening(visit, iter((_EVENTS[0], Hang())))


def pings(visit: Visit) -> Script:
    """Begin a stream, and send signs of life in it for ever."""
    return _opening(visit, _pinging())


def _opening(visit: Visit, moves: Iterator[Move]) -> Script:
    if not visit.stream:
        return silent(visit)
    return Script(0.0, None, FAILING_S, None, 200, _STREAM, moves)


def _pinging() -> Iterator[Move]:
    yield _EVENTS[0]
    while True:
        yield Pause(1.0)
        yield openai_form.PING


def by_key(others: Behaves, keys: Mapping[str, Behaves]) -> Behaves:
    """Behave in another way to some keys."""
    return lambda visit: keys.get(visit.key, others)(visit)


def either(share: float, one: Behaves, other: Behaves, rng: Random) -> Behaves:
    """Do `one` in a share of all visits, drawn for each."""

    def behave(visit: Visit) -> Script:
        return one(visit) if rng.random() < share else other(visit)

    return behave


def flapping(up: Behaves, down: Behaves, up_s: float, down_s: float) -> Behaves:
    """Be up for a while, down for a while, and so on."""

    def behave(visit: Visit) -> Script:
        return up(visit) if visit.at % (up_s + down_s) < up_s else down(visit)

    return behave

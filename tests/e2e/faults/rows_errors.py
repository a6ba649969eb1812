"""Rows 1, 3, 4, 5 and 18: a target that answers with errors, not at all, or with nothing in it."""

from collections.abc import Callable
from statistics import median
from typing import Final

from hotswap.testing.step import Cut, Step

from .cells import STREAMED, Cell, Link
from .scenes import (
    HEALTHY,
    NO_RETRY,
    Scene,
    answered,
    both_fail,
    first_fails,
    gives_up,
    whole,
)
from .site import Site

SWITCH_S: Final = 0.05
"""The bound of 5 ms is measured by `make bench`; here the machine does many things at once."""
STATUSES: Final = (500, 502, 503, 504, 520, 529)
LIMITS: Final = {"timeouts": {"first_content_s": 0.8, "connect_s": 0.8, "silence_s": 0.5}}


async def opens_after_five(site: Site, cell: Cell) -> str:
    """Seven requests are answered, and the target was asked for the first five of them."""
    words = [whole(await site.ask(cell), cell) for _ in range(7)]
    attempts = await site.attempts(cell, requests=7)
    failed = [a for a in attempts if a.target == site.target(cell, 0)]
    switches = [a.switch_s for a in attempts if a.switch_s is not None]
    opened = site.transitions(cell, 0)[0]

    assert len(failed) == 5
    assert (opened.after, opened.rule) == ("open", "breaker.failures")
    assert median(switches) < SWITCH_S
    return words[-1]


def statuses() -> list[Scene]:
    """Row 1."""
    return [
        scene
        for status in STATUSES
        for scene in (
            Scene(
                row="1",
                fault=f"{status}",
                links=first_fails(Step(status=status)),
                play=opens_after_five,
            ),
            Scene(
                row="1",
                fault=f"{status} at all targets",
                links=both_fail(Step(status=status)),
                play=gives_up(503),
                chain=NO_RETRY,
            ),
        )
    ]


def first_out_of_reach(server: str) -> Callable[[Cell], list[Link]]:
    """Return a chain whose first target is at a server that nobody gets through to."""

    def links(cell: Cell) -> list[Link]:
        authority = {"ca_file": "ca.pem"} if server == "expired" else {}
        return [
            Link(dialect=cell.own, server=server, settings=authority),
            Link(dialect=cell.other, answers=HEALTHY),
        ]

    return links


UNREACHABLE: Final = {
    "refused": "connection refused",
    "nowhere": "no such host name",
    "expired": "TLS certificate expired",
    "resetting": "reset as it connects",
}
BROKEN: Final = {
    "reset before the answer": Step(drop=Cut.RESET),
    "closed before the answer": Step(drop=Cut.EOF),
    "bytes that are no HTTP": Step(garbage=b"\x00\x01nothing of HTTP"),
    "a page of HTML for an answer": Step(body="<html>welcome</html>"),
}


def connections() -> list[Scene]:
    """Row 3."""
    return [
        *(
            Scene(
                row="3",
                fault=fault,
                links=first_out_of_reach(server),
                play=opens_after_five,
                chain=LIMITS,
            )
            for server, fault in UNREACHABLE.items()
        ),
        *(
            Scene(row="3", fault=fault, links=first_fails(step), play=opens_after_five)
            for fault, step in BROKEN.items()
        ),
        Scene(
            row="3",
            fault="reset before the answer, at all targets",
            links=both_fail(Step(drop=Cut.RESET)),
            play=gives_up(503),
            chain=NO_RETRY,
        ),
    ]


SILENT: Final = {
    "accepted, then silent": Step(hang=True),
    "head, then silent": Step(silent_after=0),
}
EMPTY_STARTS: Final = {
    "opening, then silent": Step(silent_after=1),
    "opening, then pings": Step(silent_after=1, ping_s=0.05),
    "pings, no content": Step(first_content_s=30, ping_s=0.05),
}


def silences() -> list[Scene]:
    """Rows 4 and 5, for one request."""
    return [
        Scene(
            row="4",
            fault="packets dropped",
            links=first_out_of_reach("deaf"),
            play=answered,
            chain=LIMITS,
        ),
        *(
            Scene(row="4", fault=fault, links=first_fails(step), play=answered, chain=LIMITS)
            for fault, step in SILENT.items()
        ),
        Scene(
            row="4",
            fault="accepted, then silent, at all targets",
            links=both_fail(Step(hang=True)),
            play=gives_up(504),
            chain={**LIMITS, **NO_RETRY},
        ),
        *(
            Scene(
                row="5",
                fault=fault,
                links=first_fails(step),
                play=answered,
                chain=LIMITS,
                ways=STREAMED,
            )
            for fault, step in EMPTY_STARTS.items()
        ),
    ]


def empties() -> list[Scene]:
    """Row 18, as far as it goes today."""
    return [
        Scene(
            row="18",
            fault="an empty answer",
            links=first_fails(Step(empty=True)),
            play=answered,
        ),
        Scene(
            row="18",
            fault="an empty answer, at all targets",
            links=both_fail(Step(empty=True)),
            play=gives_up(503),
            chain=NO_RETRY,
        ),
    ]


SCENES: Final = [*statuses(), *connections(), *silences(), *empties()]

"""Rows 2, 4 and 13 to 16, and T6: what only shows over time, here about twelve times as fast."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Final

from hotswap.clock import SystemClock
from hotswap.testing.step import Seen, Step

from .cells import STREAMED, Cell, Link
from .model import model
from .rows_streams import STORY, whole_story
from .scenes import (
    ANSWERED,
    HEALTHY,
    NO_RETRY,
    RAISED,
    Play,
    Scene,
    both_fail,
    first_fails,
    raised,
    whole,
)
from .site import Site

FAILS: Final = Step(status=500)
SLOW_PROBE: Final = Step(text=HEALTHY.text, first_byte_s=0.15)
"""Slow enough that a second probe beside the first would show."""
WAITING: Final = 20
"""Callers of every cell, 200 at a time in all."""
SILENT_S: Final = 3.0
BACK_S: Final = 2.0
"""Row 16 allows 5 s where openings begin at 5 s; here they begin at 0.4 s."""


def sometimes(share: float) -> Callable[[Cell], list[Link]]:
    """Return a chain whose first target fails so often, by a seed."""

    def links(cell: Cell) -> list[Link]:
        draw = Random(cell.chain).random  # noqa: S311 - nothing secret is drawn

        def answers(_: Seen) -> Step:
            return FAILS if draw() < share else HEALTHY

        return [
            Link(dialect=cell.own, answers=answers),
            Link(dialect=cell.other, answers=HEALTHY),
        ]

    return links


def always_answered(requests: int, *, opens: bool) -> Play:
    """Prove that all of so many requests are answered, and that the target opened meanwhile."""

    async def play(site: Site, cell: Cell) -> str:
        words = {whole(await site.ask(cell), cell) for _ in range(requests)}
        attempts = await site.attempts(cell, requests=requests)
        changes = site.transitions(cell, 0)

        assert {a.cause for a in attempts} == {"", "hard"}
        assert not opens or any(change.after == "open" for change in changes)
        (word,) = words
        return word

    return play


async def silence_opens(site: Site, cell: Cell) -> str:
    """Callers wait in silence; the target opens before their limit, and the next ones do not."""
    clock = SystemClock()
    began_at = clock.now()
    waiting = [asyncio.ensure_future(site.ask(cell)) for _ in range(3)]
    target = site.target(cell, 0)
    told = site.feed.transitions[target]
    while not told:
        waiting.append(asyncio.ensure_future(site.ask(cell)))
        with suppress(TimeoutError):
            await site.feed.until(lambda: bool(told), timeout_s=0.1)
    opened_s = clock.now() - began_at
    asked = len(site.seen(cell, 0))
    next_got = await site.ask(cell)

    assert told[0].reason == "silence"
    assert opened_s < SILENT_S
    assert len(site.seen(cell, 0)) == asked
    for got in await asyncio.gather(*waiting):
        whole(got, cell)
    return whole(next_got, cell)


async def slowness_is_left(site: Site, cell: Cell) -> str:
    """Every request is answered; a target that turned slow is not asked by twenty of them."""
    for _ in range(3):
        whole(await site.ask(cell), cell)
    fast = len(site.seen(cell, 0))
    site.behave(cell, 0, Step(text=HEALTHY.text, first_byte_s=1.0))
    words = [whole(await site.ask(cell), cell) for _ in range(12)]

    target = site.target(cell, 0)
    await site.feed.until(lambda: bool(site.feed.transitions[target]))
    assert fast == 3
    assert len(site.seen(cell, 0)) - fast <= 20
    assert site.transitions(cell, 0)[0].after in {"open", "suspect"}
    return words[-1]


def crawling(cell: Cell) -> list[Link]:
    """Return a chain whose first target says a tenth of the tokens that are wanted."""
    return [
        Link(dialect=cell.own, answers=Step(text=STORY, gap_s=0.25)),
        Link(dialect=cell.other, answers=model(STORY)),
    ]


async def crawl_is_left(site: Site, cell: Cell) -> str:
    """The next target goes on."""
    word = whole_story(await site.ask(cell), cell)
    attempts = await site.attempts(cell)

    assert [a.cause for a in attempts] == ["hang", ""]
    return word


async def opens(site: Site, cell: Cell) -> int:
    """Let the first target fail until it opens; return how many requests it got."""
    target = site.target(cell, 0)
    while not site.feed.transitions[target]:
        whole(await site.ask(cell), cell)
    return len(site.seen(cell, 0))


async def one_probe_and_a_ramp(site: Site, cell: Cell) -> str:
    """A target that is well again is probed once, and serves again without a second opening."""
    failed = await opens(site, cell)
    site.behave(cell, 0, HEALTHY)
    target = site.target(cell, 0)
    told = site.feed.transitions[target]
    while told[-1].after != "closed":
        whole(await site.ask(cell), cell)
    probes = [probe for probe in site.feed.probes[target] if not probe.cause]

    assert [t.after for t in told if t.at >= told[0].at].count("ramp") == 1
    assert len(probes) == 1
    assert len(site.seen(cell, 0)) > failed + 1
    return ANSWERED


async def a_crowd_brings_one_probe(site: Site, cell: Cell) -> str:
    """While callers wait for the target, one probe goes there and none of them."""
    await opens(site, cell)
    clock = SystemClock()
    well_at = clock.now()
    site.behave(cell, 0, SLOW_PROBE)
    target = site.target(cell, 0)
    told = site.feed.transitions[target]
    words: set[str] = set()

    async def ask() -> None:
        while told[-1].after not in {"ramp", "closed"}:
            words.add(whole(await site.ask(cell), cell))

    async with asyncio.TaskGroup() as group:
        for _ in range(WAITING):
            group.create_task(ask())
    ramp_at = next(t.at for t in told if t.after == "ramp") - clock.unix() + clock.now()
    tried = [seen for seen in site.seen(cell, 0) if well_at <= seen.at < ramp_at]

    assert len(tried) == 1
    assert len([probe for probe in site.feed.probes[target] if not probe.cause]) == 1
    (word,) = words
    return word


def flapping(up_s: float, down_s: float) -> Callable[[Cell], list[Link]]:
    """Return a chain whose first target comes and goes."""

    def links(cell: Cell) -> list[Link]:
        def answers(seen: Seen) -> Step:
            return HEALTHY if seen.at % (up_s + down_s) < up_s else FAILS

        return [
            Link(dialect=cell.own, answers=answers),
            Link(dialect=cell.other, answers=HEALTHY),
        ]

    return links


async def service_is_back(site: Site, cell: Cell) -> str:
    """When one of two dead targets comes back, callers are served within seconds."""
    for _ in range(8):
        raised(await site.ask(cell), cell, 503)
    site.behave(cell, 1, HEALTHY)
    clock = SystemClock()
    back_at = clock.now()
    while (got := await site.ask(cell)).raised is not None:
        raised(got, cell, 503)
    assert clock.now() < back_at + BACK_S
    return f"{RAISED}, then {whole(got, cell)}"


SCENES: Final = [
    Scene(
        row="2",
        fault="30 % errors",
        links=sometimes(0.3),
        play=always_answered(40, opens=False),
    ),
    Scene(
        row="2",
        fault="60 % errors",
        links=sometimes(0.6),
        play=always_answered(40, opens=True),
    ),
    Scene(
        row="4",
        fault="silence before all callers",
        links=first_fails(Step(hang=True)),
        play=silence_opens,
        chain={"timeouts": {"first_content_s": SILENT_S}},
        ways=STREAMED,
    ),
    Scene(
        row="13",
        fault="a first content that turns slow",
        links=first_fails(HEALTHY),
        play=slowness_is_left,
        chain={"triggers": [{"type": "latency", "threshold_ms": 200}, {"type": "error"}]},
    ),
    Scene(
        row="13",
        fault="tokens that turn ten times slower",
        links=crawling,
        play=crawl_is_left,
        chain={
            "timeouts": {"first_content_s": 1.0, "tokens_per_s": 40, "tokens_s": 0.4},
        },
        ways=STREAMED,
    ),
    Scene(
        row="14",
        fault="a target that comes back",
        links=first_fails(FAILS),
        play=one_probe_and_a_ramp,
    ),
    Scene(
        row="15",
        fault="0.8 s up, 0.8 s down",
        links=flapping(0.8, 0.8),
        play=always_answered(120, opens=True),
    ),
    Scene(
        row="16",
        fault="all targets down, then one back",
        links=both_fail(FAILS),
        play=service_is_back,
        chain=NO_RETRY,
    ),
    Scene(
        row="T6",
        fault="200 callers wait for a target",
        links=first_fails(FAILS),
        play=a_crowd_brings_one_probe,
    ),
]

"""Rows 17 and 25: what concerns more than one target, or the process itself."""

import asyncio
import os
import signal
from typing import Final

from hotswap.testing.step import Step

from .cells import STREAMED, Cell, Link
from .scenes import HEALTHY, Scene, first_fails, whole
from .site import Site

AWAY_S: Final = 1.5
"""Longer than every limit of the site's health, and than the openings and ramps that are left."""
STREAMS: Final = 4
PACED: Final = Step(text=HEALTHY.text, first_byte_s=0.2, gap_s=0.02)


def regions(cell: Cell) -> list[Link]:
    """Return two models in a region, and the second of them in another one, of one vendor."""
    vendor = f"{cell.chain}.test"
    return [
        Link(
            dialect=cell.own,
            model=model,
            answers=HEALTHY,
            settings={"vendor": vendor, "region": region},
        )
        for model, region in (("small", "eu"), ("large", "eu"), ("large", "us"))
    ]


def elsewhere(cell: Cell) -> str:
    """Name the region of a cell's first two targets."""
    return f"region {cell.chain}.test eu"


async def a_region_is_left(site: Site, cell: Cell) -> str:
    """It opens as a whole after two targets, the other one serves, and it comes back as a whole."""
    for number in range(2):
        site.behave(cell, number, Step(status=503))
    told = site.feed.transitions[elsewhere(cell)]
    words = {whole(await site.ask(cell), cell)}
    while not told:
        words.add(whole(await site.ask(cell), cell))
    opened = told[0]
    tripped = [
        change
        for number in range(2)
        for change in site.transitions(cell, number)
        if change.after == "open" and change.at <= opened.at
    ]
    for number in range(2):
        site.behave(cell, number, HEALTHY)
    while told[-1].after != "closed":
        words.add(whole(await site.ask(cell), cell))

    assert opened.after == "open"
    assert len(tripped) <= 2
    (word,) = words
    return word


async def nothing_trips(site: Site, cell: Cell) -> str:
    """The worker is stopped in the midst of its streams; they go on, and nothing opens."""
    whole(await site.ask(cell), cell)
    streams = [asyncio.ensure_future(site.ask(cell)) for _ in range(STREAMS)]
    await site.provider.wait_for(lambda _: len(site.seen(cell, 0)) == 1 + STREAMS)
    worker = site.gateway.child("worker 0")
    os.kill(worker, signal.SIGSTOP)
    try:
        await asyncio.sleep(AWAY_S)
    finally:
        os.kill(worker, signal.SIGCONT)
    words = {whole(got, cell) for got in await asyncio.gather(*streams)}
    words.add(whole(await site.ask(cell), cell))
    attempts = await site.attempts(cell, requests=2 + STREAMS)

    assert {a.target for a in attempts} == {site.target(cell, 0)}
    assert [site.transitions(cell, number) for number in range(2)] == [[], []]
    (word,) = words
    return word


SCENES: Final = [
    Scene(row="17", fault="a region is down", links=regions, play=a_region_is_left),
]
STOPPED: Final = [
    Scene(
        row="25",
        fault="the worker is stopped for 1.5 s",
        links=first_fails(PACED),
        play=nothing_trips,
        ways=STREAMED,
        alone=True,
    ),
]

"""Plays one seed: its chain, the troubles that are drawn for it, and the requests of its days."""

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Final

from ...core.change import Change
from .chains import EVERYTHING, STORIES, Story, without
from .published import DAY_S, SEAM_FAILS, VENDORS
from .tally import Tally
from .trouble import Trouble, draw_troubles
from .weather import Weather
from .world import MINUTE_S, Load, Out, World

RATE: Final = 0.4
"""Requests per second."""


def story_of(seed: int) -> Story:
    """Return the story that a seed plays."""
    return STORIES[seed % len(STORIES)]


def troubles_of(seed: int, days: float, dense: float = 1.0) -> list[Trouble]:
    """Return what befalls the vendors of a seed's world."""
    rng = Random(f"troubles {seed}")  # noqa: S311 - the seed is the point
    return draw_troubles(rng, days, story_of(seed).regions, dense=dense)


def prepare(seed: int, days: float, *, off: str = EVERYTHING, dense: float = 1.0) -> World:
    """Set up one seed's world.

    Args:
        seed: Draws everything; the troubles are the same whatever is off.
        days: How long.
        off: One of `VARIANTS`.
        dense: So many times more troubles than published.
    """
    story = story_of(seed)
    chain, health = without(story, off)
    troubles = troubles_of(seed, days, dense)
    sky = Weather(Random(f"sky {seed}"), chain.targets, troubles)  # noqa: S311 - the seed is the point
    world = World(
        chain,
        story.providers.values(),
        health,
        sky=sky,
        load=Load(RATE, days * DAY_S, story.streamed),
        rng=Random(f"world {seed}"),  # noqa: S311 - the seed is the point
        seed=seed,
        out=_out(troubles, days, sky.takes_nothing),
        seam_share=SEAM_FAILS,
    )
    world.tally.outages = sum(trouble.outage for trouble in troubles)
    return world


def replay(seed: int, days: float, *, off: str = EVERYTHING, dense: float = 1.0) -> Tally:
    """Play one seed; the arguments are those of `prepare`."""
    return prepare(seed, days, off=off, dense=dense).play()


def told(seed: int, days: float) -> Iterator[str]:
    """Play one seed, and tell its troubles, its losses and its worst minute."""
    world = prepare(seed, days)
    heard: list[Change] = []
    world.heard = heard
    tally = world.play()
    yield f"seed {seed}: {story_of(seed).name}, {days:g} days, {tally.requests:,} requests"
    for trouble in troubles_of(seed, days):
        place = f"{trouble.vendor} {trouble.region}".rstrip()
        what = "outage" if trouble.outage else "incident"
        yield (
            f"{trouble.begin:.0f} s to {trouble.end:.0f} s: {what} of {place}, {trouble.kind}, "
            f"{trouble.share:.0%} of calls"
        )
    for loss in world.losses:
        yield f"{loss.arrived_at:.1f} s: request {loss.number} was lost: {loss.why}"
    worst = tally.partial.worst
    yield f"worst minute: {worst.calls:.3f} calls per request, to {worst.at:.1f} s"
    for change in heard:
        if worst.at - 2 * MINUTE_S <= change.at <= worst.at:
            place = f"{change.target} {change.credential}".rstrip()
            yield f"{change.at:.1f} s: {place}: {change.before} to {change.after} ({change.reason})"
    yield f"answered {tally.share:.5%}; probes of a target at a time: {tally.most_probes}"


def _out(troubles: Sequence[Trouble], days: float, nobody: Callable[[float], bool]) -> Out:
    """Paint which vendors are out in which slot."""
    slots = round(days * DAY_S * RATE)
    masks = bytearray(slots)
    bits = {vendor.name: 1 << at for at, vendor in enumerate(VENDORS)}
    for trouble in troubles:
        if trouble.outage:
            bit = bits[trouble.vendor]
            for slot in range(int(trouble.begin * RATE), min(slots, int(trouble.end * RATE) + 1)):
                masks[slot] |= bit
    return Out(bytes(masks), (1 << len(VENDORS)) - 1, nobody)

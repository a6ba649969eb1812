"""Rows 14 and 16: targets that come back, under load and when everything was down."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from msgspec.structs import replace

from hotswap.core.settings import Exhausted
from hotswap.testing.simulation.transport import Script

from .acts import answers, fails, lost, silent
from .row import ONE, PAIR, TWO, Row, all_answered, monotonic
from .world import USUAL, Behaves, Got, Visit, World, play

WARM_UP_S: Final = 30.0
"""How long a provider that comes back needs for its full capacity."""


def warming(world: World, since: float, full: float, *, least: float) -> Behaves:
    """Serve so many requests a second, at first a part of them; above that, fail.

    Args:
        world: Gives time and chance.
        since: When it came back.
        full: Requests a second at the end.
        least: The part of them that it serves at the begin.
    """
    healthy, overloaded = answers(world.rng), fails(503)
    seen: list[float] = []

    def behave(visit: Visit) -> Script:
        while seen and seen[0] <= visit.at - 1.0:
            seen.pop(0)
        seen.append(visit.at)
        part = max(least, min(1.0, (visit.at - since) / WARM_UP_S))
        return (healthy if len(seen) <= max(1.0, full * part) else overloaded)(visit)

    return behave


def _one_probe_and_a_ramp(world: World, since: float, well_at: float) -> str:
    """Prove what a recovery must be like; say what it was like.

    Args:
        world: What was played.
        since: When the target went down.
        well_at: When it came back.
    """
    told = [t.after for t in world.changes(ONE.id) if monotonic(world, t.at) >= well_at]
    ramp_at = next(
        monotonic(world, t.at)
        for t in world.changes(ONE.id, "ramp")
        if monotonic(world, t.at) >= well_at
    )
    probes = [v for v in world.visits if v.probe and v.at >= well_at]
    crowd = world.sent(ONE.id, since=well_at, until=ramp_at)
    first = world.sent(ONE.id, since=ramp_at, until=ramp_at + 3)
    assert len(probes) == 1
    assert crowd == []
    assert "open" not in told, "a second trip"
    assert told[-1] == "closed"
    closed_s = monotonic(world, world.changes(ONE.id, "closed")[-1].at) - ramp_at
    assert since < well_at
    return f"1 probe, then {len(first)} requests in 3 s; closed after {closed_s:.0f} s"


def loaded(rps: float) -> str:
    """A primary that comes back cold, under all of its load."""

    async def story(world: World) -> str:
        healthy = answers(world.rng)
        world.behave(TWO.id, healthy)
        world.behave(ONE.id, fails(503))
        since = world.clock.now()
        gots = await world.offer(rps, 20, stream=False)
        well_at = world.clock.now()
        # Its capacity is a fifth above the load once it is warm.
        world.behave(ONE.id, warming(world, well_at, 1.2 * rps, least=0.3))
        gots += await world.offer(rps, 80, stream=False)
        words = all_answered(gots)
        return f"{words}; {_one_probe_and_a_ramp(world, since, well_at)}"

    return play(PAIR, story)


def crowded(callers: int) -> str:
    """Callers that ask again as soon as they are answered, all of them at the fallback."""

    async def story(world: World) -> str:
        world.behave(TWO.id, answers(world.rng, first_s=10.0))
        world.behave(ONE.id, fails(503))
        since = world.clock.now()
        gots: list[float] = []
        over = False

        async def caller() -> None:
            while not over:
                got = await world.ask(stream=False)
                assert got.answered
                gots.append(got.took_s)

        tasks = [asyncio.ensure_future(caller()) for _ in range(callers)]
        await world.until(since + 15)
        well_at = world.clock.now()
        waiting = world.pending
        world.behave(ONE.id, answers(world.rng, first_s=2.0))
        while not world.changes(ONE.id, "closed"):
            await world.until(world.clock.now() + 1)
        over = True
        await asyncio.gather(*tasks)
        return (
            f"{waiting:,} in flight; {len(gots):,} of {len(gots):,} answered; "
            f"{_one_probe_and_a_ramp(world, since, well_at)}"
        )

    return play(PAIR, story)


def patient(callers: int) -> str:
    """Requests that wait for the only target there is (`on_exhausted: wait_s`)."""
    chain = replace(USUAL, on_exhausted=Exhausted(wait_s=120.0))

    async def story(world: World) -> str:
        world.behave(ONE.id, fails(503))
        since = world.clock.now()
        first = [asyncio.ensure_future(world.ask(stream=False)) for _ in range(5)]
        while not world.changes(ONE.id):
            await world.until(world.clock.now() + 0.1)
        tasks = [asyncio.ensure_future(world.ask(stream=False)) for _ in range(callers)]
        await world.until(since + 10)
        waiting = world.pending
        well_at = world.clock.now()
        world.behave(ONE.id, warming(world, well_at, callers / 10, least=0.5))
        gots: Sequence[Got] = await asyncio.gather(*first, *tasks)
        words = all_answered(gots)
        return f"{waiting:,} wait; {words}; {_one_probe_and_a_ramp(world, since, well_at)}"

    return play((ONE,), story, chain=chain)


def one_comes_back(behaves: Callable[[], Behaves], down_s: float) -> str:
    """Everything is down for long, then one target is well."""

    async def story(world: World) -> str:
        for place in PAIR:
            world.behave(place.id, answers(world.rng))
        # Both are known, so that limits are learned.
        all_answered(await world.offer(4, 10))
        world.behave(ONE.id, behaves())
        all_answered(await world.offer(4, 10))
        world.behave(TWO.id, behaves())
        dead = await world.offer(4, down_s)
        assert not any(got.answered for got in dead)
        world.behave(TWO.id, answers(world.rng))
        back_at = world.clock.now()
        gots = await world.offer(4, 30)
        served = [got for got in gots if got.answered]
        soonest_s = served[0].at + (served[0].first_s or 0.0) - back_at
        lost_after = [got for got in gots if not got.answered and got.at > served[0].at + 5.0]
        words = f"served {soonest_s:.1f} s after its return"
        assert soonest_s <= 5.0, words
        assert lost_after == [], f"{words}; {len(lost_after)} of {len(gots)} lost later"
        return words

    return play(PAIR, story)


_RECOVERS: Final = "one probe, a ramp of 30 s, no second trip by its own load, no herd"
_BACK: Final = "served within 5 s"

ROWS: Final = [
    Row(
        row="14",
        fault="a cold primary under 5 requests/s",
        passes=_RECOVERS,
        run=partial(loaded, 5),
    ),
    Row(
        row="14",
        fault="a cold primary under 20 requests/s",
        passes=_RECOVERS,
        run=partial(loaded, 20),
    ),
    Row(row="14", fault="1,000 callers", passes=_RECOVERS, run=partial(crowded, 1000), slow=True),
    Row(
        row="14",
        fault="1,000 requests wait for the only target",
        passes=_RECOVERS,
        run=partial(patient, 1000),
        slow=True,
    ),
    *(
        Row(
            row="16",
            fault=f"all {fault} for {down_s} s, then one is back",
            passes=_BACK,
            run=partial(one_comes_back, behaves, down_s),
            slow=down_s > 60,
        )
        for fault, behaves in (
            ("fail", partial(fails, 500)),
            ("unreachable", lambda: lost),
            ("silent", lambda: silent),
        )
        for down_s in (60, 1200)
    ),
]

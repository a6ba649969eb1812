"""Row 25: clocks that jump, and a process that was suspended."""

from functools import partial
from typing import Final

from .acts import answers, fails, limited
from .row import ONE, PAIR, TWO, Row, all_answered, monotonic
from .world import World, play

HOUR_S: Final = 3600.0
AWAY_S: Final = 600.0
TOTAL_S: Final = 600.0


def jumps(seconds: float) -> str:
    """The wall clock jumps while a target is open, a key is throttled, and streams go on."""

    async def story(world: World) -> str:
        healthy = answers(world.rng)
        world.behave(ONE.id, healthy)
        world.behave(TWO.id, healthy)
        all_answered(await world.offer(10, 20))
        world.clock.jump_unix(seconds)
        gots = await world.offer(10, 60)
        world.clock.jump_unix(-seconds)
        gots += await world.offer(10, 60)
        words = all_answered(gots)
        assert world.transitions == []
        return f"{words}; nothing opened"

    return play(PAIR, story)


def jumps_in_a_pause(seconds: float) -> str:
    """Neither an opening nor a throttle ends earlier or later."""

    async def story(world: World) -> str:
        world.behave(ONE.id, limited({"retry-after": "30"}))
        world.behave(TWO.id, answers(world.rng))
        assert (await world.ask()).answered
        throttled_at = world.clock.now()
        world.behave(ONE.id, answers(world.rng))
        world.clock.jump_unix(seconds)
        gots = await world.offer(5, 60)
        words = all_answered(gots)
        back_s = min(v.at for v in world.visits if v.target == ONE.id and v.at > throttled_at)
        assert 29.0 <= back_s - throttled_at <= 35.0
        return f"{words}; a throttle of 30 s ends after {back_s - throttled_at:.0f} s"

    return play(PAIR, story)


def suspended(rps: float, away_s: float) -> str:
    """The process is away in the midst of its streams."""

    async def story(world: World) -> str:
        healthy = answers(world.rng, first_s=1.0, gap_s=0.2)
        world.behave(ONE.id, healthy)
        world.behave(TWO.id, healthy)
        loop = world.worker.services.loop
        offered = loop.create_task(world.offer(rps, 60))
        await world.until(world.clock.now() + 30)
        in_flight, slept = world.pending, world.clock.now()
        world.clock.advance(away_s)
        gots = await offered
        over = [got for got in gots if got.at < slept and not got.answered]
        words = all_answered([got for got in gots if got not in over])
        assert world.transitions == []
        # They were under way for longer than a request may take (`timeouts.total_s`).
        assert away_s >= TOTAL_S or over == []
        assert len(over) <= in_flight
        ended = f", {len(over)} ended by their deadline" if over else ""
        return f"{words}{ended}; {in_flight} were under way; nothing opened"

    return play(PAIR, story)


def suspended_in_an_outage() -> str:
    """The primary was open before; after ten minutes away it is probed, and closes."""

    async def story(world: World) -> str:
        healthy = answers(world.rng)
        world.behave(ONE.id, fails(500))
        world.behave(TWO.id, healthy)
        gots = await world.offer(5, 10)
        world.behave(ONE.id, healthy)
        world.clock.advance(AWAY_S)
        woke = world.clock.now()
        gots += await world.offer(5, 60)
        words = all_answered(gots)
        told = [t.after for t in world.changes(ONE.id) if monotonic(world, t.at) > woke]
        assert told == ["ramp", "closed"]
        assert world.changes(TWO.id) == []
        return f"{words}; one probe, a ramp, closed"

    return play(PAIR, story)


_CLOCK: Final = "monotonic timers only, nothing trips"

ROWS: Final = [
    *(
        Row(
            row="25",
            fault=f"the wall clock jumps by {words} and back",
            passes=_CLOCK,
            run=partial(jumps, seconds),
        )
        for words, seconds in (("an hour", HOUR_S), ("minus an hour", -HOUR_S))
    ),
    *(
        Row(
            row="25",
            fault=f"the wall clock jumps by {words} while a key is throttled",
            passes=_CLOCK,
            run=partial(jumps_in_a_pause, seconds),
        )
        for words, seconds in (("an hour", HOUR_S), ("minus an hour", -HOUR_S))
    ),
    *(
        Row(
            row="25",
            fault=f"suspended for {away_s / 60:g} min under {rps} requests/s",
            passes="no mass trip, all answered that can be in time",
            run=partial(suspended, rps, away_s),
        )
        for rps in (2, 20)
        for away_s in (300.0, AWAY_S)
    ),
    Row(
        row="25",
        fault="suspended for 10 min in an outage",
        passes="no mass trip, all answered",
        run=suspended_in_an_outage,
    ),
]

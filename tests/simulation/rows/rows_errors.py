"""Rows 1, 2, 3 and 15: targets that answer with errors, not at all, or now and then."""

from collections.abc import Callable
from functools import partial
from typing import Final

from hotswap.upstream.api import Fault

from .acts import answers, either, fails, flapping, resets, unreachable
from .row import ONE, PAIR, TWO, Row, all_answered, monotonic, percent, share
from .world import Behaves, World, play

SWITCH_S: Final = 0.005


def down(behaves: Callable[[], Behaves], *, stream: bool) -> str:
    """A minute of a primary that is down from its first second on."""

    async def story(world: World) -> str:
        world.behave(ONE.id, behaves())
        world.behave(TWO.id, answers(world.rng))
        gots = await world.offer(10, 60, stream=stream)
        (opened, *_) = world.changes(ONE.id)
        met = len(world.sent(ONE.id))
        switched = [a.switch_s for a in world.attempts if a.switch_s is not None]

        assert (opened.after, opened.reason) == ("open", "failures")
        assert met == 5
        assert len(switched) == 5
        assert max(switched) <= SWITCH_S
        return f"{all_answered(gots)}; open after {met}; {max(switched) * 1000:.0f} ms to switch"

    return play(PAIR, story)


def _down_rows() -> list[Row]:
    faults: dict[str, tuple[str, Callable[[], Behaves]]] = {
        **{str(code): ("1", partial(fails, code)) for code in (500, 503, 529)},
        "connection refused": ("3", partial(unreachable, Fault.REFUSED)),
        "no such name": ("3", partial(unreachable, Fault.DNS)),
        "certificate expired": ("3", partial(unreachable, Fault.TLS)),
        "reset": ("3", lambda: resets),
    }
    return [
        Row(
            row=row,
            fault=f"{fault}, {'streamed' if stream else 'whole'}",
            passes="all answered, open after 5, switched within 5 ms",
            run=partial(down, behaves, stream=stream),
        )
        for fault, (row, behaves) in faults.items()
        for stream in (True, False)
    ]


def opens_soon(seeds: int) -> str:
    """Ten seconds of 60 % errors, for many seeds."""

    async def story(world: World) -> float | None:
        world.behave(ONE.id, either(0.6, fails(500), answers(world.rng), world.rng))
        world.behave(TWO.id, answers(world.rng))
        start = world.clock.now()
        gots = await world.offer(10, 10, stream=False)
        all_answered(gots)
        opened = world.changes(ONE.id, "open")
        return monotonic(world, opened[0].at) - start if opened else None

    took = [play(PAIR, story, seed=seed) for seed in range(seeds)]
    soon = [seconds for seconds in took if seconds is not None and seconds <= 10.0]
    assert len(soon) >= 0.95 * seeds
    median = sorted(soon)[len(soon) // 2]
    return (
        f"{seeds * 100:,} of {seeds * 100:,} answered; "
        f"{len(soon)} of {seeds} open in time, half of them within {median:.1f} s"
    )


def opens_briefly(seeds: int, seconds: float) -> str:
    """Minutes of 30 % errors, for many seeds."""

    async def story(world: World) -> list[float]:
        world.behave(ONE.id, either(0.3, fails(500), answers(world.rng), world.rng))
        world.behave(TWO.id, answers(world.rng))
        all_answered(await world.offer(10, seconds, stream=False))
        return open_periods(world)

    periods = [period for seed in range(seeds) for period in play(PAIR, story, seed=seed)]
    longest = max(periods)
    long = sum(period > 10.0 for period in periods)
    words = f"{len(periods)} open periods, {long} above 10 s, longest {longest:.1f} s"
    assert long == 0, words
    requests = round(seeds * seconds * 10)
    return f"{requests:,} of {requests:,} answered; {words}"


def open_periods(world: World) -> list[float]:
    """Return how long the first target stayed open each time."""
    periods: list[float] = []
    since: float | None = None
    for change in world.changes(ONE.id):
        if change.after == "open" and since is None:
            since = change.at
        elif change.after == "ramp" and since is not None:
            periods.append(change.at - since)
            since = None
    return periods


def comes_and_goes(rps: float, seconds: float, up_s: float, down_s: float) -> str:
    """A primary that is up and down in turns."""

    async def story(world: World) -> str:
        up = answers(world.rng)
        world.behave(ONE.id, flapping(up, fails(500), up_s, down_s))
        world.behave(TWO.id, up)
        gots = await world.offer(rps, seconds, stream=False)
        words = all_answered(gots)
        part = share(world, ONE.id, gots)
        assert part < 0.15, percent(part)
        return f"{words}; {percent(part)} of the traffic to it"

    return play(PAIR, story)


_FLAPPING: Final = "all answered, below 15 % of the traffic to it"

ROWS: Final = [
    *_down_rows(),
    Row(
        row="2",
        fault="60 % errors, 20 seeds",
        passes="all answered, open within 10 s in 95 % of seeds",
        run=partial(opens_soon, 20),
    ),
    Row(
        row="2",
        fault="60 % errors, 200 seeds",
        passes="all answered, open within 10 s in 95 % of seeds",
        run=partial(opens_soon, 200),
        slow=True,
    ),
    Row(
        row="2",
        fault="30 % errors, 5 seeds of a minute",
        passes="all answered, no open period above 10 s",
        run=partial(opens_briefly, 5, 60),
    ),
    Row(
        row="2",
        fault="30 % errors, 20 seeds of five minutes",
        passes="all answered, no open period above 10 s",
        run=partial(opens_briefly, 20, 300),
        slow=True,
    ),
    Row(
        row="15",
        fault="10 s up, 10 s down, ten minutes at 2/s",
        passes=_FLAPPING,
        run=partial(comes_and_goes, 2, 600, 10, 10),
    ),
    Row(
        row="15",
        fault="10 s up, 10 s down, an hour at 10/s",
        passes=_FLAPPING,
        run=partial(comes_and_goes, 10, 3600, 10, 10),
        slow=True,
    ),
]

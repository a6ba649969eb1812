"""Rows 10, 11 and 12: limits, refused keys and empty accounts."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import partial
from itertools import pairwise
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from .acts import answers, by_key, limited, no_money, wrong_key
from .row import ONE, PAIR, TWO, Row, all_answered, monotonic
from .world import Behaves, Place, World, play

UNIX: Final = 1_800_000_000.0
"""Of the virtual clock's begin."""
RPS: Final = 10.0


class Hint(Struct, frozen=True):
    """One way in which a provider names the end of a limit."""

    headers: Mapping[str, str]
    least_s: float
    most_s: float
    """With the tenth that is added so that clients do not return together."""


def _date(unix: float) -> str:
    return format_datetime(datetime.fromtimestamp(unix, UTC), usegmt=True)


HINTS: Final[Mapping[str, Hint]] = MappingProxyType(
    {
        "seconds": Hint({"retry-after": "20"}, 20.0, 22.0),
        "a fraction of seconds": Hint({"retry-after": "19.5"}, 19.5, 21.5),
        "milliseconds": Hint({"retry-after-ms": "19500", "retry-after": "99"}, 19.5, 21.5),
        "a date": Hint({"date": _date(UNIX), "retry-after": _date(UNIX + 20)}, 20.0, 22.0),
        "the vendor's own header": Hint(
            {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "20s"},
            20.0,
            22.0,
        ),
        "a date in the past": Hint(
            {"date": _date(UNIX), "retry-after": _date(UNIX - 3600)}, 0.0, 1.1
        ),
        "a negative number": Hint({"retry-after": "-5"}, 0.0, 1.1),
        "no time": Hint({}, 0.0, 1.1),
    }
)
BILLION: Final = Hint({"retry-after": "1000000000"}, 86_399.0, 86_401.0)


def respected(hint: Hint) -> str:
    """A primary that is limited once; its whole traffic returns after that."""

    async def story(world: World) -> str:
        healthy = answers(world.rng)
        world.behave(ONE.id, healthy)
        world.behave(TWO.id, healthy)
        all_answered(await world.offer(RPS, 10, stream=False))
        world.behave(ONE.id, limited(hint.headers))
        while not (told := [t for t in world.transitions if t.after == "open"]):
            assert (await world.ask(stream=False)).answered
        world.behave(ONE.id, healthy)
        benched = told[0]
        assert benched.until is not None
        pause_s = benched.until - benched.at
        reset_at = monotonic(world, benched.until)
        since = monotonic(world, benched.at)
        gots = await world.offer(RPS, pause_s + 60, stream=False)
        words = all_answered(gots)
        first_at = min(v.at for v in world.visits if v.target == ONE.id and v.at > since)
        seconds = [
            len(world.sent(ONE.id, since=reset_at + n, until=reset_at + n + 1)) for n in range(10)
        ]

        assert hint.least_s <= pause_s <= hint.most_s, pause_s
        assert world.changes(ONE.id, "open") == [] or benched.credential
        assert [t.reason for t in world.transitions if t.after == "open"] == ["throttled"]
        assert first_at >= reset_at
        assert max(seconds) <= 1.2 * RPS, seconds
        return (
            f"{words}; left alone for {pause_s:.1f} s; asked again {first_at - reset_at:.1f} s "
            f"after the reset; in the 10 s after it {sum(seconds)} requests, {max(seconds)} a "
            "second at most"
        )

    return play(PAIR, story)


def far_away() -> str:
    """A reset in 31 years: a day at most, and a probe may end it after five minutes."""

    async def story(world: World) -> str:
        healthy = answers(world.rng)
        world.behave(ONE.id, limited(BILLION.headers))
        world.behave(TWO.id, healthy)
        gots = await world.offer(1, 400, stream=False)
        words = all_answered(gots)
        benched = next(t for t in world.transitions if t.after == "open")
        assert benched.until is not None
        pause_s = benched.until - benched.at
        visits = [v for v in world.visits if v.target == ONE.id]

        assert BILLION.least_s <= pause_s <= BILLION.most_s
        assert world.changes(ONE.id) == [t for t in world.changes(ONE.id) if t.credential]
        assert [v.probe for v in visits] == [False, True]
        assert visits[1].at - visits[0].at >= 300
        return f"{words}; until a day later; first probe after {visits[1].at - visits[0].at:.0f} s"

    return play(PAIR, story)


def all_limited() -> str:
    """Two targets, both limited for longer than anybody waits."""

    async def story(world: World) -> str:
        world.behave(ONE.id, limited({"retry-after": "40"}))
        world.behave(TWO.id, limited({"retry-after": "20"}))
        gots = await world.offer(5, 19, stream=False)
        waits: list[int] = []
        for got in gots:
            headers = dict(line.split(b": ", 1) for line in got.headers.splitlines() if line)
            assert (got.status, headers[b"x-should-retry"]) == (429, b"false")
            waits.append(int(headers[b"retry-after"]))
        assert [len(world.sent(target.id)) for target in PAIR] == [1, 1]
        assert 20 <= waits[0] <= 22
        assert all(later <= sooner for sooner, later in pairwise(waits))
        return (
            f"{len(gots)} times 429 with `x-should-retry: false`, one visit each; "
            f"`retry-after` from {waits[0]} down to {waits[-1]}"
        )

    return play(PAIR, story)


def soon_back() -> str:
    """The last target is back in a moment, and is waited for."""

    async def story(world: World) -> str:
        world.behave(ONE.id, limited({"retry-after": "40"}))
        world.behave(TWO.id, limited({"retry-after-ms": "150"}))
        asked = world.worker.services.loop.create_task(world.ask(stream=False))
        await world.until(world.clock.now() + 0.1)
        world.behave(TWO.id, answers(world.rng))
        got = await asked
        assert got.answered
        return f"answered after {got.took_s:.1f} s"

    return play(PAIR, story)


def key_fails(behaves: Behaves, most: int, reason: str) -> str:
    """A key that is refused in the midst of the traffic, and one that is not."""
    keyed = Place(name="one", keys=2)

    async def story(world: World) -> str:
        healthy = answers(world.rng)
        world.behave(keyed.id, healthy)
        world.behave(TWO.id, healthy)
        all_answered(await world.offer(5, 5, stream=False))
        world.behave(keyed.id, by_key(healthy, {"0": behaves}))
        begun = world.clock.now()
        gots = await world.offer(5, 50, stream=False)
        words = all_answered(gots)
        refused = [v for v in world.sent(keyed.id, since=begun) if v.key == "0"]
        (disabled,) = [t for t in world.transitions if t.after == "open"]

        assert len(refused) == most
        assert world.sent(TWO.id) == []
        assert (disabled.credential, disabled.reason) == ("key0", reason)
        return f"{words}, by the other key; off after {len(refused)}"

    return play((keyed, TWO), story)


_LIMITED: Final = (
    "the right end, no breaker, nobody before the reset, at most 1.2 x the steady rate after it"
)

ROWS: Final = [
    *(
        Row(row="10", fault=f"429, {name}", passes=_LIMITED, run=partial(respected, hint))
        for name, hint in HINTS.items()
    ),
    Row(
        row="10",
        fault="429, a billion seconds",
        passes="a day at most, no breaker, one probe each five minutes",
        run=far_away,
    ),
    Row(
        row="11",
        fault="429 at all targets",
        passes="429 with the soonest reset, no further visit before it",
        run=all_limited,
    ),
    Row(
        row="11",
        fault="429 at all targets, the last one for 0.15 s",
        passes="the shortest wait",
        run=soon_back,
    ),
    Row(
        row="12",
        fault="401 in the midst of the traffic",
        passes="off within 2 requests, the other key serves",
        run=partial(key_fails, wrong_key, 2, "auth"),
    ),
    Row(
        row="12",
        fault="402",
        passes="off at once, the other key serves, no retry",
        run=partial(key_fails, no_money, 1, "exhausted"),
    ),
]

"""Rows 4 and 5: targets that are silent, before and after the head of a stream."""

from functools import partial
from typing import Final

from .acts import answers, lost, mute, pings, silent
from .row import ONE, PAIR, TWO, Row, all_answered, monotonic, percent
from .world import Behaves, World, play

HEALTHY_S: Final = 60.0
"""Before the fault, so that limits are learned."""
DELAYED_S: Final = 2.0


def dead(behaves: Behaves, rps: float, seconds: float, *, stream: bool = True) -> str:
    """A primary that falls silent under load, and stays so."""

    async def story(world: World) -> str:
        world.behave(ONE.id, answers(world.rng))
        world.behave(TWO.id, answers(world.rng))
        all_answered(await world.offer(rps, HEALTHY_S, stream=stream))
        world.behave(ONE.id, behaves)
        begun = world.clock.now()
        gots = await world.offer(rps, seconds, stream=stream)
        opened_s = monotonic(world, world.changes(ONE.id, "open")[0].at) - begun
        delayed = [got for got in gots if got.first_s is not None and got.first_s > DELAYED_S]
        share = len(delayed) / len(gots)
        words = (
            f"{all_answered(gots)}; open after {opened_s:.1f} s; "
            f"{len(delayed)} ({percent(share)}) delayed above 2 s; {len(world.probes)} probes"
        )
        assert opened_s <= 3.0, words
        assert share <= 0.005 or len(delayed) <= 0.005 * 36_000, words
        return words

    return play(PAIR, story)


def without_content(behaves: Behaves) -> str:
    """Streams that begin and bring no content."""

    async def story(world: World) -> str:
        world.behave(ONE.id, behaves)
        world.behave(TWO.id, answers(world.rng))
        gots = await world.offer(1, 30)
        words = all_answered(gots)
        hung = {a.request_id: a for a in world.attempts if a.detail == "first_content"}
        met = [got for got in gots if got.request_id in hung]
        limits = [hung[got.request_id].end_s for got in met]
        early = [g for g in met if g.first_s is None or g.first_s <= hung[g.request_id].end_s]

        assert len(met) >= 3
        assert {hung[got.request_id].cause for got in met} == {"hang"}
        assert early == [], "something was sent before there was content"
        return f"{words}; {len(met)} left after {max(limits):.1f} s; nothing sent before"

    return play(PAIR, story)


_DEAD: Final = "all answered, open within 3 s, at most 180 of 36,000 users delayed above 2 s"
_EMPTY: Final = "the limit to the first content moves on; nothing was sent to the caller"

ROWS: Final = [
    *(
        Row(
            row="4",
            fault=f"{fault}, {words}",
            passes=_DEAD,
            run=partial(dead, behaves, 10, seconds),
            slow=seconds > 60,
        )
        for fault, behaves in (("no connection", lost), ("accepted, then silent", silent))
        for words, seconds in (("a minute at 10/s", 60), ("an hour at 10/s", 3600))
    ),
    *(
        Row(row="5", fault=fault, passes=_EMPTY, run=partial(without_content, behaves))
        for fault, behaves in (("a preamble, then nothing", mute), ("pings only", pings))
    ),
]

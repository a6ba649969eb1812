"""Row 13: targets that turn slow, before the first content and after it."""

from collections.abc import Callable
from functools import partial
from typing import Final

from msgspec.structs import replace

from hotswap.core.settings import ErrorRule, LatencyRule
from hotswap.core.terms import Triggers

from .acts import FIRST_S, GAP_S, answers
from .row import ONE, PAIR, TWO, Row, all_answered, monotonic
from .world import USUAL, Behaves, Got, World, play

HEALTHY_S: Final = 60.0
SLOW_S: Final = 300.0
Answers = Callable[[World], Behaves]


def turns_slow(rule: LatencyRule, slow: Answers) -> str:
    """A primary that is well, slow, and well again."""
    chain = replace(USUAL, triggers=Triggers(latency=rule, error=ErrorRule()))

    async def story(world: World) -> str:
        world.behave(ONE.id, answers(world.rng))
        world.behave(TWO.id, answers(world.rng))
        all_answered(await world.offer(5, HEALTHY_S))
        assert world.transitions == []
        world.behave(ONE.id, slow(world))
        begun = world.clock.now()
        gots = await world.offer(5, SLOW_S)
        told = world.changes(ONE.id, "suspect", "open")
        at = monotonic(world, told[0].at)
        samples = _measured(world, begun, at)
        late = len(world.sent(ONE.id, since=at, until=begun + SLOW_S))
        world.behave(ONE.id, answers(world.rng))
        well_at = world.clock.now()
        while not _is_well(world):
            gots += await world.offer(5, 5)
            assert world.clock.now() < well_at + 600
        back_s = world.clock.now() - well_at
        gots += await world.offer(5, 60)
        words = all_answered(gots)
        flips = _flips_a_minute(world)

        assert samples <= 20, samples
        assert flips <= 1, flips
        return (
            f"{words}; {told[0].after} after {samples} samples; {late} more in five minutes; "
            f"back after {back_s:.0f} s; {flips} flaps in a minute at most"
        )

    return play(PAIR, story, chain=chain)


class _Left:
    """Follows one target: it is left while it is suspect, or its breaker is not closed.

    Whoever is suspect is left already, whatever its breaker does meanwhile.
    """

    def __init__(self, world: World) -> None:
        self.at: list[float] = []
        """When it was left."""
        self._breaker, self._suspect = "closed", False
        for change in world.changes(ONE.id):
            well = self.well
            if change.after in {"suspect", "clear"}:
                self._suspect = change.after == "suspect"
            else:
                self._breaker = change.after
            if well and not self.well:
                self.at.append(monotonic(world, change.at))

    @property
    def well(self) -> bool:
        """It is not left."""
        return self._breaker == "closed" and not self._suspect


def _is_well(world: World) -> bool:
    return _Left(world).well


def _flips_a_minute(world: World) -> int:
    """Return how often the target was left within one minute, at most."""
    left = _Left(world).at
    return max((sum(a <= b < a + 60.0 for b in left) for a in left), default=0)


def _measured(world: World, since: float, until: float) -> int:
    """Return how many times to the first content were known by then."""
    count = 0
    for attempt in world.attempts:
        begun = monotonic(world, attempt.started_at)
        took_s = attempt.first_content_s or attempt.end_s
        count += attempt.target == ONE.id and begun >= since and begun + took_s <= until
    return count


def wavers(rule: LatencyRule, slow_s: float) -> str:
    """A primary that is slow and well in turns of half a minute, for twenty minutes."""
    chain = replace(USUAL, triggers=Triggers(latency=rule, error=ErrorRule()))

    async def story(world: World) -> str:
        slow, well = answers(world.rng, first_s=slow_s), answers(world.rng)
        world.behave(TWO.id, well)
        gots: list[Got] = []
        for number in range(40):
            world.behave(ONE.id, slow if number % 2 else well)
            gots += await world.offer(5, 30)
        words = all_answered(gots)
        flips = _flips_a_minute(world)
        left = len(world.changes(ONE.id, "suspect"))
        assert flips <= 1, flips
        return f"{words}; suspect {left} times in 20 minutes; {flips} flaps in a minute at most"

    return play(PAIR, story, chain=chain)


def _later(world: World) -> Behaves:
    return answers(world.rng, first_s=5 * FIRST_S)


def _slower(world: World) -> Behaves:
    return answers(world.rng, gap_s=10 * GAP_S)


_SLOW: Final = "suspect within 20 samples, back with hysteresis, at most one flap a minute"

ROWS: Final = [
    Row(
        row="13",
        fault="first content 5 x later, threshold 1 s",
        passes=_SLOW,
        run=partial(turns_slow, LatencyRule(threshold_ms=1000), _later),
        slow=True,
    ),
    Row(
        row="13",
        fault="first content 10 x later, threshold learned",
        passes=_SLOW,
        run=partial(turns_slow, LatencyRule(), lambda world: answers(world.rng, first_s=4.0)),
        slow=True,
    ),
    Row(
        row="13",
        fault="tokens 10 x slower, `metric: gap`, threshold 100 ms",
        passes=_SLOW,
        run=partial(turns_slow, LatencyRule(metric="gap", threshold_ms=100), _slower),
        slow=True,
    ),
    Row(
        row="13",
        fault="tokens 10 x slower, `metric: total`, threshold 0.9 s",
        passes=_SLOW,
        run=partial(turns_slow, LatencyRule(metric="total", threshold_ms=900), _slower),
        slow=True,
    ),
    Row(
        row="13",
        fault="slow and well in turns of 30 s",
        passes=_SLOW,
        run=partial(wavers, LatencyRule(threshold_ms=1000), 5 * FIRST_S),
        slow=True,
    ),
]

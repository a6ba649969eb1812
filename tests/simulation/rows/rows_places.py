"""Row 17: a shared host or a region is down."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from hotswap.upstream.api import Fault

from .acts import answers, fails, silent, unreachable
from .row import Row, all_answered, monotonic
from .world import Behaves, Place, World, play

HOST: Final = tuple(
    Place(name="house", model=f"m{number}", host="house.sim", vendor="house") for number in range(5)
)
ELSEWHERE: Final = Place(name="other", vendor="other")
EU: Final = (
    Place(name="eu-one", host="one.eu.sim", vendor="acme", region="eu", priority=1),
    Place(name="eu-two", model="n", host="two.eu.sim", vendor="acme", region="eu", priority=1),
)
"""They share the traffic."""
US: Final = Place(name="us", host="us.sim", vendor="acme", region="us")
REGIONS: Final = (*EU, ELSEWHERE, US)
DOWN_S: Final = 120.0


def whole_down(
    places: Sequence[Place],
    down: Sequence[Place],
    name: str,
    serves: str,
    behaves: Callable[[], Behaves],
) -> str:
    """Several targets go down together, and come back together.

    Args:
        places: The chain.
        down: Those that go down.
        name: The larger thing that is to blame.
        serves: The target that is to serve meanwhile.
        behaves: How they are down.
    """

    async def story(world: World) -> str:
        for place in places:
            world.behave(place.id, answers(world.rng))
        all_answered(await world.offer(10, 30))
        for place in down:
            world.behave(place.id, behaves())
        begun = world.clock.now()
        gots = await world.offer(10, DOWN_S)
        assert world.changes(name, "open"), sorted({t.target for t in world.transitions})
        opened = monotonic(world, world.changes(name, "open")[0].at)
        trips = [
            t
            for place in down
            for t in world.changes(place.id, "open")
            if monotonic(world, t.at) <= opened + 1e-6
        ]
        served = world.first_tries([got for got in gots if got.at > opened + 1.0])
        back_at = world.clock.now()
        for place in down:
            world.behave(place.id, answers(world.rng))
        while world.changes(name)[-1].after != "closed":
            assert world.clock.now() < back_at + 600
            gots += await world.offer(10, 5)
        words = all_answered(gots)
        closed_s = world.clock.now() - back_at
        probes = [v for v in world.visits if v.probe and v.at > begun]

        assert len(trips) <= 3, len(trips)
        assert set(served) == {serves}
        told = [world.changes(place.id) for place in down]
        assert {changes[-1].after for changes in told if changes} == {"closed"}
        return (
            f"{words}; open after {opened - begun:.1f} s and {len(trips)} trips; "
            f"{len(probes)} probes; closed within {closed_s:.0f} s of its return"
        )

    return play(places, story)


_WHOLE: Final = "the larger thing opens within 3 trips, the other place serves"
_FAULTS: Final = {
    "fails": partial(fails, 503),
    "is unreachable": partial(unreachable, Fault.REFUSED),
    "is silent": lambda: silent,
}

ROWS: Final = [
    *(
        Row(
            row="17",
            fault=f"a host of five models {fault}",
            passes=_WHOLE,
            run=partial(
                whole_down,
                (*HOST, ELSEWHERE),
                HOST,
                "endpoint house.sim:443",
                ELSEWHERE.id,
                behaves,
            ),
            slow=True,
        )
        for fault, behaves in _FAULTS.items()
    ),
    *(
        Row(
            row="17",
            fault=f"a region {fault}",
            passes=_WHOLE,
            run=partial(whole_down, REGIONS, EU, "region acme eu", US.id, behaves),
            slow=True,
        )
        for fault, behaves in _FAULTS.items()
    ),
]

"""Larger places that are in trouble, as the admin API shows them."""

from msgspec import convert

from hotswap.keeper.pictures import ChainView, PlaceView, TargetView, Turn
from hotswap.ledger.record import Transition

from .conftest import NOW, Rig

ENDPOINT = "endpoint 127.0.0.1:9"
REGION = "region 127.0.0.1 eu-west"


def change(name: str, after: str = "open", *, at: float = NOW - 10.0) -> Transition:
    until = NOW + 50.0 if after == "open" else None
    scope = name.partition(" ")[0]
    return Transition(at, name, "", "closed", after, "members", until=until, scope=scope)


async def turns(rig: Rig, name: str = "chat") -> list[tuple[Turn, str, str]]:
    chain = convert((await rig.get(f"chains/{name}")).json()["chain"], ChainView)
    return [(target.turn, target.reason, target.place) for target in chain.targets]


async def places(rig: Rig) -> list[PlaceView]:
    return convert((await rig.get("targets")).json()["places"], list[PlaceView])


async def test_without_trouble_no_place_is_shown(rig: Rig) -> None:
    assert await places(rig) == []


async def test_a_place_is_shown_with_its_targets(rig: Rig) -> None:
    await rig.happen(change(ENDPOINT))

    (place,) = await places(rig)

    assert (place.name, place.scope, place.targets) == (ENDPOINT, "endpoint", ("a/x", "b/y"))
    assert (place.standing.state, place.standing.reason) == ("open", "members")


async def test_a_place_that_is_open_bars_all_of_its_targets(rig: Rig) -> None:
    await rig.happen(change(ENDPOINT))

    assert await turns(rig) == [
        (Turn.LEFT_OUT, "open", ENDPOINT),
        (Turn.LEFT_OUT, "open", ENDPOINT),
    ]


async def test_a_chain_that_does_not_watch_errors_goes_on_asking(rig: Rig) -> None:
    await rig.happen(change(ENDPOINT))

    assert await turns(rig, "measured") == [(Turn.ELIGIBLE, "", ""), (Turn.ELIGIBLE, "", "")]


async def test_a_region_bars_only_the_targets_in_it(rig: Rig) -> None:
    await rig.happen(change(REGION))

    assert await turns(rig) == [(Turn.LEFT_OUT, "open", REGION), (Turn.ELIGIBLE, "", "")]


async def test_a_region_by_another_number_of_targets_is_another_matter(rig: Rig) -> None:
    await rig.happen(change(f"{REGION} (of 3)"))

    assert await turns(rig) == [(Turn.ELIGIBLE, "", ""), (Turn.ELIGIBLE, "", "")]


async def test_a_place_in_its_ramp_puts_its_targets_last(rig: Rig) -> None:
    await rig.happen(change(ENDPOINT), change(ENDPOINT, "ramp", at=NOW - 5.0))

    assert await turns(rig) == [(Turn.LAST, "ramp", ENDPOINT), (Turn.LAST, "ramp", ENDPOINT)]


async def test_a_target_shows_the_places_that_it_suffers_from(rig: Rig) -> None:
    await rig.happen(change(REGION))

    first = convert((await rig.get("targets/a/x")).json()["target"], TargetView)
    second = convert((await rig.get("targets/b/y")).json()["target"], TargetView)

    assert [place.name for place in first.places] == [REGION]
    assert second.places == ()


async def test_our_own_network_is_shown_while_it_is_down(rig: Rig) -> None:
    down = Transition(NOW - 2.0, "network", "", "up", "down", "network", scope="network")
    await rig.happen(down)
    (place,) = await places(rig)
    assert (place.name, place.standing.state, place.targets) == ("network", "down", ())

    await rig.happen(Transition(NOW, "network", "", "down", "up", "network", scope="network"))

    assert await places(rig) == []

"""The nearest region first, and what places and zones the file gives to targets and keys."""

from collections.abc import Callable

from hotswap.config.nearness import nearest_first
from hotswap.config.snapshot import Snapshot
from hotswap.core.settings import Exhausted, Sticky
from hotswap.core.terms import Balance, Target

Load = Callable[..., Snapshot]

CHAIN = """
server: {regions: [%s]}
providers:
  eu: {kind: openai, vendor: openai, region: eu-west, zone: eu, base_url: "https://eu.test/v1"}
  us: {kind: openai, vendor: openai, region: us-east, zone: us, base_url: "https://us.test/v1"}
  other: {kind: openai, vendor: other, region: us-east, base_url: "https://other.test/v1"}
fallback:
  chains:
    - name: c
      models:
        - {provider: us, model: m}
        - {provider: other, model: m}
        - {provider: eu, model: m, weight: 2}
"""


def order(snapshot: Snapshot) -> list[tuple[str, int]]:
    return [(target.id, target.priority) for target in snapshot.chains["c"].targets]


def at(id_: str, region: str, priority: int, vendor: str = "v") -> Target:
    return Target(id_, id_, "m", priority, vendor=vendor, region=region)


def test_the_nearest_region_takes_the_first_place_of_its_vendors_model(load_text: Load) -> None:
    near_eu = load_text(CHAIN % "eu-west, us-east")
    near_us = load_text(CHAIN % "us-east")

    assert order(near_eu) == [("eu/m", 1), ("other/m", 2), ("us/m", 3)]
    assert order(near_us) == [("us/m", 1), ("other/m", 2), ("eu/m", 3)]
    assert near_eu.server.regions == ("eu-west", "us-east")
    assert near_eu.warnings == near_us.warnings


def test_a_weight_goes_with_its_target(load_text: Load) -> None:
    snapshot = load_text(CHAIN % "eu-west")

    assert [target.weight for target in snapshot.chains["c"].targets] == [2.0, 1.0, 1.0]


def test_without_regions_the_chain_stays_as_it_is_listed(load_text: Load) -> None:
    assert order(load_text(CHAIN % "")) == [("us/m", 1), ("other/m", 2), ("eu/m", 3)]


def test_regions_that_are_not_named_are_the_farthest_as_they_are_listed() -> None:
    targets = (at("a", "ap", 1), at("b", "us", 2), at("c", "", 3), at("d", "eu", 4))

    found = nearest_first(targets, ("eu",))

    assert [(t.id, t.priority) for t in found] == [("d", 1), ("a", 2), ("b", 3), ("c", 4)]


def test_another_vendor_or_model_keeps_its_place() -> None:
    targets = (at("a", "us", 1), at("b", "eu", 2, "w"), Target("c", "c", "n", 3, vendor="v"))

    assert nearest_first(targets, ("eu", "us")) == targets


def test_a_target_has_the_place_of_its_provider(load_text: Load) -> None:
    first = load_text(CHAIN % "").chains["us/m"].targets[0]

    assert (first.vendor, first.region, first.zone) == ("openai", "us-east", "us")


def test_a_key_has_its_zones_and_whether_it_may_order(load_text: Load) -> None:
    access = f"""
access:
  keys:
    - {{id: app, sha256: "{"a" * 64}", zones: [eu], scopes: [order]}}
    - {{id: job, sha256: "{"b" * 64}"}}
"""

    app, job = load_text(CHAIN % "" + access).keys

    assert (app.zones, app.order) == (("eu",), True)
    assert (job.zones, job.order) == ((), False)


def test_balance_stickiness_and_exhaustion_come_from_the_chain(load_text: Load) -> None:
    text = CHAIN % ""
    told = (
        text
        + "      balance: least_busy\n      sticky: {ttl_s: 60}\n      on_exhausted: least_bad\n"
    )

    chain, plain = load_text(told).chains["c"], load_text(text).chains["c"]

    assert (chain.balance, chain.sticky) == (Balance.LEAST_BUSY, Sticky(ttl_s=60.0))
    assert chain.on_exhausted == Exhausted(least_bad=True)
    assert (plain.balance, plain.sticky) == (Balance.PRIORITY, None)


def test_links_without_priorities_are_equal_where_load_or_price_decides(load_text: Load) -> None:
    text = CHAIN % ""

    for balance in ("least_latency", "least_busy", "cheapest"):
        chain = load_text(f"{text}      balance: {balance}\n").chains["c"]
        assert [target.priority for target in chain.targets] == [1, 1, 1]

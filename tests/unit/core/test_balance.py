from collections import Counter
from collections.abc import Callable
from random import Random

import pytest

from hotswap.core.plan import Ask, plan
from hotswap.core.terms import (
    Balance,
    Cause,
    Chain,
    Failure,
    Price,
    Target,
)
from hotswap.testing.standing import standings_of

HARD = Failure(Cause.HARD, "server_error", 500)
LOAD = pytest.mark.parametrize("balance", [Balance.LEAST_LATENCY, Balance.LEAST_BUSY])


def target(name: str, priority: int = 1, weight: float = 1.0, price: Price | None = None) -> Target:
    return Target(f"{name}/m", name, "m", priority, weight, price=price)


class Case:
    """A chain in health, with a generator of its own."""

    def __init__(self, balance: Balance, *targets: Target) -> None:
        self.jitter: Callable[[], float] = Random(7).random  # noqa: S311 - no secret
        self.chain = Chain("c", targets, balance=balance)
        self.standings = standings_of(self.chain, self.jitter)

    def order(self, now: float = 0.0, ask: Ask | None = None) -> list[str]:
        found = plan(self.chain, self.standings, now, self.jitter, ask=ask or Ask())
        return [t.provider for t in (*found.targets, *found.rest)]

    def shares(self, requests: int, now: float = 0.0) -> dict[str, float]:
        firsts = Counter(self.order(now)[0] for _ in range(requests))
        return {name: count / requests for name, count in firsts.items()}

    def begin(self, name: str, times: int = 1, now: float = 0.0) -> list[int]:
        health = self.standings.target(f"{name}/m")
        return [health.begin(now, streamed=True) for _ in range(times)]

    def answer(self, name: str, seconds: float, now: float = 0.0) -> None:
        health = self.standings.target(f"{name}/m")
        (token,) = self.begin(name, now=now)
        health.on_content(token, now, seconds)
        health.on_success(token, now)

    def fail(self, name: str, now: float = 0.0) -> None:
        (token,) = self.begin(name, now=now)
        self.standings.target(f"{name}/m").on_failure(token, now, HARD)


def test_shares_of_one_priority_follow_the_weights() -> None:
    case = Case(Balance.PRIORITY, target("a", weight=6), target("b", weight=3), target("c", 2))

    shares = case.shares(6000)

    assert 0.646 < shares["a"] < 0.687
    assert 0.313 < shares["b"] < 0.354
    assert "c" not in shares


def test_weighted_knows_no_priorities() -> None:
    case = Case(Balance.WEIGHTED, target("a", 1), target("b", 2, 3.0))

    assert 0.73 < case.shares(6000)["b"] < 0.77


def test_least_latency_asks_the_fastest() -> None:
    case = Case(Balance.LEAST_LATENCY, target("a"), target("b"), target("c"))
    for name, seconds in (("a", 0.5), ("b", 0.2), ("c", 0.9)):
        case.answer(name, seconds)

    assert case.shares(50) == {"b": 1.0}


def test_least_latency_leaves_a_fast_target_that_has_much_to_do() -> None:
    case = Case(Balance.LEAST_LATENCY, target("a"), target("b"))
    case.answer("a", 0.2)
    case.answer("b", 0.5)

    case.begin("a", 2)

    assert case.order()[0] == "b"


def test_least_latency_goes_by_weight_as_well() -> None:
    case = Case(Balance.LEAST_LATENCY, target("a"), target("b", weight=3.0))
    case.answer("a", 0.2)
    case.answer("b", 0.5)

    assert case.order()[0] == "b"


def test_least_busy_asks_whoever_has_least_to_do_for_its_weight() -> None:
    case = Case(Balance.LEAST_BUSY, target("a"), target("b", weight=3.0), target("c"))
    case.begin("a", 2)
    case.begin("b", 4)
    case.begin("c", 3)

    assert case.order()[0] == "b"


def test_the_whole_tier_is_in_order_of_load_when_the_first_fails() -> None:
    case = Case(Balance.LEAST_BUSY, target("a"), target("b"), target("c"), target("d", 2))
    case.begin("a", 3)
    case.begin("b", 1)
    case.begin("c", 2)
    for _ in range(5):
        case.fail("b")

    found = plan(case.chain, case.standings, 0.0, case.jitter)

    assert [t.provider for t in found.targets] == ["c"]
    assert [skip.target for skip in found.skips] == ["b/m"]
    assert [t.provider for t in found.rest] == ["a", "d"]


@LOAD
def test_equals_are_drawn_so_that_workers_do_not_all_choose_the_same(balance: Balance) -> None:
    case = Case(balance, target("a"), target("b"), target("c", weight=2.0))

    shares = case.shares(4000)

    assert 0.23 < shares["a"] < 0.27
    assert 0.23 < shares["b"] < 0.27
    assert 0.48 < shares["c"] < 0.52


@LOAD
def test_priorities_that_are_written_come_before_load(balance: Balance) -> None:
    case = Case(balance, target("a", 1), target("b", 2))
    case.begin("a", 9)

    assert case.order() == ["a", "b"]


@LOAD
def test_failing_fast_attracts_nobody(balance: Balance) -> None:
    case = Case(balance, target("a"), target("b"))
    for n in range(40):
        case.answer("a", 0.4, n / 10)
        case.answer("b", 0.4, n / 10)
    case.begin("b", 1, 4.0)

    case.fail("a", 4.0)

    assert case.shares(50, 4.1) == {"b": 1.0}


def test_cheapest_asks_for_the_price_of_this_very_request() -> None:
    reads = target("reads", price=Price(input=1.0, output=10.0))
    writes = target("writes", price=Price(input=4.0, output=2.0))
    case = Case(Balance.CHEAPEST, writes, reads)

    assert case.order(ask=Ask(prompt_tokens=10_000))[0] == "reads"
    assert case.order(ask=Ask(prompt_tokens=100))[0] == "writes"
    assert case.order(ask=Ask(prompt_tokens=100, output_tokens=20))[0] == "reads"
    assert case.order(ask=Ask(prompt_tokens=2_000, output_tokens=64_000))[0] == "reads"


def test_unknown_prices_come_last_and_equal_ones_as_they_are_listed() -> None:
    same = Price(input=1.0, output=1.0)
    case = Case(
        Balance.CHEAPEST,
        target("unknown"),
        target("dear", price=Price(input=9.0, output=9.0)),
        target("one", price=same),
        target("two", price=same),
    )
    for _ in range(5):
        case.fail("one")

    found = plan(case.chain, case.standings, 0.0, case.jitter, ask=Ask(prompt_tokens=10))

    assert [t.provider for t in (*found.targets, *found.rest)] == ["two", "dear", "unknown"]
    assert case.order(ask=Ask(prompt_tokens=10))[0] == "two"

"""Who keeps a conversation: drawn alike everywhere, remembered where it was answered."""

from collections import Counter

import pytest

from hotswap.core.plan import Ask, plan
from hotswap.core.settings import Sticky
from hotswap.core.sticky import Conversations, draw, name_of
from hotswap.core.terms import Balance, Chain, Target
from hotswap.testing.standing import standings_of

A, B, C = (
    Target(f"{n}/m", n, "m", 1, weight) for n, weight in (("a", 3.0), ("b", 2.0), ("c", 1.0))
)


def never() -> float:
    raise AssertionError("a conversation is not drawn at random")


def firsts(*targets: Target, balance: Balance = Balance.PRIORITY, count: int = 600) -> list[str]:
    """Return who is asked first in each of some conversations."""
    chain = Chain("c", targets, balance=balance, sticky=Sticky())
    standings = standings_of(chain, never)
    asks = [Ask(conversation=name_of([b"%d" % n])) for n in range(count)]
    return [plan(chain, standings, 0.0, never, ask=ask).targets[0].provider for ask in asks]


@pytest.mark.parametrize("balance", [Balance.PRIORITY, Balance.WEIGHTED])
def test_conversations_spread_by_weight_and_alike_in_every_worker(balance: Balance) -> None:
    first = firsts(A, B, C, balance=balance, count=2400)

    shares = Counter(first)

    assert first == firsts(A, B, C, balance=balance, count=2400)
    assert 1130 < shares["a"] < 1270
    assert 730 < shares["b"] < 870
    assert 330 < shares["c"] < 470


def test_a_target_that_goes_takes_only_its_own_conversations_along() -> None:
    before, after = firsts(A, B, C), firsts(A, C)

    assert all(now == then for then, now in zip(before, after, strict=True) if then != "b")
    assert {now for then, now in zip(before, after, strict=True) if then == "b"} == {"a", "c"}


def test_names_do_not_depend_on_how_the_parts_are_cut() -> None:
    assert name_of([b"a", b"b"]) == name_of([b"a", b"b"])
    assert name_of([b"ab", b""]) != name_of([b"a", b"b"])
    assert name_of([b"1", b"2"]).hex() == "48710ecd1d997ea1a46bb3cf9f03b98e"


def test_a_draw_is_a_number_below_one() -> None:
    assert all(0.0 <= draw(b"%d" % n, A) < 1.0 for n in range(500))


def test_whoever_answered_last_is_remembered_for_as_long_as_a_cache_lives() -> None:
    known, rule = Conversations(), Sticky(ttl_s=300.0)
    known.on_answer(b"x", "a/m", 10.0, rule)

    assert known.last(b"x", 309.9) == "a/m"
    assert known.last(b"x", 310.0) == ""
    assert known.last(b"y", 10.0) == ""

    known.on_answer(b"x", "b/m", 305.0, rule)
    assert known.last(b"x", 604.0) == "b/m"


def test_only_so_many_are_remembered_and_the_quietest_is_forgotten() -> None:
    known, rule = Conversations(), Sticky(conversations=2)
    for name in (b"x", b"y", b"x", b"z"):
        known.on_answer(name, "a/m", 0.0, rule)

    assert len(known) == 2
    assert [known.last(name, 1.0) for name in (b"x", b"y", b"z")] == ["a/m", "", "a/m"]

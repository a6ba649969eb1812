"""Whether a broken answer may go on elsewhere, and how long it may become; and hedges' budgets."""

import pytest

from hotswap.core.hedge import HedgeBudget, delay_s
from hotswap.core.settings import Hedging, Streaming
from hotswap.core.splice import bar_to_splice, tokens_in, tokens_left
from hotswap.core.terms import Needs

RULE = Streaming()


@pytest.mark.parametrize(
    ("rule", "needs", "splices", "text", "bar"),
    [
        (RULE, Needs(), 0, "words", ""),
        (RULE, Needs(tools=True, images=True), 1, "words", ""),
        (Streaming(splice=False), Needs(), 0, "words", "off"),
        (RULE, Needs(several=True), 0, "words", "several"),
        (RULE, Needs(logprobs=True), 0, "words", "logprobs"),
        (RULE, Needs(audio=True), 0, "words", "audio"),
        (RULE, Needs(json_object=True), 0, "words", "structured"),
        (RULE, Needs(json_schema=True), 0, "words", "structured"),
        (RULE, Needs(), 2, "words", "max_splices"),
        (Streaming(max_splices=0), Needs(), 0, "words", "max_splices"),
        (Streaming(max_tokens=2), Needs(), 0, "ten letters", "too_long"),
    ],
)
def test_what_stands_in_the_way(rule: Streaming, needs: Needs, splices: int, text: str, bar: str):
    assert bar_to_splice(rule, needs, splices=splices, text=text) == bar


def test_tokens_are_counted_on_the_high_side_and_limits_on_the_low_one():
    text = "x" * 36

    assert tokens_in(text) == 10
    assert tokens_left(100, text) == 94
    assert tokens_left(None, text) is None
    assert tokens_left(3, text) == 1


def test_a_hedge_waits_for_what_is_usual_within_bounds():
    rule = Hedging(after_min_s=1, after_max_s=10)

    assert delay_s(rule, None) is None
    assert delay_s(rule, 0.2) == 1
    assert delay_s(rule, 3.0) == 3.0
    assert delay_s(rule, 30.0) == 10
    assert delay_s(Hedging(after=0.5), None) == 0.5


def test_one_hedge_is_free_and_then_a_share_of_the_requests():
    budget, rule = HedgeBudget(), Hedging(max_share=0.05)

    assert budget.allows(rule, 100)
    budget.take(100)
    assert not budget.allows(rule, 100)
    for _ in range(21):
        budget.started(rule, 1000)

    assert budget.allows(rule, 100)


def test_long_prompts_are_not_sent_twice():
    assert not HedgeBudget().allows(Hedging(max_prompt_tokens=50), 51)


def test_the_share_of_tokens_binds_where_prompts_are_long():
    budget, rule = HedgeBudget(), Hedging(max_share=1.0, max_spend_share=0.02)
    for _ in range(5):
        budget.started(rule, 10_000)
        if budget.allows(rule, 8000):
            budget.take(8000)

    assert not budget.allows(rule, 8000)
    assert budget.allows(rule, 2000)

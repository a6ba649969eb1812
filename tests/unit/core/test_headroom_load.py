"""A provider with hard limits, asked twice as much as it can do: the proof in small.

The whole of it is `make prove-headroom`, and its figures are in `docs/headroom.md`.
"""

import pytest

from hotswap.testing.headroom.cases import Case, cases, play

SHORT = [
    Case("nothing", "fixed", "requests", by_hand=True, minutes=3),
    Case("nothing", "sliding", "tokens", by_hand=True, minutes=6),
    Case("openai", "bucket", "requests", minutes=3),
    Case("openai", "fixed", "tokens", minutes=6),
    Case("anthropic", "sliding", "tokens", minutes=6),
    Case("openai", "sliding", "requests", workers=2, minutes=3),
]


def name_of(case: Case) -> str:
    known = "by_hand" if case.by_hand else case.tells
    return f"{known}-{case.manner}-{case.bound}-{case.workers}-{case.others}"


@pytest.mark.parametrize("case", SHORT, ids=name_of)
def test_a_known_limit_is_used_and_not_met(case: Case) -> None:
    found = play(case, seed=1)

    assert found.refused == 0.0
    assert found.used >= 0.9


def test_a_limit_that_a_refusal_names_is_met_once() -> None:
    found = play(Case("gemini", "fixed", "requests", minutes=4), seed=1)

    assert found.refused <= 0.005
    assert found.used >= 0.85


def test_requests_are_spread_after_the_first_minute() -> None:
    found = play(Case("openai", "fixed", "requests", minutes=3), seed=1)

    assert found.most <= 1.2


@pytest.mark.slow
@pytest.mark.parametrize("case", list(cases()), ids=name_of)
def test_every_case_of_the_page_keeps_its_promise(case: Case) -> None:
    found = play(case, seed=7)

    assert found.refused <= (0.005 if case.named else 0.01)
    assert found.used >= (0.9 if case.named else 0.75)

"""What the bench shows of balance, with fewer requests."""

import pytest
from bench.balance import Site, p99_s, worst_share
from bench.report import ROWS

from hotswap.core.terms import Balance


def test_shares_are_within_two_points_of_the_weights() -> None:
    assert worst_share(5_000) < 2.0


def test_least_latency_has_a_lower_p99_than_weighted_over_a_bimodal_pair() -> None:
    assert p99_s(Balance.LEAST_LATENCY, 3_000) < 0.31
    assert p99_s(Balance.WEIGHTED, 3_000) == 2.0


@pytest.mark.parametrize(("opened", "first"), [(0, "p0/m"), (1, "p1/m"), (5, "p5/m")])
def test_a_decision_passes_over_what_is_open(opened: int, first: str) -> None:
    site = Site(1.0, 1.0, 1.0, 1.0, 1.0, 1.0, tiers=True)
    site.open(opened)

    assert site.plan().targets[0].id == first


def test_each_decision_has_its_row() -> None:
    keys = {row.key for row in ROWS}

    assert keys >= {f"decision_{name}" for name in ("plain", "all", "load", "open", "behind")}

"""What the bench takes for the gateway's share of a wait at a splice."""

import pytest
from bench.splices import Wait, settling, waited


@pytest.mark.parametrize("manner", ["asked", "native", "tail", "restart"])
def test_the_first_word_that_is_new_settles_the_seam(manner: str) -> None:
    assert settling(manner) == 10


def test_a_gateway_that_stalls_is_charged_from_the_word_that_settles() -> None:
    writes = {6: 1.0, 7: 1.25, 8: 1.5, 9: 1.75, 10: 2.0, 11: 2.25, 12: 2.5}

    assert waited("tail", writes, 2.625) == Wait(0.625, 1.625)

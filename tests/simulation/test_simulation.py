"""The promises of the gateway, held over whole stories in virtual time."""

import pytest

from hotswap.testing.simulation.draw import draw
from hotswap.testing.simulation.play import play
from hotswap.testing.simulation.replay import failure

BLOCKS = range(100, 1_100, 25)
"""First seeds of blocks that may run in different processes."""


def test_the_same_seed_tells_the_same_story() -> None:
    first, second = play(draw(7)), play(draw(7))

    assert first.digest == second.digest
    assert first.tally == second.tally


def test_another_seed_tells_another_story() -> None:
    assert play(draw(7)).digest != play(draw(8)).digest


@pytest.mark.parametrize("first", range(0, 20, 4))
def test_every_promise_is_kept_in_a_few_stories(first: int) -> None:
    keep_promises(range(first, first + 4))


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize("first", BLOCKS)
def test_every_promise_is_kept_in_a_thousand_stories(first: int) -> None:
    keep_promises(range(first, first + 25))


def keep_promises(seeds: range) -> None:
    failures = [failure(seed, outcome) for seed in seeds if (outcome := play(draw(seed))).broken]
    assert not failures, "\n".join(failures)

"""The promises of the gateway, held over whole stories in virtual time."""

import os
import subprocess
import sys
from pathlib import Path

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


@pytest.mark.slow
def test_a_story_does_not_depend_on_the_order_of_hashes() -> None:
    told = [
        subprocess.run(
            [sys.executable, "-m", "hotswap.testing.simulation", "--seed=7", "--whole"],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    ]

    assert told[0] == told[1]
    assert told[0].endswith(b"every promise was kept\n")


@pytest.mark.slow
def test_a_run_over_many_seeds_writes_its_figures(tmp_path: Path) -> None:
    command = (sys.executable, "-m", "hotswap.testing.simulation", "--processes=1", "--requests=1")

    done = subprocess.run(  # noqa: S603 - fixed words
        [*command, f"--page={tmp_path / 'page.md'}"], capture_output=True, check=False, text=True
    )

    page = (tmp_path / "page.md").read_text()
    assert "of 100 seeds, from 0 on" in done.stdout
    assert "| answered |" in page
    assert "| cut |" in page


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

"""Plays seeds until so many requests were simulated, on all cores, and writes down the figures."""

import multiprocessing
import resource
import time
from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct

from .draw import draw
from .play import play
from .replay import failure
from .tally import Tally

BLOCK: Final = 25
"""Seeds that a process plays at a time."""
ROUND: Final = 4
"""Blocks of each process between two looks at the number."""


class Block(Struct):
    """What became of some seeds in a row."""

    first: int
    tally: Tally
    seeds: int
    failures: Sequence[str]
    cpu_s: float
    rss_mib: float
    """Most memory that the process ever had."""


class Proof(Struct):
    """What a whole run showed."""

    first: int
    """The first seed."""
    seeds: int
    tally: Tally
    failures: Sequence[str]
    wall_s: float
    cpu_s: float
    processes: int
    rss_mib: Sequence[float]
    """The most memory of any process, after each tenth of the run."""


def run_block(first: int, seeds: int = BLOCK) -> Block:
    """Play some seeds in a row."""
    began = time.process_time()
    tally = Tally()
    failures: list[str] = []
    for seed in range(first, first + seeds):
        outcome = play(draw(seed))
        tally.add(outcome.tally)
        if outcome.broken:
            failures.append(failure(seed, outcome))
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Block(first, tally, seeds, failures, time.process_time() - began, rss)


def prove(requests: int, first: int, processes: int, tell: Callable[[str], None]) -> Proof:
    """Play seeds from `first` on until `requests` were simulated.

    Args:
        requests: How many at least.
        first: The first seed.
        processes: Among which the seeds are shared.
        tell: Takes a line on how far it is, now and then.
    """
    began = time.perf_counter()
    proof = Proof(first, 0, Tally(), [], 0.0, 0.0, processes, [])
    failures: list[str] = []
    marks: list[float] = []
    rss = 0.0
    context = multiprocessing.get_context("spawn")
    with context.Pool(processes) as pool:
        while proof.tally.requests < requests:
            start = first + proof.seeds
            firsts = range(start, start + BLOCK * ROUND * processes, BLOCK)
            for block in pool.map(run_block, firsts, chunksize=1):
                proof.seeds += block.seeds
                proof.tally.add(block.tally)
                proof.cpu_s += block.cpu_s
                failures += block.failures
                rss = max(rss, block.rss_mib)
            done = proof.tally.requests / requests
            while len(marks) < min(10, int(10 * done)):
                marks.append(rss)
            tell(
                f"{proof.tally.requests:,} requests of {proof.seeds:,} seeds, {len(failures)} fail"
            )
    proof.failures, proof.rss_mib = failures, marks
    proof.wall_s = time.perf_counter() - began
    return proof

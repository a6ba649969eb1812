"""One seed for people: what was drawn, what happened, and what was not as promised."""

from collections.abc import Iterator

from .draw import draw
from .play import Outcome, play
from .scenario import Scenario
from .shrink import shrink
from .topology import CHAIN


def command(seed: int) -> str:
    """Say how a seed is played again."""
    return f"python -m hotswap.testing.simulation --seed={seed}"


def failure(seed: int, outcome: Outcome) -> str:
    """Say what was broken in a story, and how to see it again."""
    lines = [f"seed {seed} breaks its promises; to see how: {command(seed)}"]
    lines += [f"  {b.promise} at {b.at:.3f} s: {b.words}" for b in outcome.broken[:5]]
    return "\n".join(lines)


def told(seed: int, *, whole: bool) -> Iterator[str]:
    """Tell a seed's story line by line, made small first where it fails.

    Args:
        seed: Which.
        whole: Tell all of it, however large.
    """
    scenario = draw(seed)
    if not whole:
        scenario = shrink(scenario)
    outcome = play(scenario, traced=True)
    yield from _drawn(scenario)
    yield from outcome.trace
    yield f"digest {outcome.digest}"
    for broken in outcome.broken:
        yield f"{broken.promise} is broken at {broken.at:.3f} s: {broken.words}"
    if not outcome.broken:
        yield "every promise was kept"


def _drawn(scenario: Scenario) -> Iterator[str]:
    chain = scenario.snapshot.chains[CHAIN]
    yield f"seed {scenario.seed}: {len(scenario.wishes)} requests, noise {scenario.noise}"
    for target in chain.targets:
        provider = scenario.snapshot.providers[target.provider]
        yield (
            f"target {target.id}: priority {target.priority}, {provider.kind} by "
            f"{provider.dialect}, {len(provider.credentials)} keys, prefill "
            f"{target.abilities.prefill}, goes on {scenario.manners[target.id].value}, "
            f"at {provider.endpoint.host} of {target.vendor}, region {target.region or 'unknown'}"
        )
    yield f"balance {chain.balance.value}, sticky {chain.sticky}, {chain.on_exhausted}"
    yield f"keys {scenario.snapshot.keys}"
    yield f"triggers {chain.triggers}"
    yield f"timeouts {chain.timeouts}"
    yield f"retry {chain.retry}"
    yield f"stream {chain.stream}"
    for phase in scenario.phases:
        yield f"phase {phase}"

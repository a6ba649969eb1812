"""What a request costs with many targets and with many callers' keys.

The gateways that are compared run at the same time on the same cores and are asked in turn.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from msgspec import Struct, structs

from . import load
from .config import Setting
from .figures import Bench
from .measure import CONNECTIONS, KIB
from .setups import Gateway, below, hotswap
from .upstreams import SMALL, Chain

MANY_CHAINS: Final = 50
MANY_TARGETS: Final = 4
"""Of each chain: 200 in all."""
MANY_KEYS: Final = 10_000
TURN_S: Final = 1.0
TURNS: Final = 4
"""Between two starts: where a process lies in memory favours it or not as long as it lives."""


class Variant(Struct, frozen=True):
    """One of the gateways that are compared."""

    name: str
    gateway: Gateway
    chains: Sequence[str]
    keys: int = 1
    heads: int = 1
    """As many as there are keys, where keys are compared: a head that was never seen on its
    connection costs more, whoever's it is."""


def measure(bench: Bench, folder: Path) -> None:
    """Compare the worker's CPU per request with few and with many targets and callers' keys."""
    for number in range(0, bench.effort.pairs, TURNS):
        _compare(bench, below(folder, f"start-{number}"), min(TURNS, bench.effort.pairs))
    for name, base in (("targets", "few"), ("keys", "heads")):
        ratio = bench.figures.ratio(name, base, "cpu")
        if ratio is not None:
            bench.figures.add("hotswap", f"growth_{name}", (ratio - 1) * 100)


def _compare(bench: Bench, folder: Path, turns: int) -> None:
    small = bench.chains[SMALL]
    good = small.ports[0]
    many = [Chain(f"chain-{n}", (good,) * MANY_TARGETS) for n in range(1, MANY_CHAINS)]
    many.insert(0, Chain(SMALL, (good,) * MANY_TARGETS))
    with ExitStack() as stack:

        def start(name: str, served: Sequence[Chain], keys: int = 1) -> Variant:
            setting = Setting(keys=keys)
            ours = hotswap(
                served, below(folder, name), prefix=bench.cores.for_gateway(), setting=setting
            )
            gateway = stack.enter_context(ours)
            return Variant(name, gateway, [chain.name for chain in served], keys, keys)

        few = start("few", [small])
        variants = [
            few,
            start("targets", many),
            structs.replace(few, name="heads", heads=MANY_KEYS),
            start("keys", [small], MANY_KEYS),
        ]
        for number in range(turns):
            # There and back, so that a drift of the machine does not favour any.
            for variant in variants[:: -1 if number % 2 else 1]:
                _run(variant, bench)


def _run(variant: Variant, bench: Bench) -> None:
    cost = load.requests(
        variant.gateway,
        variant.chains,
        bench.cores,
        connections=CONNECTIONS,
        size=KIB,
        seconds=TURN_S,
        keys=variant.keys,
        heads=variant.heads,
    )
    bench.figures.add(variant.name, "cpu", cost.busiest_us)
    bench.figures.note("hotswap", f"growth, {variant.name}", cost.failed)

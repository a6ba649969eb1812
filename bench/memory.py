"""Whether memory grows with the number of requests that were served."""

import time
from pathlib import Path
from typing import Final

from . import load, tree
from .figures import Bench
from .measure import CONNECTIONS, KIB
from .setups import Gateway, hotswap
from .upstreams import SMALL

WARM: Final = 0.1
"""Share of the requests that fill pools, caches and the allocator's arenas."""
SETTLE_S: Final = 1.0
"""Until the last records are committed."""


def measure(bench: Bench, folder: Path) -> None:
    """Serve many requests; compare the memory after a tenth of them and after all."""
    with hotswap([bench.chains[SMALL]], folder, prefix=bench.cores.for_gateway()) as gateway:
        served = _serve(gateway, round(bench.effort.flat * WARM), bench)
        warm = _settled(gateway)
        _serve(gateway, bench.effort.flat - served, bench)
        bench.figures.add("hotswap", "flat_warm", warm)
        bench.figures.add("hotswap", "flat_growth", _settled(gateway) - warm)


def _serve(gateway: Gateway, count: int, bench: Bench) -> int:
    served = 0
    while served < count:
        cost = load.requests(
            gateway, [SMALL], bench.cores, connections=CONNECTIONS, size=KIB, seconds=1
        )
        served += cost.requests
        bench.figures.note("hotswap", "memory", cost.failed)
    return served


def _settled(gateway: Gateway) -> float:
    time.sleep(SETTLE_S)
    return tree.rss_mib(gateway.pid)

"""What a second worker costs, and how the kernel spreads connections over the two."""

import socket
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from . import load, tree
from .config import Setting
from .figures import Bench
from .setups import Gateway, below, hotswap
from .upstreams import SMALL

PACE: Final = 4000.0
"""Requests per second in both cases, fewer than one worker can answer. What is compared then is
mostly the price of waking up: one worker serves several requests at a time, each of two fewer."""
CONNECTIONS: Final = 64
SIZE: Final = 1024
"""Bytes of a body."""
TURN_S: Final = 1.0
CROWDS: Final = (64, 400)
"""Connections that are spread. The kernel draws a worker for each, so of few more fall to one."""
ACCEPT_S: Final = 0.2
"""Until the workers have accepted all."""


def measure(bench: Bench, folder: Path) -> None:
    """Compare one worker with two on the same core: as fast as they can, and at the same pace."""
    with ExitStack() as stack:
        gateways = [
            stack.enter_context(
                hotswap(
                    [bench.chains[SMALL]],
                    below(folder, f"workers-{count}"),
                    prefix=bench.cores.for_gateway(),
                    setting=Setting(workers=count),
                )
            )
            for count in (1, 2)
        ]
        for number in range(bench.effort.pairs // 2):
            for at in (1, 0) if number % 2 else (0, 1):
                _turn(gateways[at], f"workers-{at + 1}", bench)
        for _ in range(bench.effort.spreads):
            for connections in CROWDS:
                share = _fuller_share(gateways[1], connections)
                bench.figures.add("hotswap", f"spread_{connections}", share * 100)
    for name in ("full", "paced"):
        ratio = bench.figures.ratio("workers-2", "workers-1", name)
        if ratio is not None:
            bench.figures.add("hotswap", f"workers_{name}", ratio)


def _turn(gateway: Gateway, name: str, bench: Bench) -> None:
    """Take the CPU per request at full throughput and at the pace."""
    full = load.requests(
        gateway, [SMALL], bench.cores, connections=CONNECTIONS, size=SIZE, seconds=TURN_S
    )
    paced = load.paced(gateway, [SMALL], bench.cores, rate=PACE, seconds=TURN_S)
    bench.figures.add(name, "full", full.cpu_us)
    bench.figures.add(name, "paced", paced.cpu_us)
    bench.figures.note("hotswap", name, max(full.failed, paced.failed))


def _fuller_share(gateway: Gateway, connections: int) -> float:
    """Open so many connections; return the share of them that the fuller worker has."""
    place = urlsplit(gateway.url)
    address = (place.hostname or "", place.port or 80)
    with ExitStack() as stack:
        for _ in range(connections):
            stack.enter_context(socket.create_connection(address))
        time.sleep(ACCEPT_S)
        held = tree.connections(gateway.pid, address[1])
    return max(held.values()) / connections

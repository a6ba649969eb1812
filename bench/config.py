"""The configuration that hotswap is measured with."""

import hashlib
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from .machine import free_port
from .upstreams import FAULTS, SPLICED, Chain

KEY: Final = "sk-bench-0123456789abcdefghijklmnopqrstuvwxyz"


class Setting(Struct, frozen=True, gc=False):
    """What one gateway has that another one has not."""

    workers: int = 1
    keys: int = 1
    """Callers' keys that are known: `KEY`, and `KEY-1` up to `KEY-(n - 1)`."""


def configure(chains: Iterable[Chain], port: int, setting: Setting) -> dict[str, object]:
    """Return the whole of `hotswap.yaml`."""
    providers: dict[str, object] = {}
    files: list[dict[str, object]] = []
    for chain in chains:
        names = [f"{chain.account or chain.name}-{at}" for at in range(1, len(chain.ports) + 1)]
        for name, upstream in zip(names, chain.ports, strict=True):
            version = "/v1" if chain.kind == "openai" else ""
            providers[name] = {
                "kind": chain.kind,
                "base_url": f"http://127.0.0.1:{upstream}{version}",
                "allow_private": True,
                "keys": [{"id": "main", "secret": f"sk-{name}"}],
            }
        model = chain.name if chain.account else "gpt-4o"
        models = [{"provider": name, "model": model} for name in names]
        files.append({"name": chain.name, "models": models, "triggers": _triggers(chain)})
    # A failing target shall be asked every time; one that says 429 is left alone all the same.
    breaker = {"failures": 10**9, "success_ratio": 0.0}
    return {
        "server": {
            "listen": f"127.0.0.1:{port}",
            "admin": f"127.0.0.1:{free_port()}",
            "workers": setting.workers,
            "drain_s": 2,
        },
        "providers": providers,
        "fallback": {"chains": files, "health": {"breaker": breaker}},
        "access": {"keys": [_key(number) for number in range(setting.keys)]},
    }


def _key(number: int) -> dict[str, str]:
    key = f"{KEY}-{number}" if number else KEY
    return {"id": f"bench-{number}", "sha256": hashlib.sha256(key.encode()).hexdigest()}


def _triggers(chain: Chain) -> list[dict[str, str]]:
    # A target that fails all the time would be demoted by its error rate.
    failing = (chain.account or chain.name) in {*FAULTS, *SPLICED}
    kinds = ("rate_limit", "error") if failing else ("all",)
    return [{"type": kind} for kind in kinds]

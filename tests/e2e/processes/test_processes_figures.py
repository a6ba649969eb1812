"""Figures that users feel before the first request: the memory of an idle gateway."""

import asyncio
from pathlib import Path

import pytest

from .conftest import Start

pytestmark = pytest.mark.slow

CONFIG = """
server: {listen: "127.0.0.1:0", admin: "127.0.0.1:0", state_dir: state}
store: "sqlite:records.db"
providers: {here: {kind: openai, base_url: "http://127.0.0.1:9/v1", allow_private: true, keys: []}}
fallback: {chains: [{name: assist, models: [{provider: here, model: small}]}]}
"""
LIMIT_MIB = 80


async def test_an_idle_gateway_takes_no_more_than_80_mib(serve: Start) -> None:
    gateway = await serve(CONFIG)
    await gateway.listens()
    while gateway.children("loader"):  # noqa: ASYNC110 - its parent alone is told of its end
        await asyncio.sleep(0.01)

    resident = {pid: _resident_mib(pid) for pid in _tree(gateway.process.pid)}

    assert len(resident) == 3
    assert sum(resident.values()) <= LIMIT_MIB, resident


def _tree(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(below for child in children for below in _tree(int(child)))]


def _resident_mib(pid: int) -> float:
    (line,) = [
        line
        for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        if line.startswith("VmRSS:")
    ]
    return int(line.split()[1]) / 1024

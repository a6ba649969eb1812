"""A target that stays in trouble is probed for as long as it does, so a probe leaves nothing."""

import gc
from collections.abc import Generator

import pytest

from hotswap.testing.serving import chat, pair
from hotswap.testing.step import Cut, Step

LIMITED = Step(status=429, headers={"retry-after-ms": "20"})


@pytest.fixture
def uncollected() -> Generator[None]:
    """Leave everything to the counting of references, as between two runs of the collector."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("uncollected")
@pytest.mark.parametrize(
    ("outcome", "cause"),
    [(Step(), ""), (LIMITED, "throttle"), (Step(drop=Cut.EOF), "hard")],
    ids=["answered", "refused", "broken"],
)
async def test_a_probe_is_freed_without_the_collector(outcome: Step, cause: str) -> None:
    async with pair() as p:
        p.one.script(LIMITED, outcome, outcome)
        while not p.gateway.probes:
            answer = await p.gateway.post(chat("assist"))
            assert answer.status == 200

        assert p.gateway.probes[0].cause == cause
        assert [o for o in gc.get_objects() if type(o).__name__ == "_Probe"] == []

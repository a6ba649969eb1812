"""The `latency` trigger on a request, and what slow answers make of the next ones."""

from asyncio import gather

import pytest

from hotswap.testing.serving import chat, pair
from hotswap.testing.step import Step

SLOW_BODY = Step(text="Hello. " * 200, drip_s=0.02, drip_bytes=80)
"""Its head comes soon, the whole of it after some 0.4 s."""


def latency(threshold_ms: float, **settings: object) -> list[dict[str, object]]:
    return [{"type": "latency", "threshold_ms": threshold_ms, **settings}]


async def test_a_total_limits_the_whole_of_an_answer_that_is_not_streamed() -> None:
    async with pair(SLOW_BODY, triggers=latency(200, metric="total")) as p:
        answer = await p.gateway.post(chat("assist"))

        assert answer.status == 200
        assert answer.headers["x-hotswap-target"] == "two/m"
        slow = p.gateway.attempts[0]
        assert (slow.cause, slow.detail, slow.rule) == (
            "hang",
            "first_content",
            "latency.threshold_ms",
        )
        assert slow.threshold == 0.2
        assert slow.measured == pytest.approx(0.25, abs=0.05)


async def test_a_threshold_for_the_first_content_limits_the_head_alone() -> None:
    async with pair(SLOW_BODY, triggers=latency(200)) as p:
        answer = await p.gateway.post(chat("assist"))

        assert answer.headers["x-hotswap-target"] == "one/m"


@pytest.mark.parametrize("metric", ["total", "gap"])
async def test_streams_are_not_cut_for_their_total_but_the_next_ones_go_elsewhere(
    metric: str,
) -> None:
    slow = Step(text="One two three.", gap_s=0.06)
    async with pair(slow, triggers=latency(50, metric=metric)) as p:
        answers = await gather(*(p.gateway.post(chat("assist", stream=True)) for _ in range(10)))
        assert {answer.headers["x-hotswap-target"] for answer in answers} == {"one/m"}
        assert all(answer.whole for answer in answers)

        answer = await p.gateway.post(chat("assist", stream=True))

        assert answer.headers["x-hotswap-target"] == "two/m"
        turned = p.gateway.transitions[0]
        assert (turned.target, turned.after, turned.rule) == (
            "one/m",
            "suspect",
            "latency.threshold_ms",
        )


async def test_who_is_always_outrun_by_hedges_is_suspect_too() -> None:
    """It shows life at once, so nobody blames it for an error."""
    slow = Step(text="Hello.", first_content_s=5.0)
    hedge = {"max_share": 1.0, "max_spend_share": 1.0}
    async with pair(slow, triggers=latency(30, action="hedge"), hedge=hedge) as p:
        for _ in range(10):
            await p.gateway.post(chat("assist", stream=True))
        assert p.one.requests == 10

        await p.gateway.post(chat("assist", stream=True))

        assert p.one.requests == 10
        assert [turned.after for turned in p.gateway.transitions] == ["suspect"]

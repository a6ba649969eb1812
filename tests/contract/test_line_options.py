"""What a caller may ask of the gateway itself, and what the headers of an answer tell."""

import pytest

from hotswap.testing.serving import chat, pair
from hotswap.testing.step import Step

BOTH_MODES = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
OFF = {"x-hotswap-fallback": "off"}


@BOTH_MODES
async def test_without_fallback_the_first_target_decides(*, stream: bool) -> None:
    async with pair(Step(status=500), retry={"max_attempts": 1}) as p:
        answer = await p.gateway.post(chat("assist", stream=stream), headers=OFF)

        assert answer.status == 503
        assert (p.one.requests, p.two.requests) == (1, 0)


async def test_without_fallback_another_key_of_the_same_target_still_serves() -> None:
    async with pair(keys=("sk-1", "sk-2")) as p:
        p.one.behave(Step(status=429), key="sk-1")
        answer = await p.gateway.post(chat("assist"), headers=OFF)

        assert answer.text() == "This answer was written by one."


async def test_a_single_target_can_be_named() -> None:
    async with pair() as p:
        answer = await p.gateway.post(chat("two/m"))

        assert answer.text() == "This answer was written by two."
        assert p.one.requests == 0


@BOTH_MODES
async def test_an_answer_tells_where_it_came_from_and_why(*, stream: bool) -> None:
    async with pair(Step(status=429)) as p:
        moved = await p.gateway.post(chat("assist", stream=stream))
        skipped = await p.gateway.post(chat("assist", stream=stream))

        assert moved.headers["x-hotswap-target"] == "two/m"
        assert moved.headers["x-hotswap-attempts"] == "2"
        assert moved.headers["x-hotswap-reason"] == "one/m 429 rate_limit"
        assert skipped.headers["x-hotswap-attempts"] == "1"
        assert skipped.headers["x-hotswap-reason"] == "one/m throttled"
        ids = {moved.headers["x-hotswap-request-id"], skipped.headers["x-hotswap-request-id"]}
        assert ids == {a.request_id for a in p.gateway.attempts}
        assert moved.headers["server-timing"].startswith("hotswap;dur=")


async def test_an_answer_from_the_first_target_gives_no_reason() -> None:
    async with pair() as p:
        answer = await p.gateway.post(chat("assist"))

        assert answer.headers["x-hotswap-target"] == "one/m"
        assert "x-hotswap-reason" not in answer.headers


async def test_our_own_share_of_the_time_leaves_out_the_providers() -> None:
    async with pair(Step(first_byte_s=0.1, status=500), Step(first_byte_s=0.1)) as p:
        answer = await p.gateway.post(chat("assist"))

        own_ms = float(answer.headers["server-timing"].removeprefix("hotswap;dur="))
        assert own_ms < 50

"""A stream whose content is slow to come: the caller gets a head and pings, and the truth later."""

import pytest

from hotswap.testing.serving import chat, pair
from hotswap.testing.step import Cut, Step

BY_TWO = "This answer was written by two."
UNKNOWN_FIELD = {"error": {"message": "No such field.", "code": "unknown_field"}}
SOON = {"keep_alive_s": 0.1}


async def test_a_slow_first_content_is_bridged_with_comments() -> None:
    async with pair(Step(text="At last.", first_content_s=0.35), server=SOON) as p:
        answer = await p.gateway.post(chat("assist", stream=True))

        assert (answer.status, answer.text(), answer.whole) == (200, "At last.", True)
        assert 0.1 <= answer.first_byte_s < 0.2
        assert 2 <= answer.body.count(b"\n\n", 0, answer.body.index(b"data:")) <= 4
        assert answer.body.startswith(b":")


async def test_a_fast_first_content_brings_no_comment() -> None:
    async with pair(Step(text="At once."), server=SOON) as p:
        answer = await p.gateway.post(chat("assist", stream=True))

        assert answer.body.startswith(b"data:")


@pytest.mark.parametrize(
    "late",
    [
        Step(first_byte_s=0.2, status=500),
        Step(first_byte_s=0.2, status=429),
        Step(first_content_s=0.2, empty=True),
        Step(hang=True),
        Step(first_byte_s=0.2, cut=Cut.EOF, cut_after=1),
    ],
    ids=["500", "429", "empty", "hang", "cut"],
)
async def test_after_the_pings_the_chain_still_moves_on(late: Step) -> None:
    async with pair(late, server=SOON, timeouts={"first_content_s": 0.3}) as p:
        answer = await p.gateway.post(chat("assist", stream=True))

        assert (answer.status, answer.text(), answer.whole) == (200, BY_TWO, True)
        assert 0.1 <= answer.first_byte_s < 0.2


@pytest.mark.parametrize(
    ("late", "code"),
    [
        (Step(first_byte_s=0.2, status=500), "chain_exhausted"),
        (Step(first_byte_s=0.2, status=400, body=UNKNOWN_FIELD), "unknown_field"),
        (Step(hang=True), "timeout"),
    ],
    ids=["500", "400", "hang"],
)
async def test_after_the_pings_an_error_arrives_in_band_and_loudly(late: Step, code: str) -> None:
    timeouts, retry = {"first_content_s": 0.3}, {"max_attempts": 1}
    async with pair(late, late, server=SOON, timeouts=timeouts, retry=retry) as p:
        answer = await p.gateway.post(chat("assist", stream=True))

        assert answer.status == 200
        assert answer.error()["code"] == code
        assert answer.error()["message"]
        assert not answer.whole


async def test_an_answer_that_is_not_streamed_has_no_keep_alive() -> None:
    """After a head there is no way back to a status that says what went wrong."""
    async with pair(Step(first_byte_s=0.3, status=500), server=SOON) as p:
        answer = await p.gateway.post(chat("assist"))

        assert (answer.status, answer.text()) == (200, BY_TWO)
        assert answer.first_byte_s >= 0.3

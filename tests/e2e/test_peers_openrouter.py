"""What OpenRouter promises, case by case, and what users get here.

The ids are those of the table of peers' defaults; `one` is the primary, `two` the healthy fallback.
A content policy's refusal is the exception to O1: it goes back to the caller.
"""

# ruff: noqa: N802 - the names begin with the row of the table

from collections.abc import Mapping
from typing import Final

import pytest

from hotswap.testing.serving import chat, pair
from hotswap.testing.step import Cut, Step

BY_TWO = "This answer was written by two."
BOTH_MODES = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])

FAULTS = {
    "context": Step(
        status=400,
        body={"error": {"message": "Too long.", "code": "context_length_exceeded"}},
    ),
    "rate_limit": Step(status=429),
    "downtime": Step(status=503),
    "error": Step(status=500),
    "no_credits": Step(status=402),
    "no_model": Step(status=404),
    "refused": Step(accept=Cut.RESET),
    "reset": Step(drop=Cut.RESET),
}


@BOTH_MODES
@pytest.mark.parametrize("fault", list(FAULTS.values()), ids=list(FAULTS))
async def test_O1_any_fault_of_the_first_target_leads_to_the_next(
    fault: Step, *, stream: bool
) -> None:
    async with pair(fault) as p:
        answer = await p.gateway.post(chat("assist", stream=stream))

        assert (answer.status, answer.text()) == (200, BY_TWO)
        assert answer.headers["x-hotswap-target"] == "two/m"
        assert answer.headers["x-hotswap-attempts"] == "2"
        assert answer.headers["x-hotswap-reason"].startswith("one/m ")


@pytest.mark.parametrize(
    ("first", "second", "status"),
    [
        (Step(status=429), Step(status=429), 429),
        (Step(hang=True), Step(hang=True), 504),
        (Step(status=500), Step(status=429), 503),
        (Step(status=401), Step(status=401), 503),
        (Step(status=402), Step(status=404), 503),
    ],
    ids=["all_throttled", "all_hung", "mixed", "all_refused", "no_money_no_model"],
)
@BOTH_MODES
async def test_O1_the_error_says_what_was_wrong_with_the_whole_chain(
    first: Step, second: Step, status: int, *, stream: bool
) -> None:
    """An upstream's 401 never reaches the caller, who would throw away a good key of its own."""
    limits = {"first_content_s": 0.1}
    async with pair(first, second, timeouts=limits, retry={"max_attempts": 1}) as p:
        answer = await p.gateway.post(chat("assist", stream=stream))

        assert answer.status == status
        assert answer.headers["x-should-retry"] == "false"
        assert "one/m" in str(answer.error()["message"])
        assert "two/m" in str(answer.error()["message"])


IN_BAND: Final[Mapping[str, object]] = {
    "openai": {"error": {"message": "boom", "type": "server_error", "code": "server_error"}},
    "openrouter": {"error": {"code": 502, "message": "Provider disconnected"}},
    "text": {"error": "boom"},
    "finish_error": {"choices": [{"index": 0, "delta": {"role": "x"}, "finish_reason": "error"}]},
    "rate_limit": {"error": {"message": "slow down", "code": 429}},
}


@pytest.mark.parametrize("error", list(IN_BAND.values()), ids=list(IN_BAND))
@pytest.mark.parametrize("after", [0, 1], ids=["first", "after_role"])
async def test_O3_a_stream_error_before_tokens_is_never_seen(error: object, after: int) -> None:
    async with pair(Step(error=error, error_after=after)) as p:
        answer = await p.gateway.post(chat("assist", stream=True))

        assert (answer.text(), answer.whole) == (BY_TWO, True)
        assert b"boom" not in answer.body
        assert b"chatcmpl-one" not in answer.body


async def test_O3_an_error_that_comes_together_with_the_first_content_is_never_seen() -> None:
    """Nothing was sent before the whole of what came was looked at."""
    error = {"error": {"message": "boom", "type": "server_error"}}
    async with pair(Step(text="Some words.", error=error, error_after=2)) as p:
        answer = await p.gateway.post(chat("assist", stream=True))

        assert (answer.text(), answer.whole) == (BY_TWO, True)


BOOM = {"error": {"message": "boom at 10.0.0.7", "type": "server_error"}}
BROKEN = Step(text=("Some ", "words "), gap_s=0.01, error=BOOM, error_after=3)


async def test_O4_an_error_after_tokens_goes_on_elsewhere() -> None:
    async with pair(BROKEN) as p:
        answer = await p.gateway.post(chat("assist", stream=True))

        assert (answer.text(), answer.whole) == ("Some words " + BY_TWO, True)


async def test_O4_an_error_after_tokens_is_a_typed_event_and_no_end() -> None:
    async with pair(BROKEN, stream={"splice": False}) as p:
        answer = await p.gateway.post(chat("assist", stream=True))

        assert answer.text() == "Some words "
        assert answer.error() == {
            "message": "The answer broke off at one/m: server_error.",
            "type": "server_error",
            "param": None,
            "code": "upstream_interrupted",
        }
        assert not answer.whole


@BOTH_MODES
async def test_O5_an_empty_answer_is_tried_elsewhere(*, stream: bool) -> None:
    async with pair(Step(empty=True)) as p:
        assert (await p.gateway.post(chat("assist", stream=stream))).text() == BY_TWO

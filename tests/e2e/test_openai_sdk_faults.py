"""The official OpenAI SDK before a chain whose providers fail in every way.

It raises if and only if the chain gave up, after exactly one call to the gateway: the SDK's own
retries, on by default, would triple the load in an outage.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import pytest
from openai import (
    APIError,
    AsyncOpenAI,
    InternalServerError,
    OpenAI,
    RateLimitError,
)
from openai.types.chat import ChatCompletionMessageParam

from hotswap.testing.serving import Serving, pair
from hotswap.testing.step import Cut, Step

pytestmark = pytest.mark.slow

HELLO: Final[list[ChatCompletionMessageParam]] = [{"role": "user", "content": "Say hello."}]
BY_TWO = "This answer was written by two."


async def ask_async(gateway: Serving, pieces: list[str]) -> None:
    async with AsyncOpenAI(base_url=gateway.base_url, api_key="any") as client:
        answer = await client.chat.completions.create(model="assist", messages=HELLO)
        pieces.append(answer.choices[0].message.content or "")


async def ask_async_stream(gateway: Serving, pieces: list[str]) -> None:
    async with AsyncOpenAI(base_url=gateway.base_url, api_key="any") as client:
        chunks = await client.chat.completions.create(model="assist", messages=HELLO, stream=True)
        async for chunk in chunks:
            pieces.append(chunk.choices[0].delta.content or "")  # noqa: PERF401 - kept on an error


async def ask_sync(gateway: Serving, pieces: list[str]) -> None:
    def ask() -> None:
        with OpenAI(base_url=gateway.base_url, api_key="any") as client:
            answer = client.chat.completions.create(model="assist", messages=HELLO)
            pieces.append(answer.choices[0].message.content or "")

    await asyncio.to_thread(ask)


async def ask_sync_stream(gateway: Serving, pieces: list[str]) -> None:
    def ask() -> None:
        with OpenAI(base_url=gateway.base_url, api_key="any") as client:
            chunks = client.chat.completions.create(model="assist", messages=HELLO, stream=True)
            for chunk in chunks:
                pieces.append(chunk.choices[0].delta.content or "")  # noqa: PERF401 - kept on an error

    await asyncio.to_thread(ask)


Ask = Callable[[Serving, list[str]], Awaitable[None]]
"""Asks through an SDK and appends what came to the list, also when it raises after that."""
STREAMED: Final[list[Ask]] = [ask_async_stream, ask_sync_stream]
EVERY: Final[list[Ask]] = [ask_async, ask_sync, *STREAMED]

FAULTS: Final = {
    "429": Step(status=429),
    "429_for_an_hour": Step(status=429, headers={"retry-after": "3600"}),
    "500": Step(status=500),
    "503": Step(status=503),
    "529": Step(status=529),
    "401": Step(status=401),
    "402": Step(status=402),
    "403": Step(status=403),
    "404": Step(status=404),
    "hang": Step(hang=True),
    "refused": Step(accept=Cut.RESET),
    "reset": Step(drop=Cut.RESET),
    "closed": Step(drop=Cut.EOF),
    "garbage": Step(garbage=b"\x00\x01nothing of HTTP"),
    "html": Step(body="<html>welcome</html>"),
    "empty": Step(empty=True),
    "cut_before_content": Step(cut=Cut.EOF, cut_after=1, cut_after_bytes=None),
    "in_band_error": Step(error={"error": {"message": "boom", "type": "server_error"}}),
}
STREAM_ONLY: Final = {"cut_before_content", "in_band_error"}
CASES = [
    pytest.param(step, ask, id=f"{name}-{ask.__name__}")
    for name, step in FAULTS.items()
    for ask in (STREAMED if name in STREAM_ONLY else EVERY)
]
LIMITS = {"first_content_s": 0.2}


def requests_of(gateway: Serving) -> int:
    return len({a.request_id for a in gateway.attempts})


@pytest.mark.parametrize(("step", "ask"), CASES)
async def test_with_a_healthy_fallback_it_never_raises(step: Step, ask: Ask) -> None:
    async with pair(step, timeouts=LIMITS) as p:
        pieces: list[str] = []
        await ask(p.gateway, pieces)

        assert "".join(pieces) == BY_TWO
        assert requests_of(p.gateway) == 1


@pytest.mark.parametrize(("step", "ask"), CASES)
async def test_it_raises_when_the_chain_gave_up_after_one_call(step: Step, ask: Ask) -> None:
    retry = {"max_attempts": 2, "base_s": 0.01}
    async with pair(step, step, timeouts=LIMITS, retry=retry) as p:
        pieces: list[str] = []
        with pytest.raises(RateLimitError if step.status == 429 else InternalServerError) as raised:
            await ask(p.gateway, pieces)

        assert raised.value.status_code == (
            429 if step.status == 429 else 504 if step.hang else 503
        )
        assert "one/m" in raised.value.message
        assert "two/m" in raised.value.message
        assert not pieces
        assert requests_of(p.gateway) == 1
        assert p.gateway.attempts[-1].final


WORDS = tuple(f"w{number} " for number in range(10))
AFTER_CONTENT = {
    "eof": Step(text=WORDS, gap_s=0.005, cut=Cut.EOF, cut_after=5),
    "reset": Step(text=WORDS, gap_s=0.005, cut=Cut.RESET, cut_after=5),
    "clean_end": Step(text=WORDS, gap_s=0.005, cut=Cut.END, cut_after=5),
    "no_finish": Step(text=WORDS[:4], gap_s=0.005, no_finish=True),
    "in_band": Step(text=WORDS, gap_s=0.005, error_after=5, error={"error": {"message": "no"}}),
    "garbage": Step(text=WORDS, gap_s=0.005, garbage_after=5, garbage=b"data: <html>\n\n"),
    "silence": Step(text=WORDS, gap_s=0.005, silent_after=5),
}


@pytest.mark.parametrize("ask", STREAMED)
@pytest.mark.parametrize("step", list(AFTER_CONTENT.values()), ids=list(AFTER_CONTENT))
async def test_a_stream_that_breaks_after_content_goes_on_elsewhere(step: Step, ask: Ask) -> None:
    async with pair(step, timeouts={"silence_s": 0.2}) as p:
        pieces: list[str] = []
        await ask(p.gateway, pieces)

        assert "".join(pieces) == "w0 w1 w2 w3 " + BY_TWO
        assert requests_of(p.gateway) == 1


@pytest.mark.parametrize("ask", STREAMED)
@pytest.mark.parametrize("step", list(AFTER_CONTENT.values()), ids=list(AFTER_CONTENT))
async def test_a_stream_that_breaks_after_content_raises_where_nothing_may_go_on(
    step: Step, ask: Ask
) -> None:
    async with pair(step, timeouts={"silence_s": 0.2}, stream={"splice": False}) as p:
        pieces: list[str] = []
        with pytest.raises(APIError, match="broke off at one/m"):
            await ask(p.gateway, pieces)

        assert "".join(pieces) == "w0 w1 w2 w3 "
        assert requests_of(p.gateway) == 1


@pytest.mark.parametrize("ask", STREAMED)
async def test_it_waits_on_through_the_pings_of_a_slow_start(ask: Ask) -> None:
    async with pair(Step(text="At last.", first_content_s=0.5), server={"keep_alive_s": 0.1}) as p:
        pieces: list[str] = []
        await ask(p.gateway, pieces)

        assert "".join(pieces) == "At last."


@pytest.mark.parametrize("ask", STREAMED)
async def test_a_failure_after_the_pings_raises(ask: Ask) -> None:
    late = Step(first_byte_s=0.3, status=500)
    retry = {"max_attempts": 1}
    async with pair(late, late, server={"keep_alive_s": 0.1}, retry=retry) as p:
        pieces: list[str] = []
        with pytest.raises(APIError, match="No target of 'assist' could answer"):
            await ask(p.gateway, pieces)

        assert not pieces
        assert requests_of(p.gateway) == 1

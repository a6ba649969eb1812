"""Requests through the official OpenAI SDK, as applications would send them."""

import asyncio
from typing import Final

from openai import APIError, AsyncOpenAI
from openai.types.chat import ChatCompletionUserMessageParam

from .chaos import ANSWER
from .score import Score

PAUSE_S: Final = 0.15
TIMEOUT_S: Final = 30.0
_QUESTION: Final = ChatCompletionUserMessageParam(role="user", content="What is a hot swap?")


class Traffic:
    """One application per chain and form of answer, each with one request at a time."""

    def __init__(self, base_url: str, score: Score) -> None:
        """Prepare.

        Args:
            base_url: The gateway's.
            score: Counts the outcomes.
        """
        self._score = score
        self._stopping = False
        # Without retries of its own: what counts is what the gateway gives at once.
        self._sdk = AsyncOpenAI(base_url=base_url, api_key="demo", max_retries=0, timeout=TIMEOUT_S)

    async def run(self, chain: str, *, streamed: bool) -> None:
        """Send one request after another until it is time to stop."""
        ask = self._stream if streamed else self._whole
        while not self._stopping:
            try:
                attempts = await ask(chain)
            except APIError as error:
                self._score.on_loss(chain, f"{type(error).__name__}: {error.message}")
            except _NotWholeError:
                self._score.on_loss(chain, "the answer is not what was said")
            else:
                self._score.on_answer(chain, attempts)
            await asyncio.sleep(PAUSE_S)

    def stop(self) -> None:
        """Let every application end after the request that it waits for."""
        self._stopping = True

    async def close(self) -> None:
        """Close the SDK's connections."""
        await self._sdk.close()

    async def _whole(self, chain: str) -> int:
        """Ask for a whole answer; return how many attempts it took."""
        answer = await self._sdk.chat.completions.with_raw_response.create(
            model=chain, messages=[_QUESTION]
        )
        (choice,) = answer.parse().choices
        if choice.message.content != ANSWER or choice.finish_reason != "stop":
            raise _NotWholeError
        return int(answer.headers["x-hotswap-attempts"])

    async def _stream(self, chain: str) -> int:
        """Ask for a stream and read it to its end; return how many attempts it took."""
        answer = await self._sdk.chat.completions.with_raw_response.create(
            model=chain, messages=[_QUESTION], stream=True
        )
        text = reason = ""
        async with answer.parse() as stream:
            async for chunk in stream:
                for choice in chunk.choices:
                    text += choice.delta.content or ""
                    reason = choice.finish_reason or reason
        if text != ANSWER or reason != "stop":
            raise _NotWholeError
        return int(answer.headers["x-hotswap-attempts"])


class _NotWholeError(Exception):
    """An answer came that has no end, or not the words that the providers say."""

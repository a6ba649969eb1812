"""The official Anthropic SDK as a caller."""

from collections.abc import Mapping
from typing import Final, cast

import httpx2
from anthropic import AnthropicError, APIStatusError, AsyncAnthropic, omit
from anthropic.types import Message, MessageParam, OutputConfigParam, ToolParam

from .asking import MAX_TOKENS, PIXEL, TOOL_NAME, Ask, Call, Got, What, schema

OUTPUT: Final[Mapping[What, OutputConfigParam]] = {
    What.JSON: {"format": {"type": "json_schema", "schema": schema()}},
    What.REASONING: {"effort": "low"},
}
TOOL: Final[ToolParam] = {"name": TOOL_NAME, "input_schema": schema()}


def _message(ask: Ask) -> MessageParam:
    if ask.what is not What.IMAGE:
        return {"role": "user", "content": ask.said}
    return {
        "role": "user",
        "content": [
            {"type": "text", "text": ask.said},
            {
                "type": "image",
                "source": {"type": "base64", "media_type": "image/png", "data": PIXEL},
            },
        ],
    }


class Anthropic:
    """Calls `messages.create` and, for streams, the helper `messages.stream`."""

    def __init__(self, root: str) -> None:
        self._sdk = AsyncAnthropic(base_url=root, api_key="any")

    async def ask(self, ask: Ask, got: Got) -> None:
        """Make a request."""
        try:
            await (self._stream if ask.streamed else self._create)(ask, got)
        except (AnthropicError, httpx2.HTTPError) as error:
            got.raised = error
            # What comes inside a stream has the stream's own status.
            if isinstance(error, APIStatusError) and error.status_code != 200:
                got.status, got.headers = error.status_code, dict(error.response.headers)

    async def close(self) -> None:
        """Let go of its connections."""
        await self._sdk.close()

    async def _create(self, ask: Ask, got: Got) -> None:
        answer = await self._sdk.messages.create(
            model=ask.chain,
            max_tokens=MAX_TOKENS,
            messages=[_message(ask)],
            tools=[TOOL] if ask.what is What.TOOL else omit,
            output_config=OUTPUT.get(ask.what, omit),
            thinking={"type": "adaptive"} if ask.what is What.REASONING else omit,
            extra_headers=ask.headers,
        )
        got.text, got.thoughts = _text(answer), _thoughts(answer)
        _finish(answer, got)

    async def _stream(self, ask: Ask, got: Got) -> None:
        async with self._sdk.messages.stream(
            model=ask.chain,
            max_tokens=MAX_TOKENS,
            messages=[_message(ask)],
            tools=[TOOL] if ask.what is What.TOOL else omit,
            output_config=OUTPUT.get(ask.what, omit),
            thinking={"type": "adaptive"} if ask.what is What.REASONING else omit,
            extra_headers=ask.headers,
        ) as stream:
            async for event in stream:
                if event.type == "text":
                    got.text += event.text
                elif event.type == "thinking":
                    got.thoughts += event.thinking
            answer = await stream.get_final_message()
        assert (_text(answer), _thoughts(answer)) == (got.text, got.thoughts)
        _finish(answer, got)


def _text(answer: Message) -> str:
    return "".join(block.text for block in answer.content if block.type == "text")


def _thoughts(answer: Message) -> str:
    return "".join(block.thinking for block in answer.content if block.type == "thinking")


def _finish(answer: Message, got: Got) -> None:
    got.calls = tuple(
        Call(block.name, cast("Mapping[str, object]", block.input))
        for block in answer.content
        if block.type == "tool_use"
    )
    got.finished = answer.stop_reason is not None
    got.tokens = (answer.usage.input_tokens, answer.usage.output_tokens)

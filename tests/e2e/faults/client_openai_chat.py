"""The official OpenAI SDK as a caller of chat completions."""

from collections.abc import AsyncIterable
from typing import cast

import httpx2
from openai import APIStatusError, AsyncOpenAI, OpenAIError, omit
from openai.types.chat import (
    ChatCompletion,
    ChatCompletionChunk,
    ChatCompletionContentPartParam,
    ChatCompletionMessageParam,
)

from .asking import MAX_TOKENS, PIXEL, TOOL_NAME, Ask, Got, What, calls_of, schema


def _message(ask: Ask) -> ChatCompletionMessageParam:
    if ask.what is not What.IMAGE:
        return {"role": "user", "content": ask.said}
    content: list[ChatCompletionContentPartParam] = [
        {"type": "text", "text": ask.said},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
    ]
    return {"role": "user", "content": content}


class OpenAIChat:
    """Calls `chat.completions.create`."""

    def __init__(self, root: str) -> None:
        self._sdk = AsyncOpenAI(base_url=f"{root}/v1", api_key="any")

    async def ask(self, ask: Ask, got: Got) -> None:
        """Make a request."""
        try:
            answer = await self._sdk.chat.completions.create(
                model=ask.chain,
                messages=[_message(ask)],
                max_completion_tokens=MAX_TOKENS,
                tools=(
                    [{"type": "function", "function": {"name": TOOL_NAME, "parameters": schema()}}]
                    if ask.what is What.TOOL
                    else omit
                ),
                response_format=(
                    {
                        "type": "json_schema",
                        "json_schema": {"name": "city", "schema": schema(), "strict": True},
                    }
                    if ask.what is What.JSON
                    else omit
                ),
                reasoning_effort="low" if ask.what is What.REASONING else omit,
                stream=ask.streamed,
                stream_options={"include_usage": True} if ask.streamed else omit,
                extra_headers=ask.headers,
            )
            if isinstance(answer, ChatCompletion):
                _whole(answer, got)
            else:
                await _read(answer, got)
        except (OpenAIError, httpx2.HTTPError) as error:
            got.raised = error
            if isinstance(error, APIStatusError):
                got.status, got.headers = error.status_code, dict(error.response.headers)

    async def close(self) -> None:
        """Let go of its connections."""
        await self._sdk.close()


def _whole(answer: ChatCompletion, got: Got) -> None:
    (choice,) = answer.choices
    message = choice.message
    got.text = message.content or ""
    got.finished = bool(choice.finish_reason)
    got.thoughts = _thoughts(message.model_extra)
    calls = [call.function for call in message.tool_calls or () if call.type == "function"]
    got.calls = calls_of(
        {index: call.name for index, call in enumerate(calls)},
        {index: call.arguments for index, call in enumerate(calls)},
    )
    if answer.usage is not None:
        got.tokens = (answer.usage.prompt_tokens, answer.usage.completion_tokens)


async def _read(chunks: AsyncIterable[ChatCompletionChunk], got: Got) -> None:
    """Put a stream together as programs do: by the index of each call."""
    names: dict[int, str] = {}
    arguments: dict[int, str] = {}
    async for chunk in chunks:
        if chunk.usage is not None:
            got.tokens = (chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
        for choice in chunk.choices:
            got.text += choice.delta.content or ""
            got.finished = got.finished or choice.finish_reason is not None
            got.thoughts += _thoughts(choice.delta.model_extra)
            for call in choice.delta.tool_calls or ():
                assert call.function is not None
                if call.id:
                    names[call.index] = call.function.name or ""
                before = arguments.get(call.index, "")
                arguments[call.index] = before + (call.function.arguments or "")
    got.calls = calls_of(names, arguments)


def _thoughts(extra: dict[str, object] | None) -> str:
    return cast("str", (extra or {}).get("reasoning_content") or "")

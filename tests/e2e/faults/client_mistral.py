"""The official Mistral SDK as a caller: OpenAI's chat dialect as another client reads it."""

import json
from collections.abc import AsyncIterable
from typing import Final, cast

import httpx2
from mistralai.client import Mistral
from mistralai.client.errors import MistralError
from mistralai.client.models import (
    Arguments,
    ChatCompletionRequestMessage,
    ChatCompletionResponse,
    CompletionEvent,
    Function,
    ImageURLChunk,
    JSONSchema,
    ResponseFormat,
    TextChunk,
    ThinkChunk,
    Tool,
    UsageInfo,
    UserMessage,
)
from mistralai.client.types import UNSET

from .asking import MAX_TOKENS, PIXEL, TOOL_NAME, Ask, Got, What, calls_of, schema

TOOL: Final = Tool(function=Function(name=TOOL_NAME, parameters=schema()))
FORMAT: Final = ResponseFormat(
    type="json_schema",
    json_schema=JSONSchema(name="city", schema_definition=schema(), strict=True),
)


def _message(ask: Ask) -> ChatCompletionRequestMessage:
    if ask.what is not What.IMAGE:
        return UserMessage(content=ask.said)
    pixel = ImageURLChunk(image_url=f"data:image/png;base64,{PIXEL}")
    return UserMessage(content=[TextChunk(text=ask.said), pixel])


class MistralChat:
    """Calls `chat.complete_async` and `chat.stream_async`."""

    def __init__(self, root: str) -> None:
        self._sdk = Mistral(api_key="any", server_url=root)

    async def ask(self, ask: Ask, got: Got) -> None:
        """Make a request."""
        chat = self._sdk.chat
        tools = [TOOL] if ask.what is What.TOOL else UNSET
        format_ = FORMAT if ask.what is What.JSON else None
        effort = "low" if ask.what is What.REASONING else UNSET
        try:
            if not ask.streamed:
                answer = await chat.complete_async(
                    model=ask.chain,
                    messages=[_message(ask)],
                    max_tokens=MAX_TOKENS,
                    tools=tools,
                    response_format=format_,
                    reasoning_effort=effort,
                    http_headers=ask.headers,
                )
                _whole(answer, got)
                return
            events = await chat.stream_async(
                model=ask.chain,
                messages=[_message(ask)],
                max_tokens=MAX_TOKENS,
                tools=tools,
                response_format=format_,
                reasoning_effort=effort,
                http_headers=ask.headers,
            )
            async with events:
                await _read(events, got)
        except (MistralError, httpx2.HTTPError) as error:
            got.raised = error
            # What comes inside a stream has the stream's own status.
            if isinstance(error, MistralError) and error.status_code != 200:
                got.status, got.headers = error.status_code, dict(error.headers)

    async def close(self) -> None:
        """Let go of its connections."""
        await self._sdk.__aexit__(None, None, None)  # pyright: ignore[reportUnknownMemberType] - untyped there
        self._sdk.__exit__(None, None, None)  # pyright: ignore[reportUnknownMemberType] - untyped there


def _whole(answer: ChatCompletionResponse, got: Got) -> None:
    (choice,) = answer.choices
    assert choice.message is not None
    _add(choice.message.content, got)
    got.finished = bool(choice.finish_reason)
    calls = list(choice.message.tool_calls or ())
    got.calls = calls_of(
        {index: call.function.name for index, call in enumerate(calls)},
        {index: _text(call.function.arguments) for index, call in enumerate(calls)},
    )
    _count(answer.usage, got)


async def _read(events: AsyncIterable[CompletionEvent], got: Got) -> None:
    """Put a stream together: text as it comes, calls by their index."""
    names: dict[int, str] = {}
    arguments: dict[int, str] = {}
    async for event in events:
        _count(event.data.usage, got)
        for choice in event.data.choices:
            _add(choice.delta.content, got)
            got.finished = got.finished or bool(choice.finish_reason)
            for call in choice.delta.tool_calls or ():
                index, function = call.index or 0, call.function
                names[index] = names.get(index) or function.name
                arguments[index] = arguments.get(index, "") + _text(function.arguments)
    got.calls = calls_of(names, arguments)


def _add(content: object, got: Got) -> None:
    """Take text and thoughts; content is a text, a list of chunks, or nothing."""
    if isinstance(content, str):
        got.text += content
        return
    chunks = cast("list[object]", content) if isinstance(content, list) else []
    for chunk in chunks:
        if isinstance(chunk, TextChunk):
            got.text += chunk.text
        elif isinstance(chunk, ThinkChunk):
            got.thoughts += "".join(t.text for t in chunk.thinking if isinstance(t, TextChunk))


def _count(usage: UsageInfo | None, got: Got) -> None:
    if usage is not None:
        got.tokens = (usage.prompt_tokens or 0, usage.completion_tokens or 0)


def _text(arguments: Arguments) -> str:
    """Return the JSON text; Mistral itself may send the object."""
    return arguments if isinstance(arguments, str) else json.dumps(arguments)

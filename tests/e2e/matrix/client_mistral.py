"""The official Mistral SDK as a caller: OpenAI's chat dialect as another client reads it."""

import json
from collections.abc import AsyncIterable, Sequence
from typing import Final, cast

from mistralai.client import Mistral
from mistralai.client.errors import MistralError
from mistralai.client.models import (
    Arguments,
    AssistantMessage,
    ChatCompletionRequestMessage,
    ChatCompletionResponse,
    CompletionEvent,
    ContentChunk,
    Function,
    FunctionCall,
    ImageURLChunk,
    JSONSchema,
    ResponseFormat,
    SystemMessage,
    TextChunk,
    ThinkChunk,
    Tool,
    ToolCall,
    ToolMessage,
    UsageInfo,
    UserMessage,
)
from mistralai.client.types import UNSET

from .scenes import (
    BRIEF,
    CALL_IDS,
    CITIES,
    DEGREES,
    LONG,
    MAX_TOKENS,
    PIXEL,
    SAID,
    STOP_WORD,
    TOOL_NAME,
    TOOL_WORDS,
    WITH_TOOLS,
    Called,
    Feature,
    Refused,
    Saw,
    city_schema,
)

TOOL: Final = Tool(
    function=Function(name=TOOL_NAME, description=TOOL_WORDS, parameters=city_schema())
)
FORMAT: Final = ResponseFormat(
    type="json_schema",
    json_schema=JSONSchema(name="city", schema_definition=city_schema(), strict=True),
)


def messages(feature: Feature) -> list[ChatCompletionRequestMessage]:
    """Return the conversation."""
    said = SAID[feature]
    system = SystemMessage(content=LONG if feature is Feature.SYSTEM else BRIEF)
    if feature is Feature.IMAGE:
        pixel = ImageURLChunk(image_url=f"data:image/png;base64,{PIXEL}")
        return [system, UserMessage(content=[TextChunk(text=said), pixel])]
    asked = UserMessage(content=said)
    return [system, asked, *_history()] if feature is Feature.RESULT else [system, asked]


def _history() -> list[ChatCompletionRequestMessage]:
    calls = [
        ToolCall(
            id=id_, function=FunctionCall(name=TOOL_NAME, arguments=json.dumps({"city": city}))
        )
        for id_, city in zip(CALL_IDS, CITIES, strict=True)
    ]
    results = [
        ToolMessage(content=text, tool_call_id=id_)
        for id_, text in zip(CALL_IDS, DEGREES, strict=True)
    ]
    return [AssistantMessage(content="", tool_calls=calls), *results]


class MistralChat:
    """Calls `chat.complete_async` and `chat.stream_async`."""

    def __init__(self, root: str) -> None:
        self._sdk = Mistral(api_key="any", server_url=root)

    async def ask(self, feature: Feature, model: str, *, stream: bool) -> Saw | Refused:
        """Make the feature's request."""
        chat = self._sdk.chat
        tools = [TOOL] if feature in WITH_TOOLS else UNSET
        format_ = FORMAT if feature is Feature.SCHEMA else None
        effort = "low" if feature is Feature.REASONING else UNSET
        stop = [STOP_WORD] if feature is Feature.STOP else UNSET
        try:
            if stream:
                events = await chat.stream_async(
                    model=model,
                    messages=messages(feature),
                    max_tokens=MAX_TOKENS,
                    tools=tools,
                    response_format=format_,
                    reasoning_effort=effort,
                    stop=stop,
                )
                async with events:
                    return await _read(events)
            answer = await chat.complete_async(
                model=model,
                messages=messages(feature),
                max_tokens=MAX_TOKENS,
                tools=tools,
                response_format=format_,
                reasoning_effort=effort,
                stop=stop,
            )
        except MistralError as error:
            return Refused(error.status_code, error.body)
        return _whole(answer)

    async def close(self) -> None:
        """Let go of its connections."""
        await self._sdk.__aexit__(None, None, None)  # pyright: ignore[reportUnknownMemberType] - untyped there
        self._sdk.__exit__(None, None, None)  # pyright: ignore[reportUnknownMemberType] - untyped there


def _whole(answer: ChatCompletionResponse) -> Saw:
    (choice,) = answer.choices
    message = choice.message
    assert message is not None
    text, thoughts = _content(message.content)
    return Saw(
        text=text,
        calls=tuple(_called(call) for call in message.tool_calls or ()),
        thoughts=thoughts,
        finish=choice.finish_reason,
        tokens=_tokens(answer.usage),
    )


async def _read(events: AsyncIterable[CompletionEvent]) -> Saw:
    """Put a stream together: text as it comes, calls by their index."""
    texts: list[str] = []
    names: dict[int, str] = {}
    arguments: dict[int, str] = {}
    thoughts = finish = ""
    usage: UsageInfo | None = None
    async for event in events:
        usage = event.data.usage or usage
        for choice in event.data.choices:
            text, thought = _content(choice.delta.content)
            texts += [text] if text else []
            thoughts += thought
            for call in choice.delta.tool_calls or ():
                index, function = call.index or 0, call.function
                names[index] = names.get(index) or function.name
                arguments[index] = arguments.get(index, "") + _text(function.arguments)
            finish = choice.finish_reason or finish
    return Saw(
        text="".join(texts),
        calls=tuple(Called(names[i], json.loads(arguments[i])) for i in sorted(names)),
        thoughts=thoughts,
        finish=finish,
        tokens=_tokens(usage),
        pieces=len(texts),
    )


def _content(content: object) -> tuple[str, str]:
    """Return text and thoughts; content is a text, a list of chunks, or nothing."""
    if isinstance(content, str):
        return content, ""
    chunks = cast("Sequence[ContentChunk]", content) if isinstance(content, list) else ()
    text = "".join(chunk.text for chunk in chunks if isinstance(chunk, TextChunk))
    thoughts = "".join(
        thought.text
        for chunk in chunks
        if isinstance(chunk, ThinkChunk)
        for thought in chunk.thinking
        if isinstance(thought, TextChunk)
    )
    return text, thoughts


def _called(call: ToolCall) -> Called:
    return Called(call.function.name, json.loads(_text(call.function.arguments)))


def _text(arguments: Arguments) -> str:
    """Return the JSON text; Mistral itself may send the object."""
    return arguments if isinstance(arguments, str) else json.dumps(arguments)


def _tokens(usage: UsageInfo | None) -> tuple[int, int] | None:
    return (usage.prompt_tokens or 0, usage.completion_tokens or 0) if usage is not None else None

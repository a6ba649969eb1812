"""The official OpenAI SDK as a caller of chat completions."""

import json
from collections.abc import AsyncIterable
from typing import Final, cast

from openai import APIStatusError, AsyncOpenAI, omit
from openai.types import CompletionUsage
from openai.types.chat import (
    ChatCompletion,
    ChatCompletionChunk,
    ChatCompletionMessageParam,
    ChatCompletionToolUnionParam,
)
from openai.types.shared_params import ResponseFormatJSONSchema

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

TOOLS: Final[list[ChatCompletionToolUnionParam]] = [
    {
        "type": "function",
        "function": {
            "name": TOOL_NAME,
            "description": TOOL_WORDS,
            "parameters": city_schema(),
        },
    }
]
FORMAT: Final[ResponseFormatJSONSchema] = {
    "type": "json_schema",
    "json_schema": {"name": "city", "schema": city_schema(), "strict": True},
}


def messages(feature: Feature) -> list[ChatCompletionMessageParam]:
    """Return the conversation."""
    said = SAID[feature]
    system: ChatCompletionMessageParam = {
        "role": "system",
        "content": LONG if feature is Feature.SYSTEM else BRIEF,
    }
    if feature is Feature.IMAGE:
        url = f"data:image/png;base64,{PIXEL}"
        image: ChatCompletionMessageParam = {
            "role": "user",
            "content": [
                {"type": "text", "text": said},
                {"type": "image_url", "image_url": {"url": url}},
            ],
        }
        return [system, image]
    if feature is Feature.RESULT:
        return [system, {"role": "user", "content": said}, *_history()]
    return [system, {"role": "user", "content": said}]


def _history() -> list[ChatCompletionMessageParam]:
    called: ChatCompletionMessageParam = {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {
                "id": id_,
                "type": "function",
                "function": {"name": TOOL_NAME, "arguments": json.dumps({"city": city})},
            }
            for id_, city in zip(CALL_IDS, CITIES, strict=True)
        ],
    }
    results: list[ChatCompletionMessageParam] = [
        {"role": "tool", "tool_call_id": id_, "content": text}
        for id_, text in zip(CALL_IDS, DEGREES, strict=True)
    ]
    return [called, *results]


class OpenAIChat:
    """Calls `chat.completions.create`."""

    def __init__(self, root: str) -> None:
        self._sdk = AsyncOpenAI(base_url=f"{root}/v1", api_key="any", max_retries=0)

    async def ask(self, feature: Feature, model: str, *, stream: bool) -> Saw | Refused:
        """Make the feature's request."""
        try:
            answer = await self._sdk.chat.completions.create(
                model=model,
                messages=messages(feature),
                max_completion_tokens=MAX_TOKENS,
                tools=TOOLS if feature in WITH_TOOLS else omit,
                response_format=FORMAT if feature is Feature.SCHEMA else omit,
                reasoning_effort="low" if feature is Feature.REASONING else omit,
                stop=[STOP_WORD] if feature is Feature.STOP else omit,
                stream=stream,
                stream_options={"include_usage": True} if stream else omit,
            )
            return _whole(answer) if isinstance(answer, ChatCompletion) else await _read(answer)
        except APIStatusError as error:
            return Refused(error.status_code, error.message)

    async def close(self) -> None:
        """Let go of its connections."""
        await self._sdk.close()


def _whole(answer: ChatCompletion) -> Saw:
    (choice,) = answer.choices
    message = choice.message
    calls = [call.function for call in message.tool_calls or () if call.type == "function"]
    return Saw(
        text=message.content or "",
        calls=tuple(Called(call.name, json.loads(call.arguments)) for call in calls),
        thoughts=_thoughts(message.model_extra),
        finish=choice.finish_reason,
        tokens=_tokens(answer.usage),
    )


async def _read(chunks: AsyncIterable[ChatCompletionChunk]) -> Saw:
    """Put a stream together as programs do: by choice, and by the index of each call."""
    texts: list[str] = []
    names: dict[int, str] = {}
    arguments: dict[int, str] = {}
    thoughts = finish = ""
    usage: CompletionUsage | None = None
    async for chunk in chunks:
        usage = chunk.usage or usage
        for choice in chunk.choices:
            finish = choice.finish_reason or finish
            thoughts += _thoughts(choice.delta.model_extra)
            if choice.delta.content:
                texts.append(choice.delta.content)
            for call in choice.delta.tool_calls or ():
                assert call.function is not None
                if call.id:
                    names[call.index] = call.function.name or ""
                before = arguments.get(call.index, "")
                arguments[call.index] = before + (call.function.arguments or "")
    return Saw(
        text="".join(texts),
        calls=tuple(Called(names[i], json.loads(arguments[i])) for i in sorted(names)),
        thoughts=thoughts,
        finish=finish,
        tokens=_tokens(usage),
        pieces=len(texts),
    )


def _thoughts(extra: dict[str, object] | None) -> str:
    """Return the field that most servers use, or Groq's."""
    fields = extra or {}
    return cast("str", fields.get("reasoning_content") or fields.get("reasoning") or "")


def _tokens(usage: CompletionUsage | None) -> tuple[int, int] | None:
    return (usage.prompt_tokens, usage.completion_tokens) if usage is not None else None

"""The official Anthropic SDK as a caller."""

from collections.abc import Mapping
from typing import Final, cast

from anthropic import APIStatusError, AsyncAnthropic, omit
from anthropic.types import (
    Message,
    MessageParam,
    OutputConfigParam,
    ToolParam,
    ToolResultBlockParam,
    ToolUseBlockParam,
)

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

TOOL: Final[ToolParam] = {
    "name": TOOL_NAME,
    "description": TOOL_WORDS,
    "input_schema": city_schema(),
}
OUTPUT: Final[Mapping[Feature, OutputConfigParam]] = {
    Feature.SCHEMA: {"format": {"type": "json_schema", "schema": city_schema()}},
    Feature.REASONING: {"effort": "low"},
}


def messages(feature: Feature) -> list[MessageParam]:
    """Return the conversation."""
    said = SAID[feature]
    if feature is Feature.IMAGE:
        return [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": said},
                    {
                        "type": "image",
                        "source": {"type": "base64", "media_type": "image/png", "data": PIXEL},
                    },
                ],
            }
        ]
    if feature is Feature.RESULT:
        return [
            {"role": "user", "content": said},
            {"role": "assistant", "content": _calls()},
            {"role": "user", "content": _results()},
        ]
    return [{"role": "user", "content": said}]


def _calls() -> list[ToolUseBlockParam]:
    return [
        {"type": "tool_use", "id": id_, "name": TOOL_NAME, "input": {"city": city}}
        for id_, city in zip(CALL_IDS, CITIES, strict=True)
    ]


def _results() -> list[ToolResultBlockParam]:
    return [
        {"type": "tool_result", "tool_use_id": id_, "content": text}
        for id_, text in zip(CALL_IDS, DEGREES, strict=True)
    ]


class Anthropic:
    """Calls `messages.create` and, for streams, the helper `messages.stream`."""

    def __init__(self, root: str) -> None:
        self._sdk = AsyncAnthropic(base_url=root, api_key="any", max_retries=0)

    async def ask(self, feature: Feature, model: str, *, stream: bool) -> Saw | Refused:
        """Make the feature's request."""
        try:
            return await (self._stream if stream else self._create)(feature, model)
        except APIStatusError as error:
            return Refused(error.status_code, error.message)

    async def close(self) -> None:
        """Let go of its connections."""
        await self._sdk.close()

    async def _create(self, feature: Feature, model: str) -> Saw:
        answer = await self._sdk.messages.create(
            model=model,
            max_tokens=MAX_TOKENS,
            system=LONG if feature is Feature.SYSTEM else BRIEF,
            messages=messages(feature),
            tools=[TOOL] if feature in WITH_TOOLS else omit,
            output_config=OUTPUT.get(feature, omit),
            thinking={"type": "adaptive"} if feature is Feature.REASONING else omit,
            stop_sequences=[STOP_WORD] if feature is Feature.STOP else omit,
        )
        return _saw(answer)

    async def _stream(self, feature: Feature, model: str) -> Saw:
        texts: list[str] = []
        thoughts = ""
        async with self._sdk.messages.stream(
            model=model,
            max_tokens=MAX_TOKENS,
            system=LONG if feature is Feature.SYSTEM else BRIEF,
            messages=messages(feature),
            tools=[TOOL] if feature in WITH_TOOLS else omit,
            output_config=OUTPUT.get(feature, omit),
            thinking={"type": "adaptive"} if feature is Feature.REASONING else omit,
            stop_sequences=[STOP_WORD] if feature is Feature.STOP else omit,
        ) as stream:
            async for event in stream:
                if event.type == "text":
                    texts.append(event.text)
                elif event.type == "thinking":
                    thoughts += event.thinking
            saw = _saw(await stream.get_final_message(), len(texts))
        assert "".join(texts) == saw.text
        assert thoughts == saw.thoughts
        return saw


def _saw(answer: Message, pieces: int = 0) -> Saw:
    """Read a message; its usage counts what was read from a cache apart."""
    calls = [block for block in answer.content if block.type == "tool_use"]
    usage = answer.usage
    cached = (usage.cache_read_input_tokens or 0) + (usage.cache_creation_input_tokens or 0)
    return Saw(
        text="".join(block.text for block in answer.content if block.type == "text"),
        calls=tuple(Called(c.name, cast("Mapping[str, object]", c.input)) for c in calls),
        thoughts="".join(b.thinking for b in answer.content if b.type == "thinking"),
        finish=answer.stop_reason or "",
        tokens=(usage.input_tokens + cached, usage.output_tokens),
        pieces=pieces,
    )

"""The official OpenAI SDK as a caller of Responses."""

import json
from collections.abc import AsyncIterable
from typing import Final

from openai import APIStatusError, AsyncOpenAI, omit
from openai.types.responses import (
    FunctionToolParam,
    Response,
    ResponseInputItemParam,
    ResponseStreamEvent,
    ResponseTextConfigParam,
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
    TOOL_NAME,
    TOOL_WORDS,
    WITH_TOOLS,
    Called,
    Feature,
    Refused,
    Saw,
    city_schema,
)

TOOL: Final[FunctionToolParam] = {
    "type": "function",
    "name": TOOL_NAME,
    "description": TOOL_WORDS,
    "parameters": city_schema(),
    "strict": True,
}
FORMAT: Final[ResponseTextConfigParam] = {
    "format": {"type": "json_schema", "name": "city", "schema": city_schema(), "strict": True}
}


def items(feature: Feature) -> str | list[ResponseInputItemParam]:
    """Return the conversation."""
    said = SAID[feature]
    if feature is Feature.IMAGE:
        url = f"data:image/png;base64,{PIXEL}"
        return [
            {
                "role": "user",
                "content": [
                    {"type": "input_text", "text": said},
                    {"type": "input_image", "image_url": url, "detail": "auto"},
                ],
            }
        ]
    if feature is Feature.RESULT:
        return [{"role": "user", "content": said}, *_calls(), *_results()]
    return said


def _calls() -> list[ResponseInputItemParam]:
    return [
        {
            "type": "function_call",
            "call_id": id_,
            "name": TOOL_NAME,
            "arguments": json.dumps({"city": city}),
        }
        for id_, city in zip(CALL_IDS, CITIES, strict=True)
    ]


def _results() -> list[ResponseInputItemParam]:
    return [
        {"type": "function_call_output", "call_id": id_, "output": text}
        for id_, text in zip(CALL_IDS, DEGREES, strict=True)
    ]


class OpenAIResponses:
    """Calls `responses.create`, which knows no stop sequences."""

    def __init__(self, root: str) -> None:
        self._sdk = AsyncOpenAI(base_url=f"{root}/v1", api_key="any", max_retries=0)

    async def ask(self, feature: Feature, model: str, *, stream: bool) -> Saw | Refused:
        """Make the feature's request."""
        try:
            answer = await self._sdk.responses.create(
                model=model,
                instructions=LONG if feature is Feature.SYSTEM else BRIEF,
                input=items(feature),
                max_output_tokens=MAX_TOKENS,
                tools=[TOOL] if feature in WITH_TOOLS else omit,
                text=FORMAT if feature is Feature.SCHEMA else omit,
                reasoning=(
                    {"effort": "low", "summary": "auto"} if feature is Feature.REASONING else omit
                ),
                stream=stream,
            )
            return _whole(answer) if isinstance(answer, Response) else await _read(answer)
        except APIStatusError as error:
            return Refused(error.status_code, error.message)

    async def close(self) -> None:
        """Let go of its connections."""
        await self._sdk.close()


def _whole(answer: Response, pieces: int = 0) -> Saw:
    output = answer.output
    calls = [item for item in output if item.type == "function_call"]
    thoughts = [part.text for item in output if item.type == "reasoning" for part in item.summary]
    usage = answer.usage
    return Saw(
        text=answer.output_text,
        calls=tuple(Called(call.name, json.loads(call.arguments)) for call in calls),
        thoughts="".join(thoughts),
        finish=answer.status or "",
        tokens=(usage.input_tokens, usage.output_tokens) if usage is not None else None,
        pieces=pieces,
    )


async def _read(events: AsyncIterable[ResponseStreamEvent]) -> Saw:
    """Follow a stream, whose deltas must say what its last event says."""
    texts: list[str] = []
    thoughts = ""
    arguments: dict[str, str] = {}
    numbers: list[int] = []
    final: Response | None = None
    async for event in events:
        numbers.append(event.sequence_number)
        match event.type:
            case "response.output_text.delta":
                texts.append(event.delta)
            case "response.reasoning_summary_text.delta":
                thoughts += event.delta
            case "response.function_call_arguments.delta":
                arguments[event.item_id] = arguments.get(event.item_id, "") + event.delta
            case "response.completed" | "response.incomplete" | "response.failed":
                final = event.response
            case _:
                pass
    assert final is not None
    assert numbers == sorted(set(numbers))
    saw = _whole(final, len(texts))
    assert "".join(texts) == saw.text
    assert thoughts == saw.thoughts
    assert [json.loads(text) for text in arguments.values()] == [c.arguments for c in saw.calls]
    return saw

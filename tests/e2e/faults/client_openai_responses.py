"""The official OpenAI SDK as a caller of Responses."""

from collections.abc import AsyncIterable

import httpx2
from openai import APIStatusError, AsyncOpenAI, OpenAIError, omit
from openai.types.responses import Response, ResponseInputItemParam, ResponseStreamEvent

from .asking import MAX_TOKENS, PIXEL, TOOL_NAME, Ask, Got, What, calls_of, schema


def _input(ask: Ask) -> str | list[ResponseInputItemParam]:
    if ask.what is not What.IMAGE:
        return ask.said
    return [
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": ask.said},
                {
                    "type": "input_image",
                    "image_url": f"data:image/png;base64,{PIXEL}",
                    "detail": "auto",
                },
            ],
        }
    ]


class OpenAIResponses:
    """Calls `responses.create`."""

    def __init__(self, root: str) -> None:
        self._sdk = AsyncOpenAI(base_url=f"{root}/v1", api_key="any")

    async def ask(self, ask: Ask, got: Got) -> None:
        """Make a request."""
        try:
            answer = await self._sdk.responses.create(
                model=ask.chain,
                input=_input(ask),
                max_output_tokens=MAX_TOKENS,
                tools=(
                    [
                        {
                            "type": "function",
                            "name": TOOL_NAME,
                            "parameters": schema(),
                            "strict": True,
                        }
                    ]
                    if ask.what is What.TOOL
                    else omit
                ),
                text=(
                    {
                        "format": {
                            "type": "json_schema",
                            "name": "city",
                            "schema": schema(),
                            "strict": True,
                        }
                    }
                    if ask.what is What.JSON
                    else omit
                ),
                reasoning=(
                    {"effort": "low", "summary": "auto"} if ask.what is What.REASONING else omit
                ),
                stream=ask.streamed,
                extra_headers=ask.headers,
            )
            if isinstance(answer, Response):
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


def _whole(answer: Response, got: Got) -> None:
    got.finished = answer.status == "completed"
    output = answer.output
    got.text = answer.output_text
    got.thoughts = "".join(p.text for i in output if i.type == "reasoning" for p in i.summary)
    calls = [item for item in output if item.type == "function_call"]
    got.calls = calls_of(
        {index: call.name for index, call in enumerate(calls)},
        {index: call.arguments for index, call in enumerate(calls)},
    )
    if answer.usage is not None:
        got.tokens = (answer.usage.input_tokens, answer.usage.output_tokens)


async def _read(events: AsyncIterable[ResponseStreamEvent], got: Got) -> None:
    """Follow a stream, whose deltas must say what its last event says."""
    numbers: list[int] = []
    final = Got()
    async for event in events:
        if event.type.startswith("response."):
            numbers.append(event.sequence_number)
        match event.type:
            case "response.output_text.delta":
                got.text += event.delta
            case "response.reasoning_summary_text.delta":
                got.thoughts += event.delta
            case "response.completed" | "response.incomplete":
                _whole(event.response, final)
            case _:
                pass
    assert numbers == sorted(set(numbers))
    if final.finished:
        assert (final.text, final.thoughts) == (got.text, got.thoughts)
    got.finished, got.calls, got.tokens = final.finished, final.calls, final.tokens

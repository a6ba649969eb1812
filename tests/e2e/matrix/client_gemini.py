"""The official Google SDK as a caller."""

import base64
from collections.abc import Sequence

from google.genai import Client, types
from google.genai.errors import APIError

from .scenes import (
    BRIEF,
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


def contents(feature: Feature) -> list[types.Content]:
    """Return the conversation.

    Calls in it have no ids, as with models that give none, and the first one is signed, as every
    model of today does.
    """
    said = types.Part(text=SAID[feature])
    if feature is Feature.IMAGE:
        pixel = types.Part.from_bytes(data=base64.b64decode(PIXEL), mime_type="image/png")
        return [types.Content(role="user", parts=[said, pixel])]
    asked = types.Content(role="user", parts=[said])
    if feature is not Feature.RESULT:
        return [asked]
    calls = [types.Part.from_function_call(name=TOOL_NAME, args={"city": c}) for c in CITIES]
    calls[0].thought_signature = b"sig"
    results = [
        types.Part.from_function_response(name=TOOL_NAME, response={"output": text})
        for text in DEGREES
    ]
    return [
        asked,
        types.Content(role="model", parts=calls),
        types.Content(role="user", parts=results),
    ]


def config(feature: Feature) -> types.GenerateContentConfig:
    """Return everything else."""
    schema = feature is Feature.SCHEMA
    tool = types.FunctionDeclaration(
        name=TOOL_NAME, description=TOOL_WORDS, parameters_json_schema=city_schema()
    )
    thinking = types.ThinkingConfig(include_thoughts=True, thinking_level=types.ThinkingLevel.LOW)
    return types.GenerateContentConfig(
        system_instruction=LONG if feature is Feature.SYSTEM else BRIEF,
        max_output_tokens=MAX_TOKENS,
        tools=[types.Tool(function_declarations=[tool])] if feature in WITH_TOOLS else None,
        response_mime_type="application/json" if schema else None,
        response_json_schema=city_schema() if schema else None,
        thinking_config=thinking if feature is Feature.REASONING else None,
        stop_sequences=[STOP_WORD] if feature is Feature.STOP else None,
    )


class Gemini:
    """Calls `models.generate_content` and `models.generate_content_stream`."""

    def __init__(self, root: str) -> None:
        self._sdk = Client(api_key="any", http_options=types.HttpOptions(base_url=root))

    async def ask(self, feature: Feature, model: str, *, stream: bool) -> Saw | Refused:
        """Make the feature's request."""
        models = self._sdk.aio.models
        try:
            if not stream:
                answer = await models.generate_content(  # pyright: ignore[reportUnknownMemberType] - types of an optional package
                    model=model, contents=contents(feature), config=config(feature)
                )
                return _saw([answer], streamed=False)
            answers = await models.generate_content_stream(  # pyright: ignore[reportUnknownMemberType] - as above
                model=model, contents=contents(feature), config=config(feature)
            )
            return _saw([answer async for answer in answers], streamed=True)
        except APIError as error:
            return Refused(error.code, error.message or "")

    async def close(self) -> None:
        """Let go of its connections."""
        await self._sdk.aio.aclose()
        self._sdk.close()


def _saw(answers: Sequence[types.GenerateContentResponse], *, streamed: bool) -> Saw:
    """Put the parts of all answers together."""
    parts = [part for answer in answers for part in answer.parts or ()]
    texts = [part.text for part in parts if part.text and not part.thought]
    calls = [part.function_call for part in parts if part.function_call is not None]
    finishes = [c.finish_reason for a in answers for c in a.candidates or () if c.finish_reason]
    usage = answers[-1].usage_metadata
    tokens = None
    if usage is not None:
        out = (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0)
        tokens = (usage.prompt_token_count or 0, out)
    return Saw(
        text="".join(texts),
        calls=tuple(Called(call.name or "", call.args or {}) for call in calls),
        thoughts="".join(part.text for part in parts if part.text and part.thought),
        finish=",".join(finish.value for finish in finishes),
        tokens=tokens,
        pieces=len(texts) if streamed else 0,
    )

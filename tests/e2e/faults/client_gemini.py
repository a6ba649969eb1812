"""The official Google SDK as a caller."""

import base64

import httpx2
from google.genai import Client, types
from google.genai.errors import APIError

from .asking import MAX_TOKENS, PIXEL, TOOL_NAME, Ask, Call, Got, What, schema


def _content(ask: Ask) -> types.Content:
    parts = [types.Part(text=ask.said)]
    if ask.what is What.IMAGE:
        pixel = types.Part.from_bytes(data=base64.b64decode(PIXEL), mime_type="image/png")
        parts.append(pixel)
    return types.Content(role="user", parts=parts)


def _config(ask: Ask) -> types.GenerateContentConfig:
    structured = ask.what is What.JSON
    tool = types.FunctionDeclaration(name=TOOL_NAME, parameters_json_schema=schema())
    thinking = types.ThinkingConfig(include_thoughts=True)
    return types.GenerateContentConfig(
        max_output_tokens=MAX_TOKENS,
        tools=[types.Tool(function_declarations=[tool])] if ask.what is What.TOOL else None,
        response_mime_type="application/json" if structured else None,
        response_json_schema=schema() if structured else None,
        thinking_config=thinking if ask.what is What.REASONING else None,
        http_options=types.HttpOptions(headers=dict(ask.headers)),
    )


class Gemini:
    """Calls `models.generate_content` and `models.generate_content_stream`."""

    def __init__(self, root: str) -> None:
        self._sdk = Client(api_key="any", http_options=types.HttpOptions(base_url=root))

    async def ask(self, ask: Ask, got: Got) -> None:
        """Make a request."""
        models, content, config = self._sdk.aio.models, _content(ask), _config(ask)
        try:
            if not ask.streamed:
                answer = await models.generate_content(  # pyright: ignore[reportUnknownMemberType] - types of an optional package
                    model=ask.chain, contents=content, config=config
                )
                _add(answer, got)
                return
            answers = await models.generate_content_stream(  # pyright: ignore[reportUnknownMemberType] - as above
                model=ask.chain, contents=content, config=config
            )
            async for answer in answers:
                _add(answer, got)
        except (APIError, httpx2.HTTPError) as error:
            got.raised = error
            response: object = getattr(error, "response", None)
            if isinstance(response, httpx2.Response):
                got.status, got.headers = response.status_code, dict(response.headers)

    async def close(self) -> None:
        """Let go of its connections."""
        await self._sdk.aio.aclose()
        self._sdk.close()


def _add(answer: types.GenerateContentResponse, got: Got) -> None:
    for part in answer.parts or ():
        if part.function_call is not None:
            call = Call(part.function_call.name or "", part.function_call.args or {})
            got.calls = (*got.calls, call)
        elif part.thought:
            got.thoughts += part.text or ""
        else:
            got.text += part.text or ""
    got.finished = got.finished or any(c.finish_reason for c in answer.candidates or ())
    usage = answer.usage_metadata
    if usage is not None:
        out = (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0)
        got.tokens = (usage.prompt_token_count or 0, out)

"""Recorded answers of real providers, played back through a real gateway to the official SDKs.

First to the SDK of the recording's own dialect, with the recorded request: bytes pass. Then to
every other SDK: the answer is translated. Text and calls are those of a second, simple reading.
"""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, cast

import pytest
from anthropic import APIError as AnthropicError
from anthropic import AsyncAnthropic
from anthropic.types import MessageParam
from google.genai import Client, types
from google.genai.errors import APIError as GoogleError
from openai import APIError, AsyncOpenAI, AsyncStream
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent

from hotswap.testing.provider import ScriptedProvider
from hotswap.testing.recording import Recording, read_recordings
from hotswap.testing.serving import Serving, serving

from ..contract.cassettes.heard import Heard, of_recording

pytestmark = pytest.mark.slow

FOLDER: Final = Path(__file__).parents[3] / "shared" / "cassettes"
__test__ = FOLDER.is_dir()

CHAIN: Final = "assist"
BROKEN: Final = "groq-midstream-error"
REFUSED: Final = "openai-refusal"
"""What it says is no text; each dialect has its own place for it."""

_NAMED: Final = frozenset({"model", "max_tokens", "messages", "stream"})
"""What the SDK names itself; the rest of a recorded request goes along."""

Fields = Mapping[str, object]
Ask = Callable[[str, Fields, bool], Awaitable[Heard]]


def settings(recording: Recording, provider: ScriptedProvider) -> dict[str, object]:
    """Return a configuration whose one chain asks the provider that plays the recording back."""
    kind = {"gemini": "google"}.get(recording.provider, recording.provider)
    versioned = recording.dialect in {"chat", "responses"}
    account: dict[str, object] = {
        "kind": kind,
        "base_url": provider.base_url if versioned else provider.base_url.removesuffix("/v1"),
        "allow_private": True,
        "keys": [{"id": "main", "secret": "sk-test"}],
    }
    if recording.dialect == "responses":
        account["api"] = "responses"
    models = [{"provider": "recorded", "model": "m"}]
    return {
        "providers": {"recorded": account},
        "fallback": {"chains": [{"name": CHAIN, "models": models}]},
    }


@asynccontextmanager
async def played(recording: Recording) -> AsyncGenerator[Serving]:
    """Run a gateway before a provider that plays the recording back."""
    async with (
        ScriptedProvider("recorded", recording.step()) as provider,
        serving(settings(recording, provider)) as gateway,
    ):
        yield gateway


def root(gateway: Serving) -> str:
    return gateway.base_url.removesuffix("/v1")


async def ask_chat(base: str, body: Fields, stream: bool) -> Heard:  # noqa: FBT001 - as `Ask` says
    async with AsyncOpenAI(base_url=f"{base}/v1", api_key="any", max_retries=0) as client:
        asked = {**body, "model": CHAIN, "stream": stream}
        if stream:
            chunks = await client.post(
                "/chat/completions",
                body=asked,
                cast_to=ChatCompletionChunk,
                stream=True,
                stream_cls=AsyncStream[ChatCompletionChunk],
            )
            return await _chat_stream(chunks)
        answer = await client.post("/chat/completions", body=asked, cast_to=ChatCompletion)
    message = answer.choices[0].message
    heard = Heard(text=message.content or "", refusal=message.refusal or "")
    for call in message.tool_calls or []:
        # Quirk: Mistral leaves out the type of a call; the SDK keeps what came.
        function = cast("Fields", call.to_dict()["function"])
        heard.calls.append((str(function["name"]), json.loads(str(function["arguments"]))))
    return heard


async def _chat_stream(chunks: AsyncStream[ChatCompletionChunk]) -> Heard:
    heard = Heard()
    names: dict[int, str] = {}
    arguments: dict[int, str] = {}
    async for chunk in chunks:
        for choice in chunk.choices:
            heard.text += choice.delta.content or ""
            for call in choice.delta.tool_calls or []:
                if call.function is not None:
                    at = call.index
                    names[at] = names.get(at, "") + (call.function.name or "")
                    arguments[at] = arguments.get(at, "") + (call.function.arguments or "")
    heard.calls = [(name, json.loads(arguments[at] or "{}")) for at, name in names.items()]
    return heard


async def ask_responses(base: str, body: Fields, stream: bool) -> Heard:  # noqa: FBT001 - as `Ask` says
    async with AsyncOpenAI(base_url=f"{base}/v1", api_key="any", max_retries=0) as client:
        asked = {**body, "model": CHAIN, "stream": stream}
        if not stream:
            answer = await client.post("/responses", body=asked, cast_to=Response)
            return _response(answer)
        events = await client.post(
            "/responses",
            body=asked,
            cast_to=cast("type[ResponseStreamEvent]", ResponseStreamEvent),
            stream=True,
            stream_cls=AsyncStream[ResponseStreamEvent],
        )
        text = ""
        last: Response | None = None
        async for event in events:
            if event.type == "response.output_text.delta":
                text += event.delta
            elif event.type in {"response.completed", "response.incomplete"}:
                last = cast("Response", getattr(event, "response", None))
    assert last is not None
    heard = _response(last)
    assert heard.text == text
    return heard


def _response(answer: Response) -> Heard:
    heard = Heard(text=answer.output_text)
    for item in answer.output:
        if item.type == "function_call":
            heard.calls.append((item.name, json.loads(item.arguments)))
    return heard


async def ask_anthropic(base: str, body: Fields, stream: bool) -> Heard:  # noqa: FBT001 - as `Ask` says
    rest = {name: value for name, value in body.items() if name not in _NAMED}
    limit, turns = cast("int", body["max_tokens"]), cast("list[MessageParam]", body["messages"])
    async with AsyncAnthropic(base_url=base, api_key="any", max_retries=0) as client:
        if stream:
            async with client.messages.stream(
                model=CHAIN, max_tokens=limit, messages=turns, extra_body=rest
            ) as events:
                content = list((await events.get_final_message()).content)
        else:
            message = await client.messages.create(
                model=CHAIN, max_tokens=limit, messages=turns, extra_body=rest
            )
            content = list(message.content)
    heard = Heard()
    for block in content:
        if block.type == "text":
            heard.text += block.text
        elif block.type == "tool_use":
            heard.calls.append((block.name, block.input))
    return heard


async def ask_gemini(base: str, body: Fields, stream: bool) -> Heard:  # noqa: FBT001 - as `Ask` says
    turns = [types.Content.model_validate(turn) for turn in cast("list[object]", body["contents"])]
    heard = Heard()
    client = Client(api_key="any", http_options=types.HttpOptions(base_url=base))
    try:
        models = client.aio.models
        if stream:
            answers = await models.generate_content_stream(model=CHAIN, contents=turns)  # pyright: ignore[reportUnknownMemberType] - the SDK's types name optional packages
            async for answer in answers:
                _take_gemini(answer, heard)
        else:
            answer = await models.generate_content(model=CHAIN, contents=turns)  # pyright: ignore[reportUnknownMemberType] - the SDK's types name optional packages
            _take_gemini(answer, heard)
    finally:
        await client.aio.aclose()
        client.close()
    return heard


def _take_gemini(answer: types.GenerateContentResponse, heard: Heard) -> None:
    for candidate in answer.candidates or []:
        content = candidate.content
        for part in (content.parts if content is not None else None) or []:
            heard.text += "" if part.thought else part.text or ""
            if part.function_call is not None:
                call = part.function_call
                heard.calls.append((call.name or "", call.args or {}))


SDKS: Final[Mapping[str, Ask]] = {
    "chat": ask_chat,
    "responses": ask_responses,
    "messages": ask_anthropic,
    "gemini": ask_gemini,
}
"""By the dialect's name in the recordings."""

RAISED: Final[Mapping[str, type[Exception]]] = {
    "chat": APIError,
    "responses": APIError,
    "messages": AnthropicError,
    "gemini": GoogleError,
}

HELLO: Final[Mapping[str, Fields]] = {
    "chat": {"messages": [{"role": "user", "content": "Say hello."}]},
    "responses": {"input": "Say hello."},
    "messages": {"max_tokens": 99, "messages": [{"role": "user", "content": "Say hello."}]},
    "gemini": {"contents": [{"role": "user", "parts": [{"text": "Say hello."}]}]},
}

ANSWERS = [each for each in read_recordings(FOLDER) if each.status == 200 and each.dialect in SDKS]
SOUND = [each for each in ANSWERS if each.name != BROKEN]
OTHERS = [
    (each, dialect)
    for each in SOUND
    for dialect in SDKS
    if each.dialect != dialect and each.name != REFUSED
]


@pytest.mark.parametrize("recording", SOUND, ids=lambda each: each.name)
async def test_a_recorded_answer_passes_to_the_sdk_of_its_own_dialect(recording: Recording):
    expected = of_recording(recording)
    body: Fields = json.loads(recording.request)

    async with played(recording) as gateway:
        heard = await SDKS[recording.dialect](root(gateway), body, recording.streamed)

        assert (heard.text, heard.calls) == (expected.text, expected.calls)
        assert heard.refusal == expected.refusal
        assert [attempt.cause for attempt in gateway.attempts] == [""]


@pytest.mark.parametrize(
    ("recording", "dialect"), OTHERS, ids=[f"{each.name}-{dialect}" for each, dialect in OTHERS]
)
async def test_a_recorded_answer_is_translated_for_every_other_sdk(
    recording: Recording, dialect: str
):
    expected = of_recording(recording)

    async with played(recording) as gateway:
        heard = await SDKS[dialect](root(gateway), HELLO[dialect], recording.streamed)

        assert (heard.text, heard.calls) == (expected.text, expected.calls)


@pytest.mark.parametrize("dialect", SDKS)
async def test_a_recorded_stream_with_an_error_inside_raises_in_every_sdk(dialect: str):
    (recording,) = [each for each in ANSWERS if each.name == BROKEN]

    async with played(recording) as gateway:
        with pytest.raises(RAISED[dialect]):
            await SDKS[dialect](root(gateway), HELLO[dialect], True)  # noqa: FBT003 - as `Ask` says

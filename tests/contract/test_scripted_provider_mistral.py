"""What Mistral's official SDK makes of a scripted provider."""

from collections.abc import AsyncIterator

import pytest
from mistralai.client import Mistral, errors
from mistralai.client.models import ChatCompletionRequestMessageTypedDict

from hotswap.testing.provider import ScriptedProvider
from hotswap.testing.step import Step, ToolCall
from hotswap.testing.strictness import strict

pytestmark = pytest.mark.slow

HI: list[ChatCompletionRequestMessageTypedDict] = [{"role": "user", "content": "Hi"}]


@pytest.fixture
async def provider() -> AsyncIterator[ScriptedProvider]:
    async with ScriptedProvider("acme", check=strict("mistral")) as running:
        yield running


@pytest.fixture
async def client(provider: ScriptedProvider) -> AsyncIterator[Mistral]:
    async with Mistral(api_key="sk-1", server_url=provider.root_url) as made:
        yield made


async def test_texts_and_calls_are_read(provider: ScriptedProvider, client: Mistral) -> None:
    provider.script(Step(text="Good morning."), Step(tools=(ToolCall("look", '{"at":1}'),)))

    text = await client.chat.complete_async(model="m", messages=HI)
    call = await client.chat.complete_async(model="m", messages=HI)

    assert text.choices[0].message is not None
    assert text.choices[0].message.content == "Good morning."
    assert call.choices[0].message is not None
    (called,) = call.choices[0].message.tool_calls or []
    assert (called.id, called.function.name) == ("call_1", "look")
    assert called.function.arguments == '{"at":1}'
    assert provider.seen[0].key == "sk-1"


async def test_a_stream_brings_the_words(provider: ScriptedProvider, client: Mistral) -> None:
    provider.behave(Step(text="Good morning."))

    events = [event.data async for event in await client.chat.stream_async(model="m", messages=HI)]

    assert "".join(str(event.choices[0].delta.content or "") for event in events) == "Good morning."
    assert events[-1].choices[0].finish_reason == "stop"


async def test_errors_are_raised(provider: ScriptedProvider, client: Mistral) -> None:
    provider.behave(Step(status=429))

    with pytest.raises(errors.SDKError) as limited:
        await client.chat.complete_async(model="m", messages=HI)
    with pytest.raises(errors.SDKError, match="Unexpected role"):
        await client.chat.complete_async(model="m", messages=HI + HI)

    assert limited.value.status_code == 429

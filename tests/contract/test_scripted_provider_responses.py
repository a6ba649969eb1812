"""What OpenAI's official SDK makes of a scripted provider: Responses, and what chat gained."""

from collections.abc import AsyncIterator

import openai
import pytest
from openai.types.responses import (
    Response,
    ResponseCompletedEvent,
    ResponseFailedEvent,
    ResponseIncompleteEvent,
)

from hotswap.testing.provider import ScriptedProvider
from hotswap.testing.step import Cut, Step, ToolCall

pytestmark = pytest.mark.slow

ENDS = (ResponseCompletedEvent, ResponseFailedEvent, ResponseIncompleteEvent)
LOOK = ToolCall("look", '{"at":1}')
HEAR = ToolCall("hear", '{"far":true}')


@pytest.fixture
async def provider() -> AsyncIterator[ScriptedProvider]:
    async with ScriptedProvider("acme") as running:
        yield running


@pytest.fixture
async def client(provider: ScriptedProvider) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(
        base_url=provider.base_url, api_key="sk-1", max_retries=0
    ) as made:
        yield made


async def ask(client: openai.AsyncOpenAI, *, stream: bool) -> Response:
    if not stream:
        return await client.responses.create(model="m", input="Hi")
    events = await client.responses.create(model="m", input="Hi", stream=True)
    (response,) = [event.response async for event in events if isinstance(event, ENDS)]
    return response


@pytest.mark.parametrize("stream", [False, True])
async def test_a_text_has_its_words_status_and_usage(
    provider: ScriptedProvider, client: openai.AsyncOpenAI, *, stream: bool
) -> None:
    provider.behave(Step(text="Good morning.", prompt_tokens=12, cached_tokens=5))

    response = await ask(client, stream=stream)

    assert response.output_text == "Good morning."
    assert (response.id, response.model, response.status) == ("resp_acme-1", "m", "completed")
    assert response.usage is not None
    assert response.usage.model_dump(exclude_unset=True) == {
        "input_tokens": 12,
        "input_tokens_details": {"cached_tokens": 5},
        "output_tokens": 2,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 14,
    }


@pytest.mark.parametrize("stream", [False, True])
async def test_reasoning_text_and_parallel_calls_are_items(
    provider: ScriptedProvider, client: openai.AsyncOpenAI, *, stream: bool
) -> None:
    provider.behave(
        Step(thinking="Let me see.", signature="c2ln", text="I look.", tools=(LOOK, HEAR))
    )

    thought, message, look, hear = (await ask(client, stream=stream)).output

    assert thought.type == "reasoning"
    assert [part.text for part in thought.summary] == ["Let me see."]
    assert thought.encrypted_content == "c2ln"
    assert message.type == "message"
    assert look.type == "function_call"
    assert (look.call_id, look.name, look.arguments) == ("call_1", "look", '{"at":1}')
    assert hear.type == "function_call"
    assert (hear.call_id, hear.name, hear.arguments) == ("call_2", "hear", '{"far":true}')


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("reason", "expected"),
    [("length", "max_output_tokens"), ("content_filter", "content_filter"), ("steered", "steered")],
)
async def test_an_incomplete_answer_says_why(
    provider: ScriptedProvider,
    client: openai.AsyncOpenAI,
    reason: str,
    expected: str,
    *,
    stream: bool,
) -> None:
    provider.behave(Step(text="a", finish_reason=reason))

    response = await ask(client, stream=stream)

    assert response.status == "incomplete"
    assert response.incomplete_details is not None
    assert response.incomplete_details.reason == expected


@pytest.mark.parametrize("stream", [False, True])
async def test_a_failed_answer_has_an_error(
    provider: ScriptedProvider, client: openai.AsyncOpenAI, *, stream: bool
) -> None:
    provider.behave(Step(text="a", finish_reason="error"))

    response = await ask(client, stream=stream)

    assert response.status == "failed"
    assert response.error is not None
    assert response.error.code == "server_error"


async def test_events_are_numbered_without_a_gap(
    provider: ScriptedProvider, client: openai.AsyncOpenAI
) -> None:
    provider.behave(Step(thinking="hm", text="a", tools=(LOOK,)))

    events = [
        event async for event in await client.responses.create(model="m", input="", stream=True)
    ]

    assert [event.sequence_number for event in events] == list(range(20))
    assert [event.type for event in events[:6]] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.reasoning_summary_part.added",
        "response.reasoning_summary_text.delta",
        "response.reasoning_summary_text.done",
    ]


async def test_streams_break_after_the_same_events_as_elsewhere(
    provider: ScriptedProvider, client: openai.AsyncOpenAI
) -> None:
    provider.script(
        Step(text="a b c", error={"type": "error", "error": {"message": "It broke."}}),
        Step(text="a b c", error="It broke.", error_after=3),
        Step(text="a b c", cut=Cut.EOF, cut_after=3),
        Step(text="a b c", cut=Cut.END, cut_after=3),
        Step(text="a b c", no_finish=True, ping_s=0.001, gap_s=0.003, crlf=True),
    )

    with pytest.raises(openai.APIError, match=r"It broke\."):
        await pieces(client)
    flat = await pieces(client)
    with pytest.raises(openai.APIConnectionError):
        await pieces(client)
    rest = [await pieces(client) for _ in range(2)]

    assert flat == ["a", " b", "It broke."]
    assert rest == [["a", " b"], ["a", " b", " c"]]


async def pieces(client: openai.AsyncOpenAI) -> list[str]:
    found: list[str] = []
    async for event in await client.responses.create(model="m", input="Hi", stream=True):
        if event.type == "response.output_text.delta":
            found.append(event.delta)
        elif event.type == "error":
            found.append(event.message)
    return found


async def test_statuses_raise_the_classes_of_the_sdk(
    provider: ScriptedProvider, client: openai.AsyncOpenAI
) -> None:
    provider.script(Step(status=429), Step(status=401))

    with pytest.raises(openai.RateLimitError):
        await ask(client, stream=True)
    with pytest.raises(openai.AuthenticationError):
        await ask(client, stream=False)


async def test_tokens_are_counted(provider: ScriptedProvider, client: openai.AsyncOpenAI) -> None:
    provider.behave(Step(prompt_tokens=41))

    assert (await client.responses.input_tokens.count(model="m", input="Hi")).input_tokens == 41


@pytest.mark.parametrize("stream", [False, True])
async def test_chat_shows_thinking_text_and_parallel_calls(
    provider: ScriptedProvider, client: openai.AsyncOpenAI, *, stream: bool
) -> None:
    provider.behave(
        Step(thinking="Let me see.", signature="c2ln", text="I look.", tools=(LOOK, HEAR))
    )

    if stream:
        async with client.chat.completions.stream(
            model="m",
            messages=[{"role": "user", "content": "Hi"}],
            stream_options={"include_usage": True},
        ) as events:
            completion = await events.get_final_completion()
    else:
        completion = await client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "Hi"}]
        )

    message = completion.choices[0].message
    assert (message.content, completion.choices[0].finish_reason) == ("I look.", "tool_calls")
    assert message.model_extra is not None
    assert message.model_extra["reasoning_content"] == "Let me see."
    calls = [call for call in message.tool_calls or () if call.type == "function"]
    assert [(call.id, call.function.name, call.function.arguments) for call in calls] == [
        ("call_1", "look", '{"at":1}'),
        ("call_2", "hear", '{"far":true}'),
    ]
    assert calls[0].model_extra is not None
    assert calls[0].model_extra["extra_content"] == {"google": {"thought_signature": "c2ln"}}
    assert completion.usage is not None
    assert completion.usage.completion_tokens == 5
    assert completion.usage.completion_tokens_details is not None
    assert completion.usage.completion_tokens_details.reasoning_tokens == 3

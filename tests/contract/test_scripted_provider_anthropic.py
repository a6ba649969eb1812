"""What Anthropic's official SDK makes of a scripted provider."""

from collections.abc import AsyncIterator

import anthropic
import httpx2
import pytest
from anthropic.types import Message, MessageParam

from hotswap.testing.provider import ScriptedProvider
from hotswap.testing.step import Cut, Limit, Step, ToolCall

pytestmark = pytest.mark.slow

HI: list[MessageParam] = [{"role": "user", "content": "Hi"}]
LOOK = ToolCall("look", '{"at":1}')
HEAR = ToolCall("hear", '{"far":true}', id="toolu_2")


@pytest.fixture
async def provider() -> AsyncIterator[ScriptedProvider]:
    async with ScriptedProvider("acme") as running:
        yield running


@pytest.fixture
async def client(provider: ScriptedProvider) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(
        base_url=provider.root_url, api_key="sk-1", max_retries=0
    ) as made:
        yield made


async def ask(client: anthropic.AsyncAnthropic, *, stream: bool) -> Message:
    if not stream:
        return await client.messages.create(model="m", max_tokens=9, messages=HI)
    async with client.messages.stream(model="m", max_tokens=9, messages=HI) as events:
        return await events.get_final_message()


@pytest.mark.parametrize("stream", [False, True])
async def test_a_text_has_its_words_reason_and_usage(
    provider: ScriptedProvider, client: anthropic.AsyncAnthropic, *, stream: bool
) -> None:
    provider.behave(Step(text="Good morning.", prompt_tokens=12, cached_tokens=5))

    message = await ask(client, stream=stream)

    assert [block.model_dump(exclude_none=True) for block in message.content] == [
        {"type": "text", "text": "Good morning."}
    ]
    assert (message.id, message.model, message.stop_reason) == ("msg_acme-1", "m", "end_turn")
    assert message.usage.input_tokens == 7
    assert message.usage.cache_read_input_tokens == 5
    assert message.usage.output_tokens == 2
    assert provider.seen[0].key == "sk-1"


@pytest.mark.parametrize("stream", [False, True])
async def test_thinking_text_and_parallel_calls_keep_their_order(
    provider: ScriptedProvider, client: anthropic.AsyncAnthropic, *, stream: bool
) -> None:
    provider.behave(
        Step(thinking="Let me see.", signature="c2ln", text="I look.", tools=(LOOK, HEAR))
    )

    message = await ask(client, stream=stream)

    assert [block.model_dump(exclude_none=True) for block in message.content] == [
        {"type": "thinking", "thinking": "Let me see.", "signature": "c2ln"},
        {"type": "text", "text": "I look."},
        {"type": "tool_use", "id": "call_1", "name": "look", "input": {"at": 1}},
        {"type": "tool_use", "id": "toolu_2", "name": "hear", "input": {"far": True}},
    ]
    assert message.stop_reason == "tool_use"
    assert message.usage.output_tokens == 5
    assert message.usage.output_tokens_details is not None
    assert message.usage.output_tokens_details.thinking_tokens == 3


@pytest.mark.parametrize("stream", [False, True])
async def test_a_call_alone_has_no_text(
    provider: ScriptedProvider, client: anthropic.AsyncAnthropic, *, stream: bool
) -> None:
    provider.behave(Step(tools=(LOOK,)))

    message = await ask(client, stream=stream)

    assert [block.type for block in message.content] == ["tool_use"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("reason", "expected"),
    [("length", "max_tokens"), ("content_filter", "refusal"), ("pause_turn", "pause_turn")],
)
async def test_finish_reasons_are_said_in_words_of_the_api(
    provider: ScriptedProvider,
    client: anthropic.AsyncAnthropic,
    reason: str,
    expected: str,
    *,
    stream: bool,
) -> None:
    provider.behave(Step(empty=True, finish_reason=reason))

    message = await ask(client, stream=stream)

    assert (message.content, message.stop_reason) == ([], expected)


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (400, anthropic.BadRequestError, "invalid_request_error"),
        (401, anthropic.AuthenticationError, "authentication_error"),
        (403, anthropic.PermissionDeniedError, "permission_error"),
        (404, anthropic.NotFoundError, "not_found_error"),
        (413, anthropic.RequestTooLargeError, "request_too_large"),
        (429, anthropic.RateLimitError, "rate_limit_error"),
        (500, anthropic.InternalServerError, "api_error"),
        (529, anthropic.OverloadedError, "overloaded_error"),
    ],
)
async def test_statuses_raise_the_classes_of_the_sdk(
    provider: ScriptedProvider,
    client: anthropic.AsyncAnthropic,
    status: int,
    error: type[anthropic.APIStatusError],
    kind: str,
) -> None:
    provider.behave(Step(status=status))

    with pytest.raises(error) as raised:
        await ask(client, stream=False)

    assert raised.value.type == kind
    assert raised.value.request_id == "req_scripted"


async def test_streams_break_after_the_same_events_as_elsewhere(
    provider: ScriptedProvider, client: anthropic.AsyncAnthropic
) -> None:
    provider.script(
        Step(text="a b c", error="It broke.", error_after=3),
        Step(text="a b c", cut=Cut.EOF, cut_after=3),
        Step(text="a b c", cut=Cut.END, cut_after=3),
        Step(text="a b c", no_finish=True),
        Step(text="a b c", no_done=True, ping_s=0.001, gap_s=0.003, crlf=True),
    )

    with pytest.raises(anthropic.APIStatusError, match=r"It broke\."):
        await pieces(client)
    with pytest.raises(httpx2.RemoteProtocolError):
        await pieces(client)
    rest = [await pieces(client) for _ in range(3)]

    assert rest == [["a", " b"], ["a", " b", " c"], ["a", " b", " c"]]


async def pieces(client: anthropic.AsyncAnthropic) -> list[str]:
    events = await client.messages.create(model="m", max_tokens=9, messages=HI, stream=True)
    return [
        event.delta.text
        async for event in events
        if event.type == "content_block_delta" and event.delta.type == "text_delta"
    ]


async def test_tokens_are_counted_and_models_listed(
    provider: ScriptedProvider, client: anthropic.AsyncAnthropic
) -> None:
    provider.behave(Step(prompt_tokens=41))

    counted = await client.messages.count_tokens(model="m", messages=HI)
    models = [model.id async for model in client.models.list()]

    assert counted.input_tokens == 41
    assert models == ["gpt-4o", "gpt-4o-mini"]


async def test_keys_limits_and_checks_answer_in_the_api_s_form(
    provider: ScriptedProvider, client: anthropic.AsyncAnthropic
) -> None:
    provider.keys = {"sk-other"}
    with pytest.raises(anthropic.AuthenticationError):
        await ask(client, stream=False)
    provider.keys = None
    provider.limit = Limit(1, 60.0)
    await ask(client, stream=False)
    with pytest.raises(anthropic.RateLimitError) as limited:
        await ask(client, stream=False)
    provider.limit = None
    provider.check = lambda seen: "too plain" if b'"tools"' not in seen.body else ""
    with pytest.raises(anthropic.BadRequestError, match="too plain"):
        await ask(client, stream=True)

    assert limited.value.response.headers["retry-after"] == "60"
    assert provider.refusals == ["too plain"]

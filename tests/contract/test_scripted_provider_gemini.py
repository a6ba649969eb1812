"""What Google's official SDK makes of a scripted provider."""

from collections.abc import AsyncIterator

import pytest
from google import genai
from google.genai import errors, types
from google.genai.client import AsyncClient
from msgspec.structs import replace

from hotswap.testing.provider import ScriptedProvider
from hotswap.testing.step import Cut, Limit, Step, ToolCall

pytestmark = pytest.mark.slow

LOOK = ToolCall("look", '{"at":1}')
HEAR = ToolCall("hear", '{"far":true}')
USAGE = {
    "prompt_token_count": 12,
    "cached_content_token_count": 5,
    "candidates_token_count": 2,
    "thoughts_token_count": 3,
    "total_token_count": 17,
}


@pytest.fixture
async def provider() -> AsyncIterator[ScriptedProvider]:
    async with ScriptedProvider("acme") as running:
        yield running


@pytest.fixture
async def client(provider: ScriptedProvider) -> AsyncIterator[AsyncClient]:
    options = types.HttpOptions(base_url=provider.root_url)
    with genai.Client(api_key="key-1", http_options=options) as made:
        yield made.aio
        await made.aio.aclose()


async def ask(client: AsyncClient, *, stream: bool) -> list[types.GenerateContentResponse]:
    if not stream:
        return [await client.models.generate_content(model="m", contents="Hi")]  # pyright: ignore[reportUnknownMemberType] - the SDK's types name optional packages
    chunks = await client.models.generate_content_stream(model="m", contents="Hi")  # pyright: ignore[reportUnknownMemberType] - the SDK's types name optional packages
    return [chunk async for chunk in chunks]


def parts(chunks: list[types.GenerateContentResponse]) -> list[types.Part]:
    return [part for chunk in chunks for part in chunk.parts or ()]


def words(chunks: list[types.GenerateContentResponse]) -> list[str]:
    return [part.text for part in parts(chunks) if part.text and not part.thought]


@pytest.mark.parametrize("stream", [False, True])
async def test_thinking_and_text_have_usage_and_reason(
    provider: ScriptedProvider, client: AsyncClient, *, stream: bool
) -> None:
    said = Step(thinking="Let me see.", text="Good morning.", signature="c2ln")
    provider.behave(replace(said, prompt_tokens=12, cached_tokens=5))

    chunks = await ask(client, stream=stream)

    thoughts = [part.text or "" for part in parts(chunks) if part.thought]
    assert "".join(thoughts) == "Let me see."
    assert "".join(words(chunks)) == "Good morning."
    assert parts(chunks)[-1].thought_signature == b"sig"
    last = chunks[-1]
    assert last.candidates is not None
    assert last.candidates[0].finish_reason is types.FinishReason.STOP
    assert last.usage_metadata is not None
    assert last.usage_metadata.model_dump(exclude_none=True) == USAGE
    assert (last.model_version, last.response_id) == ("m", "acme-1")
    assert provider.seen[0].key == "key-1"


@pytest.mark.parametrize("stream", [False, True])
async def test_parallel_calls_are_parts_and_the_first_is_signed(
    provider: ScriptedProvider, client: AsyncClient, *, stream: bool
) -> None:
    provider.behave(Step(tools=(LOOK, HEAR), signature="c2ln"))

    chunks = await ask(client, stream=stream)

    calls = [part for part in parts(chunks) if part.function_call is not None]
    assert [call.function_call and call.function_call.args for call in calls] == [
        {"at": 1},
        {"far": True},
    ]
    assert [call.function_call and call.function_call.name for call in calls] == ["look", "hear"]
    assert [call.thought_signature for call in calls] == [b"sig", None]
    assert words(chunks) == []


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("length", types.FinishReason.MAX_TOKENS),
        ("content_filter", types.FinishReason.SAFETY),
        ("MALFORMED_FUNCTION_CALL", types.FinishReason.MALFORMED_FUNCTION_CALL),
    ],
)
async def test_finish_reasons_are_said_in_words_of_the_api(
    provider: ScriptedProvider,
    client: AsyncClient,
    reason: str,
    expected: types.FinishReason,
    *,
    stream: bool,
) -> None:
    provider.behave(Step(empty=True, finish_reason=reason))

    (last,) = await ask(client, stream=stream)

    assert last.candidates is not None
    assert last.candidates[0].finish_reason is expected


@pytest.mark.parametrize(
    ("status", "error", "word"),
    [
        (400, errors.ClientError, "INVALID_ARGUMENT"),
        (404, errors.ClientError, "NOT_FOUND"),
        (429, errors.ClientError, "RESOURCE_EXHAUSTED"),
        (500, errors.ServerError, "INTERNAL"),
        (503, errors.ServerError, "UNAVAILABLE"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_statuses_raise_the_classes_of_the_sdk(
    provider: ScriptedProvider,
    client: AsyncClient,
    status: int,
    error: type[errors.APIError],
    word: str,
    *,
    stream: bool,
) -> None:
    provider.behave(Step(status=status))

    with pytest.raises(error) as raised:
        await ask(client, stream=stream)

    assert (raised.value.code, raised.value.status) == (status, word)


async def test_streams_break_after_the_same_events_as_elsewhere(
    provider: ScriptedProvider, client: AsyncClient
) -> None:
    provider.script(
        Step(text="a b c", error="It broke.", error_after=3),
        Step(text="a b c", cut=Cut.END, cut_after=3),
        Step(text="a b c", cut=Cut.END, cut_after=1),
        Step(text="a b c", no_finish=True, ping_s=0.001, gap_s=0.003, crlf=True),
    )

    with pytest.raises(errors.ServerError, match=r"It broke\."):
        await ask(client, stream=True)
    rest = [words(await ask(client, stream=True)) for _ in range(3)]

    assert rest == [["a", " b"], [], ["a", " b", " c"]]


async def test_tokens_are_counted_vectors_made_and_models_listed(
    provider: ScriptedProvider, client: AsyncClient
) -> None:
    provider.behave(Step(prompt_tokens=41))

    counted = await client.models.count_tokens(model="m", contents="Hi")  # pyright: ignore[reportUnknownMemberType] - the SDK's types name optional packages
    vectors = await client.models.embed_content(  # pyright: ignore[reportUnknownMemberType] - the SDK's types name optional packages
        model="e",
        contents=["a", "b"],
        config=types.EmbedContentConfig(output_dimensionality=3),
    )
    models = [model.name async for model in await client.models.list()]

    assert counted.total_tokens == 41
    assert [each.values for each in vectors.embeddings or ()] == [[0.125] * 3, [0.125] * 3]
    assert models == ["models/gpt-4o", "models/gpt-4o-mini"]


async def test_a_wrong_key_is_a_bad_argument_and_a_limit_says_its_wait_in_the_body(
    provider: ScriptedProvider, client: AsyncClient
) -> None:
    provider.keys = {"key-2"}
    with pytest.raises(errors.ClientError, match="API_KEY_INVALID") as wrong:
        await ask(client, stream=False)
    provider.keys = None
    provider.limit = Limit(1, 60.0)
    await ask(client, stream=False)
    with pytest.raises(errors.ClientError, match=r"'retryDelay': '(59\.\d+|60)s'") as limited:
        await ask(client, stream=False)

    assert (wrong.value.code, limited.value.code) == (400, 429)

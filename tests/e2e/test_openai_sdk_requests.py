"""The official OpenAI SDK: what passes through, and which exception a caller's fault raises."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Final

import pytest
from openai import (
    APIStatusError,
    AsyncOpenAI,
    AuthenticationError,
    BadRequestError,
    NotFoundError,
    UnprocessableEntityError,
)
from openai.types.chat import ChatCompletionMessageParam

from hotswap.testing.serving import Serving, pair
from hotswap.testing.step import Step, ToolCall

pytestmark = pytest.mark.slow

HELLO: Final[list[ChatCompletionMessageParam]] = [{"role": "user", "content": "Say hello."}]


def client_of(gateway: Serving, key: str = "any") -> AsyncOpenAI:
    return AsyncOpenAI(base_url=gateway.base_url, api_key=key)


async def test_an_answer_passes_with_everything_in_it() -> None:
    async with pair(Step(text="Hello there.")) as p, client_of(p.gateway) as client:
        answer = await client.chat.completions.create(
            model="assist", messages=HELLO, temperature=0.3, extra_body={"unknown_field": [1, 2]}
        )

        assert answer.choices[0].message.content == "Hello there."
        assert answer.choices[0].finish_reason == "stop"
        assert answer.usage is not None
        assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (9, 2)
        sent = p.one.seen[0].body
        assert b'"model":"m"' in sent
        assert b'"unknown_field":[1,2]' in sent.replace(b" ", b"")


async def test_a_streams_usage_comes_when_asked_for_and_only_then() -> None:
    async with pair(Step(text="Hello there.")) as p, client_of(p.gateway) as client:
        asked = await client.chat.completions.create(
            model="assist", messages=HELLO, stream=True, stream_options={"include_usage": True}
        )
        usages = [chunk.usage async for chunk in asked]
        unasked = await client.chat.completions.create(model="assist", messages=HELLO, stream=True)
        others = [chunk async for chunk in unasked]

        assert usages[-1] is not None
        assert usages[-1].total_tokens == 11
        assert all(chunk.usage is None and chunk.choices for chunk in others)
        assert [a.usage.output_tokens for a in p.gateway.attempts if a.usage] == [2, 2]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_tool_call_arrives_whole_from_the_fallback(*, stream: bool) -> None:
    call = Step(tools=(ToolCall("look_up", '{"city":"Oslo"}'),))
    async with pair(Step(status=500), call) as p, client_of(p.gateway) as client:
        if stream:
            chunks = await client.chat.completions.create(
                model="assist", messages=HELLO, stream=True
            )
            deltas = [c.choices[0].delta.tool_calls or [] async for c in chunks]
            functions = [call.function for calls in deltas for call in calls if call.function]
            arguments = "".join(f.arguments or "" for f in functions)
        else:
            answer = await client.chat.completions.create(model="assist", messages=HELLO)
            (tool,) = answer.choices[0].message.tool_calls or []
            assert tool.type == "function"
            arguments = tool.function.arguments

        assert arguments == '{"city":"Oslo"}'


async def test_embeddings_arrive_as_numbers_although_the_sdk_asks_for_base64() -> None:
    async with pair(Step(status=500)) as p, client_of(p.gateway) as client:
        answer = await client.embeddings.create(model="assist", input=["one", "two"])

        assert [e.embedding for e in answer.data] == [[0.125] * 8] * 2
        assert b'"encoding_format":"base64"' in p.two.seen[0].body.replace(b" ", b"")


async def test_the_chains_are_listed_as_models() -> None:
    async with pair() as p, client_of(p.gateway) as client:
        listed = [model.id async for model in client.models.list()]

        assert "assist" in listed


async def test_the_explaining_headers_are_within_reach() -> None:
    async with pair(Step(status=500)) as p, client_of(p.gateway) as client:
        raw = await client.chat.completions.with_raw_response.create(model="assist", messages=HELLO)

        assert raw.headers["x-hotswap-target"] == "two/m"
        assert raw.headers["x-hotswap-attempts"] == "2"
        assert raw.headers["x-hotswap-reason"] == "one/m 500 server_error"


async def test_an_unknown_model_is_not_found_and_the_error_names_what_there_is() -> None:
    async with pair() as p, client_of(p.gateway) as client:
        with pytest.raises(NotFoundError, match="assist") as raised:
            await client.chat.completions.create(model="gpt-9", messages=HELLO)

        assert raised.value.code == "model_not_found"
        assert raised.value.param == "model"


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, BadRequestError), (422, UnprocessableEntityError), (413, APIStatusError)],
)
async def test_a_providers_word_on_a_bad_request_raises_what_the_sdk_always_raises(
    status: int, error: type[APIStatusError]
) -> None:
    body = {"error": {"message": "'top_p' is wrong.", "param": "top_p", "code": "invalid_value"}}
    async with pair(Step(status=status, body=body)) as p, client_of(p.gateway) as client:
        with pytest.raises(error, match="'top_p' is wrong") as raised:
            await client.chat.completions.create(model="assist", messages=HELLO)

        assert (raised.value.status_code, raised.value.param) == (status, "top_p")
        assert p.two.requests == 0


async def test_a_body_of_40_mb_is_refused_with_its_limit() -> None:
    async with pair() as p, client_of(p.gateway) as client:
        huge: list[ChatCompletionMessageParam] = [{"role": "user", "content": "x" * 40_000_000}]
        with pytest.raises(APIStatusError) as raised:
            await client.chat.completions.create(model="assist", messages=huge)

        assert raised.value.status_code == 413
        assert p.one.requests == 0


@pytest.mark.parametrize(
    "headers", [{"x-hotswap-deadline-ms": "soon"}, {"x-hotswap-fallback": "maybe"}]
)
async def test_a_wish_that_is_not_understood_is_a_bad_request(headers: Mapping[str, str]) -> None:
    async with pair() as p, client_of(p.gateway) as client:
        with pytest.raises(BadRequestError, match="x-hotswap-"):
            await client.chat.completions.create(
                model="assist", messages=HELLO, extra_headers=headers
            )


async def test_an_unknown_path_is_not_found() -> None:
    async with pair() as p, client_of(p.gateway) as client:
        with pytest.raises(NotFoundError, match="/v1/moderations"):
            await client.moderations.create(input="hello")


async def test_a_wrong_key_of_the_callers_own_is_told_as_such() -> None:
    access = {"keys": [{"id": "app", "sha256": sha256(b"hs-secret").hexdigest()}]}
    async with pair(access=access) as p:
        async with client_of(p.gateway, "hs-wrong") as client:
            with pytest.raises(AuthenticationError):
                await client.chat.completions.create(model="assist", messages=HELLO)
        async with client_of(p.gateway, "hs-secret") as client:
            answer = await client.chat.completions.create(model="assist", messages=HELLO)

        assert answer.choices[0].message.content == "This answer was written by one."


async def test_a_prompt_too_long_for_all_is_a_bad_request_with_the_code_apps_look_for() -> None:
    body = {"error": {"message": "Too long.", "code": "context_length_exceeded"}}
    too_long = Step(status=400, body=body)
    async with pair(too_long, too_long) as p, client_of(p.gateway) as client:
        with pytest.raises(BadRequestError) as raised:
            await client.chat.completions.create(model="assist", messages=HELLO)

        assert raised.value.code == "context_length_exceeded"

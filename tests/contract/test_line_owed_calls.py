"""A call that broke off is made by another target, or its lack is told: words are no call."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Final

import pytest
from msgspec import Struct, structs

from hotswap.testing.provider import ScriptedProvider
from hotswap.testing.serving import Answer, Serving, serving
from hotswap.testing.step import Cut, Step, ToolCall

WORDS: Final = ("Let me look.",)
CALLING: Final = Step(text=WORDS, tools=(ToolCall("weather", '{"city":"Oslo"}'),))
SILENT: Final = Step(empty=True)
PLACES: Final = 24
"""Cuts over the length of a stream."""

SCHEMA: Final[Mapping[str, object]] = {"type": "object", "properties": {}}
FUNCTION: Final[Mapping[str, object]] = {"name": "weather", "parameters": SCHEMA}
TURNS: Final = [{"role": "user", "content": "Which weather?"}]
PARTS: Final = [{"role": "user", "parts": [{"text": "Which weather?"}]}]


class Api(Struct, frozen=True):
    """How a caller asks, and a provider that speaks the same."""

    path: str
    body: Mapping[str, object]
    tools: Mapping[str, object]
    provider: Mapping[str, str]


APIS: Final = {
    "chat": Api(
        "/v1/chat/completions",
        {"model": "assist", "stream": True, "messages": TURNS},
        {"tools": [{"type": "function", "function": FUNCTION}]},
        {"kind": "openai"},
    ),
    "responses": Api(
        "/v1/responses",
        {"model": "assist", "stream": True, "input": "Which weather?"},
        {"tools": [{"type": "function", **FUNCTION}]},
        {"kind": "openai", "api": "responses"},
    ),
    "messages": Api(
        "/v1/messages",
        {"model": "assist", "stream": True, "max_tokens": 100, "messages": TURNS},
        {"tools": [{"name": "weather", "input_schema": SCHEMA}]},
        {"kind": "anthropic"},
    ),
    "gemini": Api(
        "/v1beta/models/assist:streamGenerateContent?alt=sse",
        {"contents": PARTS},
        {"tools": [{"functionDeclarations": [FUNCTION]}]},
        {"kind": "gemini"},
    ),
}


@asynccontextmanager
async def pair(api: Api, first: Step, second: Step) -> AsyncGenerator[Serving]:
    async with ScriptedProvider("one", first) as one, ScriptedProvider("two", second) as two:
        providers = {
            provider.name: {
                **api.provider,
                "base_url": (
                    provider.base_url if api.provider["kind"] == "openai" else provider.root_url
                ),
                "allow_private": True,
                "keys": [{"id": "main", "secret": "sk-test"}],
            }
            for provider in (one, two)
        }
        models = [{"provider": name, "model": "m"} for name in providers]
        chain = {"name": "assist", "models": models, "retry": {"max_attempts": 1}}
        config = {"providers": providers, "fallback": {"chains": [chain]}}
        async with serving(config) as gateway:
            yield gateway


async def asked(api: Api, gateway: Serving, *, tools: bool) -> Answer:
    return await gateway.post({**api.body, **(api.tools if tools else {})}, path=api.path)


@pytest.mark.parametrize("name", APIS)
async def test_a_call_that_may_follow_is_not_replaced_by_nothing(name: str):
    api = APIS[name]
    size = len(await whole(api, tools=True))

    told = [await told_at(api, size * place // PLACES, tools=True) for place in range(1, PLACES)]

    assert set(told) >= {"empty"}
    assert set(told) <= {"empty", "called"}


@pytest.mark.parametrize("name", ["messages", "responses"])
async def test_a_call_that_began_is_owed_though_nobody_gave_a_tool(name: str):
    api = APIS[name]
    body = await whole(api, tools=False)
    event = body.rindex(b"data: ", 0, body.index(b"weather"))
    begun = body.index(b"\n\n", event) + 2

    told = [await told_at(api, begun + more, tools=False) for more in (0, 1, 9)]

    assert set(told) == {"empty"}


async def whole(api: Api, *, tools: bool) -> bytes:
    async with pair(api, CALLING, SILENT) as gateway:
        return (await asked(api, gateway, tools=tools)).body


async def told_at(api: Api, cut: int, *, tools: bool) -> str:
    """Cut the first answer off; return why the second one is none, or what the caller got."""
    step = structs.replace(CALLING, cut=Cut.EOF, cut_after_bytes=cut)
    async with pair(api, step, SILENT) as gateway:
        answer = await asked(api, gateway, tools=tools)
        last = gateway.attempts[-1]
        if not last.answered:
            return last.detail
        return "called" if b"weather" in answer.body else "nothing"

"""A chain mixes dialects: whoever fails, the next target is spoken to in its own."""

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Final, cast

import pytest
from msgspec import Struct

from hotswap.testing.provider import HEALTHY, ScriptedProvider
from hotswap.testing.serving import Answer, Serving, serving
from hotswap.testing.step import Cut, Step, ToolCall

KINDS: Final = ("openai", "anthropic", "google", "responses")
TEXT: Final = "This answer was written by two."


class Asked(Struct, frozen=True):
    """How a caller of one dialect asks."""

    path: str
    body: Mapping[str, object]
    streamed_path: str = ""

    def streamed(self) -> tuple[str, object]:
        if self.streamed_path:
            return self.streamed_path, self.body
        return self.path, {**self.body, "stream": True}


HELLO: Final = [{"role": "user", "content": "Say hello."}]
CALLERS: Final = {
    "chat": Asked("/v1/chat/completions", {"model": "assist", "messages": HELLO}),
    "responses": Asked("/v1/responses", {"model": "assist", "input": "Say hello."}),
    "messages": Asked("/v1/messages", {"model": "assist", "max_tokens": 99, "messages": HELLO}),
    "gemini": Asked(
        "/v1beta/models/assist:generateContent",
        {"contents": [{"role": "user", "parts": [{"text": "Say hello."}]}]},
        "/v1beta/models/assist:streamGenerateContent?alt=sse",
    ),
}


class Two(Struct, frozen=True):
    """Two providers of any kind, and the gateway before them."""

    one: ScriptedProvider
    two: ScriptedProvider
    gateway: Serving


@asynccontextmanager
async def two(
    first: str, second: str, step: Step = HEALTHY, answer: Step = HEALTHY, **settings: object
) -> AsyncGenerator[Two]:
    async with ScriptedProvider("one", step) as one, ScriptedProvider("two", answer) as other:
        config = {
            "providers": {
                "one": entry(first, one),
                "two": entry(second, other),
            },
            "fallback": {
                "chains": [
                    {
                        "name": "assist",
                        "models": [
                            {"provider": "one", "model": "m"},
                            {"provider": "two", "model": "m"},
                        ],
                        **settings,
                    }
                ]
            },
        }
        async with serving(config) as gateway:
            yield Two(one, other, gateway)


def entry(kind: str, provider: ScriptedProvider) -> dict[str, object]:
    family = kind in {"openai", "responses"}
    return {
        "kind": "openai" if family else kind,
        "api": "responses" if kind == "responses" else "chat",
        "base_url": provider.base_url if family else provider.root_url,
        "allow_private": True,
        "keys": [{"id": "main", "secret": "sk-test"}],
    }


def text_of(answer: Answer) -> str:
    """Return the words of an answer in any dialect, streamed or not."""
    values: list[object] = (
        [json.loads(event) for event in payloads(answer) if event != "[DONE]"]
        if answer.headers["content-type"].startswith("text/event-stream")
        else [answer.json()]
    )
    return "".join(words(value) for value in values)


def payloads(answer: Answer) -> list[str]:
    lines = answer.body.decode().replace("\r\n", "\n").split("\n")
    return [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]


def words(value: object) -> str:
    """Return the text of one whole answer or event, whatever the dialect."""
    answer = cast("dict[str, list[dict[str, dict[str, list[dict[str, str]]]]]]", value)
    if "candidates" in answer:
        parts = answer["candidates"][0]["content"]["parts"]
        return "".join(part["text"] for part in parts)
    match value:
        case (
            {"choices": [{"message": {"content": str(text)}}]}
            | {"choices": [{"delta": {"content": str(text)}}]}
            | {"type": "content_block_delta", "delta": {"text": str(text)}}
            | {"type": "response.output_text.delta", "delta": str(text)}
            | {"type": "message", "content": [{"text": str(text)}]}
            | {"object": "response", "output": [{"content": [{"text": str(text)}]}]}
        ):
            return text
        case _:
            return ""


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("second", KINDS)
@pytest.mark.parametrize("caller", CALLERS)
async def test_a_target_of_any_dialect_answers_after_one_of_another_failed(
    caller: str, second: str, *, streamed: bool
) -> None:
    asked = CALLERS[caller]
    path, body = asked.streamed() if streamed else (asked.path, asked.body)
    async with two("google" if second != "google" else "openai", second, Step(status=503)) as p:
        answer = await p.gateway.post(body, path=path)

        assert (answer.status, answer.headers["x-hotswap-target"]) == (200, "two/m")
        assert text_of(answer) == TEXT
        assert p.one.requests == 1
        assert [attempt.cause for attempt in p.gateway.attempts] == ["hard", ""]
        usage = p.gateway.attempts[1].usage
        assert usage is not None
        assert (usage.input_tokens, usage.output_tokens) == (9, 6)


@pytest.mark.parametrize("second", KINDS)
@pytest.mark.parametrize("caller", CALLERS)
async def test_a_stream_that_breaks_after_content_ends_with_an_error_of_the_callers_dialect(
    caller: str, second: str
) -> None:
    path, body = CALLERS[caller].streamed()
    broken, off = Step(cut=Cut.EOF, cut_after=4), {"splice": False}
    async with two(second, "openai", broken, stream=off) as p:
        answer = await p.gateway.post(body, path=path)

        assert answer.status == 200
        assert not answer.whole
        assert TEXT.startswith(text_of(answer).replace("one", "two"))
        last = cast("dict[str, object]", json.loads(payloads(answer)[-1]))
        assert "error" in last
        assert p.two.requests == 0


@pytest.mark.parametrize("second", KINDS)
@pytest.mark.parametrize("caller", CALLERS)
async def test_a_stream_that_breaks_before_content_moves_on_unseen(
    caller: str, second: str
) -> None:
    path, body = CALLERS[caller].streamed()
    async with two(second, "openai", Step(cut=Cut.EOF, cut_after=1)) as p:
        answer = await p.gateway.post(body, path=path)

        assert text_of(answer) == TEXT
        assert answer.whole


@pytest.mark.parametrize("caller", CALLERS)
async def test_a_caller_gets_errors_in_its_own_dialect(caller: str) -> None:
    asked = CALLERS[caller]
    async with two("anthropic", "google", Step(status=503), Step(status=503)) as p:
        answer = await p.gateway.post(asked.body, path=asked.path)

        assert answer.status == 503
        error = answer.error()
        match caller:
            case "messages":
                assert error["type"] == "overloaded_error"
            case "gemini":
                assert (error["code"], error["status"]) == (503, "UNAVAILABLE")
            case _:
                assert error["code"] == "chain_exhausted"
        assert "one/m 503" in str(error["message"])


async def test_a_refusal_of_a_translated_request_moves_on() -> None:
    """The caller is not to blame for words that are not its own."""
    asked = CALLERS["messages"]
    async with two("openai", "anthropic", Step(status=400)) as p:
        answer = await p.gateway.post(asked.body, path=asked.path)

        assert answer.headers["x-hotswap-target"] == "two/m"
        assert p.gateway.attempts[0].cause == "capability"


async def test_a_refusal_of_the_callers_own_words_goes_back() -> None:
    asked = CALLERS["messages"]
    async with two("anthropic", "openai", Step(status=400)) as p:
        answer = await p.gateway.post(asked.body, path=asked.path)

        assert answer.status == 400
        assert p.two.requests == 0


async def test_a_target_that_can_not_be_told_is_skipped_and_named() -> None:
    async with two("anthropic", "openai") as p:
        answer = await p.gateway.post({"model": "assist", "messages": HELLO, "n": 2})

        assert answer.headers["x-hotswap-target"] == "two/m"
        assert answer.headers["x-hotswap-reason"] == "one/m no several"
        assert p.one.requests == 0


async def test_what_no_target_can_do_is_a_400_that_says_so() -> None:
    async with two("anthropic", "google") as p:
        answer = await p.gateway.post({"model": "assist", "messages": HELLO, "n": 2})

        assert answer.status == 400
        assert answer.error()["code"] == "capability_mismatch"
        assert "one/m no several; two/m no several" in str(answer.error()["message"])
        assert p.gateway.attempts[0].number == 0


async def test_what_only_colours_the_answer_is_left_out_and_named() -> None:
    async with two("anthropic", "openai") as p:
        answer = await p.gateway.post(
            {"model": "assist", "messages": HELLO, "seed": 7, "logit_bias": {"5": 1}}
        )

        assert answer.headers["x-hotswap-notice"] == "seed,logit_bias"
        sent = cast("dict[str, object]", json.loads(p.one.seen[0].body))
        assert "seed" not in sent


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
async def test_stop_sequences_are_kept_where_the_target_does_not_know_them(
    *, streamed: bool
) -> None:
    async with two("responses", "openai", Step(text="One, two, three, four, five.")) as p:
        answer = await p.gateway.post(
            {"model": "assist", "messages": HELLO, "stop": ["three"], "stream": streamed}
        )

        assert text_of(answer) == "One, two, "
        assert answer.whole
        assert p.gateway.attempts[0].answered
        assert p.two.requests == 0


@pytest.mark.parametrize("first", KINDS)
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
async def test_a_tool_call_arrives_whole(first: str, *, streamed: bool) -> None:
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
    step = Step(tools=(ToolCall("look", '{"where":"Bern"}'),))
    async with two(first, "openai", step) as p:
        answer = await p.gateway.post(
            {"model": "assist", "messages": HELLO, "tools": [tool], "stream": streamed}
        )

        assert answer.status == 200
        arguments = "".join(call_arguments(answer))
        assert json.loads(arguments) == {"where": "Bern"}


def call_arguments(answer: Answer) -> list[str]:
    if answer.headers["content-type"].startswith("application/json"):
        message = cast("dict[str, object]", answer.json())
        return [choice_arguments(message, "message")]
    events = [json.loads(event) for event in payloads(answer) if event != "[DONE]"]
    return [choice_arguments(event, "delta") for event in events]


def choice_arguments(value: dict[str, object], part: str) -> str:
    choices = cast("list[dict[str, dict[str, list[dict[str, dict[str, str]]]]]]", value["choices"])
    calls = [call for choice in choices for call in choice[part].get("tool_calls") or []]
    return "".join(call["function"].get("arguments", "") for call in calls)


async def test_models_are_listed_as_each_sdk_reads_them() -> None:
    async with two("openai", "anthropic") as p:
        openai = (await p.gateway.get("/v1/models")).json()
        gemini = (await p.gateway.get("/v1beta/models")).json()
        one = (await p.gateway.get("/v1beta/models/assist")).json()

        assert openai == {
            "object": "list",
            "data": [{"id": "assist", "object": "model", "created": 0, "owned_by": "hotswap"}],
        }
        methods = cast("dict[str, list[dict[str, object]]]", gemini)["models"][0]
        assert methods["name"] == "models/assist"
        assert cast("dict[str, object]", one)["name"] == "models/assist"


async def test_tokens_are_counted_without_asking_anybody() -> None:
    async with two("openai", "google") as p:
        counted = await p.gateway.post(
            {"model": "assist", "messages": HELLO}, path="/v1/messages/count_tokens"
        )
        gemini = await p.gateway.post(
            CALLERS["gemini"].body, path="/v1beta/models/assist:countTokens"
        )

        assert list(cast("dict[str, int]", counted.json())) == ["input_tokens"]
        assert list(cast("dict[str, int]", gemini.json())) == ["totalTokens"]
        assert p.one.requests == p.two.requests == 0


async def test_a_gemini_stream_without_events_is_one_array() -> None:
    asked = CALLERS["gemini"]
    async with two("openai", "google") as p:
        answer = await p.gateway.post(
            asked.body, path="/v1beta/models/assist:streamGenerateContent"
        )

        assert answer.headers["content-type"].startswith("application/json")
        assert "".join(words(value) for value in cast("list[object]", answer.json())) == (
            "This answer was written by one."
        )


async def test_azures_sdk_names_the_chain_in_the_path() -> None:
    async with two("anthropic", "openai") as p:
        answer = await p.gateway.post(
            CALLERS["chat"].body,
            path="/openai/deployments/assist/chat/completions?api-version=2024-10-21",
        )

        assert text_of(answer) == "This answer was written by one."


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
async def test_one_call_at_most_is_kept_where_the_target_can_not_be_told(*, streamed: bool) -> None:
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
    step = Step(tools=(ToolCall("look", '{"where":"Bern"}'), ToolCall("look", "{}")))
    async with two("google", "openai", step) as p:
        answer = await p.gateway.post(
            {
                "model": "assist",
                "messages": HELLO,
                "tools": [tool],
                "parallel_tool_calls": False,
                "stream": streamed,
            }
        )

        assert json.loads("".join(call_arguments(answer))) == {"where": "Bern"}


@pytest.mark.parametrize("caller", CALLERS)
async def test_an_error_inside_a_translated_stream_is_not_the_callers(caller: str) -> None:
    path, body = CALLERS[caller].streamed()
    error = {"error": {"message": "Bad.", "type": "invalid_request_error", "code": 400}}
    first = "anthropic" if caller == "chat" else "openai"
    async with two(first, "openai", Step(error=error)) as p:
        answer = await p.gateway.post(body, path=path)

        assert text_of(answer) == TEXT
        assert p.gateway.attempts[0].cause != "caller"


async def test_a_query_of_the_base_url_goes_with_every_request() -> None:
    """Quirk: classic Azure has the deployment in the path and the version in the query."""
    async with ScriptedProvider("one") as one:
        account = {**entry("openai", one), "kind": "azure"}
        account["base_url"] = f"{one.root_url}/openai/deployments/d?api-version=2024-10-21"
        link = {"provider": "one", "model": "m"}
        config = {
            "providers": {"one": account},
            "fallback": {"chains": [{"name": "assist", "models": [link]}]},
        }
        async with serving(config) as gateway:
            answer = await gateway.post(CALLERS["chat"].body)

        assert answer.status == 200
        assert one.seen[0].path == ("/openai/deployments/d/chat/completions?api-version=2024-10-21")
        assert one.seen[0].headers["api-key"] == "sk-test"

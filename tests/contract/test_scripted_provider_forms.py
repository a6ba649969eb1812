"""The four APIs of a scripted provider, on a bare socket: what they share and what is their own."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping

import pytest

from hotswap.testing.provider import ScriptedProvider
from hotswap.testing.step import Cut, Limit, Step, ToolCall

CHAT = "/v1/chat/completions"
RESPONSES = "/v1/responses"
CLAUDE = "/v1/messages"
GEMINI = "/v1beta/models/m:streamGenerateContent?alt=sse"
NONE: Mapping[str, str] = {}
STREAMS = [CHAT, RESPONSES, CLAUDE, GEMINI]


@pytest.fixture
async def provider() -> AsyncIterator[ScriptedProvider]:
    async with ScriptedProvider("acme", models=["m"]) as running:
        yield running


async def ask(
    provider: ScriptedProvider,
    path: str,
    body: bytes = b'{"model":"m","stream":true}',
    more: Mapping[str, str] = NONE,
) -> tuple[int, str, str]:
    """Post a request and return status, head and body of the answer, without its framing."""
    return await send(provider, "POST", path, body, more)


async def send(
    provider: ScriptedProvider,
    method: str,
    path: str,
    body: bytes = b"",
    more: Mapping[str, str] = NONE,
) -> tuple[int, str, str]:
    headers = "".join(f"{name}: {value}\r\n" for name, value in more.items())
    head = f"{method} {path} HTTP/1.1\r\nconnection: close\r\ncontent-length: {len(body)}\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", provider.port)
    writer.write(f"{head}{headers}\r\n".encode() + body)
    answer = await reader.read()
    writer.close()
    said, _, rest = answer.partition(b"\r\n\r\n")
    if b"transfer-encoding: chunked" in said:
        rest = unchunk(rest)
    return int(said[9:12]), said.decode(), rest.decode()


def unchunk(rest: bytes) -> bytes:
    body = b""
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        body += rest[: int(size, 16)]
        rest = rest[int(size, 16) + 2 :]
    return body


@pytest.mark.parametrize("path", STREAMS)
async def test_the_second_event_is_the_first_piece_in_every_api(
    provider: ScriptedProvider, path: str
) -> None:
    provider.script(
        Step(text=("red", "blue"), cut=Cut.END, cut_after=1),
        Step(text=("red", "blue"), cut=Cut.END, cut_after=2),
        Step(thinking=("hm",), text=("red", "blue"), cut=Cut.END, cut_after=3),
    )

    bodies = [(await ask(provider, path))[2] for _ in range(3)]

    assert [("red" in body, "blue" in body) for body in bodies] == [
        (False, False),
        (True, False),
        (True, False),
    ]
    assert "hm" in bodies[2]


@pytest.mark.parametrize(
    ("path", "event"),
    [
        (CHAT, 'data: {"error":{"message":"It broke.","type":"server_error"'),
        (
            RESPONSES,
            'data: {"type":"error","code":"server_error","message":"It broke.","param":null,',
        ),
        (
            CLAUDE,
            'data: {"type":"error","error":{"type":"api_error","message":"It broke."},',
        ),
        (
            GEMINI,
            'data: {"error":{"code":503,"message":"It broke.","status":"UNAVAILABLE"}}\r\n\r\n',
        ),
    ],
)
async def test_an_error_in_the_stream_has_the_api_s_form(
    provider: ScriptedProvider, path: str, event: str
) -> None:
    provider.script(
        Step(text="a", error="It broke.", error_after=2), Step(text="a", error={"e": 1})
    )

    worded, given = [(await ask(provider, path))[2] for _ in range(2)]

    assert event in worded
    assert 'data: {"e":1}' in given


@pytest.mark.parametrize(
    ("path", "done"),
    [
        (CHAT, "data: [DONE]\n\n"),
        (CLAUDE, 'event: message_stop\ndata: {"type":"message_stop"}\n\n'),
    ],
)
async def test_some_streams_have_a_terminator(
    provider: ScriptedProvider, path: str, done: str
) -> None:
    provider.script(Step(text="a"), Step(text="a", no_done=True))

    whole, open_ended = [(await ask(provider, path))[2] for _ in range(2)]

    assert whole == open_ended.replace("acme-2", "acme-1") + done


@pytest.mark.parametrize("path", STREAMS)
async def test_a_stream_without_a_finish_says_no_reason(
    provider: ScriptedProvider, path: str
) -> None:
    provider.behave(Step(text="a", no_finish=True))

    body = (await ask(provider, path))[2]

    assert '"a"' in body
    assert not any(word in body for word in ('"stop"', "response.completed", "end_turn", "STOP"))


@pytest.mark.parametrize("path", STREAMS)
async def test_arguments_come_after_the_name(provider: ScriptedProvider, path: str) -> None:
    provider.behave(Step(tools=(ToolCall("look", "{}"), ToolCall("hear", '{"far away":1}'))))

    body = (await ask(provider, path))[2]

    assert body.index('"look"') < body.index('"hear"') < body.index("far")
    assert body.index("call_1") < body.index("call_2")


async def test_gemini_streams_an_array_unless_events_are_asked_for(
    provider: ScriptedProvider,
) -> None:
    provider.behave(Step(text="Hi"))

    _, head, body = await ask(provider, GEMINI.removesuffix("?alt=sse"))

    assert "content-type: application/json\r\n" in head + "\r\n"
    assert json.loads(body) == [
        {
            "candidates": [
                {
                    "content": {"parts": [{"text": "Hi"}], "role": "model"},
                    "finishReason": "STOP",
                    "index": 0,
                }
            ],
            "usageMetadata": {
                "promptTokenCount": 9,
                "candidatesTokenCount": 1,
                "totalTokenCount": 10,
            },
            "modelVersion": "m",
            "responseId": "acme-1",
        }
    ]


@pytest.mark.parametrize(
    ("headers", "path"),
    [
        ({"authorization": "Bearer k"}, CHAT),
        ({"api-key": "k"}, "/openai/deployments/d/chat/completions?api-version=2024-10-21"),
        ({"x-api-key": "k", "authorization": "Bearer other"}, CLAUDE),
        ({"x-goog-api-key": "k"}, GEMINI),
        ({}, GEMINI + "&key=k"),
    ],
)
async def test_a_key_counts_in_every_place_that_providers_look_at(
    provider: ScriptedProvider, headers: dict[str, str], path: str
) -> None:
    provider.keys = {"k"}
    provider.behave(Step(status=402), key="k")

    served = (await ask(provider, path, more=headers))[0]
    provider.keys = {"another"}
    refused = (await ask(provider, path, more=headers))[0]

    assert (served, refused) == (402, 400 if path.startswith(GEMINI) else 401)


@pytest.mark.parametrize(
    ("headers", "path", "first"),
    [
        ({}, "/v1/models", '{"object":"list"'),
        ({"anthropic-version": "2026-10-21"}, "/v1/models", '{"data":[{"type":"model"'),
        ({}, "/v1beta/models?pageSize=5", '{"models":[{"name":"models/m"'),
        ({"x-goog-api-key": "k"}, "/v1/models", '{"models":[{"name":"models/m"'),
        ({}, "/v1beta/openai/models", '{"object":"list"'),
    ],
)
async def test_models_are_listed_in_the_form_of_who_asks(
    provider: ScriptedProvider, headers: dict[str, str], path: str, first: str
) -> None:
    status, _, body = await send(provider, "GET", path, more=headers)

    assert status == 200
    assert body.startswith(first)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/responses/input_tokens", {"object": "response.input_tokens", "input_tokens": 41}),
        ("/v1/messages/count_tokens", {"input_tokens": 41}),
        ("/v1beta/models/m:countTokens", {"totalTokens": 41}),
        ("/v1beta/models/m:embedContent", {"embedding": {"values": [0.125] * 8}}),
        ("/v1beta/models/m:batchEmbedContents", {"embeddings": []}),
    ],
)
async def test_counts_and_vectors_are_no_answers_but_follow_the_step(
    provider: ScriptedProvider, path: str, body: object
) -> None:
    provider.script(Step(prompt_tokens=41), Step(status=503))

    counted = await ask(provider, path)
    failed = await ask(provider, path)

    assert (counted[0], json.loads(counted[2])) == (200, body)
    assert failed[0] == 503


@pytest.mark.parametrize("path", [*STREAMS, "/v1beta/models/m:embedContent", "/v1/embeddings"])
async def test_a_body_that_is_no_request_is_400(provider: ScriptedProvider, path: str) -> None:
    assert (await ask(provider, path, b"[]"))[0] == 400


async def test_a_legacy_path_is_nobody_s(provider: ScriptedProvider) -> None:
    assert [(await ask(provider, path))[0] for path in ("/v1/completions", "/messages")] == [
        404,
        404,
    ]


async def test_only_gemini_keeps_its_wait_to_the_body(provider: ScriptedProvider) -> None:
    provider.limit = Limit(1, 60.0)
    await ask(provider, GEMINI)

    heads = [(await ask(provider, path))[1] for path in (CLAUDE, GEMINI)]

    assert ["retry-after: 60" in head for head in heads] == [True, False]


async def test_a_check_may_answer_with_a_step_and_takes_none(provider: ScriptedProvider) -> None:
    provider.check = lambda seen: "no" if b"bad" in seen.body else ""
    provider.script(Step(status=503))

    statuses = [(await ask(provider, CHAT, body))[0] for body in (b'{"model":"bad"}', b"{}")]
    provider.check = lambda _: Step(status=422, body={"detail": "no"})
    last = await ask(provider, CHAT)

    assert statuses == [400, 503]
    assert (last[0], last[2]) == (422, '{"detail":"no"}')
    assert provider.refusals == ["no", '{"detail":"no"}']

"""Every kind of step, as a client sees it on a bare socket."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from hotswap.testing.provider import ScriptedProvider
from hotswap.testing.step import Cut, Limit, Step, ToolCall

CHAT = "/v1/chat/completions"
ROLE = '{"content":"","role":"assistant"}'


@pytest.fixture
async def provider() -> AsyncIterator[ScriptedProvider]:
    async with ScriptedProvider("acme") as running:
        yield running


def request(path: str = CHAT, body: object = None, *, key: str = "", last: bool = True) -> bytes:
    """Write a POST; `last` asks the server to close after its answer."""
    given = {"model": "m"} if body is None else body
    payload = given if isinstance(given, bytes) else json.dumps(given).encode()
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(payload)}\r\n"
    if key:
        head += f"authorization: Bearer {key}\r\n"
    if last:
        head += "connection: close\r\n"
    return head.encode() + b"\r\n" + payload


async def ask(provider: ScriptedProvider, data: bytes) -> bytes:
    """Return everything that the provider sends before it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", provider.port)
    try:
        writer.write(data)
        return await reader.read()
    finally:
        writer.close()


async def stream(provider: ScriptedProvider) -> bytes:
    return await ask(provider, request(body={"model": "m", "stream": True}))


def unchunk(answer: bytes) -> tuple[bytes, bool]:
    """Return the body of a chunked answer, and whether it ended cleanly."""
    rest, body = answer.partition(b"\r\n\r\n")[2], b""
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        if size == b"0":
            return body, rest == b"\r\n"
        body += rest[: int(size, 16)]
        rest = rest[int(size, 16) + 2 :]
    return body, False


def payloads(body: bytes) -> list[str]:
    return [event.removeprefix("data: ") for event in body.decode().split("\n\n") if event]


def deltas(body: bytes) -> list[str]:
    """Return what each event adds, as JSON, and other payloads as they are."""
    found: list[str] = []
    for payload in payloads(body):
        if payload.startswith("{") and '"delta":' in payload:
            delta = json.loads(payload)["choices"][0]["delta"]
            found.append(json.dumps(delta, separators=(",", ":")))
        else:
            found.append(payload)
    return found


async def test_a_plain_answer_has_the_form_of_openai(provider: ScriptedProvider) -> None:
    provider.behave(Step(text="Good morning.", prompt_tokens=12))

    head, _, body = (await ask(provider, request())).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n")
    assert json.loads(body) == {
        "id": "chatcmpl-acme-1",
        "object": "chat.completion",
        "created": 1_795_000_000,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Good morning.", "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 12, "completion_tokens": 2, "total_tokens": 14},
    }


async def test_a_stream_brings_role_words_finish_and_done(provider: ScriptedProvider) -> None:
    provider.behave(Step(text="Good morning, all.\n"))

    answer = await stream(provider)
    body, clean = unchunk(answer)

    assert b"content-type: text/event-stream; charset=utf-8\r\n" in answer
    assert clean
    assert deltas(body) == [
        ROLE,
        '{"content":"Good"}',
        '{"content":" morning,"}',
        '{"content":" all."}',
        '{"content":"\\n"}',
        "{}",
        "[DONE]",
    ]
    assert '"finish_reason":"stop"' in payloads(body)[-2]


async def test_usage_comes_last_when_asked_for(provider: ScriptedProvider) -> None:
    asked = {"model": "m", "stream": True, "stream_options": {"include_usage": True}}
    provider.behave(Step(text=("a", "b"), completion_tokens=7))

    body, _ = unchunk(await ask(provider, request(body=asked)))

    *chunks, last, done = payloads(body)
    assert [json.loads(chunk)["usage"] for chunk in chunks] == [None, None, None, None]
    assert json.loads(last)["choices"] == []
    assert json.loads(last)["usage"] == {
        "prompt_tokens": 9,
        "completion_tokens": 7,
        "total_tokens": 16,
    }
    assert done == "[DONE]"


async def test_a_tool_call_streams_its_arguments_in_halves(provider: ScriptedProvider) -> None:
    provider.behave(Step(tools=(ToolCall("look", '{"at":1}'),)))

    body, _ = unchunk(await stream(provider))

    calls = [json.loads(delta)["tool_calls"][0] for delta in deltas(body)[1:4]]
    assert calls[0]["function"] == {"name": "look", "arguments": ""}
    assert [call["function"]["arguments"] for call in calls[1:]] == ['{"at', '":1}']
    assert '"finish_reason":"tool_calls"' in payloads(body)[-2]


async def test_an_empty_answer_has_role_and_finish_only(provider: ScriptedProvider) -> None:
    provider.behave(Step(empty=True))

    body, _ = unchunk(await stream(provider))

    assert deltas(body) == [ROLE, "{}", "[DONE]"]


async def test_embeddings_answer_one_vector_per_input(provider: ScriptedProvider) -> None:
    floats = await ask(provider, request("/v1/embeddings", {"model": "e", "input": ["a", "b"]}))
    coded = await ask(
        provider,
        request(
            "/v1/embeddings",
            {"model": "e", "input": "a", "encoding_format": "base64", "dimensions": 2},
        ),
    )

    assert [len(row["embedding"]) for row in json.loads(floats.split(b"\r\n\r\n")[1])["data"]] == [
        8,
        8,
    ]
    row = json.loads(coded.split(b"\r\n\r\n")[1])["data"][0]
    assert row == {"object": "embedding", "index": 0, "embedding": "AAAAPgAAAD4="}


async def test_models_are_listed_and_unknown_paths_are_404(provider: ScriptedProvider) -> None:
    models = await ask(provider, b"GET /v1/models HTTP/1.1\r\nconnection: close\r\n\r\n")
    nothing = await ask(provider, request("/v1/nothing"))

    assert [row["id"] for row in json.loads(models.split(b"\r\n\r\n")[1])["data"]] == [
        "gpt-4o",
        "gpt-4o-mini",
    ]
    assert nothing.startswith(b"HTTP/1.1 404 Not Found\r\n")
    assert json.loads(nothing.split(b"\r\n\r\n")[1])["error"]["type"] == "invalid_request_error"


async def test_steps_are_taken_in_order_then_the_key_s_then_the_default(
    provider: ScriptedProvider,
) -> None:
    provider.script(Step(status=500))
    provider.behave(Step(status=402), key="sk-poor")
    provider.behave(Step(status=403))
    provider.script(Step(status=503))

    answers = [await ask(provider, request(key="sk-poor")) for _ in range(3)]
    answers.append(await ask(provider, request(key="sk-other")))

    assert [answer[9:12] for answer in answers] == [b"500", b"503", b"402", b"403"]


async def test_an_error_status_has_the_body_of_its_kind(provider: ScriptedProvider) -> None:
    provider.script(
        Step(status=429, headers={"Retry-After": "7"}),
        Step(status=529),
        Step(status=502, body="<html>bad gateway</html>"),
    )

    throttled, overloaded, proxy = [await ask(provider, request()) for _ in range(3)]

    assert b"\r\nretry-after: 7\r\n" in throttled
    assert json.loads(throttled.split(b"\r\n\r\n")[1])["error"]["code"] == "rate_limit_exceeded"
    assert overloaded.startswith(b"HTTP/1.1 529 Unknown\r\n")
    assert json.loads(overloaded.split(b"\r\n\r\n")[1])["error"]["type"] == "server_error"
    assert b"content-type: text/html; charset=utf-8\r\n" in proxy
    assert proxy.endswith(b"\r\n\r\n<html>bad gateway</html>")


async def test_given_bodies_and_raw_bytes_are_sent_as_they_are(provider: ScriptedProvider) -> None:
    provider.script(
        Step(body={"x": [1]}),
        Step(body=b"\xff\x00"),
        Step(raw=b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"),
        Step(raw=b"HTTP/1.0 200 OK\r\n\r\nto the end", cut=Cut.EOF),
    )

    answers = [await ask(provider, request()) for _ in range(3)]
    answers.append(await ask(provider, request(last=False)))

    assert answers[0].endswith(b'\r\n\r\n{"x":[1]}')
    assert answers[1].endswith(b"content-length: 2\r\n\r\n\xff\x00")
    assert answers[2] == b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"
    assert answers[3] == b"HTTP/1.0 200 OK\r\n\r\nto the end"


async def test_padding_makes_the_head_big(provider: ScriptedProvider) -> None:
    provider.behave(Step(padding=70_000))

    head = (await ask(provider, request())).partition(b"\r\n\r\n")[0]

    assert 70_000 < len(head) < 73_000
    assert head.count(b"\r\nx-padding-") == 69


@pytest.mark.parametrize("streamed", [False, True])
async def test_dropped_connections_answer_nothing(
    provider: ScriptedProvider, *, streamed: bool
) -> None:
    provider.script(Step(drop=Cut.EOF), Step(drop=Cut.RESET))
    data = request(body={"model": "m", "stream": streamed}, last=False)

    assert await ask(provider, data) == b""
    with pytest.raises(ConnectionResetError):
        await ask(provider, data)


async def test_connections_are_ended_when_they_are_accepted(provider: ScriptedProvider) -> None:
    provider.script(Step(accept=Cut.EOF), Step(accept=Cut.RESET))

    assert await ask(provider, b"") == b""
    with pytest.raises(ConnectionResetError):
        await ask(provider, b"")
    assert (provider.connections, provider.requests) == (2, 0)


async def test_an_open_connection_ends_when_its_step_would_not_accept_it(
    provider: ScriptedProvider,
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", provider.port)
    writer.write(request(last=False))
    await reader.readuntil(b"}]")
    provider.behave(Step(accept=Cut.EOF))

    writer.write(request(last=False))
    rest = await reader.read()

    assert b"HTTP/1.1" not in rest
    writer.close()


@pytest.mark.parametrize(
    ("step", "expected", "ended_cleanly"),
    [
        (Step(text="a b c", cut=Cut.EOF, cut_after=2), [ROLE, '{"content":"a"}'], False),
        (Step(text="a b c", cut=Cut.END, cut_after=2), [ROLE, '{"content":"a"}'], True),
        (Step(text="a", cut=Cut.END, cut_after=99), [ROLE, '{"content":"a"}', "{}"], True),
        (Step(text="a", cut=Cut.EOF), [], False),
        (Step(text="a", no_done=True), [ROLE, '{"content":"a"}', "{}"], True),
        (Step(text="a", no_finish=True), [ROLE, '{"content":"a"}', "[DONE]"], True),
        (
            Step(text="a b", error={"error": {"code": 1}}, error_after=2),
            [ROLE, '{"content":"a"}', '{"error":{"code":1}}', "[DONE]"],
            True,
        ),
        (
            Step(text="a", error={"e": 1}, no_done=True, cut=Cut.EOF, cut_after=9),
            [ROLE, '{"e":1}'],
            False,
        ),
        (
            Step(text="a", garbage=b"data: {nonsense\n\n", garbage_after=1),
            [ROLE, "{nonsense", '{"content":"a"}', "{}", "[DONE]"],
            True,
        ),
    ],
)
async def test_streams_go_wrong_after_the_named_event(
    provider: ScriptedProvider, step: Step, expected: list[str], *, ended_cleanly: bool
) -> None:
    provider.behave(step)

    body, clean = unchunk(await stream(provider))

    assert deltas(body) == expected
    assert clean is ended_cleanly


async def test_a_reset_comes_after_what_was_sent(provider: ScriptedProvider) -> None:
    provider.behave(Step(text="a b c", cut=Cut.RESET, cut_after=2, gap_s=0.001))
    reader, writer = await asyncio.open_connection("127.0.0.1", provider.port)
    writer.write(request(body={"model": "m", "stream": True}))

    await reader.readuntil(b'"content":"a"')
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()


@pytest.mark.parametrize(
    ("cut", "end"),
    [(Cut.EOF, b"content-length: 10\r\n\r\n0123"), (Cut.END, b"content-length: 4\r\n\r\n0123")],
)
async def test_whole_bodies_are_cut_after_bytes(
    provider: ScriptedProvider, cut: Cut, end: bytes
) -> None:
    provider.behave(Step(body=b"0123456789", cut=cut, cut_after_bytes=4))

    assert (await ask(provider, request())).endswith(end)


async def test_streams_are_cut_after_bytes(provider: ScriptedProvider) -> None:
    provider.behave(Step(text="Grüße", cut=Cut.EOF, cut_after_bytes=10))

    body, clean = unchunk(await stream(provider))

    assert (body, clean) == (b'data: {"id', False)


async def test_garbage_takes_the_place_of_the_head(provider: ScriptedProvider) -> None:
    provider.behave(Step(garbage=b"\x16\x03\x01 not http"))

    assert await ask(provider, request(last=False)) == b"\x16\x03\x01 not http"


async def test_lines_of_a_stream_can_end_with_cr_lf(provider: ScriptedProvider) -> None:
    provider.behave(Step(text="a", crlf=True))

    body, _ = unchunk(await stream(provider))

    assert body.endswith(b"data: [DONE]\r\n\r\n")
    assert b"\n" not in body.replace(b"\r\n", b"")


async def test_a_dripping_answer_is_whole(provider: ScriptedProvider) -> None:
    provider.script(Step(text="Grüße 😀", drip_s=0), Step(text="ok", drip_s=0.001, drip_bytes=50))

    first, clean = unchunk(await stream(provider))
    second = await ask(provider, request())

    assert deltas(first)[1:3] == [
        '{"content":"Gr\\u00fc\\u00dfe"}',
        '{"content":" \\ud83d\\ude00"}',
    ]
    assert clean
    assert b'"content":"ok"' in second


async def test_a_hanging_request_notes_when_its_client_leaves(provider: ScriptedProvider) -> None:
    provider.behave(Step(hang=True))
    _, writer = await asyncio.open_connection("127.0.0.1", provider.port)
    writer.write(request(last=False))
    await provider.wait_for(lambda p: p.in_flight == 1)

    writer.close()
    closed_at = await provider.wait_closed_early()

    assert closed_at >= provider.seen[0].at
    assert provider.seen[0].answered_at is None
    assert (provider.in_flight, provider.open_connections) == (0, 0)


async def test_pings_and_silence_go_on_until_the_client_leaves(provider: ScriptedProvider) -> None:
    provider.behave(Step(text="a b", silent_after=2, ping_s=0.001))
    reader, writer = await asyncio.open_connection("127.0.0.1", provider.port)
    writer.write(request(body={"model": "m", "stream": True}))

    heard = await reader.readuntil(b'"content":"a"')
    pings = [await reader.readuntil(b": keep-alive\n\n") for _ in range(3)]
    writer.close()
    await provider.wait_closed_early()

    assert b": keep-alive" not in heard
    assert len(pings) == 3
    assert provider.max_in_flight == 1


async def test_pauses_lie_before_head_content_and_events(provider: ScriptedProvider) -> None:
    loop = asyncio.get_running_loop()
    provider.behave(Step(text="a b", first_byte_s=0.02, first_content_s=0.03, gap_s=0.01))
    reader, writer = await asyncio.open_connection("127.0.0.1", provider.port)
    start = loop.time()
    writer.write(request(body={"model": "m", "stream": True}))

    waits: list[float] = []
    for mark in (b"HTTP/1.1", b"assistant", b'"content":"a"', b'"content":" b"', b"[DONE]"):
        await reader.readuntil(mark)
        waits.append(loop.time() - start)
    writer.close()

    floors = [0.02, 0.02, 0.05, 0.06, 0.07]
    assert [wait >= floor for wait, floor in zip(waits, floors, strict=True)] == [True] * 5
    assert waits[1] < 0.05


async def test_other_keys_are_refused_and_keys_have_steps_of_their_own(
    provider: ScriptedProvider,
) -> None:
    provider.keys = {"sk-good", "sk-poor"}
    provider.behave(Step(status=402), key="sk-poor")

    bad = await ask(provider, request(key="sk-bad"))
    poor = await ask(provider, request(key="sk-poor"))
    good = await ask(provider, request(key="sk-good"))

    assert bad.startswith(b"HTTP/1.1 401 Unauthorized\r\n")
    assert json.loads(bad.split(b"\r\n\r\n")[1])["error"]["code"] == "invalid_api_key"
    assert poor.startswith(b"HTTP/1.1 402 Payment Required\r\n")
    assert good.startswith(b"HTTP/1.1 200 OK\r\n")
    assert [seen.key for seen in provider.seen] == ["sk-bad", "sk-poor", "sk-good"]


async def test_a_used_up_limit_says_how_long_to_wait(provider: ScriptedProvider) -> None:
    provider.limit = Limit(requests=1, window_s=60.0)

    answers = [
        await ask(provider, request(key="sk-a")),
        await ask(provider, request(key="sk-a")),
        await ask(provider, request(key="sk-b")),
    ]

    assert [answer[9:12] for answer in answers] == [b"200", b"429", b"200"]
    assert b"\r\nretry-after: 60\r\n" in answers[1]


async def test_a_body_that_is_no_request_is_400(provider: ScriptedProvider) -> None:
    assert (await ask(provider, request(body=b"{"))).startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert (await ask(provider, b"what?\r\n\r\n")).startswith(b"HTTP/1.1 400 Bad Request\r\n")


async def test_requests_of_one_connection_are_answered_in_order(provider: ScriptedProvider) -> None:
    provider.script(Step(text="one", first_byte_s=0.01), Step(text="two"))

    answer = await ask(provider, request(last=False) + request())

    assert answer.index(b'"content":"one"') < answer.index(b'"content":"two"')
    assert [seen.connection for seen in provider.seen] == [1, 1]


async def test_a_slow_reader_holds_the_stream_back_and_gets_all_of_it(
    provider: ScriptedProvider,
) -> None:
    provider.behave(Step(text=("x" * 60_000,) * 200))
    reader, writer = await asyncio.open_connection("127.0.0.1", provider.port, limit=1024)
    writer.write(request(body={"model": "m", "stream": True}))
    await reader.readexactly(1)
    held = provider.seen[0].answered_at is None

    rest = await reader.read()
    writer.close()

    assert held
    assert rest.count(b"x" * 60_000) == 200
    assert rest.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")


async def test_seen_holds_what_the_client_sent(provider: ScriptedProvider) -> None:
    await ask(provider, request(CHAT + "?a=1", {"model": "gpt"}, key="sk-1"))

    seen = provider.seen[0]

    assert (seen.number, seen.method, seen.path) == (1, "POST", "/v1/chat/completions?a=1")
    assert seen.headers["host"] == "x"
    assert seen.body == b'{"model": "gpt"}'
    assert seen.answered_at is not None
    assert seen.closed_early_at is None


async def test_a_stopped_provider_refuses_and_returns_on_its_port(
    provider: ScriptedProvider,
) -> None:
    provider.behave(Step(hang=True))
    reader, writer = await asyncio.open_connection("127.0.0.1", provider.port)
    writer.write(request())
    await provider.wait_for(lambda p: p.in_flight == 1)

    await provider.stop()

    assert await reader.read() == b""
    with pytest.raises(ConnectionRefusedError):
        await ask(provider, request())

    await provider.start()
    provider.behave(Step(text="back"))

    assert b'"content":"back"' in await ask(provider, request())
    assert provider.seen[0].closed_early_at is None
    writer.close()


async def test_waiting_in_vain_times_out(provider: ScriptedProvider) -> None:
    with pytest.raises(TimeoutError):
        await provider.wait_for(lambda p: p.requests == 1, timeout_s=0.01)

"""The scripted provider's other doors: control over HTTP, processes, TLS, SDKs, the fixture."""

import asyncio
import ssl
import subprocess
from http.client import HTTPConnection
from pathlib import Path

import msgspec
import openai
import pytest

from hotswap.testing.control import Report
from hotswap.testing.process import ProviderProcess
from hotswap.testing.provider import ScriptedProvider, StartProvider
from hotswap.testing.step import Cut, Limit, Step

pytest_plugins = ["hotswap.testing.pytest_plugin"]


async def send(port: int, line: str, body: bytes = b"") -> tuple[int, bytes]:
    """Send one request and return status and body of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"{line} HTTP/1.1\r\nconnection: close\r\ncontent-length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    answer = await reader.read()
    writer.close()
    return int(answer[9:12]), answer.partition(b"\r\n\r\n")[2]


async def test_control_sets_steps_keys_and_limits(scripted_provider: StartProvider) -> None:
    provider = await scripted_provider()
    port = provider.port

    statuses = [
        (await send(port, f"POST /_control/{verb}", body))[0]
        for verb, body in [
            ("behave", b'{"status":503}'),
            ("behave?key=sk%2D1", b'{"text":"hi","cut":"reset","cut_after":2}'),
            ("script", b'[{"hang":true},{"raw":"aGk="}]'),
            ("keys", b'["sk-1","sk-2"]'),
            ("limit", b'{"requests":3,"window_s":1.5}'),
        ]
    ]

    assert statuses == [200, 200, 200, 200, 200]
    assert provider.default == Step(status=503)
    assert provider.key_steps == {"sk-1": Step(text="hi", cut=Cut.RESET, cut_after=2)}
    assert provider.keys == {"sk-1", "sk-2"}
    assert provider.limit == Limit(requests=3, window_s=1.5)


async def test_control_says_what_is_wrong(scripted_provider: StartProvider) -> None:
    provider = await scripted_provider()

    typo = await send(provider.port, "POST /_control/behave", b'{"stauts":503}')
    unknown = await send(provider.port, "POST /_control/explode")

    assert typo == (400, b'{"error":{"message":"Object contains unknown field `stauts`"}}')
    assert unknown[0] == 404


async def test_control_reports_what_was_seen_and_is_not_counted(
    scripted_provider: StartProvider,
) -> None:
    provider = await scripted_provider("acme")
    await send(provider.port, "POST /v1/chat/completions?a=1", b'{"model":"m"}')

    report = msgspec.json.decode((await send(provider.port, "GET /_control/seen"))[1], type=Report)
    await send(provider.port, "POST /_control/forget")

    assert (report.name, report.requests, report.in_flight, report.max_in_flight) == (
        "acme",
        1,
        0,
        1,
    )
    assert [(seen.path, seen.body) for seen in report.seen] == [
        ("/v1/chat/completions?a=1", b'{"model":"m"}')
    ]
    assert len(provider.seen) == 0
    assert provider.requests == 1


async def test_a_control_port_answers_while_the_provider_refuses(
    scripted_provider: StartProvider,
) -> None:
    provider = await scripted_provider(default=Step(accept=Cut.RESET))
    control = await provider.start_control()

    assert await send(control, "POST /_control/stop") == (200, b"{}")
    with pytest.raises(ConnectionRefusedError):
        await send(provider.port, "GET /v1/models")
    await send(control, "POST /_control/behave", b"{}")
    assert await send(control, "POST /_control/start") == (200, b"{}")
    assert (await send(provider.port, "GET /v1/models"))[0] == 200


async def test_the_fixture_starts_as_many_providers_as_asked_for(
    scripted_provider: StartProvider,
) -> None:
    first = await scripted_provider("openai", Step(status=429))
    second = await scripted_provider("mistral", keys={"sk-1"}, limit=Limit(1, 60.0))

    assert first.base_url != second.base_url
    assert (await send(first.port, "POST /v1/chat/completions", b"{}"))[0] == 429
    assert (await send(second.port, "POST /v1/chat/completions", b"{}"))[0] == 401


@pytest.mark.slow
def test_a_process_is_driven_killed_and_replaced_on_its_port() -> None:
    with ProviderProcess("acme", Step(status=503)) as process:
        port = process.port
        assert chat(port) == 503
        process.behave(Step(text="fine"))
        process.script(Step(status=500))
        process.set_keys({""})
        process.set_limit(Limit(2, 60.0))
        assert [chat(port), chat(port), chat(port)] == [500, 200, 429]
        assert process.report().requests == 4
        process.forget()
        assert process.report().seen == []
        process.set_limit(None)
        process.refuse()
        with pytest.raises(ConnectionRefusedError):
            chat(port)
        process.revive()
        assert chat(port) == 200
        process.kill()
        with pytest.raises(ConnectionRefusedError):
            chat(port)

    with ProviderProcess("acme", port=port) as process:
        assert process.port == port
        assert chat(port) == 200


@pytest.mark.slow
def test_a_process_ends_well_on_sigterm() -> None:
    process = ProviderProcess("acme")
    process.start()
    running = process.pid > 0

    process.close()

    assert running
    assert process.pid == 0
    assert process.exit_code == 0


def chat(port: int) -> int:
    """Send one chat request and return the status of its answer."""
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("POST", "/v1/chat/completions", b'{"model":"m"}')
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


@pytest.mark.slow
async def test_tls_is_served_and_can_be_reset(tmp_path: Path) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(key), "-out", str(cert)]
    subprocess.run([*command.split(), *names, *files], check=True, capture_output=True)  # noqa: ASYNC221, S603 - nothing else runs in this test
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(cert, key)
    client = ssl.create_default_context(cafile=str(cert))

    async with ScriptedProvider("acme", tls=server) as provider:
        provider.script(Step(text="safe"), Step(drop=Cut.RESET))
        reader, writer = await asyncio.open_connection("127.0.0.1", provider.port, ssl=client)
        data = b"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}"
        writer.write(data)
        assert b'"content":"safe"' in await reader.readuntil(b"}}")
        writer.write(data)
        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()
        assert provider.base_url.startswith("https://127.0.0.1:")


@pytest.mark.slow
async def test_the_official_sdk_reads_answers_and_raises_on_faults() -> None:
    async with ScriptedProvider("acme") as provider:
        client = openai.AsyncOpenAI(base_url=provider.base_url, api_key="sk-1", max_retries=0)
        whole = await client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "Hi"}]
        )
        vectors = await client.embeddings.create(model="e", input=["a", "b"])
        models = [model.id async for model in await client.models.list()]
        text = await read_stream(client)
        provider.script(
            Step(status=429),
            Step(cut=Cut.EOF, cut_after=3),
            Step(error={"error": {"message": "It broke."}}, error_after=2),
        )
        with pytest.raises(openai.RateLimitError):
            await read_stream(client)
        with pytest.raises(openai.APIConnectionError):
            await read_stream(client)
        with pytest.raises(openai.APIError, match=r"It broke\."):
            await read_stream(client)
        await client.close()

    assert whole.choices[0].message.content == "This answer was written by acme."
    assert [len(row.embedding) for row in vectors.data] == [8, 8]
    assert models == ["gpt-4o", "gpt-4o-mini"]
    assert text == "This answer was written by acme."


async def read_stream(client: openai.AsyncOpenAI) -> str:
    events = await client.chat.completions.create(
        model="m", messages=[{"role": "user", "content": "Hi"}], stream=True
    )
    return "".join([event.choices[0].delta.content or "" async for event in events])

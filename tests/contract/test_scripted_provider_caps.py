"""Hard limits of the scripted provider, as real providers count them and tell of them."""

import asyncio
import json
from collections.abc import AsyncGenerator

import pytest

from hotswap.testing.provider import ScriptedProvider
from hotswap.testing.quota import Caps, Manner, Quota
from hotswap.testing.step import Step

BODY = json.dumps({"model": "m", "messages": [{"role": "user", "content": "Hi"}]}).encode()


@pytest.fixture
async def provider() -> AsyncGenerator[ScriptedProvider]:
    async with ScriptedProvider("one") as running:
        yield running


async def post(port: int, path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
    writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    told, _, content = answer.partition(b"\r\n\r\n")
    lines = told.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines[1:])
    return int(lines[0].split()[1]), headers, content


async def ask(provider: ScriptedProvider) -> tuple[int, dict[str, str], bytes]:
    return await post(provider.port, "/v1/chat/completions", BODY)


async def test_openai_s_headers_count_down(provider: ScriptedProvider) -> None:
    provider.cap(Caps(requests=2, tokens=100, manner="bucket", tells="openai"))
    provider.behave(Step(prompt_tokens=10, completion_tokens=5))

    status, first, _ = await ask(provider)
    _, second, _ = await ask(provider)
    refused, third, body = await ask(provider)

    assert (status, refused) == (200, 429)
    assert first["x-ratelimit-limit-requests"] == "2"
    assert first["x-ratelimit-remaining-requests"] == "1"
    assert second["x-ratelimit-remaining-requests"] == "0"
    assert second["x-ratelimit-remaining-tokens"] == "70"
    assert third["retry-after"] == "30"
    assert "(RPM): Limit 2, Used 2, Requested 1." in json.loads(body)["error"]["message"]


async def test_caps_are_set_from_another_process(provider: ScriptedProvider) -> None:
    caps = b'{"requests": 1, "manner": "fixed", "tells": "gemini"}'

    assert (await post(provider.port, "/_control/caps", caps))[0] == 200
    assert (await ask(provider))[0] == 200
    status, headers, body = await ask(provider)
    assert (await post(provider.port, "/_control/caps", b"null"))[0] == 200
    healed = await ask(provider)

    assert status == 429
    assert "retry-after" not in headers
    violation = json.loads(body)["error"]["details"][0]["violations"][0]
    assert violation["quotaId"] == "GenerateRequestsPerMinutePerProjectPerModel"
    assert violation["quotaValue"] == "1"
    assert healed[0] == 200
    assert (await post(provider.port, "/_control/caps", b'{"rps": 1}'))[0] == 400


@pytest.mark.parametrize(
    ("manner", "again_s"), [("fixed", 10.0), ("sliding", 40.0), ("bucket", 6.0)]
)
def test_each_manner_frees_a_limit_at_its_own_time(manner: Manner, again_s: float) -> None:
    quota = Quota(Caps(requests=10, manner=manner, tells="retry_after"))
    for _ in range(10):
        assert quota.ask(0.0, 30.0) is None
    at = 50.0 if manner != "bucket" else 30.0

    refusal = quota.ask(0.0, at)

    assert refusal is not None
    assert refusal.headers == {"retry-after": f"{again_s:.0f}"}
    assert quota.ask(0.0, at + again_s - 0.1) is not None
    assert quota.ask(0.0, at + again_s + 0.1) is None


def test_anthropic_tells_points_in_time_and_tokens_in_thousands() -> None:
    quota = Quota(Caps(requests=10, tokens=10_000, manner="bucket", tells="anthropic"))
    quota.ask(2500.0, 0.0)

    headers = quota.headers(0.0, unix=1_795_428_000.0)

    assert headers["anthropic-ratelimit-requests-remaining"] == "9"
    assert headers["anthropic-ratelimit-requests-reset"] == "2026-11-23T10:00:06Z"
    assert headers["anthropic-ratelimit-tokens-remaining"] == "7000"


def test_tokens_that_come_later_may_exceed_a_limit() -> None:
    quota = Quota(Caps(tokens=100, manner="sliding", tells="nothing"))
    assert quota.ask(60.0, 0.0) is None

    quota.settle(60.0, 1.0)

    refusal = quota.ask(1.0, 2.0)
    assert refusal is not None
    assert refusal.headers == {}
    assert quota.ask(1.0, 60.5) is None

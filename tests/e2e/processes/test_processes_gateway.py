"""The whole gateway as real processes, whose parts are killed while it serves."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Awaitable
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple

import pytest

from hotswap.testing.gateway import GatewayProcess
from hotswap.testing.provider import ScriptedProvider
from hotswap.testing.step import Step

from .conftest import Start

pytestmark = pytest.mark.slow

CONFIG = """
server: {{listen: "127.0.0.1:0", admin: "127.0.0.1:0", state_dir: state, workers: {workers}}}
store: "sqlite:records.db"
providers: {{here: {{kind: openai, base_url: "{base_url}", allow_private: true, keys: []}}}}
fallback: {{chains: [{{name: {chain}, models: [{{provider: here, model: small}}]}}]}}
"""


@pytest.fixture
async def provider() -> AsyncIterator[ScriptedProvider]:
    """Run a healthy provider; to be named before `serve`, so that it outlives the gateway."""
    async with ScriptedProvider() as provider:
        yield provider


class Said(NamedTuple):
    """An answer of the gateway."""

    status: int
    body: str


def post(port: int, chain: str = "assist", *, stream: bool = False) -> Awaitable[Said]:
    """Send one chat request on a connection of its own."""
    return asyncio.to_thread(_post, port, chain, stream)


def _post(port: int, chain: str, stream: bool) -> Said:  # noqa: FBT001 - to_thread hands it on
    body = {
        "model": chain,
        "messages": [{"role": "user", "content": "hello"}],
        "stream": stream,
    }
    connection = HTTPConnection("127.0.0.1", port, timeout=15)
    try:
        connection.request(
            "POST", "/v1/chat/completions", json.dumps(body), {"content-type": "application/json"}
        )
        answer = connection.getresponse()
        return Said(answer.status, answer.read().decode())
    finally:
        connection.close()


async def until_answered(port: int, chain: str) -> None:
    """Wait until a chain is served."""
    while (await post(port, chain)).status != 200:  # noqa: ASYNC110 - workers tell nobody
        await asyncio.sleep(0.02)


async def requests_stored(gateway: GatewayProcess, admin_port: int) -> int:
    """Ask the admin listener how many attempts are stored (1,000 at most)."""
    key = (gateway.folder / "state/admin.key").read_text().strip()

    def ask() -> int:
        connection = HTTPConnection("127.0.0.1", admin_port, timeout=15)
        try:
            headers = {"authorization": f"Bearer {key}"}
            connection.request("GET", "/admin/api/v1/attempts?limit=1000", headers=headers)
            return len(json.loads(connection.getresponse().read())["attempts"])
        finally:
            connection.close()

    return await asyncio.to_thread(ask)


def runs(pid: int) -> bool:
    """Say whether a process lives; one that waits to be reaped has no program any more."""
    return Path(f"/proc/{pid}/exe").exists()


def links(gateway: GatewayProcess) -> list[Path]:
    """Return the link folders that are there."""
    return list(gateway.folder.glob("hotswap-*"))


async def test_the_gateway_serves_and_ends_well(provider: ScriptedProvider, serve: Start) -> None:
    gateway = await serve(CONFIG.format(workers=2, base_url=provider.base_url, chain="assist"))
    port = await gateway.listens()

    answers = await asyncio.gather(*(post(port) for _ in range(10)))

    assert {answer.status for answer in answers} == {200}
    gateway.signal(signal.SIGTERM)
    assert await gateway.ends() == 0


async def test_a_killed_keeper_costs_no_request_and_no_record(
    provider: ScriptedProvider, serve: Start
) -> None:
    gateway = await serve(CONFIG.format(workers=1, base_url=provider.base_url, chain="assist"))
    found = await gateway.says(r"http://127\.0\.0\.1:(\d+) .*http://127\.0\.0\.1:(\d+)")
    port, admin_port = int(found[1]), int(found[2])

    statuses = {(await post(port)).status for _ in range(20)}
    os.kill(gateway.child("keeper"), signal.SIGKILL)
    statuses |= {(await post(port)).status for _ in range(40)}

    await gateway.says("keeper was ended by SIGKILL; it starts again at once")
    assert statuses == {200}
    while await requests_stored(gateway, admin_port) < 60:  # noqa: ASYNC110 - it tells nobody
        await asyncio.sleep(0.05)
    assert await requests_stored(gateway, admin_port) == 60


async def test_after_a_killed_worker_everything_is_answered_again(
    provider: ScriptedProvider, serve: Start
) -> None:
    gateway = await serve(CONFIG.format(workers=1, base_url=provider.base_url, chain="assist"))
    port = await gateway.listens()
    assert (await post(port)).status == 200

    os.kill(gateway.child("worker 0"), signal.SIGKILL)
    statuses = [(await post(port)).status for _ in range(20)]

    assert statuses == [200] * 20


async def test_a_stream_in_flight_is_finished_after_sigterm(
    provider: ScriptedProvider, serve: Start
) -> None:
    slow = Step(text="one two three four five six", gap_s=0.15)
    provider.behave(slow)
    gateway = await serve(CONFIG.format(workers=1, base_url=provider.base_url, chain="assist"))
    port = await gateway.listens()
    streaming = asyncio.ensure_future(post(port, stream=True))
    await provider.wait_for(lambda p: p.requests == 1, timeout_s=5)

    gateway.signal(signal.SIGTERM)

    answer = await streaming
    assert answer.status == 200
    assert answer.body.rstrip().endswith("data: [DONE]")
    assert '"finish_reason":"stop"' in answer.body
    assert await gateway.ends() == 0
    with pytest.raises(ConnectionRefusedError):
        await post(port)


async def test_a_killed_supervisor_takes_its_children_and_its_link_with_it(serve: Start) -> None:
    gateway = await serve(
        CONFIG.format(workers=2, base_url="http://127.0.0.1:9/v1", chain="assist")
    )
    await gateway.listens()
    children = [gateway.child(name) for name in ("keeper", "worker 0", "worker 1")]
    assert len(links(gateway)) == 1

    gateway.signal(signal.SIGKILL)

    await gateway.ends()  # the log ends with the last child that could write to it
    assert links(gateway) == []
    assert not any(runs(pid) for pid in children)


async def test_sighup_puts_a_good_file_in_force_and_a_broken_one_not(
    provider: ScriptedProvider, serve: Start
) -> None:
    gateway = await serve(CONFIG.format(workers=1, base_url=provider.base_url, chain="assist"))
    port = await gateway.listens()
    path = gateway.folder / "hotswap.yaml"

    path.write_text(CONFIG.format(workers=1, base_url=provider.base_url, chain="other"))
    gateway.signal(signal.SIGHUP)
    await until_answered(port, "other")
    path.write_text("fallback: [")
    gateway.signal(signal.SIGHUP)
    await gateway.says('"event": "configuration refused')

    assert (await post(port, "other")).status == 200
    assert (await post(port, "assist")).status == 404


async def test_a_worker_that_starts_later_has_the_reloaded_configuration(
    provider: ScriptedProvider, serve: Start
) -> None:
    gateway = await serve(CONFIG.format(workers=1, base_url=provider.base_url, chain="assist"))
    port = await gateway.listens()
    path = gateway.folder / "hotswap.yaml"
    path.write_text(CONFIG.format(workers=1, base_url=provider.base_url, chain="other"))
    gateway.signal(signal.SIGHUP)
    await until_answered(port, "other")
    os.kill(gateway.child("keeper"), signal.SIGSTOP)

    os.kill(gateway.child("worker 0"), signal.SIGKILL)

    assert (await post(port, "other")).status == 200


async def test_a_change_made_while_the_keeper_was_down_is_taken_over(
    provider: ScriptedProvider, serve: Start
) -> None:
    gateway = await serve(CONFIG.format(workers=1, base_url=provider.base_url, chain="assist"))
    await gateway.listens()
    keeper = gateway.child("keeper")
    os.kill(keeper, signal.SIGSTOP)
    path = gateway.folder / "hotswap.yaml"
    path.write_text(CONFIG.format(workers=1, base_url=provider.base_url, chain="other"))

    os.kill(keeper, signal.SIGKILL)

    await gateway.says('"event": "configuration in force"')


async def test_a_wrong_file_is_told_and_ends_with_3(serve: Start) -> None:
    gateway = await serve("fallback: {chains: [{name: assist, models: []}]}\n")

    assert await gateway.ends() == 3
    assert "hotswap.yaml:1:" in "\n".join(gateway.lines)

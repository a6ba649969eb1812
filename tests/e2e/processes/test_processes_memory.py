"""What was found out, and what was ordered, outlives the processes that know of it."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Mapping
from http.client import HTTPConnection
from pathlib import Path

import pytest
from msgspec import Struct

from hotswap.testing.gateway import GatewayProcess
from hotswap.testing.provider import ScriptedProvider
from hotswap.testing.step import Step

from .conftest import Start

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]

CONFIG = """
server: {{listen: "127.0.0.1:0", admin: "127.0.0.1:0", state_dir: state, workers: 2}}
store: "sqlite:records.db"
providers:
  late: {{kind: openai, base_url: "{late}", allow_private: true, keys: [{{id: k, secret: s}}]}}
  barred: {{kind: openai, base_url: "{barred}", allow_private: true, keys: [{{id: k, secret: s}}]}}
  good: {{kind: openai, base_url: "{good}", allow_private: true, keys: []}}
  spare: {{kind: openai, base_url: "{spare}", allow_private: true, keys: []}}
fallback:
  health: {{breaker: {{auth_s: {auth_s}}}}}
  chains:
    - name: assist
      models:
        - {{provider: late, model: m}}
        - {{provider: barred, model: m}}
        - {{provider: good, model: m}}
        - {{provider: spare, model: m}}
"""
LATE = Step(status=429, headers={"retry-after": "60"})
REFUSED = Step(status=401)


class Site(Struct):
    """A gateway, and the four providers of its chain."""

    folder: Path
    serve: Start
    providers: Mapping[str, ScriptedProvider]
    gateway: GatewayProcess | None = None
    port: int = 0
    admin_port: int = 0

    @property
    def running(self) -> GatewayProcess:
        assert self.gateway is not None
        return self.gateway

    async def begin(self, *, auth_s: float = 60.0) -> None:
        """Start the gateway, on what a former one has left."""
        urls = {name: provider.base_url for name, provider in self.providers.items()}
        config = CONFIG.format(**urls, auth_s=auth_s)
        self.gateway = await self.serve(config)
        found = await self.gateway.says(r"http://127\.0\.0\.1:(\d+) .*http://127\.0\.0\.1:(\d+)")
        self.port, self.admin_port = int(found[1]), int(found[2])

    async def end(self) -> None:
        self.running.signal(signal.SIGTERM)
        assert await self.running.ends() == 0

    async def ask(self, times: int = 1) -> None:
        """Send requests one after the other, each on a connection of its own."""
        for _ in range(times):
            assert await asyncio.to_thread(self._post, self.port, "/v1/chat/completions") == 200

    def order(self, target: str, action: str) -> Awaitable[int]:
        path = f"/admin/api/v1/targets/{target}/{action}"
        return asyncio.to_thread(self._post, self.admin_port, path)

    async def shut(self, target: str) -> None:
        """Send requests until the keeper knows that the key of a target is of no use now.

        And until it has stored that: a worker that is killed takes along what it found out within
        its last hundredth of a second, as docs/operations.md says.
        """
        while await self.key_stands(target) == "closed":
            await self.ask()
        while target.partition("/")[0] not in await asyncio.to_thread(self._stored):  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)

    async def key_stands(self, target: str) -> str:
        """Return the state of the first key of a target, as the keeper shows it."""
        return await asyncio.to_thread(self._key_state, target)

    async def replaced(self, name: str) -> None:
        """Kill a child, and wait for the next one."""
        former = self.running.child(name)
        os.kill(former, signal.SIGKILL)
        await self.running.says(f"{name} was ended by SIGKILL; it starts again")
        while former in (children := self.running.children(name)) or not children:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)

    def asked(self) -> dict[str, int]:
        """Count the users' requests that each provider has seen."""
        return {
            name: sum(b"hello" in seen.body for seen in provider.seen)
            for name, provider in self.providers.items()
        }

    def _post(self, port: int, path: str) -> int:
        body = {"model": "assist", "messages": [{"role": "user", "content": "hello"}]}
        connection = HTTPConnection("127.0.0.1", port, timeout=15)
        try:
            connection.request("POST", path, json.dumps(body), self._headers())
            answer = connection.getresponse()
            answer.read()
            return answer.status
        finally:
            connection.close()

    def _key_state(self, target: str) -> str:
        connection = HTTPConnection("127.0.0.1", self.admin_port, timeout=15)
        try:
            connection.request("GET", f"/admin/api/v1/targets/{target}", headers=self._headers())
            shown = json.loads(connection.getresponse().read())["target"]
        finally:
            connection.close()
        state = shown["credentials"][0]["standing"]["state"]
        assert isinstance(state, str)
        return state

    def _stored(self) -> set[str]:
        """Return the providers of which a change is in the store."""
        connection = HTTPConnection("127.0.0.1", self.admin_port, timeout=15)
        try:
            connection.request("GET", "/admin/api/v1/transitions", headers=self._headers())
            shown = json.loads(connection.getresponse().read())["transitions"]
        finally:
            connection.close()
        return {str(one["target"]).partition("/")[0] for one in shown}

    def _headers(self) -> dict[str, str]:
        key = (self.folder / "state/admin.key").read_text().strip()
        return {"content-type": "application/json", "authorization": f"Bearer {key}"}


@pytest.fixture
async def providers() -> AsyncIterator[Mapping[str, ScriptedProvider]]:
    """Run the providers; to be named before `serve`, so that they outlive the gateway."""
    async with (
        ScriptedProvider("late", LATE) as late,
        ScriptedProvider("barred", REFUSED) as barred,
        ScriptedProvider("good", Step(text="good")) as good,
        ScriptedProvider("spare", Step(text="spare")) as spare,
    ):
        yield {one.name: one for one in (late, barred, good, spare)}


@pytest.fixture
def site(providers: Mapping[str, ScriptedProvider], tmp_path: Path, serve: Start) -> Site:
    """Offer a gateway that is not started yet."""
    return Site(tmp_path, serve, providers)


async def test_a_throttle_and_a_disabled_key_outlive_every_process(site: Site) -> None:
    await site.begin()
    await site.shut("barred/m")
    await site.shut("late/m")
    known = site.asked()

    for kill in ("worker 0", "worker 1", "keeper", "worker 0", "worker 1"):
        await site.replaced(kill)
        await site.ask(5)
    await site.end()
    await site.begin()
    await site.ask(10)

    told = site.asked()
    assert (told["late"], told["barred"]) == (known["late"], known["barred"])
    assert told["good"] == known["good"] + 35


async def test_a_key_that_was_disabled_before_a_restart_comes_back_by_its_probe(
    site: Site,
) -> None:
    await site.begin(auth_s=0.5)
    await site.shut("barred/m")
    await site.end()
    known = site.asked()["barred"]
    site.providers["barred"].behave(Step(text="barred"))
    await asyncio.sleep(0.6)  # its pause ends while nobody is there
    probed = site.providers["barred"].requests

    await site.begin(auth_s=0.5)
    await site.ask(3)

    assert site.asked()["barred"] == known
    await site.providers["barred"].wait_for(lambda p: p.requests > probed, timeout_s=10)
    while await site.key_stands("barred/m") != "ramp":  # noqa: ASYNC110 - it tells nobody
        await asyncio.sleep(0.02)


async def test_a_drain_outlives_every_process_and_ends_by_order(site: Site) -> None:
    await site.begin()
    assert await site.order("good/m", "drain") == 200
    await site.ask(3)
    for kill in ("worker 0", "worker 1", "keeper", "worker 0", "worker 1"):
        await site.replaced(kill)
        await site.ask(3)
    await site.end()
    await site.begin()
    await site.ask(3)

    assert (site.asked()["good"], site.asked()["spare"]) == (0, 21)

    assert await site.order("good/m", "undrain") == 200
    await site.ask()
    assert site.asked()["good"] == 1

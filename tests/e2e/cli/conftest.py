"""A gateway that the commands ask: its first target is throttled, its second one fails."""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator, Mapping
from http.client import HTTPConnection
from pathlib import Path

import pytest
from msgspec import Struct
from openai import AsyncOpenAI

from hotswap.testing.gateway import GatewayProcess
from hotswap.testing.provider import ScriptedProvider
from hotswap.testing.step import Step

CONFIG = """
server: {{listen: "127.0.0.1:0", admin: "{admin}", state_dir: state}}
store: "sqlite:records.db"
providers:
  late:
    {{kind: openai, base_url: "{late}", allow_private: true, keys: [{{id: main, secret: s3cret}}]}}
  broken: {{kind: openai, base_url: "{broken}", allow_private: true, keys: []}}
  good: {{kind: openai, base_url: "{good}", allow_private: true, keys: []}}
fallback:
  chains:
    - name: assist
      aliases: [gpt-4o]
      models:
        - {{provider: late, model: large}}
        - {{provider: broken, model: large}}
        - {{provider: good, model: small}}
"""


class Said(Struct, frozen=True):
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """What it wrote, without what separates columns."""
        return [" ".join(line.split()) for line in self.out.splitlines()]


class Site(Struct, frozen=True):
    """A gateway with what is needed to ask it."""

    folder: Path
    base_url: str
    admin: str

    async def hotswap(self, *words: str, **environ: str) -> Said:
        """Run a command in the gateway's folder."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "hotswap.cli.main", *words),
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
            cwd=self.folder,
            env={**os.environ, "HOTSWAP_ADMIN": self.admin, **environ},
        )
        out, err = await process.communicate()
        assert process.returncode is not None
        return Said(process.returncode, out.decode(), err.decode())

    async def ask(self, *, streamed: bool = False) -> str:
        """Get an answer by the SDK; return the request's id."""
        async with AsyncOpenAI(base_url=self.base_url, api_key="any", max_retries=0) as client:
            answers = client.chat.completions.with_streaming_response
            async with answers.create(
                model="gpt-4o", messages=[{"role": "user", "content": "hi"}], stream=streamed
            ) as answer:
                await answer.read()
                return answer.headers["x-hotswap-request-id"]

    async def stored(self, request_id: str) -> Said:
        """Return what is told of a request, once its records are stored."""
        while (said := await self.hotswap("request", request_id)).code == 1:
            assert "There is no request" in said.err
        return said

    def get(self, headers: Mapping[str, str]) -> int:
        """Return the status of the list of chains."""
        address = self.admin.removeprefix("http://")
        connection = HTTPConnection(address, timeout=10)
        try:
            connection.request("GET", "/admin/api/v1/chains", headers=headers)
            return connection.getresponse().status
        finally:
            connection.close()


@pytest.fixture
def admin() -> str:
    """Where the admin listener is."""
    return "127.0.0.1:0"


@pytest.fixture
async def site(tmp_path: Path, admin: str) -> AsyncIterator[Site]:
    """Serve a chain whose first target is throttled and whose second one fails."""
    async with (
        ScriptedProvider("late", Step(status=429, headers={"retry-after": "300"})) as late,
        ScriptedProvider("broken", Step(status=500)) as broken,
        ScriptedProvider("good", Step(text="Hello there.")) as good,
    ):
        config = tmp_path / "hotswap.yaml"
        config.write_text(
            CONFIG.format(
                admin=admin, late=late.base_url, broken=broken.base_url, good=good.base_url
            )
        )
        gateway = await GatewayProcess.start(
            tmp_path, "-m", "hotswap.cli.main", "serve", "--config", str(config)
        )
        try:
            found = await gateway.says(r"on (http://\S+) \(admin http://\S+:(\d+)\)")
            yield Site(tmp_path, f"{found[1]}/v1", f"http://127.0.0.1:{found[2]}")
        finally:
            await gateway.quit()

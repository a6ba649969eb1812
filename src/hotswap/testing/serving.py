"""A gateway in the test's own loop: the real line, server and client, without processes.

::

    async with ScriptedProvider("one") as one, ScriptedProvider("two") as two:
        one.behave(Step(status=500))
        async with serving(chain_of(one, two)) as gateway:
            answer = await gateway.post(chat("assist"))
            assert answer.headers["x-hotswap-target"] == "two/m"
            assert gateway.attempts[0].cause == "hard"

Records are kept in lists instead of a store, and every lease is granted.
"""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httptools
import yaml
from msgspec import Struct

from ..app import DataPlane
from ..clock import SystemClock
from ..config.load import load
from ..config.snapshot import Snapshot
from ..ledger.record import AttemptRecord, Record, Transition
from .provider import ScriptedProvider


class Answer(Struct, frozen=True):
    """What a plain HTTP client saw."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    whole: bool
    """The answer ended by its own framing; False: the connection was cut before."""
    first_byte_s: float
    """Seconds from the request's last byte to the answer's first."""

    def json(self) -> object:
        """Decode the body."""
        return json.loads(self.body)

    def events(self) -> list[str]:
        """Return the payloads of a stream's events."""
        text = self.body.decode()
        return [block[6:] for block in text.split("\n\n") if block.startswith("data: ")]

    def text(self) -> str:
        """Return the content of a chat answer, streamed or not."""
        if not self.headers["content-type"].startswith("text/event-stream"):
            return _content(json.loads(self.body), "message")
        chunks = [json.loads(event) for event in self.events() if event != "[DONE]"]
        return "".join(_content(chunk, "delta") for chunk in chunks if chunk.get("choices"))


def _content(value: Mapping[str, list[Mapping[str, Mapping[str, str | None]]]], part: str) -> str:
    return value["choices"][0][part].get("content") or ""


class Serving:
    """A running gateway, and what it recorded."""

    def __init__(self, plane: DataPlane, port: int, records: list[Record]) -> None:
        self.plane = plane
        self.port = port
        self.records = records

    @property
    def base_url(self) -> str:
        """What an SDK's `base_url` takes."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def attempts(self) -> list[AttemptRecord]:
        """The attempts made for callers, in the order in which they ended."""
        return [r for r in self.records if isinstance(r, AttemptRecord) and r.route != "probe"]

    @property
    def probes(self) -> list[AttemptRecord]:
        """The probes."""
        return [r for r in self.records if isinstance(r, AttemptRecord) and r.route == "probe"]

    @property
    def transitions(self) -> list[Transition]:
        """The changes of standing."""
        return [r for r in self.records if isinstance(r, Transition)]

    async def post(
        self,
        body: object,
        *,
        path: str = "/v1/chat/completions",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request on a connection of its own and read the answer to its end."""
        payload = body if isinstance(body, bytes) else json.dumps(body).encode()
        lines = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
        head = (
            f"POST {path} HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\n"
            f"content-type: application/json\r\n{lines}content-length: {len(payload)}\r\n\r\n"
        )
        return await exchange(self.port, head.encode() + payload)

    async def get(self, path: str, *, method: str = "GET") -> Answer:
        """Fetch a page."""
        head = f"{method} {path} HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\n\r\n"
        return await exchange(self.port, head.encode())


class _Reader:
    """Collects one answer; the callbacks of httptools."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.body = b""
        self.whole = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode().lower()] = value.decode()

    def on_body(self, data: bytes) -> None:
        self.body += data

    def on_message_complete(self) -> None:
        self.whole = True


async def exchange(port: int, request: bytes) -> Answer:
    """Send raw bytes to loopback and read one answer until it is whole or the peer closes."""
    clock = SystemClock()
    stream, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        await writer.drain()
        sent_at = clock.now()
        collected = _Reader()
        parser = httptools.HttpResponseParser(collected)
        first_at = 0.0
        while not collected.whole:
            try:
                data = await stream.read(65536)
            except ConnectionError:
                break
            if not data:
                break
            first_at = first_at or clock.now()
            parser.feed_data(data)
        status = parser.get_status_code() if first_at else 0
        return Answer(
            status, collected.headers, collected.body, collected.whole, first_at - sent_at
        )
    finally:
        writer.close()


def chat(chain: str, *, stream: bool = False, **fields: object) -> dict[str, object]:
    """Return the body of a chat request to `chain`."""
    messages = [{"role": "user", "content": "Say hello."}]
    return {"model": chain, "messages": messages, "stream": stream, **fields}


def chain_of(*providers: ScriptedProvider, **settings: object) -> dict[str, object]:
    """Return a configuration with one chain, `assist`, over the providers in order.

    Every provider serves the model `m` with the key `sk-test`; `settings` are those of the chain.
    """
    named = {
        p.name: {
            "base_url": p.base_url,
            "allow_private": True,
            "keys": [{"id": "main", "secret": "sk-test"}],
        }
        for p in providers
    }
    models = [{"provider": p.name, "model": "m"} for p in providers]
    chain = {"name": "assist", "models": models, **settings}
    return {"providers": named, "fallback": {"chains": [chain]}}


def snapshot_of(config: Mapping[str, object]) -> Snapshot:
    """Load a configuration given as plain values, through the same checks as a file."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "hotswap.yaml"
        file.write_text(yaml.safe_dump(dict(config), sort_keys=False))
        return load(file, {})


@asynccontextmanager
async def serving(
    config: Mapping[str, object] | Snapshot, *, jitter: Callable[[], float] | None = None
) -> AsyncIterator[Serving]:
    """Run a gateway by `config` on a free port of loopback."""
    snapshot = config if isinstance(config, Snapshot) else snapshot_of(config)
    records: list[Record] = []
    loop = asyncio.get_running_loop()

    def grant(_key: str, _ttl_s: float, answer: Callable[[bool], None]) -> None:
        loop.call_soon(answer, True)  # noqa: FBT003 - the callback's one argument

    plane = DataPlane(
        snapshot,
        index=0,
        record=records.append,
        changed=lambda _transition: None,
        ask=grant,
        clock=SystemClock(),
        **({"jitter": jitter} if jitter is not None else {}),
    )
    listener = socket.create_server(("127.0.0.1", 0))
    await plane.serve(listener)
    try:
        yield Serving(plane, listener.getsockname()[1], records)
    finally:
        await plane.close()

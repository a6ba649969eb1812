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
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, cast

import httptools
import yaml
from msgspec import Struct

from ..app import DataPlane
from ..clock import SystemClock
from ..config.load import load
from ..config.snapshot import Snapshot
from ..ledger.record import AttemptRecord, Record, Transition
from .provider import HEALTHY, ScriptedProvider
from .step import Step

KEY_IDS: Final = ("main", "spare", "third")
"""What the keys of a provider are called, in their order."""


class Answer(Struct, frozen=True):
    """What a plain HTTP client saw."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    whole: bool
    """The answer ended by its own framing; False: the connection was cut before."""
    first_byte_s: float
    """Seconds from the request's last byte to the answer's first."""
    end_s: float
    """Seconds from the request's last byte to the answer's end."""

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

    def error(self) -> Mapping[str, object]:
        """Return the error of the body, or the last event's; empty: there is none."""
        streamed = self.headers.get("content-type", "").startswith("text/event-stream")
        text = self.events()[-1] if streamed else self.body.decode()
        if text == "[DONE]":
            return {}
        value = cast("Mapping[str, Mapping[str, object]]", json.loads(text))
        return value.get("error", {})


def _content(value: Mapping[str, list[Mapping[str, Mapping[str, str | None]]]], part: str) -> str:
    return value["choices"][0][part].get("content") or ""


class _Ledger:
    """Keeps the records in a list, and tells those who wait for more."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.waiting: list[Callable[[], None]] = []

    def record(self, record: Record) -> None:
        self.records.append(record)
        for look in tuple(self.waiting):
            look()


class Serving:
    """A running gateway, and what it recorded."""

    def __init__(self, plane: DataPlane, port: int, ledger: "_Ledger") -> None:
        self.plane = plane
        self.port = port
        self.records: Sequence[Record] = ledger.records
        self._ledger = ledger

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

    async def until(
        self, condition: Callable[["Serving"], bool], *, timeout_s: float = 5.0
    ) -> None:
        """Wait until `condition` holds; raises `TimeoutError`.

        It is looked at whenever a record comes.
        """
        holds: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def look() -> None:
            if not holds.done() and condition(self):
                holds.set_result(None)

        look()
        self._ledger.waiting.append(look)
        try:
            async with asyncio.timeout(timeout_s):
                await holds
        finally:
            self._ledger.waiting.remove(look)

    async def post(
        self,
        body: object,
        *,
        path: str = "/v1/chat/completions",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request on a connection of its own and read the answer to its end."""
        return await exchange(self.port, written(body, path=path, headers=headers))

    async def get(self, path: str, *, method: str = "GET") -> Answer:
        """Fetch a page."""
        head = f"{method} {path} HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\n\r\n"
        return await exchange(self.port, head.encode())


def written(
    body: object,
    *,
    path: str = "/v1/chat/completions",
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """Write one request that is the last of its connection; `body` is JSON unless it is bytes."""
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
    head = (
        f"POST {path} HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\n"
        f"content-type: application/json\r\n{lines}content-length: {len(payload)}\r\n\r\n"
    )
    return head.encode() + payload


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
            status,
            collected.headers,
            collected.body,
            collected.whole,
            first_byte_s=first_at - sent_at,
            end_s=clock.now() - sent_at,
        )
    finally:
        writer.close()


def chat(chain: str, *, stream: bool = False, **fields: object) -> dict[str, object]:
    """Return the body of a chat request to `chain`."""
    messages = [{"role": "user", "content": "Say hello."}]
    return {"model": chain, "messages": messages, "stream": stream, **fields}


def chain_of(
    *providers: ScriptedProvider,
    keys: Sequence[str] = ("sk-test",),
    health: object = None,
    server: object = None,
    access: object = None,
    **settings: object,
) -> dict[str, object]:
    """Return a configuration with one chain, `assist`, over the providers in order.

    Args:
        providers: Every one serves the model `m`, and is a provider of its own name.
        keys: The secrets that each of them has; their ids are `KEY_IDS`.
        health: The section `fallback.health`; None: the defaults.
        server: The section `server`; None: the defaults.
        access: The section `access`; None: every credential is taken.
        settings: Those of the chain.
    """
    pool = [{"id": id_, "secret": key} for id_, key in zip(KEY_IDS, keys, strict=False)]
    named = {
        p.name: {"base_url": p.base_url, "allow_private": True, "keys": pool} for p in providers
    }
    models = [{"provider": p.name, "model": "m"} for p in providers]
    chain = {"name": "assist", "models": models, **settings}
    return {
        "server": server,
        "providers": named,
        "fallback": {"chains": [chain], "health": health},
        "access": access,
    }


def snapshot_of(config: Mapping[str, object]) -> Snapshot:
    """Load a configuration given as plain values, through the same checks as a file."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "hotswap.yaml"
        file.write_text(yaml.safe_dump(dict(config), sort_keys=False))
        return load(file, {})


@asynccontextmanager
async def serving(
    config: Mapping[str, object] | Snapshot, *, jitter: Callable[[], float] | None = None
) -> AsyncGenerator[Serving, None]:
    """Run a gateway by `config` on a free port of loopback."""
    snapshot = config if isinstance(config, Snapshot) else snapshot_of(config)
    ledger = _Ledger()
    loop = asyncio.get_running_loop()

    def grant(_key: str, _ttl_s: float, answer: Callable[[bool], None]) -> None:
        loop.call_soon(answer, True)  # noqa: FBT003 - the callback's one argument

    plane = DataPlane(
        snapshot,
        index=0,
        record=ledger.record,
        changed=lambda _transition: None,
        ask=grant,
        clock=SystemClock(),
        **({"jitter": jitter} if jitter is not None else {}),
    )
    listener = socket.create_server(("127.0.0.1", 0))
    await plane.serve(listener)
    try:
        yield Serving(plane, listener.getsockname()[1], ledger)
    finally:
        await plane.close()


class Pair(Struct, frozen=True):
    """A chain of two scripted providers and the gateway before them."""

    one: ScriptedProvider
    """Asked first."""
    two: ScriptedProvider
    gateway: Serving


@asynccontextmanager
async def pair(
    first: Step = HEALTHY,
    second: Step = HEALTHY,
    *,
    keys: Sequence[str] = ("sk-test",),
    **settings: object,
) -> AsyncGenerator[Pair, None]:
    """Run a gateway over two providers that behave as told; the rest is as for `chain_of`."""
    async with (
        ScriptedProvider("one", first) as one,
        ScriptedProvider("two", second) as two,
        serving(chain_of(one, two, keys=keys, **settings)) as gateway,
    ):
        yield Pair(one, two, gateway)

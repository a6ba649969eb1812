"""What the tests of the admin listener share: its application, called without a server."""

import asyncio
from collections.abc import AsyncIterator, Mapping, MutableMapping
from pathlib import Path

import pytest
import structlog
from msgspec import Struct, convert
from msgspec.json import decode

from hotswap.config.snapshot import Snapshot
from hotswap.core.settings import ErrorRateRule, LatencyRule
from hotswap.core.terms import Chain, Credential, Endpoint, Needs, Provider, Target, Triggers
from hotswap.keeper.api import Admin
from hotswap.keeper.feed import Feed, Hello
from hotswap.keeper.hub import Hub
from hotswap.keeper.orders import Orders
from hotswap.ledger.live import Live
from hotswap.ledger.record import AttemptRecord, Record
from hotswap.ledger.rows import AttemptEntry, TransitionEntry, write_entry
from hotswap.store.sqlite import SqliteStore
from hotswap.testing.clock import VirtualClock

ROOT = "/admin/api/v1"
KEY = "hs-admin-of-the-tests"
NOW = 1_700_000_100.0
"""Unix seconds of the rig's clock at the start."""


def snapshot() -> Snapshot:
    """Two chains: one of two targets, one that goes by latency and error rate alone."""
    first, second = Target("a/x", "a", "x"), Target("b/y", "b", "y", priority=2)
    chat = Chain("chat", (first, second), aliases=("gpt",))
    measured = Chain(
        "measured",
        (first, second),
        triggers=Triggers(
            latency=LatencyRule(threshold_ms=500.0),
            error=None,
            error_rate=ErrorRateRule(),
            auth=None,
        ),
    )
    alone = Chain("a/x", (first,))
    endpoint = Endpoint("127.0.0.1", 9, tls=False)
    keys = (Credential("main", "secret-main"), Credential("spare", "secret-spare"))
    providers = {
        "a": Provider("a", "openai", endpoint, "/v1", keys, region="eu-west", zone="eu"),
        "b": Provider("b", "openai", endpoint, "/v1", keys[:1]),
    }
    chains = {"chat": chat, "gpt": chat, "measured": measured, "a/x": alone}
    return Snapshot("one", chains, providers)


def attempt(
    request_id: str,
    number: int = 1,
    *,
    target: str = "a/x",
    cause: str = "",
    final: bool = True,
    began: float = 0.0,
    end_s: float = 1.0,
) -> AttemptRecord:
    """Make an attempt that began `began` seconds after 1,700,000,000."""
    return AttemptRecord(
        request_id=request_id,
        number=number,
        final=final,
        answered=final and not cause and bool(number),
        chain="chat",
        config="one",
        caller="",
        dialect="openai_chat",
        route="chat",
        streamed=False,
        needs=Needs(),
        target=target if number else "",
        credential="main",
        started_at=1_700_000_000.0 + began,
        end_s=end_s,
        cause=cause,
    )


class Answer(Struct, frozen=True):
    """What was answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, object]:
        return decode(self.body, type=dict[str, object])

    def rows(self, name: str) -> list[dict[str, object]]:
        return convert(self.json()[name], list[dict[str, object]])


class Call:
    """One request to the application, whose answer is taken piece by piece."""

    def __init__(
        self, rig: "Rig", path: str, method: str, headers: Mapping[str, str], body: bytes = b""
    ) -> None:
        self._body = body
        path, _, query = path.partition("?")
        self._scope: dict[str, object] = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 50_000),
            "server": ("127.0.0.1", 8101),
        }
        self._sent: asyncio.Queue[MutableMapping[str, object]] = asyncio.Queue()
        self._left = asyncio.Event()
        self._asked = False
        self.running = asyncio.ensure_future(rig.app(self._scope, self._receive, self._sent.put))

    async def _receive(self) -> MutableMapping[str, object]:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": self._body, "more_body": False}
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def head(self) -> Answer:
        message = await self._sent.get()
        status = convert(message["status"], int)
        headers = convert(message["headers"], list[tuple[bytes, bytes]])
        return Answer(status, {name.decode(): value.decode() for name, value in headers}, b"")

    async def piece(self) -> bytes:
        body = (await self._sent.get()).get("body", b"")
        assert isinstance(body, bytes)
        return body

    async def events(self) -> list[tuple[str, str, dict[str, object]]]:
        """Return id, name and data of the events of the next piece."""
        events: list[tuple[str, str, dict[str, object]]] = []
        for event in (await self.piece()).decode().strip().split("\n\n"):
            fields = dict(line.split(": ", 1) for line in event.split("\n"))
            events.append((fields["id"], fields["event"], decode(fields["data"])))
        return events

    async def leave(self) -> None:
        self._left.set()
        await self.running


class Rig:
    """The parts behind the admin listener."""

    def __init__(self, folder: Path) -> None:
        self.live = Live()
        self.clock = VirtualClock(unix=NOW)
        self.store = SqliteStore(folder / "records.db", commit_s=0.001)
        self.hub = Hub(
            snapshot(),
            store=self.store,
            live=self.live,
            clock=self.clock,
            jitter=lambda: 0.0,
            log=structlog.get_logger(),
        )
        self.feed = Feed(self.live, epoch="e", hello=lambda reset: Hello(reset, "1.2.3", "one"))
        self.orders = Orders(
            self.hub,
            store=self.store,
            live=self.live,
            settings=lambda: snapshot().health.breaker,
            clock=self.clock,
            boot="keeper-1",
        )
        api = Admin(
            hub=self.hub,
            orders=self.orders,
            store=self.store,
            feed=self.feed,
            snapshot=snapshot,
            clock=self.clock,
            version="1.2.3",
        )
        self.app = api.app(KEY)
        self._stored = 0

    async def happen(self, *records: Record) -> None:
        """Let records be stored and counted, and standings be known."""
        entries = [write_entry(record) for record in records]
        await self.store.append("w", self._stored + 1, [entry.row for entry in entries])
        self._stored += len(entries)
        for entry in entries:
            match entry:
                case AttemptEntry():
                    self.hub.figures.count([entry])
                case TransitionEntry():
                    self.hub.board.learn(entry.transition)

    def call(self, path: str, headers: Mapping[str, str], method: str = "GET") -> Call:
        return Call(self, path, method, headers)

    async def get(
        self, path: str, *, key: str = KEY, host: str = "localhost:8101", method: str = "GET"
    ) -> Answer:
        """Ask below the API's root, or at another path if it begins with a slash."""
        path = path if path.startswith("/") else f"{ROOT}/{path}"
        headers = {"host": host, "authorization": f"Bearer {key}"}
        call = self.call(path, headers, method)
        head, body = await call.head(), await call.piece()
        await call.leave()
        return Answer(head.status, head.headers, body)

    async def post(self, path: str, body: bytes = b"") -> Answer:
        """Have something done below the API's root."""
        headers = {"host": "localhost:8101", "authorization": f"Bearer {KEY}"}
        call = Call(self, f"{ROOT}/{path}", "POST", headers, body)
        head, answer = await call.head(), await call.piece()
        await call.leave()
        return Answer(head.status, head.headers, answer)

    def watch(self, last_id: str = "") -> Call:
        headers = {"host": "localhost", "authorization": f"Bearer {KEY}"}
        if last_id:
            headers["last-event-id"] = last_id
        return self.call(f"{ROOT}/stream", headers)


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    rig = Rig(tmp_path)
    yield rig
    await rig.store.close()

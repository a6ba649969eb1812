"""The admin listener's application, called without a server."""

import asyncio
from collections.abc import AsyncIterator, Mapping, MutableMapping
from pathlib import Path

import pytest
import structlog
from msgspec import Struct, convert
from msgspec.json import decode

from hotswap.clock import SystemClock
from hotswap.config.snapshot import Snapshot
from hotswap.core.terms import Chain, Credential, Endpoint, Needs, Provider, Target
from hotswap.keeper.api import Admin
from hotswap.keeper.feed import CAP, Feed, Hello
from hotswap.keeper.hub import Hub
from hotswap.keeper.views import TargetView
from hotswap.ledger.live import Live
from hotswap.ledger.record import AttemptRecord, Record, Transition
from hotswap.ledger.rows import write_rows
from hotswap.store.sqlite import SqliteStore

ROOT = "/admin/api/v1"
KEY = "hs-admin-of-the-tests"


def snapshot() -> Snapshot:
    """One chain of two targets."""
    chain = Chain(
        "chat", (Target("a/x", "a", "x"), Target("b/y", "b", "y", priority=2)), aliases=("gpt",)
    )
    alone = Chain("a/x", (Target("a/x", "a", "x"),))
    endpoint = Endpoint("127.0.0.1", 9, tls=False)
    providers = {
        name: Provider(name, "openai", endpoint, "/v1", (Credential("main", "secret-" + name),))
        for name in "ab"
    }
    return Snapshot("one", {"chat": chain, "gpt": chain, "a/x": alone}, providers)


def attempt(request_id: str, *, target: str = "a/x") -> AttemptRecord:
    return AttemptRecord(
        request_id=request_id,
        number=1,
        final=True,
        answered=True,
        chain="chat",
        config="one",
        caller="",
        dialect="openai",
        route="chat",
        streamed=False,
        needs=Needs(),
        target=target,
        credential="main",
        started_at=1_700_000_000.0,
        end_s=float(request_id[1:]),
    )


OPENED = Transition(
    1_700_000_000.0, "a/x", "", "closed", "open", "failures", until=1_700_000_005.0, level=1
)
REFUSED = Transition(1_700_000_001.0, "a", "main", "closed", "open", "auth")


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

    def __init__(self, rig: "Rig", path: str, method: str, headers: Mapping[str, str]) -> None:
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
            return {"type": "http.request", "body": b"", "more_body": False}
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
        self.store = SqliteStore(folder / "records.db", commit_s=0.001)
        self.hub = Hub(
            snapshot(),
            store=self.store,
            live=self.live,
            clock=SystemClock(),
            jitter=lambda: 0.0,
            log=structlog.get_logger(),
        )
        self.feed = Feed(self.live, epoch="e", hello=lambda reset: Hello(reset, "1.2.3", "one"))
        api = Admin(
            hub=self.hub, store=self.store, feed=self.feed, snapshot=snapshot, version="1.2.3"
        )
        self.app = api.app(KEY)
        self._stored = 0

    async def happen(self, *records: Record) -> None:
        """Let records be stored, and standings be known."""
        await self.store.append("w", self._stored + 1, write_rows(records))
        self._stored += len(records)
        for record in records:
            if isinstance(record, Transition):
                self.hub.board.learn(record)

    def call(self, path: str, headers: Mapping[str, str], method: str = "GET") -> Call:
        return Call(self, path, method, headers)

    async def get(
        self, path: str, *, key: str = KEY, host: str = "localhost:8101", method: str = "GET"
    ) -> Answer:
        headers = {"host": host, "authorization": f"Bearer {key}"}
        call = self.call(path, headers, method)
        head, body = await call.head(), await call.piece()
        await call.leave()
        return Answer(head.status, head.headers, body)

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


async def test_requests_come_newest_first_and_with_every_field(rig: Rig) -> None:
    await rig.happen(attempt("r1"), attempt("r3"), attempt("r2"))
    answer = await rig.get(f"{ROOT}/requests")
    requests = answer.rows("requests")

    assert [request["request_id"] for request in requests] == ["r3", "r2", "r1"]
    assert requests[0]["cause"] == ""
    assert convert(requests[0]["needs"], Needs) == Needs()
    assert answer.json()["next"] is None


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("limit=1", ["r3"]),
        ("target=b/y", ["r2"]),
        ("chain=nope", []),
        ("request_id=r1", ["r1"]),
        ("since=1700000002.5", ["r3"]),
    ],
)
async def test_a_query_restricts_the_requests(rig: Rig, query: str, found: list[str]) -> None:
    await rig.happen(attempt("r1"), attempt("r2", target="b/y"), attempt("r3"))
    requests = (await rig.get(f"{ROOT}/requests?{query}")).rows("requests")

    assert [request["request_id"] for request in requests] == found


async def test_the_next_page_begins_where_the_last_one_ended(rig: Rig) -> None:
    await rig.happen(attempt("r1"), attempt("r2"), attempt("r3"))
    first = (await rig.get(f"{ROOT}/requests?limit=2")).json()
    second = await rig.get(f"{ROOT}/requests?limit=2&after={first['next']}")
    requests = second.rows("requests")

    assert [request["request_id"] for request in requests] == ["r1"]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "limit=x", "since=soon", "after=-1", f"after={1 << 63}"]
)
async def test_a_query_that_makes_no_sense_is_refused(rig: Rig, query: str) -> None:
    answer = await rig.get(f"{ROOT}/requests?{query}")

    assert answer.status == 400
    assert "bad_query" in str(answer.json())


async def test_transitions_come_newest_first(rig: Rig) -> None:
    await rig.happen(OPENED, REFUSED)
    transitions = (await rig.get(f"{ROOT}/transitions")).rows("transitions")

    assert [t["reason"] for t in transitions] == ["auth", "failures"]
    assert transitions[1]["until"] == 1_700_000_005.0


async def test_targets_show_their_standing_and_that_of_their_keys(rig: Rig) -> None:
    await rig.happen(OPENED, REFUSED)
    answer = await rig.get(f"{ROOT}/targets")
    first, second = convert(answer.json()["targets"], list[TargetView])

    assert (first.id, first.chains) == ("a/x", ("chat",))
    assert (first.standing.state, first.standing.reason) == ("open", "failures")
    assert first.standing.until == 1_700_000_005.0
    assert first.credentials["main"].reason == "auth"
    assert (second.id, second.standing.state) == ("b/y", "closed")
    assert second.credentials == {}


async def test_chains_are_shown_once_under_their_own_names(rig: Rig) -> None:
    await rig.happen(OPENED)
    chains = (await rig.get(f"{ROOT}/chains")).rows("chains")

    assert chains == [
        {
            "name": "chat",
            "aliases": ["gpt"],
            "targets": [
                {"id": "a/x", "priority": 1, "weight": 1.0, "state": "open", "overlay": ""},
                {"id": "b/y", "priority": 2, "weight": 1.0, "state": "closed", "overlay": ""},
            ],
        }
    ]


async def test_health_says_what_is_wrong(rig: Rig) -> None:
    health = (await rig.get(f"{ROOT}/health")).json()

    assert (health["status"], health["workers"]) == ("degraded", [])
    assert (health["store"], health["digest"], health["version"]) == ("ok", "one", "1.2.3")


async def test_what_is_not_there_is_said_in_json(rig: Rig) -> None:
    missing = await rig.get("/")
    wrong = await rig.get(f"{ROOT}/chains", method="POST")

    assert (missing.status, missing.headers["content-type"]) == (404, "application/json")
    assert (wrong.status, wrong.headers["content-type"]) == (405, "application/json")


async def test_no_secret_is_shown(rig: Rig) -> None:
    for name in ("chains", "targets", "health"):
        assert "secret-" not in str((await rig.get(f"{ROOT}/{name}")).json())


async def test_a_stream_begins_with_hello_and_goes_on_with_what_happens(rig: Rig) -> None:
    rig.live.publish("attempt", attempt("r1"))
    call = rig.watch()
    head = await call.head()
    hello = await call.events()
    rig.live.publish("attempt", attempt("r2"))
    rig.live.publish("transition", OPENED)
    first, second = await call.events()
    await call.leave()

    assert head.headers["content-type"].startswith("text/event-stream")
    assert hello == [("e-1", "hello", {"reset": True, "version": "1.2.3", "digest": "one"})]
    assert (first[0], first[1], first[2]["request_id"]) == ("e-2", "attempt", "r2")
    assert (second[0], second[1], second[2]["reason"]) == ("e-3", "transition", "failures")
    assert rig.feed.streams == 0


async def test_a_stream_resumes_after_the_last_event_seen(rig: Rig) -> None:
    for name in ("r1", "r2", "r3"):
        rig.live.publish("attempt", attempt(name))
    call = rig.watch("e-1")
    await call.head()
    hello = await call.events()
    missed = await call.events()
    await call.leave()

    assert hello[0][2]["reset"] is False
    assert [event[2]["request_id"] for event in missed] == ["r2", "r3"]


async def test_streams_beyond_the_cap_are_sent_away(rig: Rig) -> None:
    feeds = [rig.feed.stream("") for _ in range(CAP)]
    for feed in feeds:
        await anext(feed)
    answer = await rig.get(f"{ROOT}/stream")
    for feed in feeds:
        await feed.aclose()

    assert answer.status == 503
    assert answer.headers["retry-after"] == "5"
    assert not rig.feed.full


async def test_streams_end_when_the_keeper_does(rig: Rig) -> None:
    call = rig.watch()
    await call.head()
    await call.piece()
    rig.live.close()

    await call.running

"""A whole keeper in the test's own loop: real sockets, real store, a scripted configuration."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import structlog
from msgspec import convert
from msgspec.msgpack import Decoder
from structlog.testing import CapturingLogger

from hotswap.clock import SystemClock
from hotswap.config.outcome import Loaded, Outcome
from hotswap.config.snapshot import Snapshot
from hotswap.core.terms import Chain, Credential, Endpoint, Provider, Target
from hotswap.keeper.keeper import Keeper
from hotswap.keeper.pictures import TargetView
from hotswap.keeper.reload import Source
from hotswap.ledger.link import (
    Ack,
    Apply,
    Batch,
    Changed,
    Down,
    Hello,
    Told,
    Up,
    down_frames,
    write_frame,
)
from hotswap.ledger.record import Record, Transition
from hotswap.ledger.rows import write_entry
from hotswap.stopping import Stop
from hotswap.store.sqlite import SqliteStore

pytestmark = pytest.mark.slow

KEY = "hs-admin-of-the-tests"
OPENED = Transition(1_700_000_000.0, "a/x", "", "closed", "open", "failures")
DUE = Transition(1_700_000_000.0, "a/x", "", "open", "half_open", "due")


def snapshot(digest: str = "one") -> Snapshot:
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
    return Snapshot(digest, {"chat": chain, "gpt": chain, "a/x": alone}, providers)


class Worker:
    """A worker's end of the link, by hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer
        self._frames = down_frames()
        self._sent = 0

    async def hear(self) -> Down:
        """Return the next message."""
        head = await self._reader.readexactly(4)
        body = await self._reader.readexactly(int.from_bytes(head, "big"))
        (message,) = self._frames.feed(head + body)
        assert isinstance(message, Ack | Apply | Changed | Told)
        return message

    def say(self, message: Up) -> None:
        """Send a message."""
        self.writer.write(write_frame(message))

    async def store(self, *records: Record) -> None:
        """Send records and wait until they are acknowledged."""
        self.say(Batch(self._sent + 1, tuple(map(write_entry, records))))
        self._sent += len(records)
        while (message := await self.hear()) != Ack(self._sent):
            assert not isinstance(message, Ack)


class Rig:
    """A running keeper and what it told."""

    def __init__(self, folder: Path) -> None:
        self.outcomes: list[Outcome] = []
        """What the next loads of the configuration end in."""
        self.changed = asyncio.Event()
        """Set it to have the file noticed as changed."""
        self.log = CapturingLogger()
        self.snapshots: list[Snapshot] = []
        self.ready = asyncio.Event()
        self._stopping: asyncio.Future[Stop] = asyncio.get_running_loop().create_future()
        self._link_path = folder / "link"
        self._link = socket.socket(socket.AF_UNIX)
        self._link.bind(str(self._link_path))
        self._link.listen()
        self._admin = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._admin.getsockname()[1]
        self._workers: list[Worker] = []
        self.keeper = Keeper(
            snapshot(),
            Source(self._load, self._changes),
            SqliteStore(folder / "records.db", commit_s=0.001),
            on_snapshot=lambda data: self.snapshots.append(Decoder(Snapshot).decode(data)),
            clock=SystemClock(),
            jitter=lambda: 0.0,
            log=structlog.wrap_logger(
                self.log, wrapper_class=structlog.make_filtering_bound_logger(0), processors=[]
            ),
        )
        self._running = asyncio.ensure_future(
            self.keeper.run(
                self._link, self._admin, KEY, on_ready=self.ready.set, stopping=self._stopping
            )
        )

    async def _load(self) -> Outcome:
        return self.outcomes.pop(0)

    async def _changes(self) -> AsyncIterator[None]:
        while True:
            await self.changed.wait()
            self.changed.clear()
            yield

    async def worker(self, boot: str, *, born_at: float = 0.0) -> Worker:
        """Connect a worker and take its configuration."""
        worker = Worker(*await asyncio.open_unix_connection(self._link_path))
        self._workers.append(worker)
        worker.say(Hello(1, boot, born_at))
        assert isinstance(await worker.hear(), Apply)
        while not isinstance(await worker.hear(), Told):
            pass
        return worker

    async def open(self, path: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Send a request to the admin listener."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(
            f"GET /admin/api/v1/{path} HTTP/1.1\r\nhost: 127.0.0.1:{self.port}\r\n"
            f"authorization: Bearer {KEY}\r\nconnection: close\r\n\r\n".encode()
        )
        return reader, writer

    async def get(self, path: str) -> dict[str, object]:
        """Return the object that the admin listener answered with."""
        reader, writer = await self.open(path)
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"\r\nserver:" not in head.lower()
        found: dict[str, object] = json.loads(body)
        return found

    async def close(self) -> None:
        """Stop the keeper."""
        if not self._stopping.done():
            self._stopping.set_result(Stop.REPLACED)
        await self._running
        for worker in self._workers:
            worker.writer.close()


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    rig = Rig(tmp_path)
    await rig.ready.wait()
    yield rig
    await rig.close()


async def test_what_a_worker_records_is_seen_through_the_admin_listener(rig: Rig) -> None:
    worker = await rig.worker("w")
    await worker.store(OPENED)
    shown = (await rig.get("transitions"))["transitions"]
    health = await rig.get("health")

    assert convert(shown, list[Transition]) == [OPENED]
    assert (health["status"], health["digest"]) == ("ok", "one")


async def test_a_stream_shows_records_and_the_pulse(rig: Rig) -> None:
    worker = await rig.worker("w")
    reader, writer = await rig.open("stream")
    await reader.readuntil(b"event: hello")
    await worker.store(OPENED)
    await reader.readuntil(b"event: transition")
    await reader.readuntil(b"event: tick")
    pulse = await reader.readuntil(b"\n\n")
    writer.close()

    assert b'"workers":1' in pulse


async def test_a_change_of_the_file_reaches_workers_supervisor_and_watchers(rig: Rig) -> None:
    worker = await rig.worker("w")
    rig.outcomes.append(Loaded(snapshot("two")))
    rig.changed.set()
    applied = await worker.hear()

    assert isinstance(applied, Apply)
    assert applied.snapshot.digest == "two"
    assert [one.digest for one in rig.snapshots] == ["two"]
    assert (await rig.get("health"))["digest"] == "two"


async def test_open_streams_do_not_hold_up_the_end(rig: Rig) -> None:
    reader, writer = await rig.open("stream")
    await reader.readuntil(b"event: hello")
    async with asyncio.timeout(3):
        await rig.close()
    await reader.read()
    writer.close()


@pytest.mark.parametrize(
    ("last", "born_at", "state"),
    [
        (OPENED, OPENED.at - 1.0, "open"),
        (OPENED, OPENED.at + 1.0, "open"),
        (DUE, DUE.at - 1.0, "half_open"),
        (DUE, DUE.at + 1.0, "closed"),
    ],
)
async def test_a_new_keeper_shows_what_its_workers_know(
    rig: Rig, tmp_path: Path, last: Transition, born_at: float, state: str
) -> None:
    """An opening outlives everybody, since new workers are told; what is due dies with them."""
    await (await rig.worker("w")).store(last)
    await rig.close()
    (tmp_path / "link").unlink()
    second = Rig(tmp_path)
    await second.ready.wait()

    async def shown() -> str:
        targets = convert((await second.get("targets"))["targets"], list[TargetView])
        return targets[0].standing.state

    async with asyncio.timeout(5):
        while await shown() != last.after:
            pass
    await second.worker("w", born_at=born_at)

    assert await shown() == state
    await second.close()

"""The real two ends of the link, on a unix socket, with a real store behind them."""

import asyncio
import random
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import pytest
import structlog
from structlog.testing import CapturingLogger

from hotswap.clock import SystemClock
from hotswap.config.snapshot import Snapshot
from hotswap.core.latency import Figures
from hotswap.core.terms import Needs
from hotswap.keeper.hub import Hub
from hotswap.ledger.link import Batch, Hello, Measured, write_frame
from hotswap.ledger.live import Live
from hotswap.ledger.question import Question
from hotswap.ledger.record import Transition
from hotswap.ledger.rows import read_transition, write_entry
from hotswap.ledger.uplink import Load, Uplink
from hotswap.store.sqlite import SqliteStore


def opened(name: str, at: float = 1.0, until: float | None = None) -> Transition:
    return Transition(at, name, "", "closed", "open", "failures", until=until)


def measured(in_flight: int) -> Figures:
    return Figures(
        streamed=None,
        whole=None,
        gap_p95_s=None,
        total_p95_s=None,
        peak_s=None,
        in_flight=in_flight,
        attempts=10,
        failed_share=None,
        first_content_limit_s=10.0,
        whole_limit_s=300.0,
        silence_limit_s=30.0,
    )


async def until(holds: Callable[[], bool]) -> None:
    """Give the loop turns until `holds`; the test's own time limit is the bound."""
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - what is awaited lies in several places
            await asyncio.sleep(0.001)


async def cut_off(reader: asyncio.StreamReader) -> None:
    """Wait until the other end has closed the connection."""
    with suppress(ConnectionResetError):
        await reader.read()


class Worker:
    """One worker's end, and what came down to it."""

    def __init__(self, path: Path, boot: str) -> None:
        self.measured = Measured()
        self.asked: list[Question] = []
        self.heard: list[str] = []
        self.heard_at: list[float] = []
        self.digests: list[str] = []
        self.uplink = Uplink(
            str(path),
            worker=1,
            boot=boot,
            on_changed=self._on_changed,
            on_apply=lambda snapshot: self.digests.append(snapshot.digest),
            load=lambda: Load(3, 5),
            measure=lambda: self.measured,
            explain=self._explain,
            jitter=lambda: 0.0,
        )
        self.running = asyncio.ensure_future(self.uplink.run())

    def _on_changed(self, transition: Transition) -> None:
        self.heard.append(transition.target)
        self.heard_at.append(asyncio.get_running_loop().time())

    def _explain(self, question: Question) -> bytes:
        self.asked.append(question)
        return b'{"order":["x/1"]}'

    async def ask(self, key: str, ttl_s: float = 10.0) -> bool:
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.uplink.ask(key, ttl_s, answer.set_result)
        return await answer

    async def close(self) -> None:
        self.running.cancel()
        await asyncio.gather(self.running, return_exceptions=True)


class Site:
    """A keeper's hub that can die and come back on the same listening socket, and its workers."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "link"
        self.database = folder / "records.db"
        self.log = CapturingLogger()
        self.live = Live()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.path))
        self._listener.listen()
        self._workers: list[Worker] = []
        self.hub: Hub
        self.store: SqliteStore

    async def begin(self, digest: str = "one", *, restored: bool = True) -> None:
        self.store = SqliteStore(self.database, commit_s=0.001)
        self.hub = Hub(
            Snapshot(digest=digest, chains={}, providers={}),
            store=self.store,
            live=self.live,
            clock=SystemClock(),
            jitter=lambda: 0.0,
            log=structlog.wrap_logger(
                self.log, wrapper_class=structlog.make_filtering_bound_logger(0), processors=[]
            ),
        )
        if restored:
            self.hub.restore(())
        await self.hub.listen(self._listener.dup())

    async def end(self) -> None:
        await self.hub.close(0.0)
        await self.store.close()

    def worker(self, boot: str) -> Worker:
        worker = Worker(self.path, boot)
        self._workers.append(worker)
        return worker

    async def connected(self, *boots: str) -> list[Worker]:
        workers = [self.worker(boot) for boot in boots]
        await until(lambda: all(worker.digests for worker in workers))
        return workers

    async def stored(self) -> list[str]:
        page = await self.store.transitions(None, 100_000)
        return [read_transition(body).target for body in reversed(page.bodies)]

    async def close(self) -> None:
        for worker in self._workers:
            await worker.close()
        await self.end()
        self._listener.close()


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    site = Site(tmp_path)
    await site.begin()
    yield site
    await site.close()


async def test_a_record_is_stored_and_then_forgotten_by_the_worker(site: Site) -> None:
    (worker,) = await site.connected("a")
    worker.uplink.record(opened("x/1"))

    assert worker.uplink.owed == 1
    assert await worker.uplink.drain(5.0)
    assert worker.uplink.owed == 0
    assert await site.stored() == ["x/1"]


async def test_a_worker_gets_the_configuration_when_it_connects_and_when_it_changes(
    site: Site,
) -> None:
    (worker,) = await site.connected("a")
    site.hub.apply(Snapshot(digest="two", chains={}, providers={}))
    await until(lambda: len(worker.digests) == 2)
    (late,) = await site.connected("b")

    assert worker.digests == ["one", "two"]
    assert late.digests == ["two"]


async def test_a_change_reaches_the_others_and_not_its_sender(site: Site) -> None:
    first, second, third = await site.connected("a", "b", "c")
    change = opened("x/1")
    first.uplink.record(change)
    first.uplink.changed(change)
    await until(lambda: bool(second.heard and third.heard))
    await first.uplink.drain(5.0)

    assert (first.heard, second.heard, third.heard) == ([], ["x/1"], ["x/1"])
    assert await site.stored() == ["x/1"]
    assert site.hub.board.of("x/1").state == "open"


async def test_a_change_whose_message_was_lost_is_told_by_its_record(site: Site) -> None:
    first, second = await site.connected("a", "b")
    first.uplink.record(opened("x/1"))
    await until(lambda: bool(second.heard))

    assert second.heard == ["x/1"]


async def test_a_new_worker_learns_what_is_open_now(site: Site) -> None:
    (first,) = await site.connected("a")
    now = SystemClock().unix()
    for change in (opened("x/long", now, now + 60), opened("x/over", now, now - 1)):
        first.uplink.changed(change)
    await until(lambda: site.hub.board.of("x/over").state == "open")
    (second,) = await site.connected("b")
    await until(lambda: bool(second.heard))

    assert second.heard == ["x/long"]


async def test_a_new_worker_waits_until_the_past_is_known(site: Site) -> None:
    await site.end()
    await site.begin(restored=False)
    (worker,) = await site.connected("a")
    waiting = asyncio.ensure_future(worker.uplink.told(10.0))
    assert worker.heard == []
    now = SystemClock().unix()

    site.hub.restore([opened("x/long", now, now + 60), opened("x/over", now, now - 1)])
    await waiting

    assert worker.heard == ["x/long"]


async def test_nobody_waits_long_for_a_keeper_that_says_nothing(site: Site) -> None:
    await site.end()  # the socket still listens: connections wait in its queue
    worker = site.worker("a")
    began_at = asyncio.get_running_loop().time()

    await worker.uplink.told(0.05)

    assert 0.04 < asyncio.get_running_loop().time() - began_at < 1.0
    await site.begin()


async def test_nobody_waits_where_there_is_no_keeper_at_all(site: Site) -> None:
    site.path.unlink()

    await site.worker("a").uplink.told(10.0)  # the test's own limit is the bound


async def test_an_order_reaches_every_worker(site: Site) -> None:
    first, second = await site.connected("a", "b")

    site.hub.order(Transition(1.0, "x/1", "", "closed", "drained", "operator"))
    await until(lambda: bool(first.heard and second.heard))

    assert (first.heard, second.heard) == (["x/1"], ["x/1"])
    assert site.hub.board.of("x/1").state == "drained"


async def test_a_worker_says_what_it_would_do_with_a_request(site: Site) -> None:
    (worker,) = await site.connected("a")
    question = Question("chat", Needs(tools=True), streamed=True, order=("x/1",))

    assert await site.hub.explain(question) == b'{"order":["x/1"]}'
    assert worker.asked == [question]


async def test_a_worker_that_hangs_is_left_for_the_next_one(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hotswap.keeper.questions.PATIENCE_S", 0.05)
    _, mute = await asyncio.open_unix_connection(str(site.path))
    mute.write(write_frame(Hello(9, "mute", 1.0)))
    await until(lambda: len(site.hub.links) == 1)
    (worker,) = await site.connected("a")

    assert await site.hub.explain(Question("chat")) == b'{"order":["x/1"]}'
    assert worker.asked == [Question("chat")]
    mute.close()


async def test_a_worker_that_leaves_takes_its_figures_along(site: Site) -> None:
    first, second = await site.connected("a", "b")
    first.measured = Measured({"x/1": measured(2)})
    second.measured = Measured({"x/1": measured(3)})
    await until(lambda: (found := site.hub.measures.of("x/1")) is not None and found.in_flight == 5)

    await second.close()
    await until(lambda: (found := site.hub.measures.of("x/1")) is not None and found.in_flight == 2)


async def test_one_worker_at_a_time_gets_a_lease(site: Site) -> None:
    first, second = await site.connected("a", "b")

    assert await first.ask("x/1")
    assert not await second.ask("x/1")
    assert await first.ask("x/1")
    assert await second.ask("x/2")


async def test_a_lease_ends_by_itself(site: Site) -> None:
    first, second = await site.connected("a", "b")

    assert await first.ask("x/1", ttl_s=0.0)
    assert await second.ask("x/1")


async def test_the_keeper_knows_what_its_workers_are_busy_with(site: Site) -> None:
    await site.connected("a", "b")
    await until(lambda: site.hub.pulse().in_flight == 6)

    assert (site.hub.pulse().workers, site.hub.pulse().connections) == (2, 10)


async def test_a_worker_that_talks_nonsense_is_cut_off_and_the_others_go_on(site: Site) -> None:
    (worker,) = await site.connected("a")
    reader, writer = await asyncio.open_unix_connection(site.path)
    writer.write(write_frame(Hello(7, "mad")))
    await reader.readexactly(4)  # the configuration begins: the keeper knows it
    writer.write(b"\x00\x00\x00\x01\xc1")

    await cut_off(reader)
    writer.close()
    worker.uplink.record(opened("x/1"))
    assert await worker.uplink.drain(5.0)
    assert [call.kwargs["worker"] for call in site.log.calls] == [7]


async def test_a_worker_that_ignores_the_window_is_cut_off(site: Site) -> None:
    reader, writer = await asyncio.open_unix_connection(site.path)
    entries = tuple(write_entry(opened(str(at))) for at in range(2_001))
    writer.write(write_frame(Hello(7, "greedy")) + write_frame(Batch(1, entries)))

    await cut_off(reader)
    writer.close()
    assert await site.stored() == []


async def test_nothing_is_taken_from_who_does_not_say_hello(site: Site) -> None:
    reader, writer = await asyncio.open_unix_connection(site.path)
    writer.write(write_frame(Batch(1, (write_entry(opened("x/1")),))))

    await cut_off(reader)
    writer.close()
    assert await site.stored() == []


async def test_records_wait_for_a_keeper_that_is_away(site: Site) -> None:
    (worker,) = await site.connected("a")
    await site.end()
    for at in range(3_000):
        worker.uplink.record(opened(f"x/{at}"))
    await site.begin("back")
    await until(lambda: worker.digests[-1] == "back")

    assert await worker.uplink.drain(10.0)
    assert await site.stored() == [f"x/{at}" for at in range(3_000)]


async def test_without_an_answer_a_worker_grants_itself_the_lease(site: Site) -> None:
    (worker,) = await site.connected("a")
    await site.end()  # the socket still listens: connections wait in its queue

    assert await worker.ask("x/1")
    await site.begin()


async def test_a_failing_store_delays_records_and_loses_none(site: Site, tmp_path: Path) -> None:
    await site.end()
    site.database.unlink(missing_ok=True)
    site.database.mkdir()
    await site.begin()
    (worker,) = await site.connected("a")
    worker.uplink.record(opened("x/1"))
    await until(lambda: site.hub.store_problem != "")

    assert worker.uplink.owed == 1
    assert site.hub.pulse().unstored == 1
    site.database.rmdir()
    assert await worker.uplink.drain(10.0)
    assert await site.stored() == ["x/1"]
    assert site.hub.store_problem == ""
    assert [call.method_name for call in site.log.calls] == ["error", "info"]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
async def test_cutting_the_link_at_any_time_loses_nothing_and_doubles_nothing(
    site: Site, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - a schedule, no secret
    workers = await site.connected("a", "b")
    for at in range(400):
        chance.choice(workers).uplink.record(opened(f"x/{at}", float(at)))
        match chance.randrange(12):
            case 0:
                for link in site.hub.links:
                    link.cut("")
            case 1 if at % 4 == 0:
                await site.end()
                await site.begin()
            case 2 | 3 | 4:
                await asyncio.sleep(chance.random() * 0.01)
            case _:
                pass
    for worker in workers:
        assert await worker.uplink.drain(10.0)

    assert sorted(await site.stored()) == sorted(f"x/{at}" for at in range(400))


@pytest.mark.slow
async def test_a_change_is_known_to_other_workers_within_20_ms(site: Site) -> None:
    first, second = await site.connected("a", "b")
    delays: list[float] = []
    for at in range(50):
        began_at = asyncio.get_running_loop().time()
        first.uplink.changed(opened(f"x/{at}", float(at)))
        await until(lambda: len(second.heard) > at)  # noqa: B023 - awaited within the turn
        delays.append(second.heard_at[-1] - began_at)

    assert sorted(delays)[45] < 0.02


@pytest.mark.slow
async def test_recording_costs_the_line_about_a_microsecond(site: Site) -> None:
    (worker,) = await site.connected("a")
    record, add = opened("x/1"), worker.uplink.record
    costs: list[float] = []
    for _ in range(5):
        began = time.perf_counter()
        for _ in range(2_000):
            add(record)
        costs.append((time.perf_counter() - began) / 2_000)
        await worker.uplink.drain(10.0)

    assert min(costs) < 3e-6

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from hotswap.ledger.link import Ask, Batch, Hello, Lease, Measured, Up, up_frames, write_frame
from hotswap.ledger.record import Transition
from hotswap.ledger.rows import write_entry
from hotswap.ledger.uplink import Load, Uplink


def opened(name: str) -> Transition:
    return Transition(1.0, name, "", "closed", "open", "failures")


def uplink_to(path: Path, limit: int = 100) -> Uplink:
    return Uplink(
        str(path),
        worker=1,
        boot="b",
        on_changed=lambda _: None,
        on_apply=lambda _: None,
        load=lambda: Load(0, 0),
        measure=Measured,
        explain=lambda question: b"{}",
        jitter=lambda: 0.0,
        limit=limit,
    )


class Asked:
    """Collects the answers to lease requests."""

    def __init__(self) -> None:
        self.answers: asyncio.Queue[bool] = asyncio.Queue()

    async def of(self, uplink: Uplink, key: str = "a/x") -> bool:
        uplink.ask(key, 10.0, self.answers.put_nowait)
        return await self.answers.get()


class Listener:
    """The keeper's socket in the test's own hands."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lives: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = (
            asyncio.Queue()
        )
        self._server: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []

    async def listen(self) -> None:
        self._server = await asyncio.start_unix_server(self._on_life, self.path)

    async def _on_life(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        await self.lives.put((reader, writer))

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in self._writers:
            writer.transport.abort()
            with suppress(OSError):
                await writer.wait_closed()


async def hear(reader: asyncio.StreamReader) -> Up:
    head = await reader.readexactly(4)
    (message,) = up_frames().feed(head + await reader.readexactly(int.from_bytes(head, "big")))
    assert isinstance(message, Hello | Batch | Ask)
    return message


@pytest.fixture
async def listener(tmp_path: Path) -> AsyncIterator[Listener]:
    listener = Listener(tmp_path / "link")
    await listener.listen()
    yield listener
    await listener.close()


@pytest.fixture
async def uplink(tmp_path: Path) -> AsyncIterator[Uplink]:
    uplink = uplink_to(tmp_path / "link")
    running = asyncio.ensure_future(uplink.run())
    yield uplink
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_lease_is_granted_where_no_keeper_is(tmp_path: Path) -> None:
    uplink = uplink_to(tmp_path / "link")

    assert await Asked().of(uplink)


async def test_an_answer_never_comes_from_within_the_question(tmp_path: Path) -> None:
    uplink, answers = uplink_to(tmp_path / "link"), list[bool]()
    uplink.ask("a/x", 10.0, answers.append)

    assert answers == []
    await asyncio.sleep(0)
    assert answers == [True]


async def test_changes_and_records_are_taken_where_no_keeper_is(tmp_path: Path) -> None:
    uplink = uplink_to(tmp_path / "link", limit=2)
    uplink.changed(opened("a/x"))
    for name in ("a/1", "a/2", "a/3"):
        uplink.record(opened(name))

    assert (uplink.owed, uplink.dropped, uplink.connected) == (2, 1, False)
    assert not await uplink.drain(0.0)


async def test_nothing_owed_is_drained_at_once(tmp_path: Path) -> None:
    assert await uplink_to(tmp_path / "link").drain(0.0)


async def test_a_worker_says_who_it_is_and_sends_what_it_owes(
    listener: Listener, uplink: Uplink
) -> None:
    uplink.record(opened("a/x"))
    reader, _ = await listener.lives.get()

    assert await hear(reader) == Hello(1, "b")
    assert await hear(reader) == Batch(1, (write_entry(opened("a/x")),))


async def test_after_a_cut_the_worker_comes_back_and_sends_again(
    listener: Listener, uplink: Uplink
) -> None:
    uplink.record(opened("a/x"))
    reader, writer = await listener.lives.get()
    await hear(reader)
    await hear(reader)
    writer.transport.abort()
    reader, _ = await listener.lives.get()

    assert await hear(reader) == Hello(1, "b")
    assert await hear(reader) == Batch(1, (write_entry(opened("a/x")),))


async def test_a_keeper_that_talks_nonsense_is_left_and_tried_again(
    listener: Listener, uplink: Uplink
) -> None:
    _, writer = await listener.lives.get()
    writer.write(write_frame(Hello(1, "me too")))
    _, writer = await listener.lives.get()
    writer.write(b"\x00\x00\x00\x01\xc1")
    reader, _ = await listener.lives.get()

    assert await hear(reader) == Hello(1, "b")


async def test_a_keeper_that_does_not_answer_grants(listener: Listener, uplink: Uplink) -> None:
    await listener.lives.get()

    assert uplink.connected
    assert await Asked().of(uplink)


async def test_a_cut_connection_grants_what_was_asked(listener: Listener, uplink: Uplink) -> None:
    reader, writer = await listener.lives.get()
    asked = asyncio.ensure_future(Asked().of(uplink))
    await hear(reader)
    await hear(reader)
    writer.transport.abort()

    assert await asked


async def test_one_question_at_a_time_per_key(listener: Listener, uplink: Uplink) -> None:
    reader, writer = await listener.lives.get()
    first, second = Asked(), Asked()
    asked = asyncio.ensure_future(first.of(uplink))
    await hear(reader)

    assert await hear(reader) == Ask("a/x", 10.0)
    assert not await second.of(uplink)
    writer.write(write_frame(Lease("a/x", granted=True)))
    assert await asked


async def test_a_refused_lease_is_refused(listener: Listener, uplink: Uplink) -> None:
    _, writer = await listener.lives.get()
    asked = asyncio.ensure_future(Asked().of(uplink))
    await asyncio.sleep(0)
    writer.write(write_frame(Lease("a/x", granted=False)))

    assert not await asked


async def test_the_worker_waits_for_a_socket_that_is_not_there_yet(
    tmp_path: Path, uplink: Uplink
) -> None:
    uplink.record(opened("a/x"))
    await asyncio.sleep(0)
    with socket.socket(socket.AF_UNIX) as late:
        late.bind(str(tmp_path / "link"))
        late.listen()
        late.settimeout(0.0)
        end, _ = await asyncio.get_running_loop().sock_accept(late)
        end.close()

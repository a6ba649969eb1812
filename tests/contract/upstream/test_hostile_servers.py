"""Servers that want the memory, or leave a connection so that the next request would suffer."""

import asyncio
import gc
from collections.abc import Callable, Generator
from contextlib import suppress
from itertools import repeat
from typing import Final

import pytest
from typing_extensions import override

from hotswap.testing.hostile import allocated_below, kept_below
from hotswap.testing.raw_server import RawServer, Visit
from hotswap.testing.recorder import GET, Asker, Recorder
from hotswap.upstream.api import Fault
from hotswap.upstream.client import HttpClient

OK: Final = b"HTTP/1.1 200 OK\r\n"
EVENTS: Final = OK + b"content-type: text/event-stream\r\n\r\n"
LARGE: Final = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2000000\r\n\r\n" + bytes(2_000_000)


@pytest.fixture
def uncollected() -> Generator[None]:
    """Leave everything to the counting of references, as between two runs of the collector."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


async def flood(visit: Visit, start: bytes, piece: bytes) -> None:
    """Send without end, until the client has had enough."""
    with suppress(ConnectionError):
        await visit.request()
        visit.send(start)
        for again in repeat(piece):
            visit.send(again)
            await visit.writer.drain()
            await asyncio.sleep(0)


class Forgetful(Recorder):
    """Keeps only the size of what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.size = 0

    @override
    def on_body(self, data: bytes) -> None:
        self.size += len(data)
        super().on_body(b"")
        self.parts.clear()


@pytest.mark.parametrize(
    ("start", "piece", "fault"),
    [
        (b"HTTP/1.1 200 ", b"a" * 10_000, Fault.TOO_LARGE),
        (OK + b"x: ", b"a" * 10_000, Fault.TOO_LARGE),
        (OK, b"x: a\r\n" * 1_000, Fault.TOO_LARGE),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100, Fault.TOO_LARGE),
        (b"", b"\r\n" * 1_000, Fault.TOO_LARGE),
        (OK + b"\r\n", b"a" * 60_000, Fault.TOO_LARGE),
        (OK + b"content-length: 99999999\r\n\r\n", b"a" * 60_000, Fault.TOO_LARGE),
        (OK + b"transfer-encoding: chunked\r\n\r\n", b"1\r\na\r\n" * 9_000, Fault.TOO_LARGE),
        (b"", b"\0" * 10_000, Fault.PROTOCOL),
    ],
    ids=[
        "status line",
        "header",
        "headers",
        "1xx",
        "empty lines",
        "body without a length",
        "body with a length",
        "chunks of bytes",
        "zeros",
    ],
)
async def test_a_flood_is_broken_off_at_its_limit(
    server: RawServer,
    make_client: Callable[..., HttpClient],
    start: bytes,
    piece: bytes,
    fault: Fault,
) -> None:
    recorder = Forgetful()
    client = make_client(max_body_bytes=1_000_000)
    with allocated_below(3_000_000):
        client.send(server.endpoint(), GET, recorder, connect_s=5.0)
        await flood(await server.visit(), start, piece)
        broken = await recorder.failure()

    assert broken.fault is fault
    assert recorder.size <= 1_000_000


async def test_an_event_stream_without_end_is_passed_on_in_flat_memory(
    server: RawServer, client: HttpClient
) -> None:
    recorder = Forgetful()
    with allocated_below(3_000_000):
        call = client.send(server.endpoint(), GET, recorder, connect_s=5.0)
        recorder.then = lambda: call.cancel() if recorder.size > 100_000_000 else None
        await flood(await server.visit(), EVENTS, b"data: " + b"a" * 60_000)

    assert recorder.size > 100_000_000


async def test_extensions_and_trailers_without_end_keep_nothing(
    server: RawServer, client: HttpClient
) -> None:
    """What ends them is the silence limit: they are no answer."""
    chunked = OK + b"transfer-encoding: chunked\r\n\r\n"
    for start, piece in ((b"1;", b"a" * 60_000), (b"0\r\n", b"a: b\r\n" * 10_000)):
        recorder = Forgetful()
        call = client.send(server.endpoint(), GET, recorder, connect_s=5.0)
        visit = await server.visit()
        with allocated_below(3_000_000):
            await visit.request()
            visit.send(chunked + start)
            for _ in range(200):
                visit.send(piece)
                await visit.writer.drain()
        call.cancel()
        await visit.gone()

        assert (recorder.over, recorder.size) == (False, 0)


@pytest.mark.usefixtures("uncollected")
@pytest.mark.parametrize(
    "sent",
    [b"", OK + b"x: %b" % bytes(50_000), OK + b"\r\n" + bytes(100_000), b"nonsense\r\n\r\n"],
    ids=["nothing", "head", "body", "nonsense"],
)
async def test_a_broken_connection_is_freed_without_the_collector(
    server: RawServer, client: HttpClient, sent: bytes
) -> None:
    with kept_below(1_000_000):
        for _ in range(10):
            recorder = Forgetful()
            client.send(server.endpoint(), LARGE, recorder, connect_s=5.0)
            visit = await server.visit()
            await visit.request()
            visit.send(sent)
            await visit.writer.drain()
            visit.reset()
            await recorder.end()


@pytest.mark.usefixtures("uncollected")
async def test_a_request_that_found_no_server_is_freed_without_the_collector(
    server: RawServer, client: HttpClient
) -> None:
    endpoint = server.endpoint()
    await server.close()
    with kept_below(1_000_000):
        for _ in range(10):
            recorder = Forgetful()
            client.send(endpoint, GET + bytes(500_000), recorder, connect_s=5.0)
            assert (await recorder.failure()).fault is Fault.REFUSED


@pytest.mark.parametrize(
    ("lines", "rest"),
    [
        (b"HTTP/1.1 204 No Content\r\ncontent-length: 2\r\n", b"no"),
        (b"HTTP/1.1 304 Not Modified\r\ncontent-length: 2\r\n", b"no"),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        ),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n", b""),
        (b"HTTP/1.0 200 OK\r\ncontent-length: 0\r\n", b""),
    ],
    ids=["204 with a body", "304 with a body", "a second answer", "close", "1.0"],
)
async def test_a_connection_in_doubt_serves_nobody(
    server: RawServer, ask: Asker, lines: bytes, rest: bytes
) -> None:
    first, _ = ask(server.endpoint())
    visit = await server.visit()
    await visit.request()
    visit.send(lines + b"\r\n" + rest)
    await first.end()
    await visit.gone()

    second, _ = ask(server.endpoint())
    await (await server.visit()).answer(b"mine")
    await second.end()

    assert (first.ended, second.body) == (True, b"mine")

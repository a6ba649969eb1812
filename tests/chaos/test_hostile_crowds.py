"""Crowds of hostile callers before a whole gateway: the others are served, and nothing is left."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager, suppress
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Final

import pytest

from hotswap.ledger.uplink import Load
from hotswap.testing.gateway import GatewayProcess
from hotswap.testing.hostile import allocated_below, crowd
from hotswap.testing.provider import ScriptedProvider
from hotswap.testing.serving import Serving, chain_of, chat, exchange, serving, written
from hotswap.testing.step import Step

pytestmark = pytest.mark.slow

MIB: Final = 1024 * 1024
POST: Final = b"POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\n"
SLOW: Final = Step(text="one two three four", gap_s=0.01)


@asynccontextmanager
async def gateway_with(step: Step = SLOW, **server: object) -> AsyncGenerator[Serving]:
    async with (
        ScriptedProvider("one", step) as one,
        serving(chain_of(one, server=server)) as gateway,
    ):
        yield gateway


async def serves_others(gateway: Serving, while_: Awaitable[object]) -> int:
    """Ask again and again until something is over; return how many were answered: all of them."""
    going_on = asyncio.ensure_future(while_)
    answered = 0
    while not going_on.done():
        answer = await gateway.post(chat("assist", stream=bool(answered % 2)))
        assert (answer.status, answer.whole) == (200, True)
        answered += 1
    await going_on
    return answered


async def until_quiet(gateway: Serving) -> None:
    while gateway.plane.load() != Load(0, 0):  # noqa: ASYNC110 - a turn of the loop, no pause
        await asyncio.sleep(0)


async def test_ten_thousand_pipelined_requests_are_answered_in_order_beside_the_others() -> None:
    count = 10_000
    async with gateway_with() as gateway:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        flood = b"".join(b"GET /%05d HTTP/1.1\r\nhost: x\r\n\r\n" % i for i in range(count))

        async def send() -> None:
            writer.write(flood)
            await writer.drain()

        async def read() -> None:
            for number in range(count):
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
                body = await reader.readexactly(length)
                assert b"GET /%05d." % number in body

        answered = await serves_others(gateway, asyncio.gather(send(), read()))
        writer.close()

        assert answered > 1
        await until_quiet(gateway)


async def test_a_caller_that_floods_and_never_reads_is_held_back() -> None:
    flood = b"GET /nothing HTTP/1.1\r\nhost: x\r\n\r\n" * 1_000_000
    async with gateway_with() as gateway:
        async with crowd(gateway.port, 1) as (flooder,):
            loop = asyncio.get_running_loop()
            with allocated_below(16 * MIB):
                sending = asyncio.ensure_future(loop.sock_sendall(flooder, flood))
                for _ in range(5):
                    assert (await gateway.post(chat("assist"))).status == 200

            assert not sending.done()
            sending.cancel()
            with suppress(asyncio.CancelledError):
                await sending
        await until_quiet(gateway)


async def test_50_mb_are_refused_in_flat_memory() -> None:
    piece = b"100000\r\n%b\r\n" % bytes(MIB)
    async with gateway_with(max_body="4MiB") as gateway:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        with allocated_below(16 * MIB):
            writer.write(POST + b"transfer-encoding: chunked\r\n\r\n")
            for _ in range(50):
                writer.write(piece)
                await writer.drain()
            status = await reader.readline()
        writer.close()

        assert status == b"HTTP/1.1 413 Request Entity Too Large\r\n"
        await until_quiet(gateway)


SENT: Final = (
    b"",
    b"GET /v1/mod",
    b"GET / HTTP/1.1\r\nhost: x\r\nx-long: " + b"a" * 30_000,
    POST + b"content-length: 1000000\r\n\r\n" + bytes(100_000),
    POST + b"transfer-encoding: chunked\r\n\r\n100000\r\n" + bytes(100_000),
    POST + b"expect: 100-continue\r\ncontent-length: 10\r\n\r\n",
    POST + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    b"GET /v1/models HTTP/1.1\r\nhost: x\r\n\r\n" * 50,
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    written(chat("assist")),
    written(chat("assist", stream=True)),
    written(chat("assist", stream=True)) * 10,
)
"""What a caller may have sent when it leaves."""


@pytest.mark.parametrize("seed", range(5))
async def test_a_crowd_that_leaves_in_every_phase_leaves_nothing_behind(seed: int) -> None:
    random = Random(seed)  # noqa: S311 - a seed is wanted here
    async with gateway_with(header_s=0.2, body_s=0.2) as gateway:
        loop = asyncio.get_running_loop()

        async def come_and_go(sock: socket.socket) -> None:
            data = random.choice(SENT)
            cut = random.choice([len(data), random.randint(0, len(data))])
            ending = random.choice(["close", "reset", "half", "read"])
            await loop.sock_sendall(sock, data[:cut])
            for _ in range(random.randint(0, 20)):
                await asyncio.sleep(0)
            if ending == "reset":
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            elif ending == "half":
                sock.shutdown(socket.SHUT_WR)
            elif ending == "read" and cut == len(data) > 0 and not data.startswith(POST):
                with suppress(ConnectionError):
                    await loop.sock_recv(sock, 65536)
            sock.close()

        async with crowd(gateway.port, 200) as callers:
            going = asyncio.gather(*map(come_and_go, callers))
            assert await serves_others(gateway, going) > 0

        await until_quiet(gateway)
        assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_crowd_of_slow_senders_is_refused_while_others_are_served() -> None:
    starts = (b"GET / HTTP/1.1\r\nx: ", POST + b"content-length: 99\r\n\r\n", b"POST /")
    async with gateway_with(header_s=0.5, body_s=0.5) as gateway:
        loop = asyncio.get_running_loop()

        async def drip(sock: socket.socket, start: bytes) -> bytes:
            answer = asyncio.ensure_future(loop.sock_recv(sock, 65536))
            await loop.sock_sendall(sock, start)
            while not answer.done():
                await asyncio.wait([answer], timeout=0.05)
                with suppress(ConnectionError):
                    await loop.sock_sendall(sock, b"a")
            return await answer

        async with crowd(gateway.port, 300) as callers:
            going = asyncio.gather(*(drip(s, starts[i % 3]) for i, s in enumerate(callers)))
            assert await serves_others(gateway, going) > 1

            assert {answer[:12] for answer in await going} == {b"HTTP/1.1 408"}
        await until_quiet(gateway)


CONFIG: Final = """
server:
  listen: "127.0.0.1:0"
  admin: "127.0.0.1:0"
  state_dir: state
  idle_s: 4
  max_connections: 1100
store: "sqlite:records.db"
access: {{keys: [{{id: app, sha256: "{digest}"}}]}}
providers:
  one: {{kind: openai, base_url: "{base_url}", allow_private: true, keys: []}}
fallback:
  chains:
    - {{name: assist, models: [{{provider: one, model: m}}]}}
"""
KEY: Final = {"authorization": "Bearer hs-secret"}
DIGEST: Final = sha256(b"hs-secret").hexdigest()


def rss_mib(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 / MIB


@asynccontextmanager
async def process(folder: Path, config: str) -> AsyncGenerator[GatewayProcess]:
    gateway = await GatewayProcess.serve(folder, config)
    try:
        yield gateway
    finally:
        await gateway.quit()


async def test_a_thousand_idle_connections_cost_a_worker_little_and_end_by_themselves(
    tmp_path: Path,
) -> None:
    """Each has sent a large request without a key before it falls idle."""
    body = bytes(200_000)
    large = POST + b"x: %b\r\ncontent-length: %d\r\n\r\n%b" % (b"a" * 50_000, len(body), body)
    asked = written(chat("assist"), headers=KEY)
    loop = asyncio.get_running_loop()
    async with ScriptedProvider("one") as one:
        config = CONFIG.format(base_url=one.base_url, digest=DIGEST)
        async with process(tmp_path, config) as gateway:
            port = await gateway.listens()
            worker = gateway.child("worker")
            for _ in range(50):
                assert (await exchange(port, asked)).status == 200
            before = rss_mib(worker)
            async with crowd(port, 1_000) as callers:
                for caller in callers:
                    await loop.sock_sendall(caller, large)
                    assert (await loop.sock_recv(caller, 65536)).startswith(b"HTTP/1.1 401 ")
                assert (await exchange(port, asked)).status == 200
                assert rss_mib(worker) - before < 24

                assert {await loop.sock_recv(caller, 1) for caller in callers} == {b""}
            assert (await exchange(port, asked)).status == 200


LIMITED: Final = """
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
sys.argv = ["hotswap", {config!r}]
runpy.run_module("hotswap.processes", run_name="__main__")
"""


@pytest.mark.parametrize(("hard", "served"), [(4096, 300), (200, 99)], ids=["raised", "low"])
async def test_callers_can_not_use_up_what_reaches_the_providers(
    tmp_path: Path, hard: int, served: int
) -> None:
    asked = written(chat("assist"), headers=KEY).replace(b"connection: close\r\n", b"")
    page = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"
    config = tmp_path / "hotswap.yaml"
    loop = asyncio.get_running_loop()
    async with ScriptedProvider("one") as one:
        config.write_text(CONFIG.format(base_url=one.base_url, digest=DIGEST))
        command = LIMITED.format(soft=200, hard=hard, config=str(config))
        gateway = await GatewayProcess.start(tmp_path, "-P", "-c", command)
        try:
            port = await gateway.listens()
            async with crowd(port, 1) as (first,):
                await loop.sock_sendall(first, page)
                assert (await loop.sock_recv(first, 65536)).startswith(b"HTTP/1.1 200 OK")
                async with crowd(port, 300) as others:
                    answers = [await asks(other, page) for other in others]

                    assert answers == [True] * served + [False] * (300 - served)
                    assert await asks(first, asked)
        finally:
            await gateway.quit()


async def asks(sock: socket.socket, request: bytes) -> bool:
    """Ask on a connection; say whether it is answered well instead of closed."""
    loop = asyncio.get_running_loop()
    try:
        await loop.sock_sendall(sock, request)
        return (await loop.sock_recv(sock, 65536)).startswith(b"HTTP/1.1 200 OK")
    except ConnectionError:
        return False

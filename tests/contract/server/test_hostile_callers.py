"""Callers that leave at the worst moment, hold back or want the memory leave nothing behind."""

import asyncio
import gc
import socket
from collections.abc import Awaitable, Callable, Generator, Mapping
from pathlib import Path
from typing import Final

import pytest

from hotswap.server.api import Exchange
from hotswap.server.limits import BODIES_BYTES
from hotswap.testing.certificates import make_certificates
from hotswap.testing.hostile import crowd, kept_below
from hotswap.testing.site import Caller, Site

OpenSite = Callable[..., Awaitable[Site]]
Act = Callable[[Caller], Awaitable[object]]
REQUEST: Final = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def count(exchange: Exchange) -> None:
    exchange.answer(200, b"", b"%d" % len(exchange.incoming.body))


async def hold(exchange: Exchange) -> None:
    """Answer in part, and wait until the caller has left."""
    gone = asyncio.Event()
    exchange.on_leave = gone.set
    if exchange.incoming.path == "/stream":
        exchange.start(200, b"")
        exchange.write(b"begun")
    if exchange.incoming.path != "/at-once":
        await gone.wait()
    exchange.answer(200, b"", b"")


async def ask(caller: Caller, path: bytes = b"/") -> None:
    await caller.send(b"GET %b HTTP/1.1" % path)


async def ask_and_read(caller: Caller) -> None:
    await ask(caller, b"/at-once")
    await caller.answer()


async def begin_to_read(caller: Caller) -> None:
    await ask(caller, b"/stream")
    await caller.answer(head_only=True)


async def be_refused(caller: Caller) -> None:
    await caller.send_raw(b"nonsense\r\n\r\n")
    await caller.answer()


PHASES: Final[Mapping[str, Act]] = {
    "connected": lambda caller: caller.send_raw(b""),
    "within the request line": lambda caller: caller.send_raw(b"GET /"),
    "within the head": lambda caller: caller.send_raw(b"GET / HTTP/1.1\r\nHost:"),
    "within a body": lambda caller: caller.send(
        b"POST / HTTP/1.1", b"Content-Length: 9", body=b"abc"
    ),
    "within a chunk": lambda caller: caller.send(
        b"POST / HTTP/1.1", b"Transfer-Encoding: chunked", body=b"9\r\nabc"
    ),
    "told to go on": lambda caller: caller.send(
        b"POST / HTTP/1.1", b"Content-Length: 9", b"Expect: 100-continue"
    ),
    "while it is served": ask,
    "while more requests wait": lambda caller: caller.send_raw(REQUEST * 3),
    "within a stream": begin_to_read,
    "after the answer": ask_and_read,
    "after a refusal": be_refused,
}
LEAVE: Final[Mapping[str, Callable[[Caller], None]]] = {
    "resets": Caller.reset,
    "closes": Caller.leave,
    "ends its side only": Caller.end,
}


async def until_quiet(site: Site) -> None:
    """Wait until no connection and no request is left."""
    quiet = asyncio.Event()
    state = site.state
    state.on_less = lambda: quiet.set() if not (state.connections or state.exchanges) else None
    state.on_less()
    await quiet.wait()
    state.on_less = None


@pytest.mark.parametrize("leave", list(LEAVE.values()), ids=list(LEAVE))
@pytest.mark.parametrize("act", list(PHASES.values()), ids=list(PHASES))
async def test_who_leaves_in_any_phase_leaves_nothing_behind(
    open_site: OpenSite, act: Act, leave: Callable[[Caller], None]
) -> None:
    site = await open_site(hold)
    caller, other = await site.caller(), await site.caller()
    await ask_and_read(other)
    await act(caller)

    leave(caller)

    other.leave()
    await until_quiet(site)
    assert site.state.bodies.size == 0
    assert site.bugs == []
    assert set(asyncio.all_tasks()) == {asyncio.current_task()}


@pytest.fixture
def uncollected() -> Generator[None]:
    """Leave everything to the counting of references, as between two runs of the collector."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("uncollected")
@pytest.mark.parametrize(
    "framing", [b"Content-Length: 3000000", b"Transfer-Encoding: chunked"], ids=["length", "chunks"]
)
async def test_a_body_that_breaks_off_is_freed_without_the_collector(
    open_site: OpenSite, framing: bytes
) -> None:
    site = await open_site(count)
    start = b"" if framing.startswith(b"Content") else b"200000\r\n"

    with kept_below(200_000):
        for _ in range(5):
            caller = await site.caller()
            await caller.send(b"POST / HTTP/1.1", framing, body=start + bytes(1_000_000))
            caller.reset()
            await until_quiet(site)


async def answered(sock: socket.socket, request: bytes) -> bytes:
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(sock, request)
    return await loop.sock_recv(sock, 65536)


@pytest.mark.parametrize(
    ("lines", "body"),
    [(b"", b""), (b"A: %b\r\n" % (b"a" * 60_000), b"a" * 500_000)],
    ids=["small", "large"],
)
async def test_an_idle_connection_holds_nothing_of_its_last_request(
    open_site: OpenSite, lines: bytes, body: bytes
) -> None:
    site = await open_site(count)
    head = b"POST / HTTP/1.1\r\nHost: x\r\n%bContent-Length: %d\r\n\r\n" % (lines, len(body))
    async with crowd(site.port, 50) as sockets:
        await answered(sockets[0], head + body)

        with kept_below(49 * 6_000):
            for sock in sockets[1:]:
                assert b"200 OK" in await answered(sock, head + body)

        assert len(site.state.connections) == 50


@pytest.mark.slow
async def test_a_thousand_idle_connections_are_light_and_end_by_themselves(
    open_site: OpenSite,
) -> None:
    site = await open_site(count, idle_s=2.0, max_connections=1_001)
    with kept_below(1_000 * 6_000):
        async with crowd(site.port, 1_000) as sockets:
            other = await site.caller()
            await ask(other)
            assert (await other.answer()).status == 200
            late = await site.caller()
            with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
                await late.answer()

            assert site.state.turned_away == 1
            assert len(site.state.connections) == 1_001

            loop = asyncio.get_running_loop()
            assert {await loop.sock_recv(sock, 1) for sock in sockets} == {b""}
    await until_quiet(site)


async def test_all_bodies_together_are_bounded(open_site: OpenSite) -> None:
    site = await open_site(count)
    first, second = await site.caller(), await site.caller()
    site.state.bodies.size = BODIES_BYTES - 100_000

    await first.send(b"POST / HTTP/1.1", b"Content-Length: 2000000", body=bytes(300_000))
    answer = await first.answer()
    await second.send(b"POST / HTTP/1.1", b"Content-Length: 3", body=b"abc")

    assert answer.status == 503
    assert answer.body.startswith(b"/ overloaded: Too many bodies")
    assert (await second.answer()).body == b"3"
    assert site.state.bodies.size == BODIES_BYTES - 100_000


async def test_a_refused_body_that_goes_on_is_thrown_away(open_site: OpenSite) -> None:
    site = await open_site(count, max_body_bytes=100_000)
    caller = await site.caller()
    with kept_below(1_000_000):
        await caller.send(b"POST / HTTP/1.1", b"Transfer-Encoding: chunked")
        for _ in range(50):
            await caller.send_raw(b"10000\r\n%b\r\n" % bytes(65_536))

        assert (await caller.answer()).status == 413
        caller.leave()
        await until_quiet(site)


async def test_chunks_of_single_bytes_are_refused_when_they_are_many(open_site: OpenSite) -> None:
    site = await open_site(count)
    few, many, extended = await site.caller(), await site.caller(), await site.caller()
    chunked = b"Transfer-Encoding: chunked"

    await few.send(b"POST / HTTP/1.1", chunked, body=b"1\r\na\r\n" * 20_000 + b"0\r\n\r\n")
    await many.send(b"POST / HTTP/1.1", chunked, body=b"1\r\na\r\n" * 100_000)
    await extended.send(b"POST / HTTP/1.1", chunked, body=b"1;%b\r\na\r\n" % (b"x" * 200) * 1_000)

    assert (await few.answer()).body == b"20000"
    assert (await many.answer()).status == 400
    assert (await extended.answer()).status == 400


async def test_a_told_continue_comes_behind_the_answer_before_it(open_site: OpenSite) -> None:
    site = await open_site(count)
    caller = await site.caller()

    await caller.send_raw(
        REQUEST + b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n"
    )
    statuses = [(await caller.answer()).status, (await caller.answer()).status]
    await caller.send_raw(b"a")
    statuses.append((await caller.answer()).status)

    assert statuses == [200, 100, 200]


async def test_tls_on_the_plain_port_is_refused_and_plain_on_the_tls_port_closed(
    open_site: OpenSite, tmp_path: Path
) -> None:
    made = make_certificates(tmp_path)
    plain = await open_site(count)
    tls = await open_site(count, tls=(str(made.good), str(made.key)))
    greeting = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
    to_plain, to_tls = await plain.caller(), await tls.caller()

    await to_plain.send_raw(greeting)
    await to_tls.send_raw(REQUEST)

    assert (await to_plain.answer()).status == 400
    assert await to_plain.rest() == b""
    assert REQUEST not in await to_tls.rest()
    assert tls.state.exchanges == {}

import asyncio
import http.client
from collections.abc import Awaitable, Callable

import pytest

from hotswap.server.api import Exchange
from hotswap.server.limits import PIPELINE_BYTES
from hotswap.testing.site import Site

OpenSite = Callable[..., Awaitable[Site]]
SOCKET_READ = 256 * 1024
"""The most that either loop hands over at once."""


async def count(exchange: Exchange) -> None:
    exchange.answer(200, b"", b"%d" % len(exchange.incoming.body))


async def test_a_body_of_40_mb_is_refused_so_that_http_client_can_read_it(
    open_site: OpenSite,
) -> None:
    site = await open_site(count)

    def ask() -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", site.port)
        try:
            connection.request("POST", "/v1/messages", b"x" * 40_000_000)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    status, body = await asyncio.to_thread(ask)

    assert status == 413
    assert body == b"/v1/messages body_too_large: The body exceeds 33554432 bytes."


async def test_a_length_that_is_too_large_is_refused_before_the_body(open_site: OpenSite) -> None:
    site = await open_site(count, max_body_bytes=10)
    caller = await site.caller()

    await caller.send(b"POST / HTTP/1.1", b"Content-Length: 11", b"Expect: 100-continue")
    answer = await caller.answer()

    assert (answer.status, answer.headers[b"connection"]) == (413, b"close")
    assert await caller.rest() == b""


async def test_chunks_are_refused_as_soon_as_they_are_too_large(open_site: OpenSite) -> None:
    site = await open_site(count, max_body_bytes=10)
    caller = await site.caller()

    await caller.send(
        b"POST / HTTP/1.1", b"Transfer-Encoding: chunked", body=b"a\r\n0123456789\r\n"
    )
    await caller.send_raw(b"1\r\n")

    assert (await caller.answer()).status == 413


async def test_a_head_that_is_too_large_is_refused(open_site: OpenSite) -> None:
    site = await open_site(count, max_header_bytes=100)
    caller = await site.caller()

    await caller.send(b"GET / HTTP/1.1", b"A: " + b"b" * 100)

    assert (await caller.answer()).status == 431


async def test_ambiguous_framing_is_refused_and_nothing_behind_it_is_served(
    open_site: OpenSite,
) -> None:
    site = await open_site(count)
    caller = await site.caller()

    await caller.send(
        b"POST /a HTTP/1.1",
        b"Content-Length: 4",
        b"Transfer-Encoding: chunked",
        body=b"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n",
    )
    answer = await caller.answer()

    assert (answer.status, answer.body.split(b":")[0]) == (400, b"/a invalid_http")
    assert await caller.rest() == b""
    assert site.state.in_flight == 0


async def test_a_head_that_comes_too_slowly_is_refused(open_site: OpenSite) -> None:
    site = await open_site(count, header_s=0.05)
    caller = await site.caller()

    await caller.send_raw(b"GET / HTTP/1.1\r\nHost:")
    answer = await caller.answer()

    assert answer.status == 408
    assert answer.body.endswith(b"The request's headers came too slowly.")


async def test_single_bytes_do_not_prolong_a_head(open_site: OpenSite) -> None:
    site = await open_site(count, header_s=0.05)
    caller = await site.caller()

    async def trickle() -> None:
        await caller.send_raw(b"GET / HTTP/1.1\r\nA: ")
        while not site.refused:
            await caller.send_raw(b"a")
            await asyncio.sleep(0)

    await trickle()

    assert (await caller.answer()).status == 408


async def test_a_body_that_stands_still_is_refused(open_site: OpenSite) -> None:
    site = await open_site(count, body_s=0.05)
    caller = await site.caller()

    await caller.send(b"POST /a HTTP/1.1", b"Content-Length: 2", body=b"a")
    answer = await caller.answer()

    assert answer.status == 408
    assert answer.body == b"/a request_timeout: The request's body came too slowly."


async def test_a_connection_without_a_request_is_closed(open_site: OpenSite) -> None:
    site = await open_site(count, idle_s=0.05)
    fresh, used = await site.caller(), await site.caller()

    await used.send(b"GET / HTTP/1.1")
    await used.answer()

    assert await fresh.rest() == b""
    assert await used.rest() == b""
    assert site.refused == []


async def test_time_spent_serving_is_not_idle(open_site: OpenSite) -> None:
    fresh_is_closed = asyncio.Event()

    async def slow(exchange: Exchange) -> None:
        await fresh_is_closed.wait()
        await count(exchange)

    site = await open_site(slow, idle_s=0.05, header_s=0.05, body_s=0.05)
    busy, fresh = await site.caller(), await site.caller()

    await busy.send(b"GET / HTTP/1.1")
    await fresh.rest()
    fresh_is_closed.set()

    assert (await busy.answer()).status == 200


async def test_connections_beyond_the_limit_are_closed_and_counted(open_site: OpenSite) -> None:
    site = await open_site(count, max_connections=1)
    first = await site.caller()
    await first.send(b"GET / HTTP/1.1")
    await first.answer()

    second = await site.caller()
    with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
        await second.answer()
    await first.send(b"GET / HTTP/1.1")

    assert (await first.answer()).status == 200
    assert site.state.turned_away == 1
    assert len(site.state.connections) == 1


async def test_a_thousand_idle_connections_hold_up_nobody(open_site: OpenSite) -> None:
    site = await open_site(count)
    callers = [await site.caller() for _ in range(1_000)]

    await callers[500].send(b"GET / HTTP/1.1")
    answer = await callers[500].answer()

    assert answer.status == 200
    assert len(site.state.connections) == 1_000


async def test_a_flood_of_pipelined_requests_holds_bounded_memory(open_site: OpenSite) -> None:
    pending: list[int] = []

    async def look(exchange: Exchange) -> None:
        pending.append(site.connection.pending)
        await count(exchange)

    site = await open_site(look)
    caller = await site.caller()
    flood = b"".join(
        b"GET /%05d HTTP/1.1\r\nHost: x\r\nA: %0200d\r\n\r\n" % (i, i) for i in range(10_000)
    )

    async def read() -> int:
        return sum([(await caller.answer()).status == 200 for _ in range(10_000)])

    async with asyncio.TaskGroup() as both:
        both.create_task(caller.send_raw(flood))
        answered = both.create_task(read())

    assert len(flood) > 5 * (PIPELINE_BYTES + SOCKET_READ)
    assert answered.result() == 10_000
    assert max(pending) <= PIPELINE_BYTES + SOCKET_READ


async def test_answers_that_nobody_reads_hold_up_the_next_requests(open_site: OpenSite) -> None:
    buffered: list[int] = []

    async def large(exchange: Exchange) -> None:
        buffered.append(site.connection.unsent)
        exchange.answer(200, b"", b"a" * 1_000_000)

    site = await open_site(large)
    caller = await site.caller()

    await caller.send_raw(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 50)
    sizes = [len((await caller.answer()).body) for _ in range(50)]

    assert sizes == [1_000_000] * 50
    assert len(buffered) == 50
    assert max(buffered) <= 64 * 1024


async def test_writing_pauses_for_a_slow_reader_and_goes_on(open_site: OpenSite) -> None:
    told: list[str] = []
    paused, resumed = asyncio.Event(), asyncio.Event()

    async def much(exchange: Exchange) -> None:
        exchange.on_pause = lambda: (told.append("pause"), paused.set())[0]
        exchange.on_resume = lambda: (told.append("resume"), resumed.set())[0]
        exchange.start(200, b"")
        written = 0
        while not paused.is_set():
            exchange.write(b"a" * 100_000)
            written += 1
            await asyncio.sleep(0)
        await resumed.wait()
        exchange.write(b"%d" % written)
        exchange.finish()

    site = await open_site(much)
    caller = await site.caller()

    await caller.send(b"GET / HTTP/1.1")
    await paused.wait()
    body = (await caller.answer()).body

    assert told[:2] == ["pause", "resume"]
    assert body.strip(b"a") == b"%d" % (len(body) // 100_000)

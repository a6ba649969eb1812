import asyncio
from collections.abc import Awaitable, Callable

import pytest

from hotswap.server.api import Exchange
from hotswap.server.drain import Drain
from hotswap.testing.site import Caller, Site

OpenSite = Callable[..., Awaitable[Site]]


class Silent:
    """A handler that says nothing until its caller leaves."""

    def __init__(self, *, start: bool = False) -> None:
        self.serving = asyncio.Event()
        self.left = asyncio.Event()
        self.done = asyncio.Event()
        self.leaves = 0
        self._start = start

    async def __call__(self, exchange: Exchange) -> None:
        def on_leave() -> None:
            assert exchange.gone
            self.leaves += 1
            self.left.set()

        exchange.on_leave = on_leave
        if self._start:
            exchange.start(200, b"")
            exchange.write(b"one")
        self.serving.set()
        await self.left.wait()
        exchange.write(b"two")
        exchange.finish()
        exchange.answer(200, b"", b"three")
        self.done.set()


@pytest.mark.parametrize("start", [False, True])
@pytest.mark.parametrize("how", [Caller.leave, Caller.reset, Caller.end])
async def test_a_caller_that_leaves_is_noticed_while_nothing_is_written(
    open_site: OpenSite, how: Callable[[Caller], None], *, start: bool
) -> None:
    handler = Silent(start=start)
    site = await open_site(handler)
    caller = await site.caller()

    await caller.send(b"GET / HTTP/1.1")
    await handler.serving.wait()
    how(caller)
    await handler.done.wait()

    assert handler.leaves == 1
    assert site.bugs == []


async def test_a_caller_that_leaves_is_noticed_behind_pipelined_requests(
    open_site: OpenSite,
) -> None:
    handler = Silent()
    site = await open_site(handler)
    caller = await site.caller()

    await caller.send_raw(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 100)
    await handler.serving.wait()
    caller.leave()
    await handler.done.wait()

    assert handler.leaves == 1
    assert site.state.in_flight <= 1


async def test_leaving_after_the_answer_disturbs_nobody(open_site: OpenSite) -> None:
    leaves: list[str] = []
    gone, goes_on = asyncio.Event(), asyncio.Event()

    async def lingers(exchange: Exchange) -> None:
        exchange.on_leave = lambda: leaves.append("left")
        exchange.answer(200, b"", b"")
        await goes_on.wait()

    site = await open_site(lingers)
    site.state.on_less = gone.set
    caller = await site.caller()
    await caller.send(b"GET / HTTP/1.1")
    await caller.answer()
    caller.leave()
    await gone.wait()
    goes_on.set()

    assert leaves == []


async def test_a_drain_without_anything_to_wait_for_ends_at_once(open_site: OpenSite) -> None:
    site = await open_site(Silent())
    drain = Drain(site.state, site.server)

    await drain.run(10.0)

    assert drain.cut == 0
    with pytest.raises(ConnectionRefusedError):
        await site.caller()


@pytest.mark.slow
async def test_a_drain_closes_idle_connections_and_lets_answers_end(open_site: OpenSite) -> None:
    serving, goes_on = asyncio.Event(), asyncio.Event()

    async def slow(exchange: Exchange) -> None:
        serving.set()
        await goes_on.wait()
        exchange.answer(200, b"", b"well")

    site = await open_site(slow)
    idle, busy = await site.caller(), await site.caller()
    await busy.send(b"GET / HTTP/1.1")
    await serving.wait()
    drain = Drain(site.state, site.server)

    async with asyncio.TaskGroup() as group:
        draining = group.create_task(drain.run(10.0))
        assert await idle.rest() == b""
        still = not draining.done(), site.state.in_flight
        goes_on.set()
        answer = await busy.answer()

    assert still == (True, 1)
    assert (answer.body, answer.headers[b"connection"]) == (b"well", b"close")
    assert drain.cut == 0


async def test_a_drain_lets_a_request_arrive_that_has_begun(open_site: OpenSite) -> None:
    async def well(exchange: Exchange) -> None:
        exchange.answer(200, b"", exchange.incoming.body)

    site = await open_site(well)
    caller = await site.caller()
    await caller.send(b"POST / HTTP/1.1", b"Content-Length: 4", b"Expect: 100-continue")
    await caller.answer()

    async with asyncio.TaskGroup() as group:
        group.create_task(Drain(site.state, site.server).run(10.0))
        await caller.send_raw(b"well")
        answer = await caller.answer()

    assert (answer.body, answer.headers[b"connection"]) == (b"well", b"close")


async def test_a_drain_cuts_what_is_left_after_the_last_words(open_site: OpenSite) -> None:
    handler = Silent(start=True)
    site = await open_site(handler)
    caller = await site.caller()
    await caller.send(b"GET / HTTP/1.1")
    await handler.serving.wait()
    drain = Drain(site.state, site.server)

    def last_words() -> None:
        for exchange in site.state.exchanges:
            exchange.write(b"error")

    await drain.run(0.0, last_words)
    received = await caller.rest()

    assert received.endswith(b"3\r\none\r\n5\r\nerror\r\n")
    assert (drain.cut, handler.leaves) == (1, 1)
    assert site.state.in_flight == 0


async def test_a_drain_waits_for_no_caller_that_does_not_read(open_site: OpenSite) -> None:
    serving = asyncio.Event()

    async def much(exchange: Exchange) -> None:
        exchange.answer(200, b"", b"a" * 50_000_000)
        serving.set()

    site = await open_site(much)
    caller = await site.caller()
    await caller.send(b"GET / HTTP/1.1")
    await serving.wait()

    drain = Drain(site.state, site.server)
    await drain.run(0.0, farewell_s=0.05)

    assert drain.cut == 0
    assert not site.server.is_serving()


async def test_a_caller_with_an_idle_connection_may_ask_once_more_in_a_drain(
    open_site: OpenSite,
) -> None:
    async def well(exchange: Exchange) -> None:
        exchange.answer(200, b"", b"well")

    site = await open_site(well)
    caller = await site.caller()
    await caller.send(b"GET / HTTP/1.1")
    before = await caller.answer()

    async with asyncio.TaskGroup() as group:
        group.create_task(Drain(site.state, site.server).run(10.0))
        await asyncio.sleep(0)
        await caller.send(b"GET / HTTP/1.1")
        after = await caller.answer()
        rest = await caller.rest()

    assert b"connection" not in before.headers
    assert (after.body, after.headers[b"connection"]) == (b"well", b"close")
    assert rest == b""


async def test_a_caller_whose_stream_ends_in_a_drain_may_ask_once_more(open_site: OpenSite) -> None:
    serving, goes_on = asyncio.Event(), asyncio.Event()

    async def stream(exchange: Exchange) -> None:
        exchange.start(200, b"")
        serving.set()
        await goes_on.wait()
        exchange.finish()

    site = await open_site(stream)
    caller = await site.caller()
    await caller.send(b"GET / HTTP/1.1")
    await serving.wait()

    async with asyncio.TaskGroup() as group:
        group.create_task(Drain(site.state, site.server).run(10.0))
        await asyncio.sleep(0)
        goes_on.set()
        streamed = await caller.answer()
        await caller.send(b"GET / HTTP/1.1")
        last = await caller.answer()

    assert b"connection" not in streamed.headers
    assert last.headers[b"connection"] == b"close"

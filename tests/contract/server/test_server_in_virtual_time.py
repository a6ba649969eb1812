"""Limits of half a minute and more, without waiting for them."""

import asyncio
from collections.abc import Awaitable, Callable

from hotswap.core.settings import ServerSettings
from hotswap.server.api import Exchange
from hotswap.testing.clock import VirtualClock
from hotswap.testing.loop import run_virtual
from hotswap.testing.site import Caller, Site


async def large(exchange: Exchange) -> None:
    exchange.answer(200, b"", b"a" * 50_000_000)


def seconds_until_cut(act: Callable[[Caller], Awaitable[object]]) -> float:
    """Return after how many seconds the server gives up a connection used by `act`."""
    clock = VirtualClock()

    async def main() -> float:
        site = Site(large, ServerSettings(max_body_bytes=10), clock)
        await site.open()
        caller = await site.caller()
        cut = asyncio.Event()
        await act(caller)
        began = clock.now()
        site.state.on_less = lambda: None if site.state.connections else cut.set()
        await cut.wait()
        seconds = clock.now() - began
        await site.close()
        return seconds

    return run_virtual(main(), clock)


def test_a_refused_caller_that_does_not_leave_is_cut_after_30_seconds() -> None:
    async def send_too_much(caller: Caller) -> None:
        await caller.send(b"POST / HTTP/1.1", b"Content-Length: 11")
        await caller.rest()

    assert 29.9 <= seconds_until_cut(send_too_much) <= 30.1


def test_a_caller_that_stops_reading_is_closed_as_idle_and_cut_30_seconds_later() -> None:
    async def stop_reading(caller: Caller) -> None:
        await caller.send(b"GET / HTTP/1.1")
        await caller.answer(head_only=True)

    assert 104.9 <= seconds_until_cut(stop_reading) <= 105.1


def test_a_connection_is_kept_75_seconds_for_the_next_request() -> None:
    async def only_connect(caller: Caller) -> None:
        await caller.send_raw(b"")

    assert 74.9 <= seconds_until_cut(only_connect) <= 75.1

"""Connections that are opened ahead."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from hotswap.clock import SystemClock
from hotswap.core.terms import Endpoint
from hotswap.testing.certificates import Certificates
from hotswap.testing.raw_server import RawServer
from hotswap.testing.recorder import Asker, Recorder
from hotswap.upstream.api import Call, Fault
from hotswap.upstream.client import HttpClient

MakeClient = Callable[..., HttpClient]
StartServer = Callable[..., Awaitable[RawServer]]

CLOCK = SystemClock()
FAST = {"idle_s": 0.05, "warm_retry_s": 0.01}


async def test_as_many_connections_are_opened_as_are_wanted(
    server: RawServer, client: HttpClient
) -> None:
    client.warm({server.endpoint(): 3})

    for _ in range(3):
        await server.visit()


async def test_the_first_request_is_written_at_once(
    server: RawServer, client: HttpClient, ask: Asker
) -> None:
    client.warm({server.endpoint(): 1})
    visit = await server.visit()
    recorder, call = await until_warm(server.endpoint(), ask)

    assert call.sent_at > 0.0
    await visit.answer()
    await recorder.end()
    assert recorder.ended


async def test_a_tls_connection_is_ready_before_it_is_needed(
    start_server: StartServer, certificates: Certificates, client: HttpClient, ask: Asker
) -> None:
    server = await start_server(certificates.context(certificates.good))
    endpoint = server.endpoint("localhost", tls=True, ca_file=certificates.ca)
    client.warm({endpoint: 1})
    visit = await server.visit()

    recorder, call = await until_warm(endpoint, ask)

    assert call.sent_at > 0.0
    await visit.answer()
    await recorder.end()
    assert recorder.ended


async def test_a_warm_connection_that_is_used_is_replaced(
    server: RawServer, client: HttpClient, ask: Asker
) -> None:
    client.warm({server.endpoint(): 1})
    await server.visit()
    await until_warm(server.endpoint(), ask)

    await server.visit()


async def test_a_warm_connection_that_the_server_closes_is_replaced(
    server: RawServer, make_client: MakeClient
) -> None:
    client = make_client(**FAST)
    client.warm({server.endpoint(): 1})
    (await server.visit()).close()

    await server.visit()


async def test_warm_connections_are_refreshed_before_they_are_closed(
    server: RawServer, make_client: MakeClient
) -> None:
    client = make_client(**FAST)
    client.warm({server.endpoint(): 1})

    old = await server.visit()
    for _ in range(3):
        new = await server.visit()
        await old.gone()
        old = new


async def test_an_idle_connection_that_nobody_wants_expires(
    server: RawServer, make_client: MakeClient, ask: Asker
) -> None:
    client = make_client(**FAST)
    recorder, _ = Asker(client)(server.endpoint())
    visit = await server.visit()
    await visit.answer()
    await recorder.end()

    await visit.gone()

    assert server.visits.empty()


async def test_endpoints_that_are_no_longer_wanted_are_closed(
    start_server: StartServer, client: HttpClient
) -> None:
    one, other = await start_server(), await start_server()
    client.warm({one.endpoint(): 2, other.endpoint(): 1})
    first, second, third = await one.visit(), await one.visit(), await other.visit()
    await asyncio.sleep(0.01)

    client.warm({one.endpoint(): 1})
    await third.gone()
    client.warm({})

    await first.gone()
    await second.gone()


async def test_connections_of_endpoints_never_named_are_left_alone(
    server: RawServer, start_server: StartServer, client: HttpClient, ask: Asker
) -> None:
    other = await start_server()
    recorder, _ = ask(server.endpoint())
    visit = await server.visit()
    await visit.answer()
    await recorder.end()

    client.warm({other.endpoint(): 1})
    _, call = ask(server.endpoint())

    assert call.sent_at > 0.0


async def test_failures_are_followed_by_pauses_and_more_attempts(
    start_server: StartServer, make_client: MakeClient
) -> None:
    asked: list[str] = []
    server = await start_server()

    async def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        if len(asked) <= 3:
            raise OSError(-3, "try again")
        return ["127.0.0.1"]

    client = make_client(resolve=resolve, **FAST)
    client.warm({server.endpoint("acme.test"): 1})
    await server.visit()

    assert len(asked) == 4


async def test_pauses_grow_where_the_server_closes_each_connection_at_once(
    server: RawServer, make_client: MakeClient
) -> None:
    client = make_client(warm_retry_s=0.01)
    start = CLOCK.now()

    client.warm({server.endpoint(): 1})
    for _ in range(5):
        (await server.visit()).close()

    assert CLOCK.now() - start >= 0.0075 + 0.015 + 0.03 + 0.06


async def test_a_used_warm_connection_is_replaced_without_a_pause_after_an_outage(
    server: RawServer, make_client: MakeClient
) -> None:
    client = make_client(warm_retry_s=0.01, warm_retry_max_s=0.01)
    client.warm({server.endpoint(): 1})
    (await server.visit()).close()
    visit = await server.visit()
    recorder, _ = await until_warm(server.endpoint(), Asker(client))
    await visit.answer()
    await recorder.end()

    assert recorder.ended
    await server.visit()


async def test_closing_stops_the_attempts(
    make_client: MakeClient, start_server: StartServer
) -> None:
    server = await start_server()
    server.stop()
    before = asyncio.all_tasks()
    client = make_client(**FAST)
    client.warm({server.endpoint(): 2, Endpoint("127.0.0.1", 1, tls=False): 1})
    await asyncio.sleep(0)

    await client.close()
    client.warm({server.endpoint(): 1})

    assert asyncio.all_tasks() - before == set()


@pytest.mark.parametrize("how", ["close", "reset"])
async def test_an_unused_connection_that_dies_young_is_a_failure(
    server: RawServer, client: HttpClient, ask: Asker, how: str
) -> None:
    client.warm({server.endpoint(): 1})
    visit = await server.visit()
    recorder, _ = await until_warm(server.endpoint(), ask)

    await visit.request()
    getattr(visit, how)()
    broken = await recorder.failure()

    assert broken.fault is (Fault.CLOSED if how == "close" else Fault.RESET)
    assert (broken.sent, broken.received) == (True, False)


async def test_a_request_on_an_unused_connection_that_stood_idle_is_sent_again(
    server: RawServer, make_client: MakeClient
) -> None:
    client = make_client(stale_after_s=0.0, max_connections=1)
    client.warm({server.endpoint(): 1})
    old = await server.visit()
    recorder, _ = await until_warm(server.endpoint(), Asker(client))

    await old.request()
    old.close()
    await (await server.visit()).answer()
    await recorder.end()

    assert (recorder.body, recorder.ended, recorder.broken) == (b"ok", True, None)


async def until_warm(endpoint: Endpoint, ask: Asker) -> tuple[Recorder, Call]:
    """Ask once the connection that the server has seen is ready on our side as well."""
    for _ in range(1000):
        recorder, call = ask(endpoint)
        if call.sent_at:
            return recorder, call
        call.cancel()
        await asyncio.sleep(0.001)
    raise AssertionError("no warm connection")

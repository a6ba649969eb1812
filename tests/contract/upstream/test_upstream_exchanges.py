"""Requests and answers on real sockets."""

import asyncio
from collections.abc import Awaitable, Callable
from math import inf

import pytest

from hotswap.clock import SystemClock
from hotswap.core.terms import Endpoint
from hotswap.testing.raw_server import RawServer
from hotswap.testing.recorder import Asker
from hotswap.upstream.api import Broken, Fault
from hotswap.upstream.client import HttpClient

MakeClient = Callable[..., HttpClient]
StartServer = Callable[..., Awaitable[RawServer]]

POST = b"POST /v1 HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nhello"
HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
CLOCK = SystemClock()


async def test_a_request_is_answered(server: RawServer, ask: Asker) -> None:
    recorder, call = ask(server.endpoint(), POST)
    assert call.sent_at == 0.0
    visit = await server.visit()
    assert await visit.request() == POST
    visit.send(b"HTTP/1.1 201 Made\r\nX-Id: 7\r\ncontent-length: 2\r\n\r\nok")
    await recorder.end()

    assert (recorder.status, recorder.body, recorder.ended) == (201, b"ok", True)
    assert dict(recorder.headers) == {b"x-id": b"7", b"content-length": b"2"}
    assert 0.0 < call.sent_at <= CLOCK.now()


async def test_a_connection_is_kept_and_the_next_request_is_written_at_once(
    server: RawServer, ask: Asker
) -> None:
    first, _ = ask(server.endpoint())
    visit = await server.visit()
    await visit.answer()
    await first.end()

    second, call = ask(server.endpoint(), POST)
    assert call.sent_at > 0.0
    assert await visit.request() == POST
    visit.send(b"HTTP/1.1 204 None\r\n\r\n")
    await second.end()

    assert (second.status, second.body, second.ended) == (204, b"", True)


async def test_requests_at_the_same_time_have_a_connection_each(
    server: RawServer, ask: Asker
) -> None:
    calls = [ask(server.endpoint())[0] for _ in range(3)]
    visits = [await server.visit() for _ in range(3)]
    for visit in visits:
        await visit.request()
    for visit in visits:
        visit.send(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
    for recorder in calls:
        await recorder.end()

    assert [recorder.body for recorder in calls] == [b"ok"] * 3


async def test_a_streamed_event_is_pushed_as_it_comes(server: RawServer, ask: Asker) -> None:
    recorder, _ = ask(server.endpoint())
    visit = await server.visit()
    await visit.request()
    visit.send(HEAD)
    await recorder.until(lambda r: r.status)
    visit.send(b"3\r\none\r\n")
    await recorder.until(lambda r: r.parts == [b"one"])
    visit.send(b"3\r\ntwo\r\n")
    await recorder.until(lambda r: r.parts == [b"one", b"two"])
    assert not recorder.over
    visit.send(b"0\r\n\r\n")
    await recorder.end()

    assert recorder.parts == [b"one", b"two"]
    assert recorder.ended


async def test_interim_answers_are_skipped(server: RawServer, ask: Asker) -> None:
    recorder, _ = ask(server.endpoint())
    visit = await server.visit()
    await visit.request()
    visit.send(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nlink: x\r\n\r\n")
    visit.send(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
    await recorder.end()

    assert (recorder.status, recorder.body) == (200, b"ok")


async def test_the_end_of_the_connection_ends_a_body_without_a_length(
    server: RawServer, ask: Asker
) -> None:
    recorder, _ = ask(server.endpoint())
    visit = await server.visit()
    await visit.request()
    visit.send(b"HTTP/1.0 200 OK\r\n\r\nhello")
    await recorder.until(lambda r: r.body == b"hello")
    assert not recorder.over
    visit.close()
    await recorder.end()

    assert recorder.ended


async def test_a_redirect_is_an_answer_like_any_other(server: RawServer, ask: Asker) -> None:
    recorder, _ = ask(server.endpoint())
    visit = await server.visit()
    await visit.request()
    visit.send(b"HTTP/1.1 307 There\r\nlocation: http://x/\r\ncontent-length: 0\r\n\r\n")
    await recorder.end()

    assert (recorder.status, recorder.ended) == (307, True)


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 20", HEAD, HEAD + b"3\r\nab"])
async def test_a_connection_that_ends_too_early_breaks_the_exchange(
    server: RawServer, ask: Asker, sent: bytes
) -> None:
    recorder, _ = ask(server.endpoint())
    visit = await server.visit()
    await visit.request()
    visit.send(sent)
    visit.close()
    await recorder.end()

    assert recorder.broken == Broken(
        Fault.CLOSED,
        "the server closed the connection before its answer was complete",
        sent=True,
        received=bool(sent),
    )


async def test_a_reset_breaks_the_exchange(server: RawServer, ask: Asker) -> None:
    recorder, _ = ask(server.endpoint())
    visit = await server.visit()
    await visit.request()
    visit.send(HEAD)
    await recorder.until(lambda r: r.status)
    visit.reset()
    broken = await recorder.failure()

    assert broken.fault is Fault.RESET
    assert (broken.sent, broken.received) == (True, True)


async def test_a_malformed_answer_breaks_the_exchange_and_the_connection(
    server: RawServer, ask: Asker
) -> None:
    recorder, _ = ask(server.endpoint())
    visit = await server.visit()
    await visit.request()
    visit.send(HEAD + b"2\r\nab\r\nzz\r\n")
    broken = await recorder.failure()
    await visit.gone()

    assert (recorder.status, recorder.body) == (200, b"ab")
    assert broken.fault is Fault.PROTOCOL


async def test_a_connection_that_says_more_than_its_answer_is_not_used_again(
    server: RawServer, ask: Asker
) -> None:
    first, _ = ask(server.endpoint())
    visit = await server.visit()
    await visit.request()
    visit.send(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 Split\r\n\r\n")
    await first.end()
    await visit.gone()
    second, _ = ask(server.endpoint())
    await (await server.visit()).answer(b"mine")
    await second.end()

    assert (first.body, second.body) == (b"ok", b"mine")


async def test_a_connection_that_speaks_unasked_is_closed(server: RawServer, ask: Asker) -> None:
    recorder, _ = ask(server.endpoint())
    visit = await server.visit()
    await visit.answer()
    await recorder.end()

    visit.send(b"HTTP/1.1 408 Idle\r\n\r\n")

    await visit.gone()


async def test_an_answer_may_come_before_the_request_is_read(server: RawServer, ask: Asker) -> None:
    body = b"x" * 16_000_000
    recorder, _ = ask(
        server.endpoint(),
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body),
    )
    visit = await server.visit()
    await visit.reader.readuntil(b"\r\n\r\n")
    visit.send(b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno")
    await recorder.end()
    assert (recorder.status, recorder.body, recorder.ended) == (413, b"no", True)

    await visit.gone()
    other, _ = ask(server.endpoint())
    await (await server.visit()).answer()
    await other.end()
    assert other.ended


async def test_a_request_on_a_stale_connection_is_sent_again_on_a_fresh_one(
    server: RawServer, ask: Asker
) -> None:
    first, _ = ask(server.endpoint())
    old = await server.visit()
    await old.answer()
    await first.end()

    second, call = ask(server.endpoint(), POST)
    old.reset()
    fresh = await server.visit()
    assert await fresh.request() == POST
    fresh.send(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
    await second.end()

    assert (second.body, second.ended, second.broken) == (b"ok", True, None)
    assert call.sent_at > 0.0


async def test_a_request_is_sent_again_only_once(server: RawServer, ask: Asker) -> None:
    first, _ = ask(server.endpoint())
    old = await server.visit()
    await old.answer()
    await first.end()

    second, _ = ask(server.endpoint(), POST)
    await old.request()
    old.close()
    fresh = await server.visit()
    await fresh.request()
    fresh.close()
    broken = await second.failure()

    assert (broken.fault, broken.received) == (Fault.CLOSED, False)


async def test_a_request_is_not_sent_again_once_a_byte_came_back(
    server: RawServer, ask: Asker
) -> None:
    first, _ = ask(server.endpoint())
    visit = await server.visit()
    await visit.answer()
    await first.end()

    second, _ = ask(server.endpoint(), POST)
    await visit.request()
    visit.send(b"H")
    visit.close()
    broken = await second.failure()

    assert (broken.fault, broken.received) == (Fault.CLOSED, True)


async def test_a_request_on_a_fresh_connection_is_not_sent_again(
    server: RawServer, ask: Asker
) -> None:
    recorder, _ = ask(server.endpoint(), POST)
    visit = await server.visit()
    await visit.request()
    visit.close()
    await recorder.end()

    assert recorder.broken is not None
    assert server.visits.empty()


async def test_a_stale_request_that_finds_no_server_any_more_was_sent(
    start_server: StartServer, ask: Asker
) -> None:
    server = await start_server()
    first, _ = ask(server.endpoint())
    visit = await server.visit()
    await visit.answer()
    await first.end()
    server.stop()

    second, _ = ask(server.endpoint(), POST)
    await visit.request()
    visit.close()
    broken = await second.failure()

    assert broken.fault is Fault.REFUSED
    assert (broken.sent, broken.received) == (True, False)


async def test_a_freed_connection_serves_who_waits(
    server: RawServer, make_client: MakeClient, ask: Asker
) -> None:
    client = make_client(max_connections=1)
    first, _ = Asker(client)(server.endpoint())
    second, call = Asker(client)(server.endpoint(), POST)
    visit = await server.visit()
    await visit.answer()
    await first.end()
    assert call.sent_at > 0.0
    await visit.answer()
    await second.end()

    assert second.ended
    assert server.visits.empty()


async def test_who_waits_gets_a_connection_when_another_is_lost(
    server: RawServer, make_client: MakeClient, ask: Asker
) -> None:
    client = make_client(max_connections=1)
    first, _ = Asker(client)(server.endpoint())
    second, _ = Asker(client)(server.endpoint())
    visit = await server.visit()
    await visit.request()
    visit.close()
    await first.end()
    await (await server.visit()).answer()
    await second.end()

    assert first.broken is not None
    assert second.ended


async def test_cancelling_closes_the_connection_within_one_turn(
    server: RawServer, ask: Asker
) -> None:
    recorder, call = ask(server.endpoint())
    visit = await server.visit()
    await visit.request()
    visit.send(HEAD + b"2\r\nab\r\n")
    await recorder.until(lambda r: r.body)

    call.cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    visit.send(b"2\r\ncd\r\n")
    await visit.gone()

    assert recorder.parts == [b"ab"]
    assert not recorder.over


@pytest.mark.parametrize("moment", ["head", "body"])
async def test_cancelling_from_a_callback_is_the_last_callback(
    server: RawServer, ask: Asker, moment: str
) -> None:
    recorder, call = ask(server.endpoint())
    recorder.then = lambda: (moment == "head" or recorder.parts) and call.cancel()
    visit = await server.visit()
    await visit.request()
    visit.send(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
    await visit.gone()

    assert recorder.parts == ([] if moment == "head" else [b"ok"])
    assert not recorder.over


async def test_cancelling_while_connecting_leaves_the_connection_for_others(
    server: RawServer, make_client: MakeClient, ask: Asker
) -> None:
    client = make_client(max_connections=1)
    cancelled, call = Asker(client)(server.endpoint())
    call.cancel()
    other, _ = Asker(client)(server.endpoint())
    visit = await server.visit()
    await visit.answer()
    await other.end()

    assert other.ended
    assert (cancelled.status, cancelled.over) == (0, False)
    assert server.visits.empty()


async def test_a_call_that_has_ended_does_not_touch_the_next_one(
    server: RawServer, ask: Asker
) -> None:
    first, old = ask(server.endpoint())
    visit = await server.visit()
    await visit.answer()
    await first.end()
    second, _ = ask(server.endpoint())

    old.cancel()
    old.pause()
    old.set_limit(0.0)
    await visit.answer()
    await second.end()

    assert second.ended
    assert (first.limits, second.limits) == (0, 0)


async def test_a_limit_is_told_once_and_not_early(server: RawServer, ask: Asker) -> None:
    recorder, call = ask(server.endpoint())
    visit = await server.visit()
    await visit.request()
    told: list[float] = []
    recorder.then = lambda: told.append(CLOCK.now())
    at = CLOCK.now() + 0.02

    call.set_limit(at)
    await recorder.until(lambda r: r.limits)
    visit.send(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
    await recorder.end()

    assert told[0] >= at
    assert (recorder.limits, recorder.ended) == (1, True)


async def test_a_limit_may_pass_while_connecting(
    ask: Asker, make_client: MakeClient, server: RawServer
) -> None:
    client = make_client(resolve=never)
    recorder, call = Asker(client)(Endpoint("acme.test", 1, tls=False))

    call.set_limit(CLOCK.now() + 0.01)
    await recorder.until(lambda r: r.limits)

    assert not recorder.over
    call.cancel()


async def test_a_limit_that_moves_later_passes_later(server: RawServer, ask: Asker) -> None:
    recorder, call = ask(server.endpoint())
    visit = await server.visit()
    told: list[float] = []
    recorder.then = lambda: told.append(CLOCK.now())
    call.set_limit(CLOCK.now() + 0.01)
    late = CLOCK.now() + 0.04

    call.set_limit(late)
    await recorder.until(lambda r: r.limits)

    assert told[0] >= late
    assert recorder.limits == 1
    visit.close()


async def test_a_new_limit_from_within_on_limit_is_told_as_well(
    server: RawServer, ask: Asker
) -> None:
    recorder, call = ask(server.endpoint())
    visit = await server.visit()
    recorder.then = lambda: call.set_limit(CLOCK.now() + 0.005 if recorder.limits < 3 else inf)
    call.set_limit(CLOCK.now())

    await recorder.until(lambda r: r.limits == 3)

    assert not recorder.over
    visit.close()


async def test_a_paused_exchange_reads_a_bounded_amount(server: RawServer, ask: Asker) -> None:
    recorder, call = ask(server.endpoint())
    visit = await server.visit()
    await visit.request()
    visit.send(b"HTTP/1.1 200 OK\r\ncontent-length: 64000000\r\n\r\n")
    await recorder.until(lambda r: r.status)

    call.pause()
    visit.send(b"x" * 64_000_000)
    drained = asyncio.ensure_future(visit.writer.drain())
    for _ in range(20):
        await asyncio.sleep(0.001)
    assert len(recorder.body) <= 1_000_000
    assert not drained.done()
    call.resume()
    await recorder.end()

    assert len(recorder.body) == 64_000_000
    assert recorder.ended
    await drained


async def test_a_pause_while_connecting_holds_from_the_first_byte_on(
    server: RawServer, ask: Asker
) -> None:
    recorder, call = ask(server.endpoint())
    call.pause()
    visit = await server.visit()
    await visit.answer()
    for _ in range(10):
        await asyncio.sleep(0.001)
    assert recorder.status == 0

    call.resume()
    await recorder.end()

    assert recorder.ended


async def test_a_connection_paused_at_its_end_serves_the_next_request(
    server: RawServer, ask: Asker
) -> None:
    first, call = ask(server.endpoint())
    first.then = call.pause
    visit = await server.visit()
    await visit.answer()
    await first.end()

    second, _ = ask(server.endpoint())
    await visit.answer()
    await second.end()

    assert second.ended


async def test_a_listener_that_fails_costs_its_own_connection_only(
    server: RawServer, ask: Asker, caplog: pytest.LogCaptureFixture
) -> None:
    recorder, _ = ask(server.endpoint())

    def fail() -> None:
        if recorder.broken is None:
            raise ZeroDivisionError

    recorder.then = fail
    await (await server.visit()).answer()
    broken = await recorder.failure()
    other, _ = ask(server.endpoint())
    await (await server.visit()).answer()
    await other.end()

    assert broken.message == "the connection broke: ZeroDivisionError"
    assert other.ended
    assert "ZeroDivisionError" in caplog.text


async def test_many_requests_at_once_wait_for_few_connections(
    server: RawServer, make_client: MakeClient
) -> None:
    ask = Asker(make_client(max_connections=2))
    calls = [ask(server.endpoint())[0] for _ in range(9)]

    async def serve() -> None:
        visit = await server.visit()
        while True:
            await visit.answer()

    serving = [asyncio.ensure_future(serve()) for _ in range(2)]
    for recorder in calls:
        await recorder.end()

    assert all(recorder.ended for recorder in calls)
    assert server.visits.empty()
    for task in serving:
        task.cancel()


async def test_a_request_without_a_free_connection_gives_up_in_time(
    server: RawServer, make_client: MakeClient
) -> None:
    ask = Asker(make_client(max_connections=1))
    ask(server.endpoint())
    await (await server.visit()).request()

    recorder, _ = ask(server.endpoint(), connect_s=0.02)

    assert (await recorder.failure()).fault is Fault.TIMEOUT


async def test_those_who_wait_for_one_connection_give_up_no_sooner_than_they_may(
    server: RawServer, make_client: MakeClient
) -> None:
    ask = Asker(make_client(max_connections=1))
    ask(server.endpoint())
    await (await server.visit()).request()

    start = CLOCK.now()
    waits = [ask(server.endpoint(), connect_s=limit_s)[0] for limit_s in (0.02, 0.01)]
    ended: list[float] = []
    for recorder in waits:
        recorder.then = lambda: ended.append(CLOCK.now() - start)
    limited, call = ask(server.endpoint())
    call.set_limit(start + 0.015)
    for recorder in (*waits, limited):
        await recorder.until(lambda r: r.over or r.limits)

    assert [recorder.broken and recorder.broken.fault for recorder in waits] == [Fault.TIMEOUT] * 2
    assert min(ended) >= 0.01
    assert max(ended) >= 0.02
    assert not limited.over
    call.cancel()


async def test_closing_ends_calls_in_flight_and_leaves_no_task(
    server: RawServer, client: HttpClient, ask: Asker
) -> None:
    before = asyncio.all_tasks()
    connected, _ = ask(server.endpoint())
    visit = await server.visit()
    await visit.request()
    connecting, _ = ask(server.endpoint())

    await client.close()
    await visit.gone()

    for recorder in (connected, connecting):
        assert recorder.broken is not None
        assert recorder.broken.fault is Fault.CLOSED
    assert asyncio.all_tasks() - before == set()


async def test_a_closed_client_refuses_requests(
    server: RawServer, client: HttpClient, ask: Asker
) -> None:
    await client.close()

    recorder, _ = ask(server.endpoint())
    assert not recorder.over
    await recorder.end()

    assert recorder.broken == Broken(
        Fault.CLOSED, "the client is closed", sent=False, received=False
    )


async def test_no_callback_comes_from_within_send(
    server: RawServer, client: HttpClient, ask: Asker
) -> None:
    first, _ = ask(server.endpoint())
    visit = await server.visit()
    await visit.answer()
    await first.end()
    visit.close()

    second, _ = ask(server.endpoint())
    third, _ = ask(Endpoint("169.254.169.254", 80, tls=False))

    assert not second.over
    assert not third.over
    await third.end()


async def never(host: str, port: int) -> list[str]:
    await asyncio.Event().wait()
    return []

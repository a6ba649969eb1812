import asyncio
import http.client
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import h11
import pytest

from hotswap.errors import ConfigError
from hotswap.server.api import Exchange
from hotswap.server.exchange import HttpExchange
from hotswap.server.tls import server_context
from hotswap.testing.certificates import make_certificates
from hotswap.testing.clock import VirtualClock
from hotswap.testing.site import Answer, Caller, Site

OpenSite = Callable[..., Awaitable[Site]]
TEXT = b"content-type: text/plain\r\n"


async def echo(exchange: Exchange) -> None:
    incoming = exchange.incoming
    exchange.answer(200, TEXT, f"{incoming.method} {incoming.path} ".encode() + incoming.body)


async def stream(exchange: Exchange) -> None:
    exchange.start(200, TEXT)
    exchange.write(b"one")
    exchange.write(b"")
    exchange.write(b"two")
    exchange.finish()


async def test_an_answer_carries_date_and_length(open_site: OpenSite) -> None:
    clock = VirtualClock(unix=1_800_000_000.0)
    site = await open_site(echo, clock=clock)
    caller = await site.caller()

    await caller.send(b"POST /a?b HTTP/1.1", b"Content-Length: 2", body=b"hi")
    first = await caller.answer()
    clock.advance(1.0)
    await caller.send(b"GET / HTTP/1.1")
    second = await caller.answer()

    assert first == Answer(
        200,
        {
            b"date": b"Fri, 15 Jan 2027 08:00:00 GMT",
            b"content-type": b"text/plain",
            b"content-length": b"10",
        },
        b"POST /a hi",
    )
    assert second.headers[b"date"] == b"Fri, 15 Jan 2027 08:00:01 GMT"


async def test_the_handler_sees_the_whole_request(open_site: OpenSite) -> None:
    seen: list[Exchange] = []

    async def keep(exchange: Exchange) -> None:
        seen.append(exchange)
        exchange.answer(200, b"", b"")

    site = await open_site(keep, clock=VirtualClock(now=5.0))
    caller = await site.caller()

    await caller.send(b"POST /p?q=1 HTTP/1.1", b"X-A: b", b"Content-Length: 1", body=b"c")
    await caller.answer()

    incoming = seen[0].incoming
    assert (incoming.method, incoming.path, incoming.query) == ("POST", "/p", "q=1")
    assert (incoming.body, incoming.peer, incoming.received_at) == (b"c", "127.0.0.1", 5.0)
    assert incoming.headers == {b"x-a": b"b", b"host": b"site"}


async def test_a_status_without_a_name_is_written(open_site: OpenSite) -> None:
    async def overloaded(exchange: Exchange) -> None:
        exchange.answer(529, b"", b"")

    site = await open_site(overloaded)
    caller = await site.caller()

    await caller.send(b"GET / HTTP/1.1", b"Connection: close")

    assert (await caller.rest()).startswith(b"HTTP/1.1 529 \r\n")


async def test_a_request_sent_byte_by_byte_is_served(open_site: OpenSite) -> None:
    site = await open_site(echo)
    caller = await site.caller()
    request = (
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"
    )

    for i in range(len(request)):
        await caller.send_raw(request[i : i + 1])

    assert (await caller.answer()).body == b"POST / hi"


async def test_a_stream_goes_out_in_chunks(open_site: OpenSite) -> None:
    site = await open_site(stream)
    caller = await site.caller()

    await caller.send(b"GET / HTTP/1.1")
    answer = await caller.answer()

    assert answer.headers[b"transfer-encoding"] == b"chunked"
    assert b"content-length" not in answer.headers
    assert answer.body == b"onetwo"


async def test_pieces_of_a_stream_arrive_one_by_one(open_site: OpenSite) -> None:
    goes_on = asyncio.Event()

    async def slow(exchange: Exchange) -> None:
        exchange.start(200, TEXT)
        exchange.write(b"one")
        await goes_on.wait()
        exchange.write(b"two")
        exchange.finish()

    site = await open_site(slow)
    caller = await site.caller()

    await caller.send(b"GET / HTTP/1.1")
    head = await caller.answer(head_only=True)
    first = await caller.chunk()
    goes_on.set()

    assert (head.status, first) == (200, b"one")
    assert (await caller.chunk(), await caller.chunk()) == (b"two", b"")


async def test_head_is_answered_without_a_body(open_site: OpenSite) -> None:
    site = await open_site(echo)
    caller = await site.caller()

    await caller.send(b"HEAD /a HTTP/1.1")
    head = await caller.answer(head_only=True)
    await caller.send(b"GET /b HTTP/1.1", b"Connection: close")

    assert head.headers[b"content-length"] == b"8"
    assert (await caller.rest()).startswith(b"HTTP/1.1 200 OK\r\n")


async def test_a_stream_asked_for_by_head_has_no_body(open_site: OpenSite) -> None:
    site = await open_site(stream)
    caller = await site.caller()

    await caller.send(b"HEAD / HTTP/1.1", b"Connection: close")

    assert (await caller.rest()).endswith(b"transfer-encoding: chunked\r\n\r\n")


@pytest.mark.parametrize("status", [204, 304])
async def test_a_bodiless_status_has_no_length(open_site: OpenSite, status: int) -> None:
    async def nothing(exchange: Exchange) -> None:
        if exchange.incoming.path == "/whole":
            exchange.answer(status, b"", b"dropped")
        else:
            exchange.start(status, b"")
            exchange.write(b"dropped")
            exchange.finish()

    site = await open_site(nothing, clock=VirtualClock(unix=0.0))
    caller = await site.caller()

    await caller.send(b"GET /whole HTTP/1.1")
    await caller.send(b"GET /stream HTTP/1.1", b"Connection: close")
    first, second, end = (await caller.rest()).split(b"\r\n\r\n")

    assert first.split(b"\r\n")[1:] == [b"date: Thu, 01 Jan 1970 00:00:00 GMT"]
    assert second.split(b"\r\n")[2:] == [b"connection: close"]
    assert end == b""


async def test_options_reaches_the_handler(open_site: OpenSite) -> None:
    site = await open_site(echo)
    caller = await site.caller()

    await caller.send(b"OPTIONS * HTTP/1.1")

    assert (await caller.answer()).body == b"OPTIONS * "


async def test_close_is_told_and_done(open_site: OpenSite) -> None:
    site = await open_site(echo)
    caller = await site.caller()

    await caller.send(b"GET / HTTP/1.1", b"Connection: close")
    answer = await caller.answer()

    assert answer.headers[b"connection"] == b"close"
    assert await caller.rest() == b""


async def test_http_10_is_closed_unless_it_asks_to_stay(open_site: OpenSite) -> None:
    site = await open_site(echo)
    stays, goes = await site.caller(), await site.caller()

    await stays.send(b"GET /1 HTTP/1.0", b"Connection: Keep-Alive")
    first = await stays.answer()
    await stays.send(b"GET /2 HTTP/1.0")
    second = await stays.answer()
    await goes.send_raw(b"GET /3 HTTP/1.0\r\n\r\n")

    assert (first.headers[b"connection"], first.body) == (b"keep-alive", b"GET /1 ")
    assert (second.headers[b"connection"], second.body) == (b"close", b"GET /2 ")
    assert (await goes.rest()).endswith(b"\r\n\r\nGET /3 ")


async def test_a_stream_to_http_10_ends_with_the_connection(open_site: OpenSite) -> None:
    site = await open_site(stream)
    caller = await site.caller()

    await caller.send(b"GET / HTTP/1.0", b"Connection: keep-alive")
    head, _, body = (await caller.rest()).partition(b"\r\n\r\n")

    assert b"transfer-encoding" not in head
    assert b"connection: close" in head
    assert body == b"onetwo"


async def test_the_caller_is_told_to_send_the_body_it_holds_back(open_site: OpenSite) -> None:
    site = await open_site(echo)
    caller = await site.caller()

    await caller.send(b"POST / HTTP/1.1", b"Content-Length: 2", b"Expect: 100-continue")
    interim = await caller.answer()
    await caller.send_raw(b"h")
    await caller.send_raw(b"i")

    assert interim == Answer(100, {}, b"")
    assert (await caller.answer()).body == b"POST / hi"


async def test_whoever_sends_at_once_is_not_told_to(open_site: OpenSite) -> None:
    site = await open_site(echo)
    caller = await site.caller()

    await caller.send(b"POST / HTTP/1.1", b"Content-Length: 2", b"Expect: 100-continue", body=b"hi")

    assert (await caller.answer()).body == b"POST / hi"


async def test_pipelined_requests_are_served_one_after_the_other(open_site: OpenSite) -> None:
    began: list[str] = []
    serving, goes_on = asyncio.Event(), asyncio.Event()

    async def hold(exchange: Exchange) -> None:
        began.append(exchange.incoming.path)
        serving.set()
        await goes_on.wait()
        await echo(exchange)

    site = await open_site(hold)
    caller = await site.caller()

    await caller.send_raw(b"".join(b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % i for i in range(3)))
    await serving.wait()
    while_held = list(began)
    goes_on.set()
    bodies = [(await caller.answer()).body for _ in range(3)]

    assert while_held == ["/0"]
    assert bodies == [b"GET /0 ", b"GET /1 ", b"GET /2 "]


async def test_a_handler_that_raises_is_answered_with_500(open_site: OpenSite) -> None:
    async def broken(exchange: Exchange) -> None:
        raise ValueError(exchange.incoming.path)

    site = await open_site(broken)
    caller = await site.caller()

    await caller.send(b"GET /a HTTP/1.1")
    answer = await caller.answer()

    assert answer.status == 500
    assert answer.body == b"/a internal_error: The server failed on this request."
    assert [repr(bug) for bug in site.bugs] == ["ValueError('/a')"]
    assert site.state.in_flight == 0


async def test_a_handler_without_an_answer_is_a_bug(open_site: OpenSite) -> None:
    async def silent(_exchange: Exchange) -> None:
        pass

    site = await open_site(silent)
    caller = await site.caller()

    await caller.send(b"GET /a HTTP/1.1")

    assert (await caller.answer()).status == 500
    assert [repr(bug) for bug in site.bugs] == ["UnansweredError('no answer to /a')"]


async def test_a_handler_that_fails_within_a_stream_cuts_it(open_site: OpenSite) -> None:
    async def broken(exchange: Exchange) -> None:
        exchange.start(200, TEXT)
        exchange.write(b"one")
        raise ValueError

    site = await open_site(broken)
    caller = await site.caller()

    await caller.send(b"GET / HTTP/1.1")

    assert (await caller.rest()).endswith(b"3\r\none\r\n")
    assert len(site.bugs) == 1


async def cut_after_an_error(exchange: Exchange) -> None:
    exchange.start(200, TEXT)
    exchange.write(b"one")
    exchange.write(b"error")
    exchange.abort()


async def test_what_was_written_before_an_abort_arrives(open_site: OpenSite) -> None:
    site = await open_site(cut_after_an_error)
    caller = await site.caller()

    await caller.send(b"GET / HTTP/1.1")
    answer = await caller.answer(head_only=True)

    assert answer.status == 200
    assert await caller.rest() == b"3\r\none\r\n5\r\nerror\r\n"
    assert site.bugs == []


async def test_an_abort_is_incomplete_for_http_client(open_site: OpenSite) -> None:
    site = await open_site(cut_after_an_error)

    def ask() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", site.port)
        try:
            connection.request("GET", "/")
            connection.getresponse().read()
        finally:
            connection.close()

    with pytest.raises(http.client.IncompleteRead) as caught:
        await asyncio.to_thread(ask)

    assert caught.value.partial == b"oneerror"


async def test_an_abort_is_incomplete_for_h11(open_site: OpenSite) -> None:
    site = await open_site(cut_after_an_error)
    caller = await site.caller()
    parser = h11.Connection(h11.CLIENT)
    parser.send(h11.Request(method="GET", target="/", headers=[("Host", "x")]))

    await caller.send(b"GET / HTTP/1.1")
    parser.receive_data(await caller.rest())
    parser.receive_data(b"")
    read = [type(parser.next_event()) for _ in range(3)]

    assert read == [h11.Response, h11.Data, h11.Data]
    with pytest.raises(h11.RemoteProtocolError, match="incomplete"):
        parser.next_event()


async def test_an_abort_is_a_reset_where_the_end_of_the_connection_ends_the_answer(
    open_site: OpenSite,
) -> None:
    site = await open_site(cut_after_an_error)
    caller = await site.caller()

    await caller.send_raw(b"GET / HTTP/1.0\r\n\r\n")

    with pytest.raises(ConnectionResetError):
        await caller.rest()


async def test_an_abort_before_the_start_closes_without_a_word(open_site: OpenSite) -> None:
    async def cut(exchange: Exchange) -> None:
        exchange.abort()

    site = await open_site(cut)
    caller = await site.caller()

    await caller.send(b"GET / HTTP/1.1")

    assert await caller.rest() == b""
    assert site.bugs == []


async def test_calls_after_the_end_do_nothing(open_site: OpenSite) -> None:
    done = asyncio.Event()

    async def overeager(exchange: Exchange) -> None:
        exchange.answer(200, b"", b"one")
        exchange.answer(200, b"", b"two")
        exchange.start(200, b"")
        exchange.write(b"three")
        exchange.finish()
        exchange.abort()
        assert isinstance(exchange, HttpExchange)
        exchange.drop()
        done.set()

    site = await open_site(overeager)
    caller = await site.caller()

    await caller.send(b"GET / HTTP/1.1")
    await done.wait()
    await caller.send(b"GET / HTTP/1.1")

    assert [(await caller.answer()).body for _ in range(2)] == [b"one", b"one"]


async def test_an_answer_within_a_stream_cuts_it(open_site: OpenSite) -> None:
    async def undecided(exchange: Exchange) -> None:
        exchange.start(200, b"")
        exchange.start(500, b"")
        exchange.answer(500, b"", b"")

    site = await open_site(undecided)
    caller = await site.caller()

    await caller.send(b"GET / HTTP/1.1")

    assert (await caller.rest()).endswith(b"transfer-encoding: chunked\r\n\r\n")


async def test_tls_is_served(open_site: OpenSite, tmp_path: Path) -> None:
    made = make_certificates(tmp_path)
    site = await open_site(stream, tls=(str(made.good), str(made.key)))
    trust = ssl.create_default_context(cafile=made.ca)
    caller = Caller(
        *await asyncio.open_connection(
            "127.0.0.1", site.port, ssl=trust, server_hostname="localhost"
        )
    )

    await caller.send(b"GET / HTTP/1.1", b"Connection: close")
    answer = await caller.answer()
    end = await caller.rest()
    caller.leave()

    assert (answer.status, answer.body, end) == (200, b"onetwo", b"")


def test_a_certificate_that_is_missing_is_the_operators_fault() -> None:
    with pytest.raises(ConfigError, match=r"server\.tls: certificate 'no.pem'"):
        server_context("no.pem", "no.key")

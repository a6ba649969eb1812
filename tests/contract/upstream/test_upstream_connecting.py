"""Names, addresses, TLS and proxies on the way to a server."""

import asyncio
import base64
import socket
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from hotswap.core.terms import Endpoint
from hotswap.testing.certificates import Certificates
from hotswap.testing.raw_server import RawServer, Visit
from hotswap.testing.recorder import Asker
from hotswap.upstream.api import Broken, Fault
from hotswap.upstream.client import HttpClient
from hotswap.upstream.dns import Resolve

MakeClient = Callable[..., HttpClient]
StartServer = Callable[..., Awaitable[RawServer]]


@pytest.fixture
def deaf_port() -> Iterator[int]:
    """Hold a port whose queue of connections is full, so that the kernel answers nobody."""
    with ExitStack() as held:
        listener = held.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = int(listener.getsockname()[1])
        for _ in range(4):
            sock = held.enter_context(socket.socket())
            sock.settimeout(0)
            sock.connect_ex(("127.0.0.1", port))
        yield port


def names(*answers: Sequence[str]) -> Resolve:
    """Make a resolver that gives these answers in turn, the last one for ever."""
    left = list(answers)

    async def resolve(host: str, port: int) -> Sequence[str]:
        return left.pop(0) if len(left) > 1 else left[0]

    return resolve


async def never(host: str, port: int) -> list[str]:
    await asyncio.Event().wait()
    return []


async def unknown(host: str, port: int) -> list[str]:
    raise OSError(-2, "Name or service not known")


async def broken(ask: Asker, endpoint: Endpoint, *, connect_s: float = 5.0) -> Broken:
    """Ask, and see it fail before anything was sent."""
    recorder, call = ask(endpoint, connect_s=connect_s)
    failure = await recorder.failure()
    assert call.sent_at == 0.0
    assert not failure.sent
    assert not failure.received
    return failure


async def test_a_name_that_does_not_resolve_is_a_dns_fault(
    ask: Asker, make_client: MakeClient
) -> None:
    fault = await broken(Asker(make_client(resolve=unknown)), Endpoint("acme.test", 443, tls=True))

    assert fault.fault is Fault.DNS
    assert "acme.test" in fault.message


async def test_the_systems_resolver_is_asked(server: RawServer, ask: Asker) -> None:
    recorder, _ = ask(server.endpoint("localhost"))
    await (await server.visit()).answer()
    await recorder.end()

    assert recorder.ended


@pytest.mark.parametrize("tls", [False, True])
async def test_nobody_listening_is_a_refusal(
    start_server: StartServer, ask: Asker, *, tls: bool
) -> None:
    server = await start_server()
    server.stop()

    fault = await broken(ask, server.endpoint(tls=tls))

    assert fault.fault is Fault.REFUSED
    assert fault.message == f"127.0.0.1:{server.port} can not be reached: Connection refused"


@pytest.mark.parametrize("connect_s", [0.02, 0.05])
async def test_connecting_takes_no_longer_than_allowed(
    ask: Asker, make_client: MakeClient, connect_s: float
) -> None:
    ask = Asker(make_client(resolve=never))

    fault = await broken(ask, Endpoint("acme.test", 443, tls=False), connect_s=connect_s)

    assert fault.fault is Fault.TIMEOUT
    assert fault.message == f"no connection to acme.test:443 within {connect_s} s"


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["127.0.0.1", "127.0.0.2"]])
async def test_an_address_that_does_not_answer_is_given_up(
    make_client: MakeClient, deaf_port: int, addresses: list[str]
) -> None:
    ask = Asker(make_client(resolve=names(addresses)))
    endpoint = Endpoint("acme.test", deaf_port, tls=False, allow_private=True)

    fault = await broken(ask, endpoint, connect_s=0.02)

    assert fault.fault is Fault.TIMEOUT


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::ffff:127.0.0.1", "fd00:ec2::254"]
)
async def test_a_name_that_leads_inside_is_refused(
    ask: Asker, make_client: MakeClient, server: RawServer, address: str
) -> None:
    endpoint = server.endpoint("acme.test", allow_private=False)

    fault = await broken(Asker(make_client(resolve=names([address]))), endpoint)

    assert fault.fault is Fault.ADDRESS
    assert address in fault.message
    assert server.visits.empty()


async def test_an_address_inside_is_refused_as_well(ask: Asker, server: RawServer) -> None:
    fault = await broken(ask, server.endpoint("127.0.0.1", allow_private=False))

    assert fault.fault is Fault.ADDRESS


async def test_metadata_services_are_refused_even_where_private_is_allowed(ask: Asker) -> None:
    fault = await broken(ask, Endpoint("169.254.169.254", 80, tls=False, allow_private=True))

    assert fault.fault is Fault.ADDRESS


async def test_a_name_that_changes_its_mind_is_checked_again(
    ask: Asker, make_client: MakeClient, server: RawServer
) -> None:
    resolve = names(["127.0.0.1"], ["169.254.169.254"])
    client = make_client(resolve=resolve, dns_refresh_s=0.0)
    first, _ = Asker(client)(server.endpoint("acme.test"))
    visit = await server.visit()
    await visit.request()
    visit.send(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
    await first.end()

    fault = await broken(Asker(client), server.endpoint("acme.test"))

    assert first.ended
    assert fault.fault is Fault.ADDRESS


async def test_only_the_allowed_addresses_of_a_name_are_used(
    ask: Asker, make_client: MakeClient, server: RawServer
) -> None:
    client = make_client(resolve=names(["169.254.169.254", "127.0.0.1"]))
    recorder, _ = Asker(client)(server.endpoint("acme.test"))
    await (await server.visit()).answer()
    await recorder.end()

    assert recorder.ended


async def test_an_address_without_a_listener_is_skipped(
    ask: Asker, make_client: MakeClient, start_server: StartServer
) -> None:
    server = await start_server()
    client = make_client(resolve=names(["127.0.0.9", "::1", "127.0.0.1"]))
    recorder, _ = Asker(client)(server.endpoint("acme.test"))
    await (await server.visit()).answer()
    await recorder.end()

    assert recorder.ended


async def test_tls_with_an_authority_of_ones_own(
    ask: Asker, start_server: StartServer, certificates: Certificates
) -> None:
    server = await start_server(certificates.context(certificates.good))
    endpoint = server.endpoint("localhost", tls=True, ca_file=certificates.ca)
    first, _ = ask(endpoint)
    visit = await server.visit()
    await visit.answer(b"x" * 100_000)
    await first.end()
    second, call = ask(endpoint)
    assert call.sent_at > 0.0
    await visit.answer()
    await second.end()

    chosen = visit.writer.get_extra_info("ssl_object")
    assert chosen.selected_alpn_protocol() == "http/1.1"
    assert (len(first.body), second.body) == (100_000, b"ok")


@pytest.mark.parametrize(
    ("which", "reason"),
    [
        ("expired", "certificate has expired"),
        ("other_name", "Hostname mismatch, certificate is not valid for 'localhost'."),
    ],
)
async def test_a_bad_certificate_is_a_tls_fault(
    ask: Asker, start_server: StartServer, certificates: Certificates, which: str, reason: str
) -> None:
    server = await start_server(certificates.context(getattr(certificates, which)))

    fault = await broken(ask, server.endpoint("localhost", tls=True, ca_file=certificates.ca))

    assert fault.fault is Fault.TLS
    assert fault.message == f"localhost: the server's certificate is not valid: {reason}"


async def test_an_unknown_authority_is_a_tls_fault(
    ask: Asker, start_server: StartServer, certificates: Certificates
) -> None:
    server = await start_server(certificates.context(certificates.good))

    fault = await broken(ask, server.endpoint("localhost", tls=True))

    assert fault.fault is Fault.TLS
    assert "unable to get local issuer certificate" in fault.message


async def test_a_server_without_tls_is_a_tls_fault(
    ask: Asker, server: RawServer, certificates: Certificates
) -> None:
    recorder, _ = ask(server.endpoint("localhost", tls=True, ca_file=certificates.ca))
    (await server.visit()).send(b"HTTP/1.1 400 Plain\r\n\r\n")

    assert (await recorder.failure()).fault is Fault.TLS


@pytest.mark.parametrize("how", ["close", "reset"])
async def test_a_server_that_leaves_during_the_handshake_is_a_tls_fault(
    ask: Asker, server: RawServer, how: str
) -> None:
    recorder, _ = ask(server.endpoint("localhost", tls=True))
    visit = await server.visit()
    await visit.reader.read(1)
    getattr(visit, how)()
    failure = await recorder.failure()

    assert failure.fault is Fault.TLS
    assert not failure.sent


async def test_a_server_that_is_silent_during_the_handshake_is_given_up(
    ask: Asker, server: RawServer, certificates: Certificates
) -> None:
    endpoint = server.endpoint("localhost", tls=True, ca_file=certificates.ca)
    recorder, _ = ask(endpoint, connect_s=0.2)
    visit = await server.visit()
    failure = await recorder.failure()
    await visit.gone()

    assert failure.fault is Fault.TIMEOUT
    assert not failure.sent


async def test_cancelling_closes_a_tls_connection(
    ask: Asker, start_server: StartServer, certificates: Certificates
) -> None:
    server = await start_server(certificates.context(certificates.good))
    recorder, call = ask(server.endpoint("localhost", tls=True, ca_file=certificates.ca))
    visit = await server.visit()
    await visit.request()
    visit.send(b"HTTP/1.1 200 OK\r\n\r\nab")
    await recorder.until(lambda r: r.body)

    call.cancel()
    await visit.gone()

    assert not recorder.over


async def test_a_proxy_that_is_silent_is_given_up(
    ask: Asker, server: RawServer, start_server: StartServer
) -> None:
    proxy = await start_server()
    endpoint = server.endpoint(proxy=f"http://127.0.0.1:{proxy.port}")
    recorder, _ = ask(endpoint, connect_s=0.2)
    visit = await proxy.visit()
    failure = await recorder.failure()
    await visit.gone()

    assert failure.fault is Fault.TIMEOUT


async def test_a_server_that_speaks_first_is_not_asked(ask: Asker, server: RawServer) -> None:
    recorder, _ = ask(server.endpoint(), connect_s=0.5)
    visit = await server.visit()
    visit.send(b"220 mail.acme.test\r\n")
    failure = await recorder.failure()

    assert failure.fault in {Fault.CLOSED, Fault.PROTOCOL}


async def test_a_missing_file_of_authorities_is_a_tls_fault(
    ask: Asker, server: RawServer, tmp_path: Path
) -> None:
    fault = await broken(ask, server.endpoint("localhost", tls=True, ca_file=tmp_path / "none.pem"))

    assert fault.fault is Fault.TLS
    assert "can not be read" in fault.message


async def relay(visit: Visit, port: int) -> None:
    """Be a proxy's tunnel to `port` of this machine."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def pump(source: StreamReader, sink: StreamWriter) -> None:
        while data := await source.read(65536):
            sink.write(data)
        sink.close()

    await asyncio.gather(pump(visit.reader, writer), pump(reader, visit.writer))


@pytest.mark.parametrize("tls", [False, True])
async def test_a_proxy_is_asked_for_a_tunnel(
    ask: Asker, start_server: StartServer, certificates: Certificates, *, tls: bool
) -> None:
    context = certificates.context(certificates.good) if tls else None
    server, proxy = await start_server(context), await start_server()
    endpoint = server.endpoint(
        "localhost",
        tls=tls,
        allow_private=False,
        ca_file=certificates.ca,
        proxy=f"http://me:p%40ss@127.0.0.1:{proxy.port}",
    )
    recorder, _ = ask(endpoint)
    visit = await proxy.visit()
    asked = await visit.request()
    visit.send(b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n")
    tunnel = asyncio.ensure_future(relay(visit, server.port))
    behind = await server.visit()
    assert await behind.request() == b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
    behind.send(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok")
    await recorder.end()
    await tunnel

    place = b"localhost:%d" % server.port
    secret = base64.b64encode(b"me:p@ss")
    assert asked == (
        b"CONNECT %b HTTP/1.1\r\nhost: %b\r\nproxy-authorization: Basic %b\r\n\r\n"
        % (place, place, secret)
    )
    assert recorder.body == b"ok"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"HTTP/1.1 407 Auth\r\n\r\n", "the proxy does not accept the credentials (407)"),
        (b"HTTP/1.1 403 No\r\n\r\n", "the proxy refused the tunnel with status 403"),
        (b"SSH-2.0\r\n\r\n", "the proxy's answer to CONNECT is not HTTP"),
        (b"HTTP/1.1 200 OK\r\n\r\nx", "the proxy sent bytes before the tunnel was used"),
        (b"HTTP/1.1 2", "the proxy gave no complete answer to CONNECT"),
        (b"x" * 20_000, "the proxy gave no complete answer to CONNECT"),
    ],
)
async def test_a_proxy_that_gives_no_tunnel_is_a_proxy_fault(
    ask: Asker, server: RawServer, start_server: StartServer, answer: bytes, message: str
) -> None:
    proxy = await start_server()
    recorder, _ = ask(server.endpoint(proxy=f"http://me:secret@127.0.0.1:{proxy.port}"))
    visit = await proxy.visit()
    await visit.request()
    visit.send(answer)
    visit.writer.write_eof()
    failure = await recorder.failure()
    await visit.gone()

    assert failure == Broken(Fault.PROXY, message, sent=False, received=False)


async def test_a_proxy_that_is_not_there_is_a_proxy_fault(
    ask: Asker, server: RawServer, start_server: StartServer
) -> None:
    proxy = await start_server()
    proxy.stop()

    fault = await broken(ask, server.endpoint(proxy=f"http://me:secret@127.0.0.1:{proxy.port}"))

    assert fault.fault is Fault.PROXY
    assert "secret" not in fault.message

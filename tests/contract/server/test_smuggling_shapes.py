"""Every known shape of request smuggling, what becomes of it here, and what uvicorn makes of it.

Each shape is the first request on a connection and hides a second one, `GET /smuggled`. It is
refused and the connection ends, or it has one meaning only: then both of uvicorn's parsers, where
they accept it at all, have to see the same requests with the same bodies.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, cast

import pytest
import uvicorn
from msgspec import Struct
from typing_extensions import override
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from hotswap.server.api import Exchange
from hotswap.testing.site import Site

OpenSite = Callable[..., Awaitable[Site]]
Request = tuple[str, bytes]
"""Path and body."""

HIDDEN: Final = b"GET /smuggled HTTP/1.1\r\nHost: site\r\n\r\n"
FRONT: Final = ("/front", b"")
SMUGGLED: Final = ("/smuggled", b"")


class Shape(Struct, frozen=True):
    """One request with something behind it."""

    lines: bytes
    """Header lines behind `Host`, or the whole request where it begins with a method."""
    rest: bytes = HIDDEN
    """What follows the empty line."""
    served: tuple[Request, ...] = ()
    """Empty: refused with `status`."""
    status: int = 400
    differs: str = ""
    """How one of uvicorn's protocols is known to read it."""

    @property
    def raw(self) -> bytes:
        if b" HTTP/" in self.lines:
            return self.lines + b"\r\n" + self.rest
        return b"POST /front HTTP/1.1\r\nHost: site\r\n%b\r\n%b" % (self.lines, self.rest)


def length(value: bytes) -> bytes:
    return b"Content-Length: %b\r\n" % value


def coding(value: bytes) -> bytes:
    return b"Transfer-Encoding: %b\r\n" % value


ALL: Final = b"%d" % len(HIDDEN)
CHUNKED: Final = coding(b"chunked")
LAST: Final = b"0\r\n\r\n"
BODY: Final = b"hello" + HIDDEN
ONE: Final = (("/front", b"hello"), SMUGGLED)
"""A body of five bytes, and what is behind it is an honest second request."""

SHAPES: Final[Mapping[str, Shape]] = {
    # Two ways to tell the length
    "CL.TE": Shape(length(b"%d" % (len(HIDDEN) + 5)) + CHUNKED, LAST + HIDDEN),
    "TE.CL": Shape(CHUNKED + length(b"4"), b"%x\r\n%b\r\n0\r\n\r\n" % (len(HIDDEN), HIDDEN)),
    "TE.TE: another one": Shape(CHUNKED + coding(b"x"), LAST + HIDDEN),
    "TE.TE: the same twice": Shape(CHUNKED + CHUNKED, LAST + HIDDEN),
    "TE.TE: identity behind": Shape(CHUNKED + coding(b"identity"), LAST + HIDDEN),
    "TE in 1.0": Shape(b"POST /front HTTP/1.0\r\nHost: site\r\n" + CHUNKED, LAST + HIDDEN),
    "CL and TE in 1.0": Shape(
        b"POST /front HTTP/1.0\r\nHost: site\r\n" + length(b"5") + CHUNKED, LAST + HIDDEN
    ),
    # A coding in disguise
    "TE: xchunked": Shape(coding(b"xchunked"), LAST + HIDDEN),
    "TE: chunked, identity": Shape(coding(b"chunked, identity"), LAST + HIDDEN),
    "TE: identity, chunked": Shape(coding(b"identity, chunked"), LAST + HIDDEN),
    "TE: identity": Shape(coding(b"identity") + length(b"5"), BODY),
    "TE: chunked chunked": Shape(coding(b"chunked chunked"), LAST + HIDDEN),
    "TE: a comma before": Shape(coding(b",chunked"), LAST + HIDDEN),
    "TE: quoted": Shape(coding(b'"chunked"'), LAST + HIDDEN),
    "TE: a vertical tab": Shape(coding(b"\x0bchunked"), LAST + HIDDEN),
    "TE: a NUL": Shape(coding(b"chunked\0"), LAST + HIDDEN),
    "TE: a parameter": Shape(coding(b"chunked;q=1"), LAST + HIDDEN),
    "TE: capitals": Shape(coding(b"CHUNKED"), LAST + HIDDEN, served=(FRONT, SMUGGLED)),
    "TE: a tab before": Shape(coding(b"\tchunked"), LAST + HIDDEN, served=(FRONT, SMUGGLED)),
    "TE: a blank before the colon": Shape(b"Transfer-Encoding : chunked\r\n", LAST + HIDDEN),
    "TE: a folded value": Shape(b"Transfer-Encoding:\r\n chunked\r\n", LAST + HIDDEN),
    "TE: behind a bare LF": Shape(b"X: y\nTransfer-Encoding: chunked\r\n", LAST + HIDDEN),
    "TE: behind a bare CR": Shape(b"X: y\rTransfer-Encoding: chunked\r\n", LAST + HIDDEN),
    "TE: an underscore": Shape(b"Transfer_Encoding: chunked\r\n" + length(b"5"), BODY, served=ONE),
    # A length in disguise
    "two lengths": Shape(length(b"5") + length(ALL)),
    "two equal lengths": Shape(length(b"5") + length(b"5"), BODY),
    "5, 5": Shape(length(b"5, 5"), BODY),
    "5,6": Shape(length(b"5,6"), BODY),
    "+5": Shape(length(b"+5"), BODY),
    "-5": Shape(length(b"-5"), BODY),
    "0x5": Shape(length(b"0x5"), BODY),
    "5_0": Shape(length(b"5_0"), BODY),
    "5 5": Shape(length(b"5 5"), BODY),
    "5.0": Shape(length(b"5.0"), BODY),
    "no digit": Shape(length(b""), BODY),
    "another alphabet's 5": Shape(length("\u0665".encode()), BODY),
    "beyond 64 bits": Shape(length(b"18446744073709551621"), BODY),
    "21 digits": Shape(length(b"0" * 20 + b"5"), BODY),
    "4,301 digits": Shape(length(b"0" * 4300 + b"5"), BODY),
    "05": Shape(length(b"05"), BODY, served=ONE),
    "blanks around": Shape(b"Content-Length: \t 5 \t \r\n", BODY, served=ONE),
    "CL: a blank before the colon": Shape(b"Content-Length : 5\r\n", BODY),
    "CL: a NUL before the colon": Shape(b"Content-Length\0: 5\r\n", BODY),
    "CL: a blank before the name": Shape(b" Content-Length: 5\r\n", BODY),
    "CL: hop by hop": Shape(b"Connection: Content-Length\r\n" + length(b"5"), BODY, served=ONE),
    # A body where somebody expects none, or none where somebody expects one
    "CL.0": Shape(length(ALL), served=(("/front", HIDDEN),)),
    "CL.0 with GET": Shape(
        b"GET /front HTTP/1.1\r\nHost: site\r\n" + length(ALL), served=(("/front", HIDDEN),)
    ),
    "CL.0 with HEAD": Shape(
        b"HEAD /front HTTP/1.1\r\nHost: site\r\n" + length(ALL), served=(("/front", HIDDEN),)
    ),
    "0.CL": Shape(length(b"0"), served=(FRONT, SMUGGLED)),
    "no length at all": Shape(b"", served=(FRONT, SMUGGLED)),
    "expecting to be told": Shape(b"Expect: 100-continue\r\n" + length(b"5"), BODY, served=ONE),
    "expecting in disguise": Shape(b"Expect: y 100-continue\r\n" + length(b"5"), BODY, served=ONE),
    "an upgrade": Shape(
        b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n"
        + length(b"5"),
        BODY,
        served=ONE,
        differs="the one on httptools loses the body of whoever offers an upgrade",
    ),
    "the last one": Shape(
        b"Connection: close\r\n" + length(b"5"), BODY, served=(("/front", b"hello"),)
    ),
    # Chunks
    "a sound chunk": Shape(CHUNKED, b"5\r\nhello\r\n" + LAST + HIDDEN, served=ONE),
    "an extension": Shape(CHUNKED, b"5;a=b\r\nhello\r\n" + LAST + HIDDEN, served=ONE),
    "a bare LF in an extension": Shape(CHUNKED, b"5;\nx\r\nhello\r\n" + LAST + HIDDEN),
    "a bare CR in an extension": Shape(CHUNKED, b"5;\rx\r\nhello\r\n" + LAST + HIDDEN),
    "a bare LF behind a size": Shape(CHUNKED, b"5\nhello\r\n" + LAST + HIDDEN),
    "a bare LF behind the data": Shape(CHUNKED, b"5\r\nhello\n" + LAST + HIDDEN),
    "a size with a blank": Shape(CHUNKED, b"5 \r\nhello\r\n" + LAST + HIDDEN),
    "a size with a sign": Shape(CHUNKED, b"+5\r\nhello\r\n" + LAST + HIDDEN),
    "a negative size": Shape(CHUNKED, b"-5\r\nhello\r\n" + LAST + HIDDEN),
    "a size in 0x": Shape(CHUNKED, b"0x5\r\nhello\r\n" + LAST + HIDDEN),
    "a size with an underscore": Shape(CHUNKED, b"0_5\r\nhello\r\n" + LAST + HIDDEN),
    "a size beyond 64 bits": Shape(CHUNKED, b"10000000000000005\r\nhello\r\n" + LAST + HIDDEN),
    "a size beyond any body": Shape(CHUNKED, b"ffffffff\r\nhello", status=413),
    "no CR LF behind the data": Shape(CHUNKED, b"5\r\nhello" + LAST + HIDDEN),
    "two bytes behind the data": Shape(CHUNKED, b"5\r\nhelloXX" + LAST + HIDDEN),
    "a bare LF at the end": Shape(CHUNKED, b"0\r\n\n" + HIDDEN),
    "a length in a trailer": Shape(CHUNKED, b"0\r\nContent-Length: 5\r\n\r\n" + BODY),
    "a request as a trailer": Shape(CHUNKED, b"0\r\n" + HIDDEN),
    # The request line and the host
    "two hosts": Shape(b"Host: other\r\n"),
    "another host in the target": Shape(
        b"POST http://other/front HTTP/1.1\r\nHost: site\r\n", served=(FRONT, SMUGGLED)
    ),
    "a CR before the method": Shape(b"\rPOST /front HTTP/1.1\r\nHost: site\r\n"),
    "a version in disguise": Shape(b"POST /front HTTP/01.1\r\nHost: site\r\n", status=505),
    "a request in the target": Shape(b"POST /front HTTP/1.1 HTTP/1.1\r\nHost: site\r\n"),
    "the preface of HTTP/2": Shape(b"PRI * HTTP/2.0\r\n", b"SM\r\n\r\n" + HIDDEN, status=505),
}
NAMED: Final = pytest.mark.parametrize("shape", list(SHAPES.values()), ids=list(SHAPES))


@NAMED
async def test_a_shape_is_refused_or_has_one_meaning(open_site: OpenSite, shape: Shape) -> None:
    served: list[Request] = []

    async def note(exchange: Exchange) -> None:
        served.append((exchange.incoming.path, exchange.incoming.body))
        exchange.answer(200, b"", b"")

    site = await open_site(note)
    caller = await site.caller()
    await caller.send_raw(shape.raw)
    for _ in shape.served:
        assert (await caller.answer()).status == 200
    if not shape.served:
        assert (await caller.answer()).status == shape.status
        assert await caller.rest() == b""

    assert tuple(served) == shape.served
    assert site.refused == ([] if shape.served else [shape.status])
    assert site.bugs == []


class Sink(asyncio.Transport):
    """Takes what a server writes; nobody looks at it."""

    def __init__(self) -> None:
        super().__init__()
        self._closing = False

    @override
    def write(self, data: bytes | bytearray | memoryview) -> None:
        pass

    @override
    def is_closing(self) -> bool:
        return self._closing

    @override
    def close(self) -> None:
        self._closing = True

    @override
    def pause_reading(self) -> None:
        pass

    @override
    def resume_reading(self) -> None:
        pass


Protocol = type[H11Protocol] | type[HttpToolsProtocol]


async def served_by_uvicorn(protocol: Protocol, raw: bytes) -> tuple[Request, ...]:
    """Return the complete requests that uvicorn's application gets."""
    served: list[Request] = []

    async def application(scope: object, receive: object, send: object) -> None:
        path = cast("Mapping[str, str]", scope)["path"].removeprefix("http://other")
        take = cast("Callable[[], Awaitable[Mapping[str, object]]]", receive)
        give = cast("Callable[[Mapping[str, object]], Awaitable[None]]", send)
        body, more = b"", True
        while more:
            message = await take()
            if message["type"] == "http.disconnect":
                return
            body += cast("bytes", message.get("body", b""))
            more = bool(message.get("more_body"))
        served.append((path, body))
        await give(
            {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]}
        )
        await give({"type": "http.response.body", "body": b""})

    config = uvicorn.Config(application, lifespan="off", ws="none", log_config=None)
    config.load()
    state = ServerState()
    connection = protocol(config, state, {})
    connection.connection_made(Sink())
    connection.data_received(raw)
    while state.tasks and not await _settled(state):
        pass
    connection.connection_lost(None)
    await asyncio.gather(*state.tasks)
    return tuple(served)


async def _settled(state: ServerState) -> bool:
    """Let the applications run; say whether they only wait for bytes that never come."""
    for _ in range(20):
        before = set(state.tasks)
        await asyncio.sleep(0)
        if before != state.tasks:
            return False
    return True


@pytest.mark.parametrize("protocol", [H11Protocol, HttpToolsProtocol], ids=["h11", "httptools"])
@NAMED
async def test_what_has_one_meaning_has_the_same_for_uvicorn(
    protocol: Protocol, shape: Shape
) -> None:
    theirs = await served_by_uvicorn(protocol, shape.raw)

    if shape.served and theirs and not shape.differs:
        assert theirs == shape.served

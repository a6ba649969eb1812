"""Mutated responses: what we read, h11 reads alike, and nothing that is left over is a response."""

import re
from typing import Final

import h11
import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from hotswap.testing.hostile import ODD_BYTES, ODD_LINES, Damage, damaged, pieces
from hotswap.testing.responses import Response, read_response
from hotswap.upstream.api import Fault

BODY: Final = b'{"choices":[]}'
FRAMED: Final = (
    (b"Content-Length: 14\r\n", BODY),
    (b"Content-Length: 0\r\n", b""),
    (b"Transfer-Encoding: chunked\r\n", b'5\r\n{"cho\r\n9;a=b\r\nices":[]}\r\n0\r\n\r\n'),
    (b"Transfer-Encoding: chunked\r\n", b"e\r\n" + BODY + b"\r\n0\r\nX-Sum: 1\r\n\r\n"),
    (b"", BODY),
)
STATUS_LINES: Final = (
    *(b"HTTP/1.1 200 OK", b"HTTP/1.1 200 ", b"HTTP/1.0 200 OK", b"HTTP/1.1 429 Too Many Requests"),
    *(b"HTTP/1.1 204 No Content", b"HTTP/1.1 304 Not Modified", b"HTTP/1.1 529 Overloaded"),
)
LINES: Final = (b"Content-Type: application/json", b"X-Latin: \xe9", b"x-empty:", b"Server: a b")
INTERIM: Final = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
SPLINTERS: Final = (
    *ODD_BYTES,
    b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 101 Switching\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
)
HOSTILE_LINES: Final = (
    *ODD_LINES,
    b"Transfer-Encoding: gzip, chunked",
    b"Content-Encoding: gzip",
    b"X: y\rSet-Cookie: a",
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Damage the bytes of a sound response in one to three places."""
    line, body = draw(st.sampled_from(FRAMED))
    head = [
        draw(st.sampled_from(STATUS_LINES)),
        *draw(st.lists(st.sampled_from(LINES), max_size=3)),
    ]
    raw = b"".join(part + b"\r\n" for part in head) + line + b"\r\n" + body
    raw = draw(st.sampled_from([b"", b"", INTERIM])) + raw
    for _ in range(draw(st.integers(1, 3))):
        damage = draw(st.sampled_from(Damage))
        piece = draw(st.sampled_from(HOSTILE_LINES if damage is Damage.LINE else SPLINTERS))
        at, size = draw(st.integers(0, len(raw))), draw(st.integers(1, 30))
        raw = damaged(raw, damage, at, piece, size)
    return raw


LATE_CODING: Final = re.compile(rb"(?i)0\r\n([^\r\n]+\r\n)*transfer-encoding:")
"""In a trailer: h11 looks at it, to us it says nothing any more, and the end is the same."""


def read_by_h11(raw: bytes) -> tuple[Response, bytes] | None:
    """Return the response and what is left behind it; None: h11 refuses it or waits for more."""
    asked = h11.Connection(h11.CLIENT)
    asked.send(h11.Request(method="POST", target="/", headers=[("host", "x")]))
    asked.send(h11.EndOfMessage())
    asked.receive_data(raw)
    asked.receive_data(b"")
    status, body = 0, b""
    headers: dict[bytes, bytes] = {}
    try:
        while not isinstance(event := asked.next_event(), h11.EndOfMessage):
            if isinstance(event, h11.Response):
                status = event.status_code
                for name, value in event.headers:
                    headers[name] = headers[name] + b", " + value if name in headers else value
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif not isinstance(event, h11.InformationalResponse):
                return None
    except h11.RemoteProtocolError:
        return None
    return Response(status, headers, body, ended=True), asked.trailing_data[0]


def lowered(headers: dict[bytes, bytes]) -> dict[bytes, bytes]:
    """Forgive h11 that it lowers the values of `transfer-encoding`."""
    return {name: value.lower() for name, value in headers.items()}


def compare(raw: bytes, cuts: list[int]) -> None:
    ours, theirs = read_response(pieces(raw, cuts), eof=True), read_by_h11(raw)
    note(f"{raw!r}\nwe: {ours}\nh11: {theirs}")

    assert ours == read_response([raw], eof=True)
    assert ours.ended or ours.fault in {Fault.PROTOCOL, Fault.CLOSED}
    if ours.ended and not (theirs is None and LATE_CODING.search(raw)):
        assert theirs is not None
        response, left = theirs
        assert (ours.status, ours.body) == (response.status, response.body)
        assert lowered(ours.headers) == lowered(response.headers)
        assert not (ours.keep_alive and left.strip(b"\r\n"))


CUTS: Final = st.lists(st.integers(0, 500), max_size=6)


@settings(max_examples=40)
@given(mutated(), CUTS)
def test_mutated_responses_are_never_read_more_laxly_than_by_h11(
    raw: bytes, cuts: list[int]
) -> None:
    compare(raw, cuts)


@pytest.mark.slow
@settings(max_examples=1_000)
@given(mutated(), CUTS)
def test_mutated_responses_are_never_read_more_laxly_than_by_h11_at_length(
    raw: bytes, cuts: list[int]
) -> None:
    compare(raw, cuts)

"""Generated and damaged responses: ours and h11 agree, or ours is stricter in a known way."""

from itertools import pairwise

import h11
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DataObject, DrawFn, SearchStrategy, composite

from hotswap.testing.responses import Response, read_response
from hotswap.upstream.api import Fault

TOKEN = st.text("abcXYZ09-_", min_size=1, max_size=8).map(lambda name: b"x-" + name.encode())
VALUE = st.text("abc XYZ\t,;=é", max_size=12).map(lambda text: text.strip().encode("latin-1"))
LINES = st.lists(st.tuples(TOKEN, VALUE), max_size=4)
BRIEF = settings(deadline=None, max_examples=40)


def write_lines(lines: list[tuple[bytes, bytes]]) -> bytes:
    return b"".join(b"%b: %b\r\n" % line for line in lines)


@composite
def chunked(draw: DrawFn) -> tuple[bytes, bytes]:
    parts = draw(st.lists(st.binary(min_size=1, max_size=20), max_size=4))
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
    trailers = write_lines(draw(LINES))
    return b"transfer-encoding: chunked\r\n", chunks + b"0\r\n" + trailers + b"\r\n"


@composite
def length_delimited(draw: DrawFn) -> tuple[bytes, bytes]:
    body = draw(st.binary(max_size=40))
    return b"content-length: %d\r\n" % len(body), body


@composite
def close_delimited(draw: DrawFn) -> tuple[bytes, bytes]:
    return b"", draw(st.binary(max_size=40))


@composite
def responses(draw: DrawFn) -> bytes:
    interim = b"".join(
        b"HTTP/1.1 %d Wait\r\n%b\r\n" % (draw(st.sampled_from([100, 102, 103])), write_lines(lines))
        for lines in draw(st.lists(LINES, max_size=2))
    )
    status = draw(st.sampled_from([200, 201, 301, 400, 404, 429, 500, 503, 529]))
    frame: SearchStrategy[tuple[bytes, bytes]] = st.one_of(
        chunked(), length_delimited(), close_delimited()
    )
    line, body = draw(frame)
    before, after = write_lines(draw(LINES)), write_lines(draw(LINES))
    return interim + b"HTTP/1.1 %d Said\r\n" % status + before + line + after + b"\r\n" + body


def read_by_h11(data: bytes) -> Response | None:
    """Let h11 read all that a connection gave; None: it refuses that."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="POST", target="/", headers=[("host", "x")]))
    connection.send(h11.EndOfMessage())
    status, body = 0, b""
    headers: dict[bytes, bytes] = {}
    try:
        connection.receive_data(data)
        connection.receive_data(b"")
        while True:
            event = connection.next_event()
            if isinstance(event, h11.Response):
                status = event.status_code
                for name, value in event.headers:
                    headers[name] = headers[name] + b", " + value if name in headers else value
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                return Response(status, headers, body, ended=True)
            elif not isinstance(event, h11.InformationalResponse):
                return None
    except h11.RemoteProtocolError:
        return None


def lowered(headers: dict[bytes, bytes]) -> dict[bytes, bytes]:
    return {name: value.lower() for name, value in headers.items()}


def cut(data: bytes, source: DataObject) -> list[bytes]:
    at = sorted(source.draw(st.lists(st.integers(0, len(data)), max_size=6)))
    edges = [0, *at, len(data)]
    return [data[a:b] for a, b in pairwise(edges) if a < b]


@BRIEF
@given(responses(), st.data())
def test_generated_responses_read_the_same(data: bytes, source: DataObject) -> None:
    ours = read_response(cut(data, source), eof=True)
    theirs = read_by_h11(data)

    assert theirs is not None
    assert ours.fault is None
    assert (ours.status, ours.headers, ours.body) == (theirs.status, theirs.headers, theirs.body)


@BRIEF
@given(responses(), st.data())
def test_a_damaged_response_is_never_read_where_h11_refuses_it(
    data: bytes, source: DataObject
) -> None:
    at = source.draw(st.integers(0, len(data) - 1))
    damaged = source.draw(
        st.sampled_from(
            [
                data[:at] + data[at + 1 :],
                data[:at] + bytes([source.draw(st.integers(0, 255))]) + data[at + 1 :],
                data[:at]
                + source.draw(st.sampled_from([b"\r\n", b"\n", b"\r", b" ", b"0"]))
                + data[at:],
            ]
        )
    )

    ours = read_response(cut(damaged, source), eof=True)
    theirs = read_by_h11(damaged)

    if ours.ended and theirs is not None:
        assert (ours.status, ours.body) == (theirs.status, theirs.body)
        assert lowered(ours.headers) == lowered(theirs.headers)  # h11 lowers some values
    elif ours.ended:
        raise AssertionError("we read what h11 refuses")
    elif theirs is not None:
        assert ours.fault is Fault.PROTOCOL

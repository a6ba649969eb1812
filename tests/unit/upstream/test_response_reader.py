"""Responses as bytes, whole, cut anywhere, and malformed."""

import pytest

from hotswap.testing.responses import read_response
from hotswap.upstream.api import Fault
from hotswap.upstream.reader import ResponseReader
from hotswap.upstream.settings import ClientSettings

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\nX-A: 1\r\nx-a: 2\r\n\r\n"
    b"3;note=x\r\nhel\r\n2\r\nlo\r\n0\r\nX-Trailer: t\r\n\r\n"
)
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: </a>\r\n\r\n"
UNTIL_EOF = b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nhello"


def framed(lines: bytes, rest: bytes = b"ab") -> bytes:
    return b"HTTP/1.1 200 OK\r\n" + lines + b"\r\n\r\n" + rest


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[i : i + size] for i in range(0, len(data), size)]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize(
    ("data", "headers", "keep_alive"),
    [
        (PLAIN, {b"content-type": b"text/plain", b"content-length": b"5"}, True),
        (CHUNKED, {b"transfer-encoding": b"Chunked", b"x-a": b"1, 2"}, True),
        (INTERIM + PLAIN, {b"content-type": b"text/plain", b"content-length": b"5"}, True),
        (UNTIL_EOF, {b"content-type": b"text/plain"}, False),
    ],
)
def test_pieces_of_any_size_give_the_same_response(
    data: bytes, headers: dict[bytes, bytes], size: int, *, keep_alive: bool
) -> None:
    response = read_response(pieces(data, size), eof=True)

    assert response.status == 200
    assert response.headers == headers
    assert response.body == b"hello"
    assert response.ended
    assert response.keep_alive is keep_alive
    assert response.fault is None


@pytest.mark.parametrize("data", [PLAIN, CHUNKED, INTERIM + PLAIN])
def test_a_response_cut_at_any_byte_is_not_complete(data: bytes) -> None:
    for at in range(len(data)):
        response = read_response([data[:at]], eof=True)

        assert not response.ended
        assert response.fault is Fault.CLOSED


@pytest.mark.parametrize("data", [PLAIN, CHUNKED, INTERIM + CHUNKED])
def test_two_pieces_cut_at_any_byte_give_the_whole_response(data: bytes) -> None:
    for at in range(1, len(data)):
        response = read_response([data[:at], data[at:]])

        assert (response.status, response.body, response.ended) == (200, b"hello", True)


def test_chunks_of_one_piece_are_joined() -> None:
    reader = ResponseReader(ClientSettings())

    reader.feed(CHUNKED)

    assert reader.body == b"hello"


def test_a_reader_serves_one_response_after_the_other() -> None:
    reader = ResponseReader(ClientSettings())
    for data in (CHUNKED, PLAIN, INTERIM + PLAIN):
        reader.begin()
        for piece in pieces(data, 9):
            assert reader.feed(piece) is None
        assert (reader.status, reader.ended, reader.keep_alive) == (200, True, True)


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
def test_some_statuses_have_no_body(status: bytes) -> None:
    response = read_response([b"HTTP/1.1 " + status + b"\r\nx: y\r\n\r\n"])

    assert (response.body, response.ended, response.keep_alive) == (b"", True, True)


@pytest.mark.parametrize("version", [b"HTTP/1.0", b"HTTP/1.1"])
def test_connection_close_is_heeded(version: bytes) -> None:
    response = read_response(
        [version + b" 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\na"]
    )

    assert (response.ended, response.keep_alive) == (True, False)


@pytest.mark.parametrize(
    "surplus", [b"x", b"\n\r\nx", b"HTTP/1.1 2", PLAIN, b"\0", b"HTTP/1.1 100 Continue\r\n\r\n"]
)
@pytest.mark.parametrize("data", [PLAIN, CHUNKED])
def test_bytes_after_the_end_cost_the_connection_and_not_the_response(
    data: bytes, surplus: bytes
) -> None:
    response = read_response([data + surplus])

    assert (response.status, response.body, response.ended) == (200, b"hello", True)
    assert response.headers.keys() & {b"content-length", b"transfer-encoding"}
    assert not response.keep_alive
    assert response.fault is None


def test_an_empty_line_after_a_response_is_skipped() -> None:
    reader = ResponseReader(ClientSettings())

    assert reader.feed(PLAIN + b"\r\n") is None
    assert reader.keep_alive
    reader.begin()
    assert reader.feed(CHUNKED) is None
    assert (reader.body, reader.ended) == (b"hello", True)


@pytest.mark.parametrize(
    "data",
    [
        framed(b"Content-Length: 2\r\nTransfer-Encoding: chunked", b"0\r\n\r\n"),
        framed(b"Transfer-Encoding: chunked\r\nContent-Length: 2", b"0\r\n\r\n"),
        framed(b"Content-Length: 2\r\nContent-Length: 3"),
        framed(b"Content-Length: -2"),
        framed(b"Content-Length: +2"),
        framed(b"Content-Length: 0x2"),
        framed(b"Content-Length: 99999999999999999999"),
        framed(b"Content-Length:"),
        framed(b"Transfer-Encoding: gzip, chunked", b"0\r\n\r\n"),
        framed(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", b"0\r\n\r\n"),
        framed(b"Transfer-Encoding: gzip"),
        framed(b"Transfer-Encoding: identity"),
        framed(b"Content-Encoding: gzip\r\nContent-Length: 2"),
        framed(b"Content-Encoding: br\r\nTransfer-Encoding: chunked", b"0\r\n\r\n"),
        framed(b"Transfer-Encoding: chunked", b"x\r\n"),
        framed(b"Transfer-Encoding: chunked", b"-1\r\n"),
        framed(b"Transfer-Encoding: chunked", b"1\r\nabc\r\n"),
        framed(b"Transfer-Encoding: chunked", b"1\na\r\n"),
        framed(b"Transfer-Encoding: chunked", b"fffffffffffffffff\r\n"),
        framed(b"Content-Length: 2\r\nx : y"),
        framed(b"Content-Length: 2\r\nx: a\r\n b"),
        framed(b"Content-Length: 2\r\nx: a\0b"),
        framed(b"Content-Length: 2\r\nno colon"),
        b"HTTP/1.1 200 OK\nContent-Length: 2\n\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nx: a\rb\r\n\r\nab",
        b"HTTP/1.1 200 O\0K\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/0.9 200 OK\r\nContent-Length: 2\r\n\r\nab",
        b"RTSP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab",
        b"\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 099 ?\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 2000 ?\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\n\r\n",
        b"<html>",
        b"\x15\x03\x01\x00\x02\x02\x50",
    ],
)
@pytest.mark.parametrize("size", [1, 1000])
def test_a_malformed_response_is_a_protocol_fault(data: bytes, size: int) -> None:
    response = read_response(pieces(data, size), eof=True)

    assert response.fault is Fault.PROTOCOL
    assert not response.ended


def test_an_upgrade_that_is_only_offered_is_ignored() -> None:
    response = read_response([framed(b"Connection: Upgrade\r\nUpgrade: h2\r\nContent-Length: 2")])

    assert (response.body, response.ended) == (b"ab", True)


def test_a_body_in_the_coding_identity_is_accepted() -> None:
    response = read_response([framed(b"Content-Encoding: identity\r\nContent-Length: 2")])

    assert (response.body, response.ended) == (b"ab", True)


def test_what_was_sound_before_a_flaw_is_told() -> None:
    response = read_response([framed(b"Transfer-Encoding: chunked", b"2\r\nab\r\nzz\r\n")])

    assert (response.status, response.body) == (200, b"ab")
    assert response.fault is Fault.PROTOCOL


@pytest.mark.parametrize("size", [1, 10_000])
@pytest.mark.parametrize(("limit", "fault"), [(len(PLAIN) - 5, None), (60, Fault.TOO_LARGE)])
def test_a_head_may_have_as_many_bytes_as_the_limit_says(
    size: int, limit: int, fault: Fault | None
) -> None:
    settings = ClientSettings(max_header_bytes=limit)

    assert read_response(pieces(PLAIN, size), settings).fault is fault


def test_interim_responses_count_towards_the_limit_of_the_head() -> None:
    settings = ClientSettings(max_header_bytes=1000)

    assert read_response([INTERIM] * 100, settings).fault is Fault.TOO_LARGE


@pytest.mark.parametrize("size", [1, 1000])
@pytest.mark.parametrize("data", [PLAIN, CHUNKED, UNTIL_EOF])
def test_a_body_beyond_the_limit_is_too_large(data: bytes, size: int) -> None:
    response = read_response(pieces(data, size), ClientSettings(max_body_bytes=4), eof=True)

    assert response.fault is Fault.TOO_LARGE
    assert len(response.body) <= 4
    assert not response.ended


def test_an_event_stream_may_go_on_for_ever() -> None:
    head = framed(b"Content-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked")
    data = head[:-2] + b"5\r\nhello\r\n" * 10 + b"0\r\n\r\n"

    response = read_response(pieces(data, 10), ClientSettings(max_body_bytes=4))

    assert response.body == b"hello" * 10
    assert response.ended

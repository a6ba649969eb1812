import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from hotswap.errors import RefusedError
from hotswap.server.reader import Phase, Reader


class Got(Struct, frozen=True):
    """A request as it came out, or the status of a refusal."""

    method: str = ""
    path: str = ""
    query: str = ""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = b""
    refused: int = 0


def read_all(*parts: bytes) -> list[Got]:
    """Feed `parts` one after the other, as a socket gives them, and collect what comes out."""
    reader = Reader(max_header_bytes=256, max_body_bytes=64)
    got: list[Got] = []
    try:
        for part in parts:
            reader.feed(part)
            while (head := reader.read()) is not None:
                headers = tuple(head.headers.items())
                got.append(Got(head.method, head.path, head.query, headers, reader.body))
    except RefusedError as refused:
        got.append(Got(refused=refused.status))
    return got


def request(*lines: bytes, body: bytes = b"") -> bytes:
    return b"".join(b"%b\r\n" % line for line in lines) + b"\r\n" + body


WHOLE = {
    "length": request(b"POST /a?b=c HTTP/1.1", b"Host: x", b"Content-Length: 3", body=b"abc"),
    "chunked": request(
        b"POST / HTTP/1.1",
        b"Host: x",
        b"Transfer-Encoding: chunked",
        body=b"2;x=y\r\nab\r\n01\r\nc\r\n0\r\nChecksum: 1\r\n\r\n",
    ),
    "no body": request(b"GET / HTTP/1.1", b"Host: x"),
    "empty line before": b"\r\n" + request(b"GET / HTTP/1.1", b"Host: x"),
    "pipelined": request(b"GET /1 HTTP/1.1", b"Host: x")
    + request(b"POST /2 HTTP/1.1", b"Host: x", b"Content-Length: 2", body=b"ab")
    + request(b"POST /3 HTTP/1.1", b"Host: x", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n")
    + request(b"GET /4 HTTP/1.1", b"Host: x"),
    "upgrade offered": request(
        b"POST / HTTP/1.1",
        b"Host: x",
        b"Connection: Upgrade",
        b"Upgrade: h2c",
        b"Content-Length: 1",
        body=b"a",
    )
    + request(b"GET / HTTP/1.1", b"Host: x"),
    "length too large": request(b"POST / HTTP/1.1", b"Host: x", b"Content-Length: 65", body=b"a"),
    "chunks too large": request(
        b"POST / HTTP/1.1", b"Host: x", b"Transfer-Encoding: chunked", body=b"41\r\n" + b"a" * 65
    ),
    "bare LF": b"GET / HTTP/1.1\nHost: x\n\n",
    "smuggled": request(
        b"POST / HTTP/1.1", b"Host: x", b"Content-Length: 3", b"Transfer-Encoding: chunked"
    ),
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_request_cut_at_any_byte_reads_the_same(name: str) -> None:
    whole = WHOLE[name]

    expected = read_all(whole)

    assert expected
    assert all(read_all(whole[:i], whole[i:]) == expected for i in range(1, len(whole)))
    assert read_all(*(whole[i : i + 1] for i in range(len(whole)))) == expected


@given(st.data())
def test_several_cuts_read_the_same(data: st.DataObject) -> None:
    whole = WHOLE[data.draw(st.sampled_from(sorted(WHOLE)))]
    cuts = sorted(data.draw(st.sets(st.integers(1, len(whole) - 1), max_size=8)))

    parts = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]

    assert read_all(*parts) == read_all(whole)


def test_a_request_comes_out_whole() -> None:
    assert read_all(WHOLE["length"]) == [Got("POST", "/a", "b=c", ((b"host", b"x"),), b"abc")]


def test_chunks_are_joined_and_trailers_dropped() -> None:
    assert read_all(WHOLE["chunked"]) == [
        Got("POST", "/", "", ((b"host", b"x"), (b"transfer-encoding", b"chunked")), b"abc")
    ]


def test_pipelined_requests_come_out_in_their_order() -> None:
    assert [g.path for g in read_all(WHOLE["pipelined"])] == ["/1", "/2", "/3", "/4"]
    assert [g.body for g in read_all(WHOLE["pipelined"])] == [b"", b"ab", b"", b""]


def test_an_offer_to_upgrade_is_declined_by_going_on() -> None:
    got = read_all(WHOLE["upgrade offered"])

    assert [(g.method, g.body) for g in got] == [("POST", b"a"), ("GET", b"")]


def test_repeated_headers_are_joined_in_their_order() -> None:
    (got,) = read_all(request(b"GET / HTTP/1.1", b"Host: x", b"A: 1", b"B: 2", b"a: 3"))

    assert dict(got.headers) == {b"host": b"x", b"a": b"1, 3", b"b": b"2"}


def test_blanks_around_a_value_are_not_part_of_it() -> None:
    (got,) = read_all(request(b"GET / HTTP/1.1", b"Host: x", b"A: \t 1 2 \t ", b"B:"))

    assert dict(got.headers) == {b"host": b"x", b"a": b"1 2", b"b": b""}


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        (b"/a%2Fb", "/a%2Fb", ""),
        (b"/a?b?c", "/a", "b?c"),
        (b"*", "*", ""),
        (b"http://x", "/", ""),
        (b"http://x/a/b?c", "/a/b", "c"),
        (b"http://x?c=/d", "/", "c=/d"),
        (b"//a/b", "//a/b", ""),
    ],
)
def test_every_form_of_target_gives_path_and_query(target: bytes, path: str, query: str) -> None:
    (got,) = read_all(request(b"OPTIONS %b HTTP/1.1" % target, b"Host: x"))

    assert (got.refused, got.path, got.query) == (0, path, query)


HOSTILE: dict[str, tuple[int, bytes]] = {
    "both lengths": (400, WHOLE["smuggled"]),
    "both lengths, the other way round": (
        400,
        request(
            b"POST / HTTP/1.1", b"Host: x", b"Transfer-Encoding: chunked", b"Content-Length: 3"
        ),
    ),
    "differing lengths": (
        400,
        request(b"POST / HTTP/1.1", b"Host: x", b"Content-Length: 3", b"Content-Length: 4"),
    ),
    "equal lengths twice": (
        400,
        request(b"POST / HTTP/1.1", b"Host: x", b"Content-Length: 3", b"Content-Length: 3"),
    ),
    "a list of lengths": (400, request(b"POST / HTTP/1.1", b"Host: x", b"Content-Length: 3, 3")),
    "a signed length": (400, request(b"POST / HTTP/1.1", b"Host: x", b"Content-Length: +3")),
    "a length in hexadecimal": (
        400,
        request(b"POST / HTTP/1.1", b"Host: x", b"Content-Length: 0x3"),
    ),
    "a length with a blank inside": (
        400,
        request(b"POST / HTTP/1.1", b"Host: x", b"Content-Length: 3 4"),
    ),
    "no length after the colon": (400, request(b"POST / HTTP/1.1", b"Host: x", b"Content-Length:")),
    "a length beyond 64 bits": (
        400,
        request(b"POST / HTTP/1.1", b"Host: x", b"Content-Length: 18446744073709551619"),
    ),
    "another coding": (400, request(b"POST / HTTP/1.1", b"Host: x", b"Transfer-Encoding: gzip")),
    "a coding before chunked": (
        400,
        request(b"POST / HTTP/1.1", b"Host: x", b"Transfer-Encoding: gzip, chunked"),
    ),
    "a coding after chunked": (
        400,
        request(b"POST / HTTP/1.1", b"Host: x", b"Transfer-Encoding: chunked, identity"),
    ),
    "chunked twice": (
        400,
        request(
            b"POST / HTTP/1.1", b"Host: x", b"Transfer-Encoding: chunked", b"transfer-encoding: x"
        ),
    ),
    "something like chunked": (
        400,
        request(b"POST / HTTP/1.1", b"Host: x", b"Transfer-Encoding: xchunked"),
    ),
    "chunked with a vertical tab": (
        400,
        request(b"POST / HTTP/1.1", b"Host: x", b"Transfer-Encoding: \x0bchunked"),
    ),
    "an empty coding": (400, request(b"POST / HTTP/1.1", b"Host: x", b"Transfer-Encoding:")),
    "chunked in 1.0": (400, request(b"POST / HTTP/1.0", b"Transfer-Encoding: chunked")),
    "bare LF everywhere": (400, WHOLE["bare LF"]),
    "bare LF after the request line": (400, b"GET / HTTP/1.1\nHost: x\r\n\r\n"),
    "bare LF after a header": (400, b"GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n"),
    "bare LF at the end": (400, b"GET / HTTP/1.1\r\nHost: x\r\n\n"),
    "bare LF before the empty line": (400, b"GET / HTTP/1.1\r\nHost: x\n\r\n"),
    "bare CR in a value": (400, request(b"GET / HTTP/1.1", b"Host: x", b"A: b\rContent-Length: 3")),
    "a folded header": (400, request(b"GET / HTTP/1.1", b"Host: x", b"A: b", b" c")),
    "a folded coding": (
        400,
        request(b"POST / HTTP/1.1", b"Host: x", b"Transfer-Encoding:", b" chunked"),
    ),
    "a blank before the first header": (400, request(b"GET / HTTP/1.1", b" Host: x")),
    "a blank before the colon": (
        400,
        request(b"POST / HTTP/1.1", b"Host: x", b"Content-Length : 3"),
    ),
    "a tab before the colon": (400, request(b"GET / HTTP/1.1", b"Host\t: x")),
    "no name": (400, request(b"GET / HTTP/1.1", b"Host: x", b": b")),
    "no colon": (400, request(b"GET / HTTP/1.1", b"Host: x", b"Foo")),
    "a delimiter in a name": (400, request(b"GET / HTTP/1.1", b"Host: x", b"A(b): c")),
    "a control character in a name": (400, request(b"GET / HTTP/1.1", b"Host: x", b"A\x01: b")),
    "a NUL in a value": (400, request(b"GET / HTTP/1.1", b"Host: x", b"A: b\x00c")),
    "a control character in a value": (400, request(b"GET / HTTP/1.1", b"Host: x", b"A: \x01")),
    "a DEL in a value": (400, request(b"GET / HTTP/1.1", b"Host: x", b"A: b\x7f")),
    "no host": (400, request(b"GET / HTTP/1.1", b"A: b")),
    "two hosts": (400, request(b"GET / HTTP/1.1", b"Host: x", b"Host: y")),
    "two equal hosts": (400, request(b"GET / HTTP/1.1", b"Host: x", b"host: x")),
    "two hosts in 1.0": (400, request(b"GET / HTTP/1.0", b"Host: x", b"Host: y")),
    "two blanks after the method": (400, request(b"GET  / HTTP/1.1", b"Host: x")),
    "two blanks after the target": (400, request(b"GET /  HTTP/1.1", b"Host: x")),
    "a blank after the version": (400, request(b"GET / HTTP/1.1 ", b"Host: x")),
    "a tab in the request line": (400, request(b"GET\t/ HTTP/1.1", b"Host: x")),
    "a control character in the target": (400, request(b"GET /\x01 HTTP/1.1", b"Host: x")),
    "a byte above 127 in the target": (400, request(b"GET /\xc3\xa9 HTTP/1.1", b"Host: x")),
    "a target without a slash": (400, request(b"GET a HTTP/1.1", b"Host: x")),
    "no target": (400, request(b"GET  HTTP/1.1", b"Host: x")),
    "a method in lower case": (400, request(b"get / HTTP/1.1", b"Host: x")),
    "a method nobody knows": (400, request(b"FROB / HTTP/1.1", b"Host: x")),
    "two empty lines before": (400, b"\r\n\r\n" + WHOLE["no body"]),
    "0.9": (400, b"GET /\r\n\r\n"),
    "0.9 with a version": (505, request(b"GET / HTTP/0.9", b"Host: x")),
    "1.2": (505, request(b"GET / HTTP/1.2", b"Host: x")),
    "2.0": (505, request(b"GET / HTTP/2.0", b"Host: x")),
    "the preface of HTTP/2": (505, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "another protocol": (505, request(b"SETUP / RTSP/1.0", b"Host: x")),
    "a tunnel": (501, request(b"CONNECT x:443 HTTP/1.1", b"Host: x")),
    "TLS": (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    "a head that is too large": (431, request(b"GET / HTTP/1.1", b"A: " + b"b" * 256)),
    "a head without an end": (431, b"GET /" + b"a" * 256),
    "a body that is too large": (413, WHOLE["length too large"]),
    "chunks that are too large": (413, WHOLE["chunks too large"]),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_and_ambiguous_requests_are_refused(name: str) -> None:
    status, raw = HOSTILE[name]

    assert read_all(raw) == [Got(refused=status)]
    assert read_all(*(raw[i : i + 1] for i in range(len(raw)))) == [Got(refused=status)]


CHUNKED = request(b"POST / HTTP/1.1", b"Host: x", b"Transfer-Encoding: chunked")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"\r\n0\r\n\r\n", id="no size"),
        pytest.param(b"+1\r\na\r\n0\r\n\r\n", id="a sign"),
        pytest.param(b"0x1\r\na\r\n0\r\n\r\n", id="a prefix"),
        pytest.param(b"1_0\r\n", id="an underscore"),
        pytest.param(b" 1\r\na\r\n", id="a blank before"),
        pytest.param(b"1 \r\na\r\n", id="a blank behind"),
        pytest.param(b"1 ;x\r\na\r\n", id="a blank before the extension"),
        pytest.param(b"g\r\n", id="no hexadecimal digit"),
        pytest.param(b"0000000000001\r\n", id="thirteen digits"),
        pytest.param(b"1\na\r\n0\r\n\r\n", id="bare LF behind the size"),
        pytest.param(b"1;\nx\r\na\r\n", id="bare LF in the extension"),
        pytest.param(b"1;\rx\r\na\r\n", id="bare CR in the extension"),
        pytest.param(b"1;\x00\r\na\r\n", id="NUL in the extension"),
        pytest.param(b"1;" + b"x" * 256, id="an endless extension"),
        pytest.param(b"1\r\nab\r\n", id="more data than told"),
        pytest.param(b"1\r\na\n0\r\n\r\n", id="bare LF behind the data"),
        pytest.param(b"1\r\na\rb", id="bare CR behind the data"),
        pytest.param(b"1\r\na0\r\n\r\n", id="nothing behind the data"),
        pytest.param(b"0\r\nfoo\r\n\r\n", id="a trailer without a colon"),
        pytest.param(b"0\r\nA: b\r\n c\r\n\r\n", id="a folded trailer"),
        pytest.param(b"0\r\nA : b\r\n\r\n", id="a trailer with a blank before the colon"),
        pytest.param(b"0\r\n\n", id="bare LF at the end"),
    ],
)
def test_chunks_that_could_be_read_in_two_ways_are_refused(body: bytes) -> None:
    assert read_all(CHUNKED + body) == [Got(refused=400)]
    assert read_all(CHUNKED, *(body[i : i + 1] for i in range(len(body)))) == [Got(refused=400)]


def test_trailers_without_an_end_are_refused() -> None:
    assert read_all(CHUNKED + b"0\r\n" + b"A: b\r\n" * 50) == [Got(refused=431)]


def test_a_body_of_exactly_the_limit_is_read() -> None:
    full = b"a" * 64

    (by_length,) = read_all(
        request(b"POST / HTTP/1.1", b"Host: x", b"Content-Length: 64", body=full)
    )
    (by_chunks,) = read_all(CHUNKED + b"3f\r\n" + b"a" * 63 + b"\r\n1\r\na\r\n0\r\n\r\n")

    assert by_length.body == by_chunks.body == full


def test_the_path_of_a_refused_request_is_told() -> None:
    reader = Reader(max_header_bytes=256, max_body_bytes=64)
    reader.feed(request(b"POST /v1/messages?a=b HTTP/1.1", b"Host: x", b"Content-Length: 65"))

    with pytest.raises(RefusedError, match="The body exceeds 64 bytes"):
        reader.read()

    assert reader.path == "/v1/messages"


def test_a_reader_says_how_far_the_next_request_has_come() -> None:
    reader = Reader(max_header_bytes=256, max_body_bytes=64)
    seen = [reader.phase]

    for part in (b"POST / HT", b"TP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n", b"a", b"b"):
        reader.feed(part)
        reader.read()
        seen.append(reader.phase)

    assert seen == [Phase.IDLE, Phase.HEAD, Phase.BODY, Phase.BODY, Phase.IDLE]


def test_only_who_sent_no_body_yet_waits_for_continue() -> None:
    head = request(b"POST / HTTP/1.1", b"Host: x", b"Content-Length: 2", b"Expect: 100-Continue")
    waits, hurries = (Reader(max_header_bytes=256, max_body_bytes=64) for _ in range(2))

    waits.feed(head)
    waits.read()
    hurries.feed(head + b"a")
    hurries.read()

    assert (waits.waiting, hurries.waiting) == (True, False)


@pytest.mark.parametrize(
    ("version", "connection", "keep"),
    [
        (b"1.1", b"", True),
        (b"1.1", b"close", False),
        (b"1.1", b"Close", False),
        (b"1.1", b"keep-alive, close", False),
        (b"1.1", b"TE", True),
        (b"1.0", b"", False),
        (b"1.0", b"keep-alive", True),
        (b"1.0", b"TE, Keep-Alive", True),
        (b"1.0", b"close", False),
    ],
)
def test_the_caller_says_whether_the_connection_stays(
    version: bytes, connection: bytes, *, keep: bool
) -> None:
    reader = Reader(max_header_bytes=256, max_body_bytes=64)
    lines = [b"GET / HTTP/%b" % version, b"Host: x"]
    lines += [b"Connection: %b" % connection] if connection else []

    reader.feed(request(*lines))
    head = reader.read()

    assert head is not None
    assert head.keep is keep

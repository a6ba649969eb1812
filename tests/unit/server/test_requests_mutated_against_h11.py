"""Pipelined requests, sound, cut anywhere and mutated: our reader is never laxer than h11.

What both accept is the same request with the same end, so nothing that is left over is read as
another request: whoever smuggles needs two readers that disagree.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import h11
import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st
from msgspec import Struct

from hotswap.errors import RefusedError
from hotswap.server.reader import Reader
from hotswap.testing.hostile import ODD_BYTES, ODD_LINES, Damage, damaged, pieces

LIMIT: Final = 1 << 20


class Seen(Struct, frozen=True):
    """One request as a reader understood it."""

    method: bytes
    target: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


class Reading(Struct, frozen=True):
    """What a reader made of a connection's bytes."""

    requests: tuple[Seen, ...]
    refused: bool = False
    """What follows the requests is refused; else it is incomplete, or nobody looks at it."""


def seen(method: bytes, target: bytes, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> Seen:
    joined: dict[bytes, bytes] = {}
    for name, value in headers:
        joined[name] = b"%b, %b" % (joined[name], value) if name in joined else value
    joined.pop(b"content-length", None)  # shows in the body
    joined.pop(b"content-length", None)  # it says what the body shows
    if b"transfer-encoding" in joined:  # h11 lowers it
        joined[b"transfer-encoding"] = joined[b"transfer-encoding"].lower()
    return Seen(method, as_path(target), tuple(sorted(joined.items())), body)


def as_path(target: bytes) -> bytes:
    """Drop scheme and authority, and the mark of an empty query."""
    if not target.startswith(b"/") and b"://" in target:
        place, mark, query = target.partition(b"://")[2].partition(b"?")
        target = b"/" + place.partition(b"/")[2] + mark + query
    return target.removesuffix(b"?")


def read_by_us(parts: Sequence[bytes]) -> Reading:
    """Feed the parts one by one, up to the last request that the connection serves."""
    reader = Reader(max_header_bytes=LIMIT, max_body_bytes=LIMIT)
    got: list[Seen] = []
    try:
        for part in parts:
            reader.feed(part)
            while (head := reader.read()) is not None:
                target = f"{head.path}?{head.query}" if head.query else head.path
                got.append(
                    seen(head.method.encode(), target.encode(), head.headers.items(), reader.body)
                )
                if not head.keep or head.http_10:
                    return Reading(tuple(got))
    except RefusedError:
        return Reading(tuple(got), refused=True)
    return Reading(tuple(got))


def read_by_h11(raw: bytes) -> Reading:
    """Let h11 serve the connection, each request with an empty answer.

    As RFC 9112 wants it and h11 does not do it, an empty line before a request is ignored.
    """
    got: list[Seen] = []
    try:
        while True:
            served = h11.Connection(h11.SERVER, max_incomplete_event_size=LIMIT)
            served.receive_data(raw.removeprefix(b"\r\n"))
            request = served.next_event()
            if not isinstance(request, h11.Request):
                return Reading(tuple(got))
            body = b""
            while isinstance(event := served.next_event(), h11.Data):
                body += bytes(event.data)
            if not isinstance(event, h11.EndOfMessage):
                return Reading(tuple(got))
            got.append(seen(request.method, request.target, request.headers, body))
            served.send(h11.Response(status_code=404, headers=[("content-length", "0")]))
            served.send(h11.EndOfMessage())
            if served.our_state is not h11.DONE:
                return Reading(tuple(got))
            raw = served.trailing_data[0]
    except h11.RemoteProtocolError:
        return Reading(tuple(got), refused=True)


LINES: Final = (
    b"Accept: */*",
    b"x-empty:",
    b"X-Blank: \t a b \t ",
    b"x-latin: \xe9",
    b"Cookie: a=b; c=d",
    b"cookie: e=f",
    b"Connection: keep-alive",
    b"Connection: upgrade",
    b"Upgrade: h2c",
    b"Expect: 100-continue",
    b"Expect: something-else",
    b"TE: trailers",
)
METHODS: Final = (b"GET", b"POST", b"OPTIONS", b"HEAD", b"DELETE")
TARGETS: Final = (b"/", b"/v1/chat/completions?a=b", b"*", b"http://x/a?b", b"http://x", b"//a")


@st.composite
def bodies(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """Return a body with the header line that frames it."""
    data = draw(st.sampled_from([b"", b"{}", b"a" * 20, b"GET /inner HTTP/1.1\r\nHost: x\r\n\r\n"]))
    if draw(st.booleans()):
        return b"Content-Length: %d\r\n" % len(data), data
    size = draw(st.integers(1, 20))
    extension = draw(st.sampled_from([b"", b";a", b';a="b c"']))
    chunks = [data[i : i + size] for i in range(0, len(data), size)]
    whole = b"".join(b"%x%b\r\n%b\r\n" % (len(chunk), extension, chunk) for chunk in chunks)
    trailer = draw(st.sampled_from([b"", b"X-Sum: 1\r\n", b"a: b\r\nC:\r\n"]))
    return b"Transfer-Encoding: chunked\r\n", b"%b0\r\n%b\r\n" % (whole, trailer)


@st.composite
def connections(draw: st.DrawFn) -> bytes:
    """Return the bytes of one to three sound requests, which may share their head."""
    heads = draw(st.lists(sound_heads(), min_size=1, max_size=2))
    raw = b""
    for _ in range(draw(st.integers(1, 3))):
        line, body = draw(st.one_of(st.just((b"", b"")), bodies()))
        raw += b"%b%b\r\n%b" % (draw(st.sampled_from(heads)), line, body)
    return raw


@st.composite
def sound_heads(draw: st.DrawFn) -> bytes:
    """Return a request line and headers, without what frames the body."""
    lines = [
        b"%b %b HTTP/1.1" % (draw(st.sampled_from(METHODS)), draw(st.sampled_from(TARGETS))),
        b"Host: x",
        *draw(st.lists(st.sampled_from(LINES), max_size=3)),
    ]
    return b"".join(line + b"\r\n" for line in lines)


SPLINTERS: Final = (
    *ODD_BYTES,
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01",
    b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n",
)
"""Inserted anywhere, or put in the place of what is there."""
HOSTILE_LINES: Final = (
    *ODD_LINES,
    b"Content-Length: 0000000000000000000005",
    *(
        b"Host: y",
        b"Host : x",
        b" Host: x",
        b"Connection: Close, TE",
        b"Connection: content-length",
    ),
    *(b"Expect: 100-Continue", b"Expect: 100-continue, x", b"Upgrade: websocket"),
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Damage the bytes of sound requests in one to three places."""
    raw = draw(connections())
    for _ in range(draw(st.integers(1, 3))):
        damage = draw(st.sampled_from(Damage))
        piece = draw(st.sampled_from(HOSTILE_LINES if damage is Damage.LINE else SPLINTERS))
        at, size = draw(st.integers(0, len(raw))), draw(st.integers(1, 30))
        raw = damaged(raw, damage, at, piece, size)
    return raw


CUTS: Final = st.lists(st.integers(0, 1000), max_size=6)


@settings(max_examples=40)
@given(connections(), CUTS)
def test_sound_requests_cut_anywhere_are_those_that_h11_reads(raw: bytes, cuts: list[int]) -> None:
    theirs = read_by_h11(raw)

    assert theirs.requests
    assert not theirs.refused
    assert read_by_us(pieces(raw, cuts)) == theirs


@settings(max_examples=4)
@given(connections())
def test_sound_requests_cut_at_every_single_place_read_the_same(raw: bytes) -> None:
    theirs = read_by_h11(raw)

    assert all(read_by_us([raw[:i], raw[i:]]) == theirs for i in range(len(raw)))
    assert read_by_us([raw[i : i + 1] for i in range(len(raw))]) == theirs


@settings(max_examples=40)
@given(mutated(), CUTS)
def test_mutated_requests_are_never_read_more_laxly_than_by_h11(
    raw: bytes, cuts: list[int]
) -> None:
    compare(raw, cuts)


@pytest.mark.slow
@settings(max_examples=1_000)
@given(mutated(), CUTS)
def test_mutated_requests_are_never_read_more_laxly_than_by_h11_at_length(
    raw: bytes, cuts: list[int]
) -> None:
    compare(raw, cuts)


def compare(raw: bytes, cuts: list[int]) -> None:
    ours, theirs = read_by_us(pieces(raw, cuts)), read_by_h11(raw)
    note(f"{raw!r}\nwe: {ours}\nh11: {theirs}")

    assert ours == read_by_us([raw])
    assert ours.requests == theirs.requests[: len(ours.requests)]
    if len(ours.requests) == len(theirs.requests):
        assert ours.refused or not theirs.refused or read_by_us([raw, b"\r\n\r\n"]).refused
    else:
        assert ours.refused

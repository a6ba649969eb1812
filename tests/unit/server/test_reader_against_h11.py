"""The same requests read by us and by h11: never anything else than h11 reads, at most less."""

import re
from collections.abc import Iterable
from typing import Final

import h11
import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st
from msgspec import Struct

from hotswap.errors import RefusedError
from hotswap.server.reader import Reader

STRICTER: Final = {
    "a method outside the registry": re.compile(rb"\A(?!GET|POST|PUT|DELETE|HEAD|OPTIONS|PATCH)"),
    "a target that is neither a path nor a URL": re.compile(rb"\A\w+ (?!/|http://|\* )"),
    "a version other than 1.0 and 1.1": re.compile(
        rb"\A[^\r\n]* (?!HTTP/1\.[01]\r)[^ \r\n]*[\r\n]"
    ),
    "a line that ends with bare LF": re.compile(rb"(?<!\r)\n"),
    "a folded header": re.compile(rb"\n[ \t]"),
    "a control character in a value": re.compile(rb":[^\r\n]*[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]"),
    "both lengths": re.compile(
        rb"(?is)\ncontent-length:.*\ntransfer-enc|\ntransfer-enc.*\ncontent-len"
    ),
    "a length that is told twice": re.compile(rb"(?is)\ncontent-length:.*(\ncontent-length:|,)"),
    "a body in chunks in 1.0": re.compile(rb"(?is)\A[^\r\n]* HTTP/1\.0\r.*\ntransfer-encoding:"),
    "a blank behind the size of a chunk": re.compile(rb"\n[0-9a-fA-F]+[ \t]+[;\r]"),
    "a size of more than twelve digits": re.compile(rb"\n[0-9a-fA-F]{13,}[;\r]"),
    "a control character in an extension": re.compile(rb"\n[0-9a-fA-F]+;[^\r\n]*[\x00-\x1f][^\n]"),
    "a body beyond our limit": re.compile(rb"\n3e8\r\n"),
}
"""Where we refuse and h11 does not, with the sign of it in the bytes: deliberate, each of them."""


class Seen(Struct, frozen=True):
    """One request as a parser read it."""

    method: bytes
    target: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


def read_by_us(raw: bytes) -> Seen | str:
    """Return the request, or why there is none."""
    reader = Reader(max_header_bytes=8192, max_body_bytes=999)
    reader.feed(raw)
    try:
        head = reader.read()
    except RefusedError as refused:
        return f"refused with {refused.status}: {refused}"
    if head is None:
        return "incomplete"
    target = f"{head.path}?{head.query}" if head.query else head.path
    return Seen(head.method.encode(), target.encode(), by_name(head.headers.items()), reader.body)


def read_by_h11(raw: bytes) -> Seen | str:
    """Return the request, or why there is none."""
    parser = h11.Connection(h11.SERVER, max_incomplete_event_size=8192)
    parser.receive_data(raw)
    try:
        request = parser.next_event()
        if not isinstance(request, h11.Request):
            return "incomplete"
        body = b""
        while isinstance(event := parser.next_event(), h11.Data):
            body += bytes(event.data)
    except h11.RemoteProtocolError as fault:
        return f"refused: {fault}"
    if not isinstance(event, h11.EndOfMessage):
        return "incomplete"
    return Seen(
        bytes(request.method), as_path(bytes(request.target)), by_name(request.headers), body
    )


def as_path(target: bytes) -> bytes:
    """Write a target as we show it: without scheme and authority, without an empty query."""
    if not target.startswith(b"/") and b"://" in target:
        rest = target.partition(b"://")[2]
        cut = min((i for i in (rest.find(b"/"), rest.find(b"?")) if i >= 0), default=len(rest))
        target = rest[cut:] if rest[cut : cut + 1] == b"/" else b"/" + rest[cut:]
    return target.removesuffix(b"?")


def by_name(headers: Iterable[tuple[bytes, bytes]]) -> tuple[tuple[bytes, bytes], ...]:
    """Join the values of repeated names, in order; a length shows in the body."""
    joined: dict[bytes, bytes] = {}
    for name, value in headers:
        if name == b"content-length":
            continue
        joined[name] = b"%b, %b" % (joined[name], value) if name in joined else value
    return tuple(sorted(joined.items()))


def mostly(usual: list[bytes], odd: list[bytes]) -> st.SearchStrategy[bytes]:
    """Draw something odd about once in 20 times."""
    return st.sampled_from(usual * (20 * len(odd) // len(usual) + 1) + odd)


METHODS = mostly([b"GET", b"POST", b"OPTIONS"], [b"FROB", b"get", b"G(T", b""])
TARGETS = mostly(
    [b"/", b"/a?b=c", b"/a%20b", b"*", b"http://x/a?b"],
    [b"a", b"", b"/a b", b"/\xc3\xa9", b"/\x01"],
)
VERSIONS = mostly([b"HTTP/1.1"], [b"HTTP/1.0", b"HTTP/1.2", b"HTTP/2.0", b"http/1.1", b""])
NAMES = mostly(
    [b"A", b"a", b"X_y", b"Expect"],
    [b"Host", b"Content-Length", b"Transfer-Encoding", b"A b", b"A(b", b""],
)
VALUES = mostly(
    [b"x", b"", b"3", b"a\tb", b"  x \t ", b"\xff", b"chunked", b"100-continue"],
    [b"3, 3", b"+3", b"03", b"5000", b"gzip, chunked", b"a\x00", b"a\x7f", b"a\rb", b"\x0bx"],
)
SEPARATORS = mostly([b": "], [b":", b" : ", b":\t", b" "])
ENDS = mostly([b"\r\n"] * 5, [b"\n", b"\r", b"\r\n ", b"\r\n\t"])
PLAIN = st.sampled_from([b"", b"abc", b"abcd", b"0\r\n\r\n"])
CHUNKS = st.sampled_from(
    [
        b"3\r\nabc\r\n0\r\n\r\n",
        b"03;x=y\r\nabc\r\nA\r\n0123456789\r\n000\r\nT: u\r\n\r\n",
        b"0\r\n\r\n",
        b"3 \r\nabc\r\n0\r\n\r\n",
        b"0000000000003\r\nabc\r\n0\r\n\r\n",
        b"3\nabc\n0\n\n",
        b"3\r\nabc\n0\r\n\r\n",
        b"2\r\nabc\r\n0\r\n\r\n",
        b"-3\r\nabc\r\n0\r\n\r\n",
        b"0x3\r\nabc\r\n0\r\n\r\n",
        b"3\r\nabc0\r\n\r\n",
        b"3\r\nabc\r\n0\r\nfoo\r\n\r\n",
        b"3\r\nabc\r\n0\r\nT : u\r\n\r\n",
        b"3;\x01\r\nabc\r\n0\r\n\r\n",
        b"3\r\nabc\r\n",
        b"3e8\r\n" + b"a" * 1000 + b"\r\n0\r\n\r\n",
        b"abc",
    ]
)


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """Mostly well-formed requests with a twist here and there."""
    lines = [b" ".join([draw(METHODS), draw(TARGETS), draw(VERSIONS)])]
    if draw(st.integers(0, 19)):
        lines.append(b"Host: x")
    lines += [draw(NAMES) + draw(SEPARATORS) + draw(VALUES) for _ in range(draw(st.integers(0, 3)))]
    if draw(st.booleans()):
        body = draw(PLAIN)
        lines.append(b"Content-Length: %d" % len(body))
    else:
        body = draw(CHUNKS)
        lines.append(b"Transfer-Encoding: chunked")
    if not draw(st.integers(0, 19)):
        lines.append(b"content-length: %d" % len(body))
    return b"".join(line + draw(ENDS) for line in [*lines, b""]) + body


@settings(max_examples=150)
@given(requests())
def test_we_never_read_what_h11_reads_otherwise(raw: bytes) -> None:
    compare(raw)


@pytest.mark.slow
@settings(max_examples=5_000)
@given(requests())
def test_we_never_read_what_h11_reads_otherwise_at_length(raw: bytes) -> None:
    compare(raw)


def compare(raw: bytes) -> None:
    """Accept the same reading, two refusals, or a refusal of ours that is listed above."""
    ours, theirs = read_by_us(raw), read_by_h11(raw)
    note(f"{raw!r}\nwe: {ours}\nh11: {theirs}")
    if isinstance(ours, Seen):
        assert ours == theirs
    elif isinstance(theirs, Seen):
        assert any(sign.search(raw) for sign in STRICTER.values())

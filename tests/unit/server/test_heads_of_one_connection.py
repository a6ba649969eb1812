"""A head that differs from the one before in its length alone is read as if it were parsed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap.errors import RefusedError
from hotswap.server.head import Head, Heads, read_head

LINES = b"Host: x\r\nContent-Length: %b\r\nX-Stainless-Lang: python"


def head_of(length: bytes, lines: bytes = LINES) -> bytes:
    return b"POST /v1/chat/completions?a=1 HTTP/1.1\r\n%b\r\n\r\n" % (lines % length)


def outcome(read: Heads | None, raw: bytes) -> Head | str:
    """Return what is read, or why nothing is."""
    try:
        return read_head(raw) if read is None else read.read(raw)
    except RefusedError as refused:
        return str(refused)


def test_the_next_head_has_its_own_length_and_everything_else_of_the_one_before() -> None:
    heads = Heads()
    first = heads.read(head_of(b"10"))

    second = heads.read(head_of(b"2000"))

    assert first.length == 10
    assert second.length == 2000
    assert second == read_head(head_of(b"2000"))
    assert second.headers is first.headers


def test_another_header_is_seen() -> None:
    heads = Heads()
    heads.read(head_of(b"10"))

    other = heads.read(head_of(b"10", LINES + b"-and-more\r\nauthorization: Bearer k"))

    assert other.headers[b"x-stainless-lang"] == b"python-and-more"
    assert other.headers[b"authorization"] == b"Bearer k"


def test_a_head_without_a_length_is_read_after_one_with_a_length() -> None:
    heads = Heads()
    heads.read(head_of(b"10"))

    bare = heads.read(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")

    assert (bare.method, bare.path, bare.length) == ("GET", "/healthz", 0)
    assert heads.read(head_of(b"7")).length == 7


@pytest.mark.parametrize(
    "length",
    [b"", b" ", b"+5", b"-5", b"0x5", b"5, 5", b"5 5", b"5\r\nContent-Length: 6", b"1" * 21],
)
def test_what_is_no_length_is_refused_as_in_a_first_head(length: bytes) -> None:
    heads = Heads()
    heads.read(head_of(b"10"))

    assert outcome(heads, head_of(length)) == outcome(None, head_of(length))
    assert isinstance(outcome(heads, head_of(length)), str)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([b"0", b"5", b"12345", b"", b"5,5", b"\t7", b"1" * 20]),
            st.sampled_from(
                [
                    LINES,
                    LINES + b"\r\nTransfer-Encoding: chunked",
                    b"Host: x\r\nContent-Length: %b",
                    b"Host: x\r\ncontent-length: %b\r\nConnection: close",
                    b"Host: x\r\nX: %b\r\nContent-Length: 9",
                    b"Host: x\r\nX-Content-Length: %b",
                ]
            ),
        ),
        max_size=6,
    )
)
def test_any_order_of_heads_reads_like_each_one_alone(wanted: list[tuple[bytes, bytes]]) -> None:
    heads = Heads()
    for length, lines in wanted:
        raw = head_of(length, lines)
        assert outcome(heads, raw) == outcome(None, raw)

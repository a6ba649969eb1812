"""Headers, found in their bytes."""

import pytest

from hotswap.upstream.headers import RawHeaders

HEADERS = RawHeaders(
    b"\r\nContent-Type: text/plain\r\nX-Id:  7 \t\r\nset-cookie: a\r\nSet-Cookie: b\r\nEmpty:\r\n"
)


def test_values_are_found_by_lower_case_name_without_blanks_around_them() -> None:
    assert HEADERS[b"content-type"] == b"text/plain"
    assert HEADERS[b"x-id"] == b"7"
    assert HEADERS[b"empty"] == b""


def test_values_of_a_repeated_name_are_joined() -> None:
    assert HEADERS[b"set-cookie"] == b"a, b"


def test_a_name_is_not_found_within_another_or_in_a_value() -> None:
    assert HEADERS.get(b"type") is None
    assert HEADERS.get(b"text/plain") is None
    assert b"cookie" not in HEADERS


def test_what_is_missing_has_the_default() -> None:
    assert HEADERS.get(b"x-none") is None
    assert HEADERS.get(b"x-none", b"") == b""
    with pytest.raises(KeyError):
        HEADERS[b"x-none"]


def test_it_is_a_mapping() -> None:
    assert list(HEADERS) == [b"content-type", b"x-id", b"set-cookie", b"empty"]
    assert len(HEADERS) == 4
    assert b"x-id" in HEADERS
    assert "x-id" not in HEADERS
    assert dict(HEADERS)[b"set-cookie"] == b"a, b"


def test_no_headers_are_an_empty_mapping() -> None:
    assert dict(RawHeaders(b"\r\n")) == {}

"""The head of a request."""

import pytest

from hotswap.core.terms import Endpoint
from hotswap.upstream.request import authority, write_head


def test_a_head_ends_with_an_empty_line() -> None:
    endpoint = Endpoint("api.acme.test", 443, tls=True)

    head = write_head(b"POST", b"/v1/chat", endpoint, b"content-length: 2\r\n")

    assert head == b"POST /v1/chat HTTP/1.1\r\nhost: api.acme.test\r\ncontent-length: 2\r\n\r\n"


@pytest.mark.parametrize(
    ("host", "port", "tls", "value"),
    [
        ("acme.test", 443, True, b"acme.test"),
        ("acme.test", 80, False, b"acme.test"),
        ("acme.test", 443, False, b"acme.test:443"),
        ("acme.test", 8443, True, b"acme.test:8443"),
        ("::1", 8080, False, b"[::1]:8080"),
        ("bücher.test", 443, True, b"xn--bcher-kva.test"),
    ],
)
def test_the_host_header_names_the_port_where_it_is_unusual(
    host: str, port: int, value: bytes, *, tls: bool
) -> None:
    assert authority(Endpoint(host, port, tls)) == value

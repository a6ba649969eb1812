import pytest

from hotswap.upstream.api import Fault
from hotswap.upstream.flaw import Flaw
from hotswap.upstream.proxy import Proxy, read_proxy


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("http://proxy:3128", Proxy("proxy", 3128, b"")),
        ("proxy:3128", Proxy("proxy", 3128, b"")),
        ("http://proxy", Proxy("proxy", 80, b"")),
        ("http://[fd00::5]:3128/", Proxy("fd00::5", 3128, b"")),
        ("http://me:p%40ss@proxy:1", Proxy("proxy", 1, b"Basic bWU6cEBzcw==")),
    ],
)
def test_a_proxys_url_is_understood(url: str, proxy: Proxy) -> None:
    assert read_proxy(url) == proxy


@pytest.mark.parametrize(
    "url", ["https://me:secret@proxy", "socks5://x:secret@y", "http://", "x:y"]
)
def test_other_urls_are_refused_without_repeating_them(url: str) -> None:
    assert read_proxy(url) == Flaw(
        Fault.PROXY, "the proxy's URL is not of the form http://host:port"
    )


def test_a_proxys_credentials_do_not_show() -> None:
    assert repr(read_proxy("http://me:secret@proxy:1")) == "Proxy(proxy:1)"

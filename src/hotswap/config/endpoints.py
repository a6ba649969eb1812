"""Reads addresses: of providers, of proxies, and of our own listeners."""

import ipaddress
from collections.abc import Mapping
from typing import Final
from urllib.parse import SplitResult, urlsplit

from msgspec import Struct

_PORTS: Final[Mapping[str, int]] = {"http": 80, "https": 443}


class Url(Struct, frozen=True, gc=False):
    """An address that connections can go to."""

    scheme: str
    host: str
    port: int
    path: str
    """Without a slash at the end."""
    query: str = ""
    """What every request carries, as Azure's `api-version=2024-10-21`."""


class Listener(Struct, frozen=True, gc=False):
    """An address to listen on."""

    host: str
    port: int


def read_url(text: str) -> Url | str:
    """Read the base URL of a provider; a text says what is wrong with it, without quoting it."""
    url = _split(text)
    if isinstance(url, str):
        return url
    if url.scheme not in _PORTS:
        return "should begin with https:// or http://"
    problem = _excess(url)
    if problem:
        return problem
    host = url.hostname or ""
    return Url(url.scheme, host, url.port or _PORTS[url.scheme], url.path.rstrip("/"), url.query)


def proxy_problem(text: str) -> str:
    """Say what is wrong with a proxy's URL, without quoting it; empty: nothing."""
    url = _split(text)
    if isinstance(url, str):
        return url
    if url.scheme != "http":
        return "should begin with http://"
    if not url.hostname or url.path.strip("/") or url.query or url.fragment:
        return "should be http://, a host and a port, and nothing else"
    return ""


def read_listener(text: str) -> Listener | None:
    """Read `host:port`, the host of IPv6 in brackets; None: it is something else."""
    host, colon, port = text.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit()) or len(port) > 5 or int(port) > 65535:
        return None
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        return None
    if not host or any(not "!" <= char <= "~" or char in "/[]@" for char in host):
        return None
    return Listener(host, int(port))


def is_loopback(host: str) -> bool:
    """Say whether only this machine reaches `host`."""
    address = _literal(host)
    return address.is_loopback if address else host.lower() == "localhost"


def is_private(host: str) -> bool:
    """Say whether `host` is, literally, an address that no public provider has."""
    address = _literal(host)
    if address is None:
        return host.lower() == "localhost"
    return not address.is_global


def vendor_of(url: Url) -> str:
    """Return who runs an address: the registered domain, or the machine."""
    if _literal(url.host) or is_private(url.host):
        return f"{url.host}:{url.port}"
    return ".".join(url.host.rsplit(".", 2)[-2:])


def _literal(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _split(text: str) -> SplitResult | str:
    if not all("!" <= char <= "~" for char in text):
        return "should be visible ASCII characters without spaces"
    try:
        url = urlsplit(text)
        _ = url.port  # Raises for a port that is no number or too large.
    except ValueError:
        return "is no URL: its host or port cannot be read"
    return url


def _excess(url: SplitResult) -> str:
    if not url.hostname:
        return "names no host"
    if url.username is not None or url.password is not None:
        return "should hold no credentials; they belong to `keys`"
    if url.fragment:
        return "should end with its path or its query, without #"
    return "" if url.port != 0 else "names port 0"

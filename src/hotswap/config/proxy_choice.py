"""Which egress proxy the environment asks for."""

from collections.abc import Mapping
from ipaddress import ip_address, ip_network


def proxy_from_environment(
    host: str, environ: Mapping[str, str], *, tls: bool = True, port: int = 443
) -> str | None:
    """Return the URL of the proxy that the environment asks for; None: connect directly.

    Reads `HTTPS_PROXY` (with TLS) or `HTTP_PROXY`, then `ALL_PROXY`, unless `NO_PROXY` names
    the host; lower-case names win. This machine itself is never asked for through a proxy.
    """
    names = ("https_proxy" if tls else "http_proxy", "all_proxy")
    for name in names:
        url = environ.get(name) or environ.get(name.upper())
        if url:
            excluded = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
            return None if _is_local(host) or _is_excluded(host, port, excluded) else url
    return None


def _is_local(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _is_excluded(host: str, port: int, excluded: str) -> bool:
    host = host.lower().rstrip(".")
    entries = [entry.strip().lower() for entry in excluded.split(",")]
    return any(entry and _matches(host, port, entry) for entry in entries)


def _matches(host: str, port: int, entry: str) -> bool:
    if entry == "*":
        return True
    try:
        return ip_address(host) in ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        pass
    name, colon, number = entry.rpartition(":")
    if colon and number.isdecimal():
        if int(number) != port:
            return False
        entry = name.strip("[]")
    entry = entry.removeprefix("*").strip(".")
    return host == entry or host.endswith(f".{entry}")

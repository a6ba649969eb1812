"""Writes the head of a request."""

from ..core.terms import Endpoint


def write_head(method: bytes, path: bytes, endpoint: Endpoint, lines: bytes) -> bytes:
    """Return a request's head, the empty line included.

    Args:
        method: Such as `POST`.
        path: With its query; already escaped.
        endpoint: Named in the Host header, with the port where it is not the scheme's own.
        lines: Further header lines, each with CRLF behind it.
    """
    return b"%b %b HTTP/1.1\r\nhost: %b\r\n%b\r\n" % (method, path, authority(endpoint), lines)


def authority(endpoint: Endpoint) -> bytes:
    """Return the value of the Host header."""
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    port = "" if endpoint.port == (443 if endpoint.tls else 80) else f":{endpoint.port}"
    return f"{host}{port}".encode("ascii" if host.isascii() else "idna")

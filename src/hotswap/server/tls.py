"""TLS for the public listener."""

import ssl

from ..errors import ConfigError


def server_context(cert: str, key: str) -> ssl.SSLContext:
    """Build a context from PEM files: the certificate with its chain, and its key.

    Raises `ConfigError` when they can not be read or do not belong together.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(cert, key, password="")  # never ask on the terminal
    except OSError as fault:  # `ssl.SSLError` is one, too.
        raise ConfigError(
            "server.tls",
            f"certificate {cert!r} and key {key!r} can not be used: {fault}",
            "both are PEM files, and the key belongs to the certificate",
        ) from None
    return context

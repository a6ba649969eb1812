"""TLS towards servers: TLS 1.2 or newer, certificates and names always checked."""

import ssl
from ssl import SSLContext, SSLError, TLSVersion

from .api import Fault
from .flaw import Flaw


class TlsContexts:
    """One context per file of authorities, made on first use (5 to 30 ms) and kept."""

    __slots__ = ("_contexts",)

    def __init__(self) -> None:
        self._contexts: dict[str | None, SSLContext] = {}

    def get(self, ca_file: str | None) -> SSLContext | Flaw:
        """Return the context that trusts `ca_file`; None: the system's authorities."""
        context = self._contexts.get(ca_file)
        if context is None:
            try:
                context = ssl.create_default_context(cafile=ca_file)
            except (OSError, SSLError) as error:
                return Flaw(Fault.TLS, f"the authorities in {ca_file} can not be read: {error}")
            context.minimum_version = TLSVersion.TLSv1_2
            context.set_alpn_protocols(["http/1.1"])
            self._contexts[ca_file] = context
        return context


def explain(error: SSLError) -> str:
    """Say in words why a handshake failed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the server's certificate is not valid: {error.verify_message}"
    return f"the TLS handshake failed: {error.reason or error}"

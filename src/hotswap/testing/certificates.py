"""Certificates made on the spot with the `openssl` command, good ones and bad ones."""

import ssl
import subprocess
from pathlib import Path

from msgspec import Struct


class Certificates(Struct, frozen=True):
    """An authority and three certificates by it that share one key, as PEM files."""

    ca: Path
    key: Path
    good: Path
    """For `localhost`."""
    expired: Path
    """For `localhost`, until yesterday."""
    other_name: Path
    """For `other.test`."""

    def context(self, certificate: Path) -> ssl.SSLContext:
        """Return what a server needs to show `certificate`."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["h2", "http/1.1"])
        context.load_cert_chain(certificate, self.key)
        return context


def make_certificates(folder: Path) -> Certificates:
    """Make them in `folder`; takes some 50 ms."""
    key, ca = folder / "key.pem", folder / "ca.pem"
    _openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
    _openssl(
        *("req", "-x509", "-key", key, "-out", ca, "-days", 2, "-subj", "/CN=authority"),
        *("-addext", "keyUsage=critical,keyCertSign"),
    )

    def leaf(name: str, days: int) -> Path:
        request, out = folder / f"{name}{days}.csr", folder / f"{name}{days}.pem"
        _openssl(
            *("req", "-new", "-key", key, "-out", request, "-subj", "/CN=leaf"),
            *("-addext", f"subjectAltName=DNS:{name}"),
        )
        _openssl(
            *("x509", "-req", "-in", request, "-CA", ca, "-CAkey", key, "-CAcreateserial"),
            *("-out", out, "-days", days, "-copy_extensions", "copy"),
        )
        return out

    return Certificates(ca, key, leaf("localhost", 2), leaf("localhost", -1), leaf("other.test", 2))


def _openssl(*words: object) -> None:
    subprocess.run(  # noqa: S603 - the words are our own
        ["openssl", *map(str, words)],  # noqa: S607 - wherever it is installed
        check=True,
        capture_output=True,
    )

"""From the file's `server`, `store` and `access` to what the processes are started with."""

import ssl
from collections.abc import Mapping
from os.path import isfile, normpath
from pathlib import Path
from typing import Final

from ..core.settings import ServerSettings, StoreSettings
from .endpoints import Listener, is_loopback, read_listener
from .findings import Findings
from .schema import ConfigFile, TlsFile
from .snapshot import AccessKey

_SQLITE: Final = "sqlite:"
_ADDRESS: Final = "should be an address and a port"
_ADDRESS_HINT: Final = 'such as "127.0.0.1:8100" or "[::1]:8100"'

_TLS_FAULTS: Final[Mapping[str, str]] = {
    "KEY_VALUES_MISMATCH": "server.tls.key is the key of another certificate"
}
_TLS_FAULT: Final = "cannot be used with server.tls.key"
_TLS_HINT: Final = "PEM files: a certificate, and its key without a password"


def build_server(file: ConfigFile, folder: Path, findings: Findings) -> ServerSettings:
    """Resolve the listeners and everything about the processes."""
    server = file.server
    listen = _listener("listen", server.listen, findings)
    admin = _listener("admin", server.admin, findings)
    if listen == admin and listen.port:
        problem = "is the address that callers use already"
        findings.mistake(("server", "admin"), problem, "choose another port")
    if not is_loopback(listen.host) and not file.access.keys:
        findings.mistake(
            ("server", "listen"),
            "is open to other machines, and no access key is configured",
            "anyone could spend on your provider keys: add access.keys, or listen on 127.0.0.1",
        )
    cert, key = _tls(server.tls, folder, findings)
    return ServerSettings(
        host=listen.host,
        port=listen.port,
        admin_host=admin.host,
        admin_port=admin.port,
        workers=server.workers,
        state_dir=_resolve(server.state_dir, folder),
        max_body_bytes=server.max_body,
        max_header_bytes=server.max_header,
        max_connections=server.max_connections,
        header_s=server.header_s,
        body_s=server.body_s,
        idle_s=server.idle_s,
        drain_s=server.drain_s,
        linger_s=server.linger_s,
        keep_alive_s=server.keep_alive_s,
        regions=server.regions,
        warm=server.warm,
        tls_cert=cert,
        tls_key=key,
    )


def build_store(file: ConfigFile, folder: Path, findings: Findings) -> StoreSettings:
    """Resolve where records go."""
    scheme, _, place = file.store.partition(":")
    url = file.store
    if scheme in {"postgresql", "postgres"}:
        findings.mistake(("store",), f"{scheme}: is not supported yet", "for now: sqlite:PATH")
    elif scheme != "sqlite" or not place:
        findings.mistake(("store",), "should be sqlite: and the path of a file")
    else:
        url = _SQLITE + _resolve(place.removeprefix("//"), folder)
    return StoreSettings(
        url=url,
        commit_s=file.records.commit_s,
        retention_days=file.records.retention_days,
        buffer=file.records.buffer,
    )


def build_keys(file: ConfigFile, findings: Findings) -> tuple[AccessKey, ...]:
    """Return the keys of callers; neither an id nor a digest is there twice."""
    ids: set[str] = set()
    digests: set[str] = set()
    keys: list[AccessKey] = []
    for at, entry in enumerate(file.access.keys):
        path = ("access", "keys", at)
        digest = entry.sha256.lower()
        if entry.id in ids:
            shown = findings.quote((*path, "id"), entry.id)
            findings.mistake((*path, "id"), f"another key is called {shown} already")
        if digest in digests:
            findings.mistake((*path, "sha256"), "is the digest of another key already")
        ids.add(entry.id)
        digests.add(digest)
        keys.append(
            AccessKey(
                entry.id,
                digest,
                fallback=entry.fallback,
                splice=entry.splice,
                order="order" in entry.scopes,
                zones=entry.zones,
            )
        )
    return tuple(keys)


def _listener(name: str, text: str, findings: Findings) -> Listener:
    listener = read_listener(text)
    if listener is None:
        findings.mistake(("server", name), _ADDRESS, _ADDRESS_HINT)
        return Listener("127.0.0.1", 0)
    return listener


def _tls(tls: TlsFile | None, folder: Path, findings: Findings) -> tuple[str, str]:
    if tls is None:
        return "", ""
    files = {"cert": _resolve(tls.cert, folder), "key": _resolve(tls.key, folder)}
    missing = [name for name, file in files.items() if not isfile(file)]  # noqa: PTH113 - no raise
    for name in missing:
        findings.mistake(("server", "tls", name), "there is no such file")
    fault = "" if missing else _tls_fault(files["cert"], files["key"])
    if fault:
        findings.mistake(("server", "tls", "cert"), fault, _TLS_HINT)
    return files["cert"], files["key"]


def _tls_fault(cert: str, key: str) -> str:
    """Try them as the workers will; return what is wrong, or an empty text."""
    try:
        # Without a password here, OpenSSL would ask for that of a key on the terminal, and wait.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key, password="")
    except ssl.SSLError as error:
        return _TLS_FAULTS.get(error.reason, _TLS_FAULT)
    except OSError as error:
        return f"{_TLS_FAULT}: {error.strerror}"
    return ""


def _resolve(path: str, folder: Path) -> str:
    return normpath(folder / path)

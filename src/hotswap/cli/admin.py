"""How commands reach a running gateway's admin listener."""

import os
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from ..config.load import load
from ..config.outcome import ConfigMistakes
from ..processes.exits import Exit
from .failing import CommandError

TIMEOUT_S: Final = 10.0
"""For a connection and for each read; a stream ticks every second."""
_ANY: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what is listened on, not by us
_PORTS: Final = {"http": 80, "https": 443}
_FORBIDDEN: Final = frozenset({401, 403})


class Admin(Struct, frozen=True):
    """Where the admin listener is, and the key to it."""

    host: str
    port: int
    key: str
    tls: bool = False

    def get(self, path: str, last_id: str = "") -> HTTPResponse:
        """Ask for `path`; the answer is to be closed by whoever reads it.

        Args:
            path: With the query.
            last_id: Of a stream's event; it goes on after that one.

        Raises:
            CommandError: There is no gateway, it does not accept the key, or it does not answer
                with 200.
        """
        url = f"{'https' if self.tls else 'http'}://{self.host}:{self.port}"
        kind = HTTPSConnection if self.tls else HTTPConnection
        headers = {"authorization": f"Bearer {self.key}", "connection": "close"}
        if last_id:
            headers["last-event-id"] = last_id
        try:
            connection = kind(self.host, self.port, timeout=TIMEOUT_S)
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
        except (OSError, HTTPException) as error:
            problem = f"hotswap: no gateway answers at {url}: {error}"
            raise CommandError(Exit.UNREACHABLE, problem) from error
        if answer.status in _FORBIDDEN:
            raise CommandError(Exit.FORBIDDEN, f"hotswap: {url} does not accept the admin key")
        if answer.status != 200:
            problem = f"hotswap: {url}{path} answers with {answer.status}"
            raise CommandError(Exit.UNREACHABLE, problem)
        return answer


def find_admin(config: Path) -> Admin:
    """Find the gateway by `HOTSWAP_ADMIN` and `HOTSWAP_ADMIN_KEY`, else by the configuration.

    Raises:
        CommandError: The configuration or the key's file can not be read.
    """
    url, key = os.environ.get("HOTSWAP_ADMIN", ""), os.environ.get("HOTSWAP_ADMIN_KEY", "")
    if url and key:
        return _admin(url, key)
    try:
        server = load(config, os.environ).server
    except ConfigMistakes as refused:
        raise CommandError(Exit.UNREADABLE, str(refused)) from refused
    if not key:
        key = _read_key(Path(server.state_dir) / "admin.key")
    if url:
        return _admin(url, key)
    return Admin(_ANY.get(server.admin_host, server.admin_host), server.admin_port, key)


def _admin(url: str, key: str) -> Admin:
    parts = urlsplit(url)
    if not parts.hostname or parts.scheme not in _PORTS:
        problem = f"hotswap: HOTSWAP_ADMIN is {url!r}, not an address such as http://127.0.0.1:8101"
        raise CommandError(Exit.USAGE, problem)
    port = parts.port or _PORTS[parts.scheme]
    return Admin(parts.hostname, port, key, tls=parts.scheme == "https")


def _read_key(path: Path) -> str:
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        problem = f"hotswap: there is no {path}: has the gateway ever run with this configuration?"
        raise CommandError(Exit.UNREACHABLE, problem) from None
    except OSError as error:
        problem = f"hotswap: {path} can not be read: {error.strerror}"
        raise CommandError(Exit.FORBIDDEN, problem) from error

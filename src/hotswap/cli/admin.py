"""How commands reach a running gateway's admin listener."""

import os
from collections.abc import Iterable, Mapping
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlencode, urlsplit

from msgspec import DecodeError, Struct
from msgspec.json import Decoder

from ..config.admin_address import read_admin_address
from ..config.outcome import ConfigMistakes
from ..processes.exits import Exit
from .failing import CommandError
from .showing import address

TIMEOUT_S: Final = 10.0
"""For a connection and for each read; a stream ticks every second."""
_ANY: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what is listened on, not by us
_PORTS: Final = {"http": 80, "https": 443}
_ROOT: Final = "/admin/api/v1"
_CODES: Final = {400: Exit.USAGE, 401: Exit.FORBIDDEN, 403: Exit.FORBIDDEN, 421: Exit.FORBIDDEN}


class _Error(Struct, frozen=True):
    message: str


class _Refusal(Struct, frozen=True):
    """How the admin listener refuses."""

    error: _Error


_read_refusal: Final = Decoder(_Refusal).decode


class Admin(Struct, frozen=True):
    """Where the admin listener is, and the key to it."""

    host: str
    port: int
    key: str
    tls: bool = False

    @property
    def url(self) -> str:
        """The address as a person knows it."""
        return f"{'https' if self.tls else 'http'}://{address(self.host, self.port)}"

    def read(self, *path: str, **query: str | float | None) -> bytes:
        """Ask for what `path` names, and return the JSON of the answer.

        Args:
            path: Below the API's root; `/` may stand in its parts, and empty ones are left out.
            query: What is None or empty is left out.

        Raises:
            CommandError: As `get`.
        """
        asked = urlencode({name: value for name, value in query.items() if value})
        return self._whole(self.get(f"{_place(path)}{'?' if asked else ''}{asked}"))

    def post(self, *path: str, body: bytes = b"") -> bytes:
        """Have something done, and return the JSON of the answer.

        Args:
            path: As in `read`.
            body: JSON; empty: the path says it all.

        Raises:
            CommandError: As `get`.
        """
        return self._whole(self._ask("POST", _place(path), {}, body))

    def get(self, path: str, last_id: str = "") -> HTTPResponse:
        """Ask for `path`; the answer is to be closed by whoever reads it.

        Args:
            path: Below the API's root, with the query.
            last_id: Of a stream's event; it goes on after that one.

        Raises:
            CommandError: There is no gateway, it does not accept the key, or it refuses for a
                reason of its own.
        """
        return self._ask("GET", path, {"last-event-id": last_id} if last_id else {})

    def _ask(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> HTTPResponse:
        kind = HTTPSConnection if self.tls else HTTPConnection
        ours = {"authorization": f"Bearer {self.key}", "connection": "close", **headers}
        try:
            connection = kind(self.host, self.port, timeout=TIMEOUT_S)
            connection.request(method, f"{_ROOT}{path}", body, ours)
            answer = connection.getresponse()
            if answer.status == 200:
                return answer
            with answer:
                said = answer.read()
        except (OSError, HTTPException) as error:
            raise self._unreachable(error) from error
        raise self._refused(answer.status, said)

    def _whole(self, answer: HTTPResponse) -> bytes:
        try:
            with answer:
                return answer.read()
        except (OSError, HTTPException) as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: Exception) -> CommandError:
        return CommandError(Exit.UNREACHABLE, f"hotswap: no gateway answers at {self.url}: {error}")

    def _refused(self, status: int, body: bytes) -> CommandError:
        if status == 401:
            return CommandError(
                Exit.FORBIDDEN, f"hotswap: {self.url} does not accept the admin key"
            )
        try:
            said = _read_refusal(body).error.message
        except DecodeError:
            problem = f"hotswap: {self.url} answers with {status}; is it the admin listener?"
            return CommandError(Exit.UNREACHABLE, problem)
        return CommandError(_CODES.get(status, Exit.FAILED), f"hotswap: {said}")


def _place(path: Iterable[str]) -> str:
    return "/" + "/".join(quote(part) for part in path if part)


def find_admin(config: Path) -> Admin:
    """Find the gateway by `HOTSWAP_ADMIN` and `HOTSWAP_ADMIN_KEY`, else by the configuration.

    Raises:
        CommandError: The configuration or the key's file can not be read.
    """
    url, key = os.environ.get("HOTSWAP_ADMIN", ""), os.environ.get("HOTSWAP_ADMIN_KEY", "").strip()
    if url and key:
        return _admin(url, key)
    try:
        address = read_admin_address(config, os.environ)
    except ConfigMistakes as refused:
        raise CommandError(Exit.UNREADABLE, str(refused)) from refused
    if not key:
        key = _read_key(address.state_dir / "admin.key")
    if url:
        return _admin(url, key)
    host = address.listener.host
    return Admin(_ANY.get(host, host), address.listener.port, _sendable(key))


def _sendable(key: str) -> str:
    """Return the key, unless no header can hold it."""
    if not (key.isascii() and key.isprintable()):
        raise CommandError(Exit.FORBIDDEN, "hotswap: the admin key is no text of visible ASCII")
    return key


def _admin(url: str, key: str) -> Admin:
    problem = f"hotswap: HOTSWAP_ADMIN is {url!r}, not an address such as http://127.0.0.1:8101"
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError as error:
        raise CommandError(Exit.USAGE, problem) from error
    if not parts.hostname or port is None or parts.scheme not in _PORTS:
        raise CommandError(Exit.USAGE, problem)
    return Admin(parts.hostname, port, _sendable(key), tls=parts.scheme == "https")


def _read_key(path: Path) -> str:
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        problem = f"hotswap: there is no {path}: has the gateway ever run with this configuration?"
        raise CommandError(Exit.UNREACHABLE, problem) from None
    except OSError as error:
        problem = f"hotswap: {path} can not be read: {error.strerror}"
        raise CommandError(Exit.FORBIDDEN, problem) from error

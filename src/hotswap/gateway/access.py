"""Who may come in: the caller's key, before the body is looked at."""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Final
from urllib.parse import parse_qs

from ..config.snapshot import AccessKey
from ..errors import RefusedError
from ..server.api import Incoming

NOBODY: Final = AccessKey("", "", order=True)
"""Stands for a caller of whom no key is asked."""

_KEY_HEADERS: Final = (b"x-api-key", b"x-goog-api-key", b"api-key")


class Access:
    """Admits callers by key. Without any key configured every credential is accepted."""

    __slots__ = ("_by_digest",)

    def __init__(self, keys: Iterable[AccessKey]) -> None:
        self._by_digest: Mapping[bytes, AccessKey] = {
            bytes.fromhex(key.sha256): key for key in keys
        }

    def admit(self, incoming: Incoming) -> AccessKey:
        """Return the caller's key, `NOBODY` where none is needed; raises `RefusedError`.

        The table is searched by digest, so what an attacker can time tells nothing of a key.
        """
        if not self._by_digest:
            return NOBODY
        presented = _presented(incoming)
        if not presented:
            raise RefusedError(
                401,
                "missing_api_key",
                "This gateway needs a key: send it as 'Authorization: Bearer KEY'.",
            )
        caller = self._by_digest.get(sha256(presented).digest())
        if caller is None:
            raise RefusedError(401, "invalid_api_key", "This gateway does not know the given key.")
        return caller


def _presented(incoming: Incoming) -> bytes:
    headers = incoming.headers
    authorization = headers.get(b"authorization", b"")
    if authorization[:7].lower() == b"bearer ":
        return authorization[7:].strip()
    for name in _KEY_HEADERS:
        if value := headers.get(name):
            return value
    if "key=" in incoming.query:
        return parse_qs(incoming.query).get("key", [""])[0].encode()
    return b""

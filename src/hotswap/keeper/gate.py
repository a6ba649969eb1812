"""What every admin request passes first: the name it was sent to, where from, and its key."""

import hmac
from hashlib import sha256
from ipaddress import ip_address
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_CHALLENGE: Final = {"www-authenticate": 'Bearer realm="hotswap admin"'}

_WRONG_HOST: Final = (
    "This is not a name of the admin listener; ask by address, for localhost, or for the name in"
    " `server.admin`."
)


class Gate:
    """Lets a request through that names this host and brings the admin key.

    A page that a browser loaded elsewhere can make its own name resolve to this machine, but the
    browser then sends that name; an address, a loopback name and the configured one are ours. A
    page that knows our name says in `Origin` that it is not ours. There is no way in without a key.
    """

    def __init__(self, app: ASGIApp, *, key: str, host: str) -> None:
        """Guard `app`.

        Args:
            app: Serves what passes.
            key: The admin key; an empty one is a bug.
            host: Name or address that the listener is configured with.
        """
        if not key:
            raise ValueError("the admin listener needs a key")
        self._app = app
        self._digest = sha256(key.encode()).digest()
        self._names = {"localhost", host.lower()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self._ours(host):
            answer = refusal(421, "wrong_host", _WRONG_HOST)
        elif not _same_origin(headers.get("origin"), host):
            answer = refusal(403, "cross_origin", "Pages of other sites are not answered.")
        elif not self._keyed(headers.get("authorization", "")):
            answer = refusal(401, "no_admin_key", "Send `Authorization: Bearer <admin key>`.")
            answer.headers.update(_CHALLENGE)
        else:
            await self._app(scope, receive, send)
            return
        await answer(scope, receive, send)

    def _ours(self, host: str) -> bool:
        name = _without_port(host).lower()
        if name in self._names:
            return True
        try:
            ip_address(name)
        except ValueError:
            return False
        return True

    def _keyed(self, authorization: str) -> bool:
        scheme, _, key = authorization.partition(" ")
        given = sha256(key.strip().encode()).digest()
        # Of equal length whatever was given, so that the time it takes tells nothing of the key.
        return hmac.compare_digest(given, self._digest) and scheme.lower() == "bearer"


def refusal(status: int, code: str, message: str, *, param: str | None = None) -> JSONResponse:
    """Render an error of the admin listener; `param` is the query's parameter at fault."""
    error = {"code": code, "message": message}
    if param is not None:
        error["param"] = param
    return JSONResponse({"error": error}, status)


def _same_origin(origin: str | None, host: str) -> bool:
    """Say whether a request comes from our own page, or from no page at all."""
    return origin is None or origin.lower().partition("://")[2] == host.lower()


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]

"""What every admin request passes first: the name it was sent to, and its key."""

import hmac
from ipaddress import ip_address
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_CHALLENGE: Final = {"www-authenticate": 'Bearer realm="hotswap admin"'}


class Gate:
    """Lets a request through that names this host and brings the admin key.

    A page that a browser loaded elsewhere can make its own name resolve to this machine, but the
    browser then sends that name; an address, a loopback name and the configured one are ours.
    """

    def __init__(self, app: ASGIApp, *, key: str, host: str) -> None:
        """Guard `app`.

        Args:
            app: Serves what passes.
            key: The admin key.
            host: Name or address that the listener is configured with.
        """
        self._app = app
        self._key = key.encode()
        self._names = {"localhost", host.lower()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        headers = Headers(scope=scope)
        if not self._ours(headers.get("host", "")):
            answer = refusal(421, "wrong_host", "This is not a name of the admin listener.")
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
        given = key.strip().encode()
        return hmac.compare_digest(given, self._key) and scheme.lower() == "bearer"


def refusal(status: int, code: str, message: str) -> JSONResponse:
    """Render an error of the admin listener."""
    return JSONResponse({"error": {"code": code, "message": message}}, status)


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]

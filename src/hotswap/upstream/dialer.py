"""Opens connections: name, address check, TCP, proxy, TLS."""

import asyncio
import os
import socket
from asyncio import AbstractEventLoop, Task
from collections.abc import Sequence
from errno import ECONNREFUSED
from ssl import SSLContext, SSLError

from ..core.terms import Endpoint
from .addresses import refusal
from .api import Fault
from .connection import Connection
from .dns import Resolver
from .flaw import Flaw
from .limits import Limits
from .proxy import Proxy, open_tunnel, read_proxy
from .race import connect_first
from .settings import ClientSettings
from .tls import TlsContexts, explain


class Dialer:
    """Opens one connection after the other, each within its own limit of time."""

    __slots__ = ("_resolver", "_settings", "_tls")

    def __init__(self, settings: ClientSettings, resolver: Resolver) -> None:
        self._settings = settings
        self._resolver = resolver
        self._tls = TlsContexts()

    async def dial(
        self, endpoint: Endpoint, connection: Connection, limits: Limits, limit_s: float
    ) -> Flaw | None:
        """Make `connection` ready for requests, or say what prevented it.

        With a proxy the addresses behind the name are the proxy's business. The proxy itself is
        the operator's choice and may be at any address.
        """
        context = self._tls.get(endpoint.ca_file) if endpoint.tls else None
        if isinstance(context, Flaw):
            return context
        try:
            async with asyncio.timeout(None) as limit:
                limits.add(limit, limit_s)
                try:
                    flaw = await self._dial(endpoint, context, connection)
                finally:
                    limits.drop(limit)
        except TimeoutError:
            where = f"{endpoint.host}:{endpoint.port}"
            flaw = Flaw(Fault.TIMEOUT, f"no connection to {where} within {limit_s:g} s")
        if flaw is None and not connection.usable:
            where = f"{endpoint.host}:{endpoint.port}"
            flaw = Flaw(Fault.CLOSED, f"{where} closed or spoke before it was asked anything")
        if flaw is not None:
            connection.close()
        return flaw

    def close(self) -> list[Task[Flaw | None]]:
        """Cancel look-ups in flight; return them, to be awaited."""
        return self._resolver.close()

    async def _dial(
        self, endpoint: Endpoint, context: SSLContext | None, connection: Connection
    ) -> Flaw | None:
        if endpoint.proxy is not None:
            sock = await self._connect_by_proxy(endpoint, endpoint.proxy)
        else:
            addresses = await self._allowed(endpoint)
            if isinstance(addresses, Flaw):
                return addresses
            if context is None and len(addresses) == 1:
                return await _open(addresses[0], endpoint, connection)
            sock = await self._race(addresses, endpoint.host, endpoint.port)
        if isinstance(sock, Flaw):
            return sock
        return await _attach(sock, context, endpoint, connection)

    async def _allowed(self, endpoint: Endpoint) -> Sequence[str] | Flaw:
        """Return the addresses that may be connected to, or why there are none."""
        addresses = await self._resolver.addresses(endpoint.host, endpoint.port)
        if isinstance(addresses, Flaw):
            return addresses
        allowed: list[str] = []
        reason = f"{endpoint.host} has no address"
        for address in addresses:
            refused = refusal(address, allow_private=endpoint.allow_private)
            if refused is None:
                allowed.append(address)
            else:
                reason = refused
        if not allowed:
            return Flaw(Fault.ADDRESS, f"{endpoint.host} may not be used: {reason}")
        return allowed

    async def _connect_by_proxy(self, endpoint: Endpoint, url: str) -> socket.socket | Flaw:
        proxy = read_proxy(url)
        if isinstance(proxy, Flaw):
            return proxy
        sock = await self._connect_to_proxy(proxy)
        if isinstance(sock, Flaw):
            return Flaw(Fault.PROXY, f"the proxy can not be reached: {sock.message}")
        try:
            flaw = await open_tunnel(sock, proxy, endpoint.host, endpoint.port)
        except BaseException:
            sock.close()
            raise
        if flaw is not None:
            sock.close()
            return flaw
        return sock

    async def _connect_to_proxy(self, proxy: Proxy) -> socket.socket | Flaw:
        addresses = await self._resolver.addresses(proxy.host, proxy.port)
        if isinstance(addresses, Flaw):
            return addresses
        return await self._race(addresses, proxy.host, proxy.port)

    async def _race(self, addresses: Sequence[str], host: str, port: int) -> socket.socket | Flaw:
        outcome = await connect_first(addresses, port, self._settings.attempt_delay_s)
        return outcome if isinstance(outcome, socket.socket) else _unreached(host, port, outcome)


async def _open(address: str, endpoint: Endpoint, connection: Connection) -> Flaw | None:
    """Connect to the only address without TLS; the loop alone does it at half the cost."""
    loop = asyncio.get_running_loop()
    try:
        await loop.create_connection(lambda: connection, address, endpoint.port)
    except OSError as error:
        return _unreached(endpoint.host, endpoint.port, error)
    return None


def _unreached(host: str, port: int, error: OSError) -> Flaw:
    fault = Fault.REFUSED if error.errno == ECONNREFUSED else Fault.CONNECT
    # The texts of the loops differ; that of the system is the same everywhere.
    number = error.errno or 0
    reason = os.strerror(number) if number > 0 else str(error)
    return Flaw(fault, f"{host}:{port} can not be reached: {reason}")


async def _attach(
    sock: socket.socket, context: SSLContext | None, endpoint: Endpoint, connection: Connection
) -> Flaw | None:
    """Put `connection` on a connected socket, behind TLS when there is a context."""
    loop: AbstractEventLoop = asyncio.get_running_loop()
    name = endpoint.host if context is not None else None
    try:
        await loop.create_connection(
            lambda: connection, sock=sock, ssl=context, server_hostname=name
        )
    except SSLError as error:
        return Flaw(Fault.TLS, f"{endpoint.host}: {explain(error)}")
    except OSError as error:
        fault = Fault.CONNECT if context is None else Fault.TLS
        reason = error.strerror or error.__class__.__name__
        return Flaw(fault, f"{endpoint.host}: the connection broke while it was opened: {reason}")
    return None

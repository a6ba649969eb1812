"""Opens connections: name, address check, TCP, proxy, TLS."""

import asyncio
import socket
from asyncio import AbstractEventLoop, Task
from errno import ECONNREFUSED
from ssl import SSLContext, SSLError

from ..core.terms import Endpoint
from .addresses import refusal
from .api import Fault
from .connection import Connection
from .dns import Resolver
from .flaw import Flaw
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

    async def dial(self, endpoint: Endpoint, connection: Connection, limit_s: float) -> Flaw | None:
        """Make `connection` ready for requests, or say what prevented it.

        With a proxy the addresses behind the name are the proxy's business. The proxy itself is
        the operator's choice and may be at any address.
        """
        where = f"{endpoint.host}:{endpoint.port}"
        context = self._tls.get(endpoint.ca_file) if endpoint.tls else None
        if isinstance(context, Flaw):
            return context
        try:
            async with asyncio.timeout(limit_s):
                flaw = await self._dial(endpoint, context, connection)
        except TimeoutError:
            flaw = Flaw(Fault.TIMEOUT, f"no connection to {where} within {limit_s:g} s")
        if flaw is None and not connection.usable:
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
        if endpoint.proxy is None:
            sock = await self._connect(endpoint)
        else:
            sock = await self._connect_by_proxy(endpoint, endpoint.proxy)
        if isinstance(sock, Flaw):
            return sock
        return await _attach(sock, context, endpoint, connection)

    async def _connect(self, endpoint: Endpoint) -> socket.socket | Flaw:
        """Connect to the very addresses that were checked."""
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
        return await self._race(allowed, endpoint.host, endpoint.port)

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

    async def _race(
        self, addresses: tuple[str, ...] | list[str], host: str, port: int
    ) -> socket.socket | Flaw:
        outcome = await connect_first(addresses, port, self._settings.attempt_delay_s)
        if isinstance(outcome, socket.socket):
            return outcome
        refused = outcome.errno == ECONNREFUSED
        fault = Fault.REFUSED if refused else Fault.CONNECT
        return Flaw(fault, f"{host}:{port} can not be reached: {outcome.strerror or outcome}")


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

"""The HTTP/1.1 client: sends requests on pooled connections and keeps warm ones.

A request on an idle connection is written before `send` returns, without a task or a future.
Only opening connections takes tasks; they run beside the line.
"""

from asyncio import gather, get_running_loop, sleep
from collections.abc import Callable, Mapping
from functools import partial

from typing_extensions import override

from ..clock import Clock
from ..core.terms import Endpoint
from .api import Call, Client, Fault, Listener
from .dialer import Dialer
from .dns import Resolve, Resolver, system_resolve
from .exchange import Exchange
from .flaw import Flaw
from .settings import ClientSettings
from .site import Site


class HttpClient(Client):
    """Sends requests to providers. Belongs to the event loop that first uses it.

    Args:
        clock: Gives `Call.sent_at` and the moments of limits.
        jitter: Gives a random number in [0, 1).
        settings: Bounds and pauses.
        resolve: Finds the addresses of a name.
    """

    __slots__ = ("_clock", "_closed", "_dialer", "_jitter", "_settings", "_sites")

    def __init__(
        self,
        *,
        clock: Clock,
        jitter: Callable[[], float],
        settings: ClientSettings | None = None,
        resolve: Resolve = system_resolve,
    ) -> None:
        self._clock = clock
        self._jitter = jitter
        self._settings = settings or ClientSettings()
        self._dialer = Dialer(self._settings, Resolver(resolve, clock, self._settings))
        self._sites: dict[Endpoint, Site] = {}
        self._closed = False

    @override
    def send(
        self, endpoint: Endpoint, request: bytes, listener: Listener, *, connect_s: float
    ) -> Call:
        """Send a complete request; see `Client.send`."""
        site = self._sites.get(endpoint)
        if site is None:
            if self._closed:
                return _refuse(request, listener)
            site = self._open(endpoint)
        return site.send(request, listener, connect_s)

    @override
    def warm(self, endpoints: Mapping[Endpoint, int]) -> None:
        """Keep idle connections open to `endpoints`.

        Endpoints that are left out lose those kept for them before. The connections that
        requests to other endpoints leave behind stay until they have been idle for `idle_s`.
        """
        if self._closed:
            return
        for endpoint, site in tuple(self._sites.items()):
            if endpoint not in endpoints:
                site.warm(0)
                if site.unused:
                    del self._sites[endpoint]
        for endpoint, count in endpoints.items():
            site = self._sites.get(endpoint) or self._open(endpoint)
            site.warm(count)

    @override
    async def close(self) -> None:
        """Close every connection; calls in flight end as `Fault.CLOSED`."""
        self._closed = True
        sites, self._sites = self._sites, {}
        tasks = [task for site in sites.values() for task in site.close()]
        await gather(*tasks, *self._dialer.close(), return_exceptions=True)
        for _ in range(3):
            await sleep(0)  # transports close their sockets in the turns after `abort`

    def _open(self, endpoint: Endpoint) -> Site:
        site = Site(
            endpoint,
            loop=get_running_loop(),
            clock=self._clock,
            jitter=self._jitter,
            settings=self._settings,
            dialer=self._dialer,
        )
        self._sites[endpoint] = site
        return site


def _refuse(request: bytes, listener: Listener) -> Call:
    """Fail a request to a closed client, after `send` has returned."""
    exchange = Exchange(request, listener, 0.0)
    flaw = Flaw(Fault.CLOSED, "the client is closed")
    get_running_loop().call_soon(partial(exchange.fail, flaw, received=False))
    return exchange

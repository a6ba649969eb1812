"""A request's line: from the complete request to its last record, in one function."""

from collections.abc import Callable

from ..core.plan import plan
from ..core.run import Run
from ..dialects.registry import DIALECTS, FALLBACK
from ..errors import RefusedError
from ..server.api import Exchange
from .answer import Refusal
from .asking import ask_of, misplaced
from .drive import drive
from .line import Line
from .options import read_options
from .pages import count, page
from .plane import Plane
from .records import record_unattempted
from .routes import dialect_at, route_of
from .services import Services


class Gateway:
    """The handler of the public listener."""

    __slots__ = ("_new_id", "_on_bug", "_services", "draining", "plane")

    def __init__(
        self,
        plane: Plane,
        services: Services,
        *,
        new_id: Callable[[], str],
        on_bug: Callable[[Exception, str], None],
    ) -> None:
        """Prepare to serve.

        Args:
            plane: The configuration; replace the attribute to serve by another one.
            services: The injected parts.
            new_id: Gives request ids that ascend in time.
            on_bug: Takes an unexpected exception with the id of its request, for the log.
        """
        self.plane = plane
        self.draining = False
        self._services = services
        self._new_id = new_id
        self._on_bug = on_bug

    async def __call__(self, exchange: Exchange) -> None:
        """Serve one request; the only place that catches what nobody expected."""
        request_id = self._new_id()
        try:
            await self._serve(exchange, request_id)
        except RefusedError as refused:
            self._refuse(exchange, refused, request_id)
        except Exception as bug:  # noqa: BLE001 - a bug must cost one request only
            self._on_bug(bug, request_id)
            internal = RefusedError(500, "internal_error", f"hotswap failed on {request_id}.")
            self._refuse(exchange, internal, request_id)

    async def _serve(self, exchange: Exchange, request_id: str) -> None:
        incoming = exchange.incoming
        route = route_of(incoming.path)
        plane, services = self.plane, self._services
        if route is None or incoming.method != "POST":
            page(exchange, plane, draining=self.draining, known=route is not None)
            return
        key = plane.access.admit(incoming)
        request = route.dialect.peek(incoming.body, incoming.path, incoming.query)
        chain = plane.chain(request.model)
        if route.counts:
            count(exchange, route, request, request_id)
            return
        options = read_options(incoming.headers, key)
        now = services.clock.now()
        ask = ask_of(request, route, chain, key=key, options=options, services=services, now=now)
        candidates = plan(chain, services.standings, now, services.jitter, ask=ask)
        line = Line(
            exchange=exchange,
            plane=plane,
            route=route,
            caller=key.id,
            request=request,
            chain=chain,
            options=options,
            request_id=request_id,
            skips=candidates.skips,
            conversation=ask.conversation,
        )
        refused = misplaced(candidates, chain, key, options) if key.zones else None
        if refused is not None:
            record_unattempted(line, refused.code, services)
            raise refused
        run = Run(
            chain,
            candidates,
            services.standings,
            deadline=line.deadline,
            jitter=services.jitter,
            ask=ask,
            fallback=options.fallback,
        )
        await drive(run, line, services)

    def _refuse(self, exchange: Exchange, refused: RefusedError, request_id: str) -> None:
        """Render a refusal in the caller's dialect, as long as nothing was sent."""
        incoming = exchange.incoming
        dialect = DIALECTS[dialect_at(incoming.path, incoming.headers)]
        refusal = Refusal(refused.status, refused.code, refused.message, refused.param)
        headers = b"%bx-hotswap-request-id: %b\r\n" % (refusal.headers(), request_id.encode())
        exchange.answer(refusal.status, headers, refusal.body(dialect))


def render_refusal(path: str, status: int, code: str, message: str) -> tuple[bytes, bytes]:
    """Write headers and body of an error that the server protocol itself has to answer."""
    route = route_of(path)
    refusal = Refusal(status, code, message)
    return refusal.headers(), refusal.body(route.dialect if route is not None else FALLBACK)

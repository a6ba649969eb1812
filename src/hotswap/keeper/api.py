"""The admin listener's application, and its endpoints that read."""

from collections.abc import Awaitable, Callable, Iterable

from msgspec import Struct
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from ..clock import Clock
from ..config.snapshot import Snapshot
from ..errors import RefusedError, StoreError
from ..ledger.rows import read_attempt, read_transition
from ..store.api import Store
from .actions import Actions
from .feed import Feed
from .gate import Gate, refusal
from .hub import Hub
from .orders import Orders
from .queries import AttemptsQuery, NoQuery, RequestsQuery, TransitionsQuery, read_query
from .replies import ROOT, name_of, on_method, on_missing, on_refused, on_store, reply, unknown
from .requests import attempts_of, find_requests, view_request
from .views import Views, to_json_form


class WorkerHealth(Struct, frozen=True):
    """One connected worker."""

    worker: int
    boot: str
    in_flight: int
    connections: int
    lag_s: float
    unstored: int
    """Records that arrived and wait for their commit."""


class Health(Struct, frozen=True):
    """How the gateway's own parts are."""

    status: str
    """`ok`, or `degraded`: it serves, but records wait."""
    at: float
    """Unix seconds now."""
    version: str
    digest: str
    """Of the configuration in force."""
    workers: tuple[WorkerHealth, ...]
    store: str
    """`ok`, or why it fails."""
    streams: int
    """Streams of events that are open."""
    dropped: int
    """Records that did not fit into a worker's buffer."""


class Admin:
    """Answers what the dashboard and the command line ask."""

    def __init__(
        self,
        *,
        hub: Hub,
        orders: Orders,
        store: Store,
        feed: Feed,
        snapshot: Callable[[], Snapshot],
        clock: Clock,
        version: str,
    ) -> None:
        """Set up.

        Args:
            hub: Knows the workers and the live standing.
            orders: Carries out what operators order.
            store: Knows the past.
            feed: Opens streams.
            snapshot: Gives the configuration in force.
            clock: Unix, for what is timed.
            version: Of this hotswap.
        """
        self._hub = hub
        self._store = store
        self._feed = feed
        self._snapshot = snapshot
        self._clock = clock
        self._version = version
        self._actions = Actions(
            hub=hub, orders=orders, snapshot=snapshot, views=self._views, clock=clock
        )

    def app(self, key: str) -> ASGIApp:
        """Return the guarded application."""
        endpoints: dict[str, Callable[[Request], Awaitable[Response]]] = {
            "chains": self.chains,
            "chains/{name:path}": self.chain,
            "targets": self.targets,
            "targets/{id:path}": self.target,
            "requests": self.requests,
            "requests/{id}": self.request,
            "attempts": self.attempts,
            "transitions": self.transitions,
            "stream": self.stream,
            "health": self.health,
        }
        actions: dict[str, Callable[[Request], Awaitable[Response]]] = {
            "targets/{id:path}/{action}": self._actions.target,
            "explain": self._actions.explain,
        }
        app = Starlette(
            routes=[
                *(Route(f"{ROOT}/{name}", do, methods=["POST"]) for name, do in actions.items()),
                *(Route(f"{ROOT}/{name}", read) for name, read in endpoints.items()),
            ],
            exception_handlers={
                404: on_missing,
                405: on_method,
                RefusedError: on_refused,
                StoreError: on_store,
            },
        )
        return Gate(app, key=key, host=self._snapshot().server.admin_host)

    async def chains(self, request: Request) -> Response:
        """Give the chains with their targets in order."""
        return self._answer(chains=self._asked(request).chains())

    async def chain(self, request: Request) -> Response:
        """Give one chain, by its name, an alias, or the name of one target."""
        views, name = self._asked(request), name_of(request, "name")
        view = views.chain(name)
        if view is None:
            raise unknown("chain", name, (chain.name for chain in views.chains()))
        return self._answer(chain=view)

    async def targets(self, request: Request) -> Response:
        """Give every target with its standing, and the larger places in trouble."""
        views = self._asked(request)
        return self._answer(targets=views.targets(), places=views.places())

    async def target(self, request: Request) -> Response:
        """Give one target with its standing."""
        views, id_ = self._asked(request), name_of(request, "id")
        view = views.target(id_)
        if view is None:
            raise unknown("target", id_, (target.id for target in views.targets()))
        return self._answer(target=view)

    async def requests(self, request: Request) -> Response:
        """Give requests, newest first."""
        query = read_query(request, RequestsQuery)
        found = await find_requests(self._store, query.wanted())
        return self._answer(requests=found.requests, next=_cursor(found.next))

    async def request(self, request: Request) -> Response:
        """Give one request with all its attempts."""
        read_query(request, NoQuery)
        id_ = name_of(request, "id")
        attempts = await attempts_of(self._store, id_)
        if not attempts:
            days = self._snapshot().store.retention_days
            problem = f"There is no request {id_!r}; records are kept for {days:g} days."
            raise RefusedError(404, "no_such_request", problem)
        return self._answer(request=view_request(attempts), attempts=_json_forms(attempts))

    async def attempts(self, request: Request) -> Response:
        """Give attempts, probes included, newest first."""
        page = await self._store.attempts(read_query(request, AttemptsQuery).search())
        attempts = map(read_attempt, page.bodies)
        return self._answer(attempts=_json_forms(attempts), next=_cursor(page.next))

    async def transitions(self, request: Request) -> Response:
        """Give changes of standing, newest first."""
        query = read_query(request, TransitionsQuery)
        page = await self._store.transitions(query.since, query.limit)
        return self._answer(transitions=_json_forms(map(read_transition, page.bodies)))

    async def stream(self, request: Request) -> Response:
        """Open a stream of events."""
        if self._feed.full:
            full = refusal(503, "too_many_streams", "Too many streams are open; try again.")
            full.headers["retry-after"] = "5"
            return full
        return StreamingResponse(
            self._feed.stream(request.headers.get("last-event-id", "")),
            media_type="text/event-stream",
            headers={"cache-control": "no-store", "x-accel-buffering": "no"},
        )

    async def health(self, _: Request) -> Response:
        """Say how the gateway's own parts are."""
        problem = self._hub.store_problem
        workers = tuple(
            WorkerHealth(
                link.hello.worker,
                link.hello.boot,
                link.tick.in_flight,
                link.tick.connections,
                link.tick.lag_s,
                link.waiting,
            )
            for link in self._hub.links
            if link.hello is not None
        )
        return reply(
            Health(
                status="degraded" if problem or not workers else "ok",
                at=self._clock.unix(),
                version=self._version,
                digest=self._snapshot().digest,
                workers=workers,
                store=problem or "ok",
                streams=self._feed.streams,
                dropped=self._hub.pulse().dropped,
            )
        )

    def _asked(self, request: Request) -> Views:
        """Draw the present picture, which takes no parameters."""
        read_query(request, NoQuery)
        return self._views()

    def _views(self) -> Views:
        hub = self._hub
        return Views(
            self._snapshot(),
            hub.board,
            hub.figures,
            hub.measures,
            eldest_at=hub.eldest_at,
            now=self._clock.unix(),
        )

    def _answer(self, **parts: object) -> Response:
        return reply({"at": self._clock.unix(), **parts})


def _json_forms(records: Iterable[object]) -> list[object]:
    return [to_json_form(record) for record in records]


def _cursor(following: int | None) -> str | None:
    """Return a cursor as text, because a number of this size is none in JavaScript."""
    return None if following is None else str(following)

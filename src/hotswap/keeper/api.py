"""The admin listener's read endpoints."""

from collections.abc import Awaitable, Callable
from typing import Final

from msgspec import Struct, ValidationError, convert
from msgspec.json import Encoder
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from ..config.snapshot import Snapshot
from ..errors import StoreError
from ..ledger.rows import read_attempt, read_transition
from ..store.api import Search, Store
from .feed import Feed
from .gate import Gate, refusal
from .hub import Hub
from .views import to_json_form, view_chains, view_targets

ROOT: Final = "/admin/api/v1"
MOST: Final = 1_000
"""Records of one answer."""

_encode: Final = Encoder().encode


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
    version: str
    digest: str
    workers: tuple[WorkerHealth, ...]
    store: str
    """`ok`, or why it fails."""
    streams: int
    dropped: int


class Admin:
    """Answers what the dashboard and the command line ask."""

    def __init__(
        self,
        *,
        hub: Hub,
        store: Store,
        feed: Feed,
        snapshot: Callable[[], Snapshot],
        version: str,
    ) -> None:
        """Set up.

        Args:
            hub: Knows the workers and the live standing.
            store: Knows the past.
            feed: Opens streams.
            snapshot: Gives the configuration in force.
            version: Of this hotswap.
        """
        self._hub = hub
        self._store = store
        self._feed = feed
        self._snapshot = snapshot
        self._version = version

    def app(self, key: str) -> ASGIApp:
        """Return the guarded application."""
        endpoints: dict[str, Callable[[Request], Awaitable[Response]]] = {
            "chains": self.chains,
            "targets": self.targets,
            "requests": self.requests,
            "transitions": self.transitions,
            "stream": self.stream,
            "health": self.health,
        }
        routes = [Route(f"{ROOT}/{name}", endpoint) for name, endpoint in endpoints.items()]
        app = Starlette(routes=routes, exception_handlers={404: _on_missing, 405: _on_method})
        return Gate(app, key=key, host=self._snapshot().server.admin_host)

    async def chains(self, _: Request) -> Response:
        """Give the chains with their targets in order."""
        return _answer({"chains": view_chains(self._snapshot(), self._hub.board)})

    async def targets(self, _: Request) -> Response:
        """Give every target with its standing."""
        return _answer({"targets": view_targets(self._snapshot(), self._hub.board)})

    async def requests(self, request: Request) -> Response:
        """Give attempts, newest first."""
        try:
            search = _search(request)
            page = await self._store.attempts(search)
        except ValidationError as error:
            return refusal(400, "bad_query", str(error))
        except StoreError as error:
            return refusal(503, "store_unavailable", str(error))
        attempts = [to_json_form(read_attempt(body)) for body in page.bodies]
        # As text, because a number of this size is none in JavaScript.
        following = str(page.next) if page.next is not None else None
        return _answer({"requests": attempts, "next": following})

    async def transitions(self, request: Request) -> Response:
        """Give changes of standing, newest first."""
        try:
            search = _search(request)
            page = await self._store.transitions(search.since, search.limit)
        except ValidationError as error:
            return refusal(400, "bad_query", str(error))
        except StoreError as error:
            return refusal(503, "store_unavailable", str(error))
        return _answer(
            {"transitions": [to_json_form(read_transition(body)) for body in page.bodies]}
        )

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
        return _answer(
            Health(
                status="degraded" if problem or not workers else "ok",
                version=self._version,
                digest=self._snapshot().digest,
                workers=workers,
                store=problem or "ok",
                streams=self._feed.streams,
                dropped=self._hub.pulse().dropped,
            )
        )


def _search(request: Request) -> Search:
    """Read the query; raises `ValidationError`."""
    asked = convert(dict(request.query_params), Search, strict=False)
    if not 1 <= asked.limit <= MOST:
        raise ValidationError(f"Expected `limit` of 1 to {MOST}")
    if asked.after is not None and not 0 <= asked.after < 1 << 63:
        raise ValidationError("Expected `after` to be the `next` of an earlier answer")
    return asked


def _answer(value: object) -> Response:
    return Response(
        _encode(value), media_type="application/json", headers={"cache-control": "no-store"}
    )


async def _on_missing(_: Request, __: Exception) -> Response:
    return refusal(404, "not_found", f"There is nothing here; the endpoints are under {ROOT}.")


async def _on_method(_: Request, __: Exception) -> Response:
    return refusal(405, "method_not_allowed", "Only GET is answered here.")

"""The few answers that need no provider: models, health, and what does not exist."""

from typing import Final
from urllib.parse import unquote

from ..dialects.api import Peek
from ..dialects.registry import DIALECTS, FALLBACK
from ..server.api import Exchange
from .answer import JSON, NO_RETRY, Refusal
from .catalogue import COUNTS, LISTS
from .plane import Plane
from .routes import Route, dialect_at

_MODELS: Final = ("/v1/models", "/v1beta/models")


def page(exchange: Exchange, plane: Plane, *, draining: bool, known: bool) -> None:
    """Answer a request that reaches no provider.

    Args:
        exchange: To be answered.
        plane: The configuration in force.
        draining: The worker is about to stop: not ready for new work.
        known: The path exists, for another method.
    """
    incoming = exchange.incoming
    reading = incoming.method in {"GET", "HEAD"}
    match incoming.path:
        case "/healthz" if reading:
            exchange.answer(200, JSON, b'{"status":"ok"}')
        case "/readyz" if reading and draining:
            exchange.answer(503, JSON, b'{"status":"draining"}')
        case "/readyz" if reading:
            exchange.answer(200, JSON, b'{"status":"ready"}')
        case "/healthz" | "/readyz":
            _refuse_method(exchange, "GET, HEAD")
        case path if path.startswith(_MODELS) and not known:
            if reading:
                plane.access.admit(incoming)
                _models(exchange, plane)
            else:
                _refuse_method(exchange, "GET, HEAD")
        case _ if known:
            _refuse_method(exchange, "POST")
        case _:
            words = f"There is nothing at {incoming.method} {incoming.path[:120]}."
            refusal = Refusal(404, "not_found", words)
            dialect = DIALECTS[dialect_at(incoming.path, incoming.headers)]
            exchange.answer(404, refusal.headers(), refusal.body(dialect))


def _refuse_method(exchange: Exchange, allowed: str) -> None:
    method, path = exchange.incoming.method, exchange.incoming.path
    headers = b"%ballow: %b\r\n" % (JSON + NO_RETRY, allowed.encode())
    if method == "OPTIONS":
        exchange.answer(204, b"allow: %b\r\n" % allowed.encode(), b"")
        return
    refusal = Refusal(405, "method_not_allowed", f"{path} takes {allowed}, not {method}.")
    exchange.answer(405, headers, refusal.body(FALLBACK))


def count(exchange: Exchange, route: Route, request: Peek, request_id: str) -> None:
    """Answer how many tokens a prompt has, by estimate: no provider is asked."""
    headers = b"%bx-hotswap-request-id: %b\r\n" % (JSON, request_id.encode())
    exchange.answer(200, headers, COUNTS[route.dialect_name](request.needs.prompt_tokens))


def _models(exchange: Exchange, plane: Plane) -> None:
    """List what callers may name as their model, or show one, in the form that they expect."""
    incoming = exchange.incoming
    form = LISTS[dialect_at(incoming.path, incoming.headers)]
    _, _, name = incoming.path.partition("/models")
    if name.strip("/"):
        chain = plane.chain(unquote(name[1:]))
        exchange.answer(200, JSON, form.one(chain.name, 0))
    else:
        exchange.answer(200, JSON, form.many(plane.snapshot.listed, 0))

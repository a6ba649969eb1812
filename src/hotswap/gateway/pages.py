"""The few answers that need no provider: models, health, and what does not exist."""

from ..dialects.openai_chat import write_models
from ..dialects.registry import FALLBACK
from ..server.api import Exchange
from .answer import JSON, NO_RETRY, Refusal
from .plane import Plane


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
        case "/v1/models" if reading:
            plane.access.admit(incoming)
            exchange.answer(200, JSON, write_models(plane.snapshot.listed, 0))
        case "/healthz" | "/readyz" | "/v1/models":
            _refuse_method(exchange, "GET, HEAD")
        case _ if known:
            _refuse_method(exchange, "POST")
        case _:
            words = f"There is nothing at {incoming.method} {incoming.path[:120]}."
            refusal = Refusal(404, "not_found", words)
            exchange.answer(404, refusal.headers(), refusal.body(FALLBACK))


def _refuse_method(exchange: Exchange, allowed: str) -> None:
    method, path = exchange.incoming.method, exchange.incoming.path
    headers = b"%ballow: %b\r\n" % (JSON + NO_RETRY, allowed.encode())
    if method == "OPTIONS":
        exchange.answer(204, b"allow: %b\r\n" % allowed.encode(), b"")
        return
    refusal = Refusal(405, "method_not_allowed", f"{path} takes {allowed}, not {method}.")
    exchange.answer(405, headers, refusal.body(FALLBACK))

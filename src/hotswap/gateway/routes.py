"""Path to dialect: what a caller speaks is told by where it knocks."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from ..dialects.api import Dialect, Peek, Translator
from ..dialects.gemini.generate import split_path
from ..dialects.openai.embeddings import in_asked_form
from ..dialects.registry import DIALECTS, TRANSLATORS


class Route(Struct, frozen=True):
    """One kind of request that reaches providers."""

    name: str
    """In records: chat, embeddings, count."""
    dialect_name: str
    dialect: Dialect
    passes: frozenset[str]
    """What providers speak that take the caller's bytes as they are."""
    translator: Translator | None = None
    """Says the request to providers of other dialects; None: nobody else can serve it."""
    one_model: bool = False
    """Never moves to another model."""
    finish: Callable[[bytes, Peek], bytes] | None = None
    """Makes of a good answer what the caller asked for; None: it is that already."""
    counts: bool = False
    """Asks for the number of tokens only; answered here, by estimate."""


def _chat(name: str) -> Route:
    translator = TRANSLATORS[name]
    return Route("chat", name, translator, frozenset({name}), translator)


def _count(name: str) -> Route:
    return Route("count", name, DIALECTS[name], frozenset({name}), counts=True)


CHAT: Final = _chat("openai_chat")
GEMINI: Final = _chat("gemini")
GEMINI_COUNT: Final = _count("gemini")
GEMINI_EMBEDDINGS: Final = Route(
    "embeddings",
    "gemini_embeddings",
    DIALECTS["gemini_embeddings"],
    frozenset({"gemini"}),
    one_model=True,
)
EMBEDDINGS: Final = Route(
    "embeddings",
    "openai_embeddings",
    DIALECTS["openai_embeddings"],
    frozenset({"openai_chat", "openai_responses"}),
    one_model=True,
    finish=in_asked_form,
)

ROUTES: Final[Mapping[str, Route]] = MappingProxyType(
    {
        "/v1/chat/completions": CHAT,
        "/v1/responses": _chat("openai_responses"),
        "/v1/responses/input_tokens": _count("openai_responses"),
        "/v1/messages": _chat("anthropic"),
        "/v1/messages/count_tokens": _count("anthropic"),
        "/v1/embeddings": EMBEDDINGS,
    }
)
"""Paths that say nothing but the dialect: one lookup."""

_ACTIONS: Final[Mapping[str, Route]] = MappingProxyType(
    {
        "generateContent": GEMINI,
        "streamGenerateContent": GEMINI,
        "countTokens": GEMINI_COUNT,
        "embedContent": GEMINI_EMBEDDINGS,
        "batchEmbedContents": GEMINI_EMBEDDINGS,
    }
)
_AZURE: Final = "/openai/deployments/"
"""Quirk: Azure's SDK names the model in the path; it is in the body as well."""


def route_of(path: str) -> Route | None:
    """Return the route of a path; None: there is nothing for requests to providers."""
    route = ROUTES.get(path)
    if route is not None:
        return route
    if (":" in path or "%3" in path) and (found := split_path(path)) is not None:
        return _ACTIONS.get(found[1])
    if path.startswith(_AZURE):
        tail = path[len(_AZURE) :].partition("/")[2]
        return ROUTES.get(f"/v1/{tail}")
    if path.startswith("/openai/v1/"):
        return ROUTES.get(path.removeprefix("/openai"))
    return None


def dialect_at(path: str, headers: Mapping[bytes, bytes]) -> str:
    """Return the name of the dialect that a caller speaks, also where the path does not tell."""
    route = route_of(path)
    if route is not None:
        return route.dialect_name
    if path.startswith("/v1beta/") or b"x-goog-api-key" in headers:
        return "gemini"
    if b"anthropic-version" in headers:
        return "anthropic"
    return "openai_chat"

"""Which API a request to a scripted provider speaks, by its path."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from . import anthropic_form, gemini_form, openai_form, responses_form
from .form import Form
from .step import Seen

WriteOther = Callable[[Seen, int], bytes]
"""Writes the body of what is not an answer, of the request and its tokens."""


class Route(Struct, frozen=True):
    """One path that steps apply to."""

    path: str
    """How it ends; any prefix may come before."""
    form: Form
    other: WriteOther | None = None
    """Where the path asks for embeddings or a count; None: for an answer."""


_ROUTES: Final = (
    Route("/chat/completions", openai_form),
    Route("/embeddings", openai_form, openai_form.embeddings_body),
    Route("/responses", responses_form),
    Route("/responses/input_tokens", responses_form, responses_form.count_body),
    Route("/v1/messages", anthropic_form),
    Route("/v1/messages/count_tokens", anthropic_form, anthropic_form.count_body),
    Route(":generateContent", gemini_form),
    Route(":streamGenerateContent", gemini_form),
    Route(":countTokens", gemini_form, gemini_form.count_body),
    Route(":embedContent", gemini_form, gemini_form.embedding_body),
    Route(":batchEmbedContents", gemini_form, gemini_form.embeddings_body),
)


def _last(path: str) -> str:
    """Return what stands behind the last slash or colon."""
    return path[max(path.rfind("/"), path.rfind(":")) + 1 :]


ROUTES: Final[Mapping[str, Route]] = MappingProxyType(
    {_last(route.path): route for route in _ROUTES}
)


@lru_cache(256)
def find_route(path: str) -> Route | None:
    """Return the route of a path, with or without query; None: steps do not apply to it."""
    path = path.partition("?")[0]
    route = ROUTES.get(_last(path))
    return route if route is not None and path.endswith(route.path) else None


def form_of(seen: Seen) -> Form:
    """Return the API of a request whose path does not say it, such as for the list of models."""
    if "anthropic-version" in seen.headers:
        return anthropic_form
    if "/openai/" in seen.path:
        return openai_form
    google = "x-goog-api-key" in seen.headers or "/v1beta/" in seen.path
    return gemini_form if google else openai_form

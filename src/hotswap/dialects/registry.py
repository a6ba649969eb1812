"""The dialects by name."""

from collections.abc import Mapping
from typing import Final

from .anthropic import messages
from .api import Dialect, Translator
from .gemini import embed, generate
from .openai import chat, embeddings
from .responses import responses

TRANSLATORS: Final[Mapping[str, Translator]] = {
    "openai_chat": chat,
    "openai_responses": responses,
    "anthropic": messages,
    "gemini": generate,
}
"""What a provider may speak (`core.terms.Provider.dialect`), and a caller of a chat."""

DIALECTS: Final[Mapping[str, Dialect]] = {
    **TRANSLATORS,
    "openai_embeddings": embeddings,
    "gemini_embeddings": embed,
}
"""What a caller may speak."""

FALLBACK: Final[Dialect] = chat
"""Errors on paths that belong to no dialect are written in this one."""

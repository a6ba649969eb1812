"""The dialects by name."""

from collections.abc import Mapping
from typing import Final

from . import openai_chat, openai_embeddings
from .api import Dialect

DIALECTS: Final[Mapping[str, Dialect]] = {
    "openai_chat": openai_chat,
    "openai_embeddings": openai_embeddings,
}

FALLBACK: Final[Dialect] = openai_chat
"""Errors on paths that belong to no dialect are written in this one."""

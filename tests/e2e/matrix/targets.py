"""The eight kinds of targets, each a chain of its own."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from hotswap.testing.provider import ScriptedProvider

from . import heard_anthropic, heard_gemini, heard_openai_chat, heard_openai_responses
from .scenes import Heard


class Kind(Struct, frozen=True):
    """One kind of target."""

    title: str
    kind: str
    """In the configuration."""
    model: str
    rules: str
    """Those of `hotswap.testing.strictness`; empty: none."""
    hear: Callable[[bytes], Heard] = heard_openai_chat.hear
    api: str = ""
    """In the configuration; empty: the kind's own."""
    versioned: bool = True
    """Its base URL ends in a version."""


KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "openai": Kind("OpenAI chat", "openai", "gpt-5.2", "openai_reasoning"),
        "responses": Kind(
            "OpenAI Responses",
            "openai",
            "gpt-6.2-sol",
            "responses",
            heard_openai_responses.hear,
            api="responses",
        ),
        "anthropic": Kind(
            "Anthropic",
            "anthropic",
            "claude-sonnet-5",
            "anthropic",
            heard_anthropic.hear,
            versioned=False,
        ),
        "gemini": Kind(
            "Gemini", "google", "gemini-3.8-flash", "gemini", heard_gemini.hear, versioned=False
        ),
        "azure": Kind("Azure", "azure", "gpt-5.2", "openai_reasoning"),
        "mistral": Kind("Mistral", "mistral", "mistral-medium-3-5", "mistral"),
        "groq": Kind("Groq", "groq", "openai/gpt-oss-120b", "groq"),
        "llamacpp": Kind("llama.cpp", "llamacpp", "house-7b", ""),
    }
)
"""By what chain and provider are called."""


def settings(providers: Mapping[str, ScriptedProvider]) -> dict[str, object]:
    """Return a configuration with one chain for each of `KINDS`, whose only target is of it."""
    return {
        "providers": {name: _account(KINDS[name], providers[name]) for name in KINDS},
        "fallback": {
            "chains": [
                {"name": name, "models": [{"provider": name, "model": kind.model}]}
                for name, kind in KINDS.items()
            ]
        },
    }


def _account(kind: Kind, provider: ScriptedProvider) -> dict[str, object]:
    account: dict[str, object] = {
        "kind": kind.kind,
        "base_url": provider.base_url if kind.versioned else provider.root_url,
        "allow_private": True,
        "keys": [{"id": "main", "secret": "sk-test"}],
    }
    return {**account, "api": kind.api} if kind.api else account

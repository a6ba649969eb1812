"""The providers that need no explaining: where they listen and where their key usually is."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from msgspec import Struct


class Kind(Struct, frozen=True):
    """What is known of one kind of provider before anything is configured."""

    base_url: str = ""
    """What that provider's SDK takes; empty: differs for every user and must be configured."""
    key_variables: tuple[str, ...] = ()
    """Environment variables that usually hold the key, the first that is set counts."""
    self_hosted: bool = False
    """A literal private address needs no further permission."""
    dialect: str = "openai_chat"
    """What it speaks."""


OPENAI: Final = "openai"
"""The kind that every unknown kind is treated as."""

KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "openai": Kind("https://api.openai.com/v1", ("OPENAI_API_KEY",)),
        "anthropic": Kind("https://api.anthropic.com", ("ANTHROPIC_API_KEY",), dialect="anthropic"),
        "google": Kind(
            "https://generativelanguage.googleapis.com",
            ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
            dialect="gemini",
        ),
        "mistral": Kind("https://api.mistral.ai/v1", ("MISTRAL_API_KEY",)),
        "azure": Kind("", ("AZURE_OPENAI_API_KEY",)),
        "openrouter": Kind("https://openrouter.ai/api/v1", ("OPENROUTER_API_KEY",)),
        "groq": Kind("https://api.groq.com/openai/v1", ("GROQ_API_KEY",)),
        "deepseek": Kind("https://api.deepseek.com/v1", ("DEEPSEEK_API_KEY",)),
        "vllm": Kind("http://127.0.0.1:8000/v1", self_hosted=True),
        "ollama": Kind("http://127.0.0.1:11434/v1", self_hosted=True),
        "llamacpp": Kind("http://127.0.0.1:8080/v1", self_hosted=True),
    }
)


def kind_of(name: str) -> Kind:
    """Look a kind up; an unknown one speaks like OpenAI, at an address that must be given."""
    return KINDS.get(name, Kind())

"""How the servers that speak OpenAI's dialect differ from OpenAI, as a table."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from msgspec import Struct

_NO_RENAMES: Final[Mapping[str, str]] = MappingProxyType({})


class Kind(Struct, frozen=True):
    """The quirks of one kind of server."""

    stream_options: bool = True
    """Understands `stream_options`; others send usage anyway and may refuse the field."""
    obfuscation: bool = False
    """Pads streams unless `include_obfuscation` is false."""
    renames: Mapping[str, str] = _NO_RENAMES
    """Fields that go by another name."""
    developer: bool = True
    """Knows the role `developer`; others know `system`."""
    key_header: bytes = b"authorization: Bearer "


_OLD_LIMIT: Final = MappingProxyType({"max_completion_tokens": "max_tokens"})

OPENAI: Final = Kind(obfuscation=True)
_OLDER: Final = Kind(renames=_OLD_LIMIT, developer=False)

KINDS: Final[Mapping[str, Kind]] = {
    "openai": OPENAI,
    "azure": Kind(obfuscation=True, key_header=b"api-key: "),
    "deepseek": _OLDER,
    "groq": Kind(),
    "llamacpp": _OLDER,
    "mistral": Kind(stream_options=False, renames=_OLD_LIMIT, developer=False),
    "ollama": _OLDER,
    "openrouter": Kind(),
    "vllm": _OLDER,
}

_UNKNOWN: Final = Kind()


def kind_named(name: str) -> Kind:
    """Return the quirks of a kind; an unknown one is taken for OpenAI without its extras."""
    return KINDS.get(name, _UNKNOWN)

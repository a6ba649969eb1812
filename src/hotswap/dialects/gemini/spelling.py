"""Names of fields: Google takes them in camelCase and in snake_case, and its own SDK mixes both."""

from collections.abc import Mapping
from typing import Final

from msgspec import Raw
from msgspec.json import Decoder, Encoder

_decode_fields: Final = Decoder(dict[str, Raw]).decode
_encode: Final = Encoder().encode


def camel_name(name: str) -> str:
    """Return a field's name in camelCase."""
    if "_" not in name:
        return name
    head, *words = name.split("_")
    return head + "".join(word.capitalize() for word in words)


def camel_fields(fields: Mapping[str, Raw]) -> dict[str, Raw]:
    """Return the fields under names in camelCase; of two spellings the last counts."""
    return {camel_name(name): value for name, value in fields.items()}


def camel(raw: Raw | bytes) -> bytes:
    """Return an object with its own names in camelCase; what its fields hold stays as it is.

    Raises:
        msgspec.DecodeError: It is no object. One without an underscore is not looked into.
    """
    text = bytes(raw)
    if b"_" not in text:
        return text
    fields = _decode_fields(text)
    return _encode(camel_fields(fields)) if any("_" in name for name in fields) else text

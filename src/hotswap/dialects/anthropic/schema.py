"""JSON Schema as Anthropic's structured output takes it."""

from typing import Final, cast

from msgspec import DecodeError, Raw
from msgspec.json import Decoder, Encoder

from ..api import UnableError

_NAMED: Final = ("properties", "$defs", "definitions", "patternProperties")
"""Keywords whose value holds schemas by name."""
_LISTED: Final = ("anyOf", "oneOf", "allOf", "prefixItems")
_SINGLE: Final = ("items", "not", "if", "then", "else")

_decode: Final = Decoder(object).decode
_encode: Final = Encoder().encode


def closed(schema: Raw) -> Raw:
    """Return a schema whose objects allow no members but those that are named.

    Strict output demands it, of OpenAI's callers too. An object that says itself what else it
    allows is left alone.
    """
    try:
        value = _decode(schema)
        _close(value)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        raise UnableError("json_schema") from None
    return Raw(_encode(value))


def _close(value: object) -> None:
    if isinstance(value, list):
        for each in cast("list[object]", value):
            _close(each)
    if not isinstance(value, dict):
        return
    node = cast("dict[str, object]", value)
    for keyword in _NAMED:
        named = node.get(keyword)
        if isinstance(named, dict):
            _close(list(cast("dict[str, object]", named).values()))
    for keyword in (*_LISTED, *_SINGLE):
        _close(node.get(keyword))
    if _is_object(node):
        node.setdefault("additionalProperties", False)


def _is_object(node: dict[str, object]) -> bool:
    kind = node.get("type")
    return kind == "object" or (isinstance(kind, list) and "object" in kind) or "properties" in node

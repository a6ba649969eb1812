"""JSON Schema as Anthropic takes it."""

from typing import Final, cast

from msgspec import DecodeError, Raw
from msgspec.json import Decoder, Encoder

from ..api import UnableError

_NAMED: Final = ("properties", "$defs", "definitions", "patternProperties")
"""Keywords whose value holds schemas by name."""
_LISTED: Final = ("anyOf", "oneOf", "allOf", "prefixItems")
_SINGLE: Final = ("items", "not", "if", "then", "else")

ANY_OBJECT: Final = Raw(b'{"type":"object"}')
_CHOICES: Final = frozenset({"anyOf", "oneOf", "allOf"})
"""Not taken at the top of a tool's schema."""

_decode: Final = Decoder(object).decode
_decode_fields: Final = Decoder(dict[str, Raw]).decode
_encode: Final = Encoder().encode


def of_tool(schema: Raw) -> Raw:
    """Return the schema of a tool's arguments with the type that Anthropic asks for."""
    try:
        fields = _decode_fields(schema)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return ANY_OBJECT
    if not _CHOICES.isdisjoint(fields):
        raise UnableError("tool_schema")
    if "type" in fields:
        return schema
    return Raw(_encode({"type": "object", **fields}))


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

"""Schemas: Gemini's OpenAPI subset to JSON Schema, and JSON Schema down to what Gemini takes."""

from collections.abc import Mapping
from typing import Final, cast

from msgspec import DecodeError, Raw, Struct, field
from msgspec.json import Decoder, Encoder

from ..api import UnableError
from ..openai.content import ABSENT
from .spelling import camel_name


class _Known(Struct, gc=False, forbid_unknown_fields=True, rename="camel"):
    """A JSON Schema that holds nothing but keywords that Gemini takes (providers.md 2.5).

    Decoding proves it, at no cost for what is usual.
    """

    id: Raw = field(default=ABSENT, name="$id")
    anchor: Raw = field(default=ABSENT, name="$anchor")
    ref: Raw = field(default=ABSENT, name="$ref")
    defs: "dict[str, _Known] | None" = field(default=None, name="$defs")
    type: Raw = ABSENT
    format: Raw = ABSENT
    title: Raw = ABSENT
    description: Raw = ABSENT
    enum: Raw = ABSENT
    items: "_Known | None" = None
    prefix_items: "list[_Known] | None" = None
    min_items: Raw = ABSENT
    max_items: Raw = ABSENT
    minimum: Raw = ABSENT
    maximum: Raw = ABSENT
    any_of: "list[_Known] | None" = None
    one_of: "list[_Known] | None" = None
    properties: "dict[str, _Known] | None" = None
    additional_properties: "_Known | bool | None" = None
    required: Raw = ABSENT
    property_ordering: Raw = ABSENT


_decode_known: Final = Decoder(_Known).decode
_decode_any: Final = Decoder(object).decode
_encode: Final = Encoder().encode

_KEPT: Final = frozenset(_Known.__struct_encode_fields__)
_MAPS: Final = frozenset({"properties", "$defs", "definitions", "patternProperties"})
"""Keywords whose members are named by the caller."""
_LISTS: Final = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
_SINGLES: Final = frozenset({"items", "additionalProperties"})
_COUNTS: Final = frozenset(
    {"minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"}
)
"""Google writes 64-bit integers as strings."""
_PLAIN: Final = frozenset({"description", "enum", "required", "title"})
"""Keywords that both forms share with their values."""
_OPENAPI_ONLY: Final = frozenset({"nullable", "example", "propertyOrdering"})
_NO_TYPE: Final = "TYPE_UNSPECIFIED"
_OLD_REF: Final = "#/definitions/"

_Schema = Mapping[str, object]


def read_openapi(raw: Raw) -> Raw:
    """Return the JSON Schema that says what Gemini's own form of schemas says."""
    return Raw(_encode(_from_openapi(_decode_any(raw))))


def stripped(schema: Raw) -> tuple[Raw, tuple[str, ...]]:
    """Return a JSON Schema without keywords that Gemini does not take, and their names.

    What can be said in other words is: `const`, `definitions`, an `allOf` of one. Raises
    `UnableError` for what is no schema.
    """
    try:
        _decode_known(schema)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return _rewritten(schema)
    return schema, ()


def _rewritten(schema: Raw) -> tuple[Raw, tuple[str, ...]]:
    lost: dict[str, None] = {}
    try:
        return Raw(_encode(_for_gemini(_decode_any(schema), lost))), tuple(lost)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        raise UnableError("json_schema") from None


def _from_openapi(value: object) -> object:
    if not isinstance(value, dict):
        return value
    schema: dict[str, object] = {}
    for name, inner in cast("_Schema", value).items():
        if name in _PLAIN:
            schema[name] = inner
            continue
        key = _keyword(name)
        if key not in _OPENAPI_ONLY and inner is not None and inner != _NO_TYPE:
            schema[key] = _member_from_openapi(key, inner)
    if cast("_Schema", value).get("nullable") is True:
        _allow_null(schema)
    return schema


def _keyword(name: str) -> str:
    key = camel_name(name)
    return f"${key}" if key in {"ref", "defs"} else key


def _member_from_openapi(key: str, value: object) -> object:
    match value:
        case str() if key == "type":
            return value.lower()
        case str() if key in _COUNTS and value.isdigit():
            return int(value)
        case dict() if key in _MAPS:
            return {name: _from_openapi(inner) for name, inner in cast("_Schema", value).items()}
        case dict() if key in _SINGLES:
            return _from_openapi(cast("_Schema", value))
        case list() if key in _LISTS:
            return [_from_openapi(inner) for inner in cast("list[object]", value)]
        case _:
            return value


def _allow_null(schema: dict[str, object]) -> None:
    kind, values = schema.get("type"), schema.get("enum")
    if isinstance(kind, str):
        schema["type"] = [kind, "null"]
    elif "anyOf" in schema:
        schema["anyOf"] = [*cast("list[object]", schema["anyOf"]), {"type": "null"}]
    if isinstance(values, list):
        schema["enum"] = [*cast("list[object]", values), None]


def _for_gemini(value: object, lost: dict[str, None]) -> object:
    """Return a schema in Gemini's keywords; notes in `lost` what has none, in order."""
    if not isinstance(value, dict):
        return {} if isinstance(value, bool) else value
    schema: dict[str, object] = {}
    for key, inner in cast("_Schema", value).items():
        if key == "const":
            schema["enum"] = [inner]
        elif key == "definitions":
            schema["$defs"] = _member(key, inner, lost)
        elif key == "$ref" and isinstance(inner, str):
            schema[key] = inner.replace(_OLD_REF, "#/$defs/")
        elif key in _KEPT:
            schema[key] = _member(key, inner, lost)
        elif key == "allOf" and isinstance(inner, list) and len(cast("list[object]", inner)) == 1:
            only = _for_gemini(cast("list[object]", inner)[0], lost)
            if isinstance(only, dict):
                schema = {**cast("dict[str, object]", only), **schema}
        else:
            lost[key] = None
    return schema


def _member(key: str, value: object, lost: dict[str, None]) -> object:
    if key in _MAPS and isinstance(value, dict):
        return {name: _for_gemini(inner, lost) for name, inner in cast("_Schema", value).items()}
    if key in _LISTS and isinstance(value, list):
        return [_for_gemini(inner, lost) for inner in cast("list[object]", value)]
    if key == "additionalProperties" and isinstance(value, bool):
        return value
    return _for_gemini(value, lost) if key in _SINGLES else value

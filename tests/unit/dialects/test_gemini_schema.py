"""Schemas between Gemini's own form, JSON Schema, and the keywords that Gemini takes."""

import msgspec
import pytest

from hotswap.dialects.api import UnableError
from hotswap.dialects.gemini.schema import read_openapi, stripped

NO_FIELDS: dict[str, object] = {}


def raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


@pytest.mark.parametrize(
    ("openapi", "json_schema"),
    [
        ({"type": "STRING"}, {"type": "string"}),
        ({"type": "string"}, {"type": "string"}),
        ({"type": "TYPE_UNSPECIFIED", "title": "T"}, {"title": "T"}),
        ({"anyOf": [True, {"type": "STRING"}]}, {"anyOf": [True, {"type": "string"}]}),
        ({"enum": ["a"], "nullable": True}, {"enum": ["a", None]}),
        ({"type": "STRING", "nullable": True}, {"type": ["string", "null"]}),
        ({"type": "STRING", "nullable": False}, {"type": "string"}),
        (
            {"type": "STRING", "enum": ["a"], "nullable": True},
            {"type": ["string", "null"], "enum": ["a", None]},
        ),
        (
            {"any_of": [{"type": "STRING"}, {"type": "NUMBER"}], "nullable": True},
            {"anyOf": [{"type": "string"}, {"type": "number"}, {"type": "null"}]},
        ),
        (
            {"type": "ARRAY", "items": {"type": "INTEGER"}, "minItems": "2", "max_items": 3},
            {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 3},
        ),
        (
            {
                "type": "OBJECT",
                "properties": {"min_items": {"type": "BOOLEAN"}, "type": {"type": "STRING"}},
                "required": ["type"],
                "propertyOrdering": ["type", "min_items"],
                "example": {"type": "X"},
            },
            {
                "type": "object",
                "properties": {"min_items": {"type": "boolean"}, "type": {"type": "string"}},
                "required": ["type"],
            },
        ),
        (
            {"ref": "#/defs/A", "defs": {"A": {"type": "OBJECT"}}, "additional_properties": False},
            {"$ref": "#/defs/A", "$defs": {"A": {"type": "object"}}, "additionalProperties": False},
        ),
        (
            {"type": "STRING", "default": None, "description": "d"},
            {"type": "string", "description": "d"},
        ),
    ],
)
def test_geminis_own_form_becomes_json_schema(openapi: object, json_schema: object):
    assert msgspec.json.decode(read_openapi(raw(openapi))) == json_schema


def test_a_schema_of_known_keywords_passes_untouched():
    schema = msgspec.Raw(
        b'{ "type":"object", "$defs":{"A":{"type":["string","null"]}},'
        b'"properties":{"pattern":{"$ref":"#/$defs/A"},"n":{"type":"number","minimum":0.10}},'
        b'"required":["n"],"additionalProperties":false,"anyOf":[{"title":"x"}]}'
    )

    assert stripped(schema) == (schema, ())


@pytest.mark.parametrize(
    ("schema", "kept", "lost"),
    [
        ({"type": "string", "pattern": "^a"}, {"type": "string"}, ("pattern",)),
        ({"$schema": "x", "type": "object"}, {"type": "object"}, ("$schema",)),
        ({"const": 7}, {"enum": [7]}, ()),
        ({"properties": {"a": True}}, {"properties": {"a": NO_FIELDS}}, ()),
        (
            {"properties": {"pattern": {"minLength": 1}, "b": {"items": {"minLength": 2}}}},
            {"properties": {"pattern": NO_FIELDS, "b": {"items": NO_FIELDS}}},
            ("minLength",),
        ),
        (
            {"definitions": {"A": {"default": 1}}, "items": {"$ref": "#/definitions/A"}},
            {"$defs": {"A": NO_FIELDS}, "items": {"$ref": "#/$defs/A"}},
            ("default",),
        ),
        (
            {"allOf": [{"$ref": "#/definitions/A"}], "description": "d"},
            {"$ref": "#/$defs/A", "description": "d"},
            (),
        ),
        ({"allOf": [{"type": "string"}, {"title": "t"}]}, NO_FIELDS, ("allOf",)),
        ({"anyOf": [{"not": NO_FIELDS}]}, {"anyOf": [NO_FIELDS]}, ("not",)),
        (
            {"additionalProperties": {"format": "x", "if": True}},
            {"additionalProperties": {"format": "x"}},
            ("if",),
        ),
        ({"additionalProperties": False, "if": True}, {"additionalProperties": False}, ("if",)),
    ],
)
def test_keywords_that_gemini_does_not_take_are_left_out_and_named(
    schema: object, kept: object, lost: tuple[str, ...]
):
    left, names = stripped(raw(schema))

    assert msgspec.json.decode(left) == kept
    assert names == lost


@pytest.mark.parametrize(
    "schema", [b'{"not":' * 3000 + b"1" + b"}" * 3000, b'{"title":"\xff","not":1}', b"{"]
)
def test_what_is_no_schema_skips_the_target(schema: bytes):
    with pytest.raises(UnableError) as unable:
        stripped(msgspec.Raw(schema))

    assert unable.value.need == "json_schema"

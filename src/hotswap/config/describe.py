"""Reads the strings below fields, and finds its way through a JSON Schema."""

import ast
import inspect
import textwrap
from collections import ChainMap
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import cast

Schema = dict[str, object]


def field_docs(owner: type) -> Mapping[str, str]:
    """Return the string below each field of a class, each on one line."""
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(owner))).body
    docs: dict[str, str] = {}
    statements = cast("ast.ClassDef", body).body
    for field, below in pairwise(statements):
        match field, below:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                docs[name] = " ".join(text.split())
            case _:
                pass
    return docs


def described(schema: Schema, owners: Mapping[str, tuple[type, ...]]) -> Schema:
    """Describe the parts of a JSON Schema, in place.

    Args:
        schema: Its parts are known by their titles.
        owners: The classes that document a part; the first that knows a field counts.
    """
    for part in _objects(schema):
        part.pop("discriminator", None)  # OpenAPI's word, which repeats all branches.
        classes = owners.get(str(part.get("title")), ())
        properties = part.get("properties")
        if not classes or not isinstance(properties, dict):
            continue
        part["description"] = " ".join((classes[0].__doc__ or "").split())
        docs = ChainMap(*(dict(field_docs(owner)) for owner in classes))
        for name, entry in cast("dict[str, Schema]", properties).items():
            if "properties" not in entry:
                entry.pop("title", None)  # Only the name again.
            if name in docs:
                entry["description"] = docs[name]
    return schema


def keys_at(schema: Schema, path: tuple[str | int, ...]) -> list[str]:
    """Return the keys that a mapping at `path` may have; a union's branch is a step of it."""
    parts = [schema]
    for step in path:
        parts = [below for part in parts for below in _below(schema, part, step)]
    properties = [part.get("properties") for part in _flat(schema, parts)]
    return [key for one in properties if isinstance(one, dict) for key in cast("Schema", one)]


def _objects(value: object) -> Iterator[Schema]:
    if isinstance(value, dict):
        part = cast("Schema", value)
        yield part
        for item in list(part.values()):
            yield from _objects(item)
    elif isinstance(value, list):
        for item in cast("list[object]", value):
            yield from _objects(item)


def _flat(schema: Schema, parts: list[Schema]) -> Iterator[Schema]:
    """Follow references, and go into the branches of what may be null."""
    for part in parts:
        reference = part.get("$ref")
        if isinstance(reference, str):
            definitions = cast("dict[str, Schema]", schema["$defs"])
            yield from _flat(schema, [definitions[reference.rpartition("/")[2]]])
        elif "anyOf" in part:
            yield from _flat(schema, cast("list[Schema]", part["anyOf"]))
        else:
            yield part


def _below(schema: Schema, part: Schema, step: str | int) -> Iterator[Schema]:
    for one in _flat(schema, [part]):
        if isinstance(step, int):
            found = one.get("items")
        elif "oneOf" in one:
            branches = cast("list[Schema]", one["oneOf"])
            types = ((cast("Schema", branch["properties"])["type"], branch) for branch in branches)
            found = next((b for kind, b in types if cast("Schema", kind)["const"] == step), None)
        else:
            properties = cast("Schema", one.get("properties", {}))
            patterns = cast("Schema", one.get("patternProperties", {}))
            found = properties.get(step) or next(iter(patterns.values()), None)
            found = found or one.get("additionalProperties")
        if isinstance(found, dict):
            yield cast("Schema", found)

"""The reference of the configuration file, from its JSON Schema."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, cast

from hotswap.config.catalog import KINDS

from .docs_tables import table

Schema = Mapping[str, object]

_MOST: Final = 1_000_000_000
"""Bounds every number, and says nothing."""
_MIB: Final = 1024 * 1024
_PLAIN: Final = {"string": "text", "integer": "whole number", "boolean": "true or false"}
_LATER: Final = "Not supported yet"
_COMMON: Final = frozenset({"type", "enabled"})
"""Keys that every trigger has."""


class _Section:
    """A mapping of the file."""

    def __init__(self, path: str, schema: Schema) -> None:
        self.path = path
        self.schema = schema
        self.keys = cast("Mapping[str, Schema]", schema["properties"])
        self.required = cast("Sequence[str]", schema.get("required", ()))


def reference(schema: Schema) -> str:
    """Write a table of keys for every section of the file, the outermost first."""
    return "\n".join(_write(section, schema) for section in _sections(schema, "", schema))


def examples(folder: Path) -> str:
    """Write the example files, each with its name above."""
    return "\n".join(
        f"### `examples/{file.name}`\n\n```yaml\n{file.read_text()}```\n"
        for file in sorted(folder.glob("*.yaml"))
    )


def kinds() -> str:
    """Write what is known of each kind of provider before anything is configured."""
    rows = [
        (
            f"`{name}`",
            f"`{kind.base_url}`" if kind.base_url else "to be given",
            ", ".join(f"`{variable}`" for variable in kind.key_variables) or "none",
            f"`{kind.dialect}`",
        )
        for name, kind in KINDS.items()
    ]
    return table(("kind", "usual `base_url`", "key from", "dialect"), rows)


def _sections(whole: Schema, path: str, part: Schema) -> Iterator[_Section]:
    """Yield the section that `part` is, then those below it."""
    part = _resolved(whole, part)
    if "oneOf" in part:
        for branch in cast("Sequence[Schema]", part["oneOf"]):
            kind = str(cast("Mapping[str, Schema]", branch["properties"])["type"]["const"])
            yield _Section(f"{path} of type {kind}", branch)
    elif "properties" in part:
        section = _Section(path, part)
        yield section
        for key, entry in section.keys.items():
            yield from _sections(whole, f"{path}.{key}" if path else key, entry)
    elif isinstance(items := part.get("items"), dict):
        yield from _sections(whole, f"{path}[]", cast("Schema", items))
    else:
        for value in _values(part):
            yield from _sections(whole, f"{path}.NAME", value)


def _write(section: _Section, whole: Schema) -> str:
    keys = section.keys
    if " of type " in section.path:
        keys = {key: entry for key, entry in keys.items() if key not in _COMMON}
    later = [key for key, entry in keys.items() if _said(entry).startswith(_LATER)]
    rows = [
        (f"`{key}`", _type(entry, whole), _default(key, entry, section, whole), _text(entry, whole))
        for key, entry in keys.items()
        if key not in later
    ]
    title = f"`{section.path}`" if section.path else "The whole file"
    sentences = re.sub(r"\. (?=[A-Z])", ".\n", _said(section.schema))
    lines = f"### {title}\n\n{sentences}\n"
    if rows:
        lines += f"\n{table(('key', 'value', 'default', 'meaning'), rows)}"
    if later:
        names = ", ".join(f"`{key}`" for key in later)
        lines += f"\nNot supported yet, and refused unless empty: {names}.\n"
    return lines


def _resolved(whole: Schema, part: Schema) -> Schema:
    """Follow a reference, and take what may be null for what it is otherwise."""
    reference_ = part.get("$ref")
    if isinstance(reference_, str):
        definitions = cast("Mapping[str, Schema]", whole["$defs"])
        return _resolved(whole, definitions[reference_.rpartition("/")[2]])
    choices = [one for one in _choices(part) if one.get("type") != "null"]
    return _resolved(whole, choices[0]) if len(choices) == 1 else part


def _choices(part: Schema) -> Sequence[Schema]:
    return cast("Sequence[Schema]", part.get("anyOf", ()))


def _values(part: Schema) -> Iterator[Schema]:
    """Yield what the values of a mapping with free names are."""
    patterns = cast("Mapping[str, Schema]", part.get("patternProperties", {}))
    yield from patterns.values()
    values = part.get("additionalProperties")
    if isinstance(values, dict):
        yield cast("Schema", values)


def _type(entry: Schema, whole: Schema) -> str:
    part = _resolved(whole, entry)
    match part:
        case {"const": bool() as value}:
            text = f"`{str(value).lower()}`"
        case {"const": value}:
            text = f"`{value}`"
        case {"enum": values}:
            text = " or ".join(f"`{value}`" for value in cast("Sequence[object]", values))
        case {"anyOf": _} if any("pattern" in one for one in _choices(part)):
            text = "bytes, or a text such as `32MiB`"
        case {"anyOf": _}:
            given = (one for one in _choices(part) if one.get("type") != "null")
            text = " or ".join(_type(one, whole) for one in given)
        case {"items": items}:
            inner = _resolved(whole, cast("Schema", items))
            text = "list of sections" if _is_section(inner) else f"list: {_type(inner, whole)}"
        case {"type": "object"}:
            text = "section" if _is_section(part) else "mapping"
        case {"type": kind}:
            text = f"{_PLAIN.get(str(kind), 'number')}{_bounds(part)}"
        case _:
            text = "anything"
    return text


def _is_section(part: Schema) -> bool:
    return "properties" in part or "oneOf" in part


def _bounds(part: Schema) -> str:
    """Say which numbers are allowed."""
    bounds = ""
    if "exclusiveMinimum" in part:
        bounds += f" above {part['exclusiveMinimum']}"
    if "minimum" in part:
        bounds += f" from {part['minimum']}"
    if "maximum" in part and part["maximum"] != _MOST:
        bounds += f" to {part['maximum']}"
    return bounds


def _default(key: str, entry: Schema, section: _Section, whole: Schema) -> str:
    if key in section.required:
        return "required"
    if _type(entry, whole) == "section" or "default" not in entry:
        return "-"
    default = entry["default"]
    if default in (None, "", [], {}):
        return "-"
    if isinstance(default, float):
        default = int(default) if default.is_integer() else default
    if _type(entry, whole).startswith("bytes") and isinstance(default, int):
        return f"`{default // _MIB}MiB`" if default >= _MIB else f"`{default // 1024}KiB`"
    return f"`{default if isinstance(default, str) else json.dumps(default)}`"


def _text(entry: Schema, whole: Schema) -> str:
    return _said(entry) or _said(_resolved(whole, entry))


def _said(part: Schema) -> str:
    """Return the description on one line."""
    return re.sub(r"\s+", " ", str(part.get("description", "")))

"""The full example has every key that does something, with its default where there is one."""

import re
from collections.abc import Iterator
from typing import cast

import pytest
import yaml
from msgspec import Struct
from tools.docs_settings import reference

from hotswap.config.schema import json_schema

from .conftest import ROOT

_row = re.compile(r"\| `(\w+)` \| .*? \| (-|required|`[^`]*`) \| (.*) \|")
_IDLE = re.compile(r".* of type (cost|quality)")
"""Sections that are read and do nothing yet."""
_ALIKE = "fallback.chains[].triggers[] of type availability"
"""Another name of the section before it."""
_IN_COMMENTS = re.compile(r"^( *)# (\w+: .+)$", re.MULTILINE)


class Key(Struct, frozen=True):
    """A row of the reference."""

    section: str
    name: str
    default: str


def keys() -> Iterator[Key]:
    """Yield every key that does something."""
    section = ""
    for line in reference(json_schema()).splitlines():
        if line.startswith("### "):
            section = line[4:].strip("`").replace("The whole file", "")
        elif (row := _row.match(line)) and not _IDLE.fullmatch(section) and section != _ALIKE:
            yield Key(section, row[1], row[2].strip("`"))


def nodes(section: str) -> list[dict[str, object]]:
    """Return what the example has of a section; what it has in comments as well."""
    text = (ROOT / "examples/full.yaml").read_text()
    path, _, kind = section.partition(" of type ")
    whole = yaml.load(_IN_COMMENTS.sub(r"\1\2", text), yaml.BaseLoader)  # noqa: S506 - texts only
    found: list[object] = [whole]
    for step in path.split(".") if path else ():
        name = step.removesuffix("[]")
        found = [below for node in found for below in _below(node, name)]
        if step.endswith("[]"):
            found = [one for many in found for one in cast("list[object]", many)]
    told = [cast("dict[str, object]", node) for node in found]
    return [node for node in told if not kind or node["type"] == kind]


def _below(node: object, name: str) -> list[object]:
    fields = cast("dict[str, object]", node)
    if name == "NAME":
        return list(fields.values())
    return [fields[name]] if name in fields else []


def test_every_key_is_in_the_full_example() -> None:
    missing = [key for key in keys() if not any(key.name in node for node in nodes(key.section))]

    assert missing == []


@pytest.mark.parametrize(
    "section",
    ["server", "records", "fallback.chains[].timeouts", "fallback.chains[].stream"]
    + ["fallback.chains[].hedge", "access.keys[]"]
    + [f"fallback.health.{name}" for name in ("breaker", "silence", "learned", "panic", "lessons")],
)
def test_the_full_example_shows_the_defaults(section: str) -> None:
    (node,) = nodes(section)
    shown = {key.name: key.default for key in keys() if key.section == section}
    differing = {
        name: node[name]
        for name, default in shown.items()
        if default not in {"-", "required"} and node[name] != default
    }

    assert len(shown) > 0
    assert differing == {}

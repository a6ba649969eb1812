"""Holds plain values against the models of the file and words what does not fit.

After mistakes, what is left of the file is validated again without the offending parts, so that
its meaning is checked as well and one run tells everything.
"""

import re
from collections.abc import Mapping
from typing import Final, cast

from pydantic import ValidationError  # noqa: TID251 - this package reads the configuration file
from pydantic_core import ErrorDetails

from .findings import Findings, join, suggest
from .nodes import Path
from .schema import TRIGGER_RULES, ConfigFile, known_keys

_NOT_YET: Final[Mapping[str, tuple[str, ...]]] = {
    "share": ("valkey", "redis", "rediss"),
}
"""Values that are part of the design and come later: they are refused by name."""

_SENTENCES: Final[Mapping[str, str]] = {
    "missing": "is missing",
    "extra_forbidden": "unknown key",
    "string_type": "should be a text",
    "string_too_long": "is too long",
    "int_type": "should be a whole number",
    "int_from_float": "should be a whole number",
    "float_type": "should be a number",
    "finite_number": "should be a finite number",
    "bool_type": "should be true or false",
    "tuple_type": "should be a list",
    "list_type": "should be a list",
    "model_type": "should be a mapping",
    "model_attributes_type": "should be a mapping",
    "dict_type": "should be a mapping",
    "mapping_type": "should be a mapping",
    "too_short": "should not be empty",
    "union_tag_not_found": 'needs a "type"',
}
_PATTERNS: Final[Mapping[str, str]] = {
    "sha256": "should be the 64 hex digits of a SHA-256 digest",
}
_AT_KEY: Final = frozenset({"extra_forbidden", "later"})


def validate(values: object, findings: Findings) -> ConfigFile | None:
    """Return the file's model, or what remains of it after mistakes; None: nothing does."""
    tree = _Tree(values)
    findings.origin = tree.origin
    first = True
    while tree.values is not None:
        try:
            return ConfigFile.model_validate(tree.values)
        except ValidationError as error:
            errors = error.errors(include_url=False, include_input=False)
        # A list all of whose items are mistakes counts as too short as well.
        found = [
            (path, detail)
            for detail in errors
            if not ((path := _path(detail)) and detail["type"] == "too_short" and tree.at(path))
        ]
        if first:
            for path, detail in found:
                _report(path, detail, tree.at(path), findings)
            first = False
        tree.prune(found)
    return None


class _Cut:
    """A list from which items were taken: what is left, and where it was before."""

    def __init__(self, items: list[object]) -> None:
        self.items = items  # Kept alive, because an `id` is known by it.
        self.indices = list(range(len(items)))


class _Tree:
    """The values of the file, from which parts are taken; paths stay those of the file."""

    def __init__(self, values: object) -> None:
        self.values = _copy(values)
        self._cuts: dict[int, _Cut] = {}

    def origin(self, path: Path) -> Path:
        """Return where `path` of what is left was before anything was taken away."""
        value = self.values
        parts: list[str | int] = []
        for part in path:
            cut = self._cuts.get(id(value))
            parts.append(cut.indices[part] if cut and isinstance(part, int) else part)
            value = _child(value, part)
        return tuple(parts)

    def at(self, path: Path) -> object:
        """Return the value at `path`; None: there is none."""
        value = self.values
        for part in path:
            value = _child(value, part)
        return value

    def prune(self, errors: list[tuple[Path, ErrorDetails]]) -> None:
        """Take away every offending part, the last ones first so that indices stay right."""
        gone = {path[:-1] if detail["type"] == "missing" else path for path, detail in errors}
        for path in sorted(gone, key=_order, reverse=True):
            self._remove(path)

    def _remove(self, path: Path) -> None:
        if not path:
            self.values = None
            return
        parent, last = self.at(path[:-1]), path[-1]
        if isinstance(parent, dict):
            cast("dict[str, object]", parent).pop(str(last), None)
        elif isinstance(parent, list) and isinstance(last, int):
            items = cast("list[object]", parent)
            cut = self._cuts.setdefault(id(items), _Cut(items))
            if last < len(items):
                del items[last], cut.indices[last]


def _order(path: Path) -> tuple[tuple[int, str], ...]:
    return tuple((part, "") if isinstance(part, int) else (-1, part) for part in path)


def _copy(value: object) -> object:
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in cast("dict[str, object]", value).items()}
    if isinstance(value, list):
        return [_copy(item) for item in cast("list[object]", value)]
    return value


def _child(value: object, part: str | int) -> object:
    if isinstance(value, dict):
        return cast("dict[str | int, object]", value).get(part)
    if isinstance(value, list) and isinstance(part, int):
        items = cast("list[object]", value)
        return items[part] if part < len(items) else None
    return None


def _path(detail: ErrorDetails) -> Path:
    """Return where an error is: without the type of a trigger, which pydantic counts as a step."""
    path: Path = detail["loc"]
    if len(path) > 5 and path[3] == "triggers":
        path = path[:5] + path[6:]
    return path[:-1] if path and path[-1] == "[key]" else path


def _report(path: Path, detail: ErrorDetails, value: object, findings: Findings) -> None:
    kind = detail["type"]
    at_key = kind in _AT_KEY or detail["loc"][-1:] == ("[key]",)
    problem, hint = _word(path, detail, value, findings)
    findings.mistake(path, problem, hint, at_key=at_key)


def _word(path: Path, detail: ErrorDetails, value: object, findings: Findings) -> tuple[str, str]:
    """Return problem and hint of one error. Nothing here quotes what may be secret."""
    last = str(path[-1]) if path else ""
    match detail["type"]:
        case "extra_forbidden":
            return "unknown key", suggest(last, known_keys(detail["loc"][:-1]))
        case "string_type" if isinstance(value, int | float):
            return "should be a text", "put it into quotes"
        case "string_pattern_mismatch":
            return _PATTERNS.get(last, "should be visible ASCII characters without spaces"), ""
        case "literal_error":
            return _word_literal(path, detail, value, findings)
        case "union_tag_invalid":
            shown = findings.quote((*path, "type"), str(_child(value, "type")))
            hint = suggest(str(_child(value, "type")), TRIGGER_RULES)
            return f"no trigger is named {shown}", hint or f"there are {join(TRIGGER_RULES)}"
        case kind:
            return _SENTENCES.get(kind) or detail["msg"].replace("Input should", "should", 1), ""


def _word_literal(
    path: Path, detail: ErrorDetails, value: object, findings: Findings
) -> tuple[str, str]:
    known: list[str] = re.findall(r"'([^']*)'", detail.get("ctx", {}).get("expected", ""))
    allowed = join((f'"{word}"' for word in known), "or")
    named = next(iter(cast("dict[str, object]", value)), "") if isinstance(value, dict) else value
    if not isinstance(named, str):
        return f"should be {allowed}", ""
    scheme = named.partition(":")[0]
    if scheme in _NOT_YET.get(str(path[-1]), ()):
        return f'"{scheme}" is not supported yet', f"for now: {allowed}"
    hint = suggest(named, known) or f"it should be {allowed}"
    return f"{findings.quote(path, named)} is not known", hint

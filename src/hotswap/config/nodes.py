"""Reads YAML text into plain values that remember their line and column.

The YAML 1.2 core schema decides what a plain scalar is: `no`, `on` and `off` are strings. Keys
are always strings. Anchors, aliases and merge keys work; what they blow up to is bounded.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final, cast

import yaml
from msgspec import Struct
from typing_extensions import override
from yaml.composer import Composer
from yaml.events import Event
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.parser import Parser
from yaml.reader import Reader, ReaderError
from yaml.resolver import BaseResolver
from yaml.scanner import Scanner

from ..errors import ConfigError

MAX_DEPTH: Final = 32
MAX_NODES: Final = 50_000
"""Far above any real configuration, far below what a nest of aliases expands to."""

Path = tuple[str | int, ...]
"""From the root: keys and indices."""

_TAG: Final = "tag:yaml.org,2002:"
_MERGE: Final = _TAG + "merge"
_NULL: Final = re.compile(r"~|null|Null|NULL|")
_BOOL: Final = re.compile(r"true|True|TRUE|false|False|FALSE")
_INT: Final = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT: Final = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)


class Place(Struct, frozen=True, gc=False):
    """A position in the file, both counted from 1."""

    line: int
    column: int


class SyntaxMistake(Exception):  # noqa: N818 - a mistake of the file, not an error of ours
    """The text is not one YAML document."""

    def __init__(self, place: Place, problem: str, hint: str = "") -> None:
        super().__init__(problem)
        self.place = place
        self.problem = problem
        self.hint = hint


class Flaw(Struct, frozen=True):
    """A mistake at one node, whose neighbours are read all the same."""

    path: Path
    place: Place
    problem: str
    hint: str = ""
    at_key: bool = False


class Document(Struct, frozen=True):
    """The values of a file, and where each of them stands."""

    value: object
    values: Mapping[Path, Place]
    keys: Mapping[Path, Place]
    """Where the key of a mapping's entry stands, by the entry's path."""
    masks: Mapping[Path, str]
    """Strings as written, for those that held references: what may be shown of them."""
    flaws: tuple[Flaw, ...]


class _Loader(Reader, Scanner, Parser, Composer, BaseResolver):
    """Composes nodes with bounded depth. `BaseResolver` knows no YAML 1.1 scalars."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)
        BaseResolver.__init__(self)
        self._depth = 0

    @override
    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        if self._depth > MAX_DEPTH:
            event = cast("Event", self.peek_event())  # type: ignore[no-untyped-call] # not in stubs
            raise SyntaxMistake(_place(event), f"nested deeper than {MAX_DEPTH} levels")
        self._depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1


for _name, _pattern, _first in (
    ("null", _NULL, ["~", "n", "N", ""]),
    ("bool", _BOOL, list("tTfF")),
    ("int", _INT, list("-+0123456789")),
    ("float", _FLOAT, list("-+.0123456789")),
    ("merge", re.compile("<<"), ["<"]),
):
    _Loader.add_implicit_resolver(  # pyright: ignore[reportUnknownMemberType] - the stubs say nothing
        _TAG + _name, re.compile(f"^(?:{_pattern.pattern})$"), _first
    )


def read(text: str, expand: Callable[[str], str]) -> Document:
    """Read one document; `expand` is applied to every string value.

    Args:
        text: The file.
        expand: Raises `ConfigError` for what it cannot expand, which becomes a flaw.

    Raises:
        SyntaxMistake: This is no YAML, or it expands beyond all bounds.
    """
    try:
        root = _Loader(text).get_single_node()
    except ReaderError as error:
        before = text[: error.position]
        line = before.count("\n") + 1
        place = Place(line, error.position - (before.rfind("\n") + 1) + 1)
        raise SyntaxMistake(place, "a character that YAML does not allow") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
        problem = _harmless(error.problem or error.context or "not YAML")
        raise SyntaxMistake(place, problem, _hint_for(problem)) from None
    except ValueError:
        # Quirk: PyYAML lets chr() complain about an escape such as "\UFFFFFFFF".
        raise SyntaxMistake(Place(1, 1), "an escape that stands for no character") from None
    walk = _Walk(expand)
    value = None if root is None else walk.value(root, (), 0)
    return Document(value, walk.values, walk.keys, walk.masks, tuple(walk.flaws))


def plain(text: str) -> object:
    """Return what a plain scalar of this text would be: the text itself, or another value."""
    for pattern, make in _SCALARS:
        if pattern.fullmatch(text):
            try:
                return make(text)
            except ValueError:
                return text
    return text


def _integer(text: str) -> int:
    return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))


def _float(text: str) -> float:
    # `float` knows inf and nan without the dot that YAML writes before them.
    return float(text.replace(".i", "i").replace(".I", "I").replace(".n", "n").replace(".N", "N"))


_MAKE: Final[Mapping[str, tuple[re.Pattern[str], Callable[[str], object]]]] = {
    _TAG + "null": (_NULL, lambda _: None),
    _TAG + "bool": (_BOOL, lambda text: text.lower() == "true"),
    _TAG + "int": (_INT, _integer),
    _TAG + "float": (_FLOAT, _float),
}
_SCALARS: Final = tuple(_MAKE.values())


def _harmless(problem: str) -> str:
    """Leave out what a syntax error quotes from the file: it may be part of a secret."""

    def shorten(match: re.Match[str]) -> str:
        quoted = match[0][1:-1]
        return match[0] if len(quoted) < 3 or quoted.startswith("<") else "'...'"

    return re.sub(r"'[^']*'|\"[^\"]*\"", shorten, problem)


def _hint_for(problem: str) -> str:
    if "\\t" in problem:
        return "YAML is indented with spaces, not with tabs"
    if "cannot start any token" in problem or "mapping values are not allowed" in problem:
        return "a text with : # % @ ` { or [ in it goes into quotes"
    return ""


def _unfit(text: str) -> str:
    """Say why a text can be no value of anything: no file, header or message could hold it."""
    if "\0" in text:
        return "holds a NUL character"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "holds something that is no character"
    return ""


def _place(part: Node | Event) -> Place:
    mark = part.start_mark
    return Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)


class _Walk:
    """Turns nodes into values and notes where they stand."""

    def __init__(self, expand: Callable[[str], str]) -> None:
        self._expand = expand
        self._nodes = 0
        self.values: dict[Path, Place] = {}
        self.keys: dict[Path, Place] = {}
        self.masks: dict[Path, str] = {}
        self.flaws: list[Flaw] = []

    def value(self, node: Node, path: Path, depth: int) -> object:
        self._count(node, depth)
        self.values[path] = _place(node)
        if isinstance(node, MappingNode):
            return self._mapping(node, path, depth)
        if isinstance(node, SequenceNode):
            self._check_tag(node, path, "seq")
            return [
                self.value(item, (*path, index), depth + 1) for index, item in enumerate(node.value)
            ]
        return self._scalar(node, path)

    def _count(self, node: Node, depth: int) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES or depth > MAX_DEPTH:
            raise SyntaxMistake(_place(node), "aliases that contain themselves or grow too large")

    def _mapping(self, node: MappingNode, path: Path, depth: int) -> dict[str, object]:
        self._check_tag(node, path, "map")
        values: dict[str, object] = {}
        merges: list[Node] = []
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                merges.append(value_node)
                continue
            key = self._key(key_node, path)
            if key is None:
                continue
            entry = (*path, key)
            if key in values:
                first = self.keys[entry].line
                problem = f"this key is there twice, first in line {first}"
                self.flaws.append(Flaw(entry, _place(key_node), problem, "keep one", at_key=True))
                continue
            self.keys[entry] = _place(key_node)
            values[key] = self.value(value_node, entry, depth + 1)
        for source in merges:
            self._merge(source, values, path, depth + 1)
        return values

    def _merge(self, source: Node, values: dict[str, object], path: Path, depth: int) -> None:
        """Add the entries of a merged mapping, or of several, that are not there yet."""
        self._count(source, depth)
        if isinstance(source, SequenceNode):
            for one in source.value:
                self._merge(one, values, path, depth + 1)
            return
        if not isinstance(source, MappingNode):
            self.flaws.append(Flaw(path, _place(source), "only a mapping can be merged with <<"))
            return
        further: list[Node] = []
        for key_node, value_node in source.value:
            self._count(key_node, depth)
            if key_node.tag == _MERGE:
                further.append(value_node)
                continue
            key = self._key(key_node, path)
            if key is not None and key not in values:
                self.keys[(*path, key)] = _place(key_node)
                values[key] = self.value(value_node, (*path, key), depth + 1)
        for inner in further:
            self._merge(inner, values, path, depth + 1)

    def _key(self, node: Node, path: Path) -> str | None:
        problem = "a key must be a text"
        if isinstance(node, ScalarNode):
            problem = _unfit(str(node.value))
            if not problem:
                return str(node.value)
        self.flaws.append(Flaw(path, _place(node), problem))
        return None

    def _scalar(self, node: Node, path: Path) -> object:
        text = str(node.value)
        if node.tag == _TAG + "str":
            return self._text(text, node, path)
        entry = _MAKE.get(node.tag)
        if entry is None:
            if node.tag == _MERGE:
                return text
            self._check_tag(node, path, "str")
            return text
        pattern, make = entry
        try:
            if pattern.fullmatch(text):
                return make(text)
        except ValueError:
            pass  # Python refuses integers of thousands of digits.
        self.flaws.append(Flaw(path, _place(node), "not a value of the type that is named here"))
        return text

    def _text(self, text: str, node: Node, path: Path) -> str:
        if "${" in text:
            self.masks[path] = text
            try:
                text = self._expand(text)
            except ConfigError as error:
                self.flaws.append(Flaw(path, _place(node), error.problem, error.hint))
                return ""
        problem = _unfit(text)
        if problem:
            self.flaws.append(Flaw(path, _place(node), problem))
            return ""
        return text

    def _check_tag(self, node: Node, path: Path, name: str) -> None:
        if node.tag != _TAG + name:
            self.flaws.append(Flaw(path, _place(node), "YAML tags have no meaning here"))

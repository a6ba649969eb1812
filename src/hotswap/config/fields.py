"""Field types of the file's models: how text becomes values, and how Structs become schemas.

A settings Struct says what a field is called, which values it takes and what it defaults to.
`AsStruct` and `AsTrigger` teach pydantic to read exactly that, so nothing is written twice.
"""

import re
import types
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated, Final, Literal, Union, cast, get_args, get_origin, get_type_hints

from annotated_types import Ge, Gt, Le, Lt
from msgspec import NODEFAULT, Meta, Struct, structs
from pydantic import (  # noqa: TID251 - this package reads the configuration file
    AfterValidator,
    AllowInfNan,
    BeforeValidator,
    GetCoreSchemaHandler,
    Strict,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from .nodes import plain


def _unquoted(value: object) -> object:
    """Read a text as the scalar it would be without quotes: `${WORKERS}` arrives as a text."""
    return plain(value) if isinstance(value, str) else value


_Unquoted: Final = BeforeValidator(_unquoted)
"""Comes last in an annotation: bounds after it would be lost to the JSON Schema."""
_Finite: Final = AllowInfNan(allow_inf_nan=False)
_Most: Final = Le(1_000_000_000)
"""Beyond it, timers and encoders overflow."""

Flag = Annotated[bool, Strict(), _Unquoted]
Count = Annotated[int, Strict(), Ge(1), _Most, _Unquoted]
Whole = Annotated[int, Strict(), Ge(0), _Most, _Unquoted]
"""From 0."""
Pause = Annotated[float, Strict(), _Finite, Ge(0), _Most, _Unquoted]
"""From 0, which means: not at all."""
Above = Annotated[float, Strict(), _Finite, Gt(0), _Most, _Unquoted]
Word = Annotated[str, StringConstraints(pattern=r"^[!-~]+$", max_length=128)]
"""Goes into headers and paths: visible ASCII without spaces."""

_UNITS: Final[Mapping[str, int]] = {"": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
_SIZE: Final = r"([0-9]{1,12}) ?(|KiB|MiB|GiB)"


def _size(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise PydanticCustomError("size", 'should be a size such as "32MiB"')
    match = re.fullmatch(_SIZE, str(value))
    if match is None:
        raise PydanticCustomError("size", 'should be a size such as "32MiB"')
    return int(match[1]) * _UNITS[match[2]]


Size = Annotated[
    int,
    Ge(1),
    BeforeValidator(_size),
    WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": f"^{_SIZE}$"}]}
    ),
]
"""Bytes, with an optional unit."""


def _refuse(value: object) -> object:
    if value in (None, "", [], {}):
        return None
    raise PydanticCustomError("later", "is not supported yet")


Later = Annotated[object, AfterValidator(_refuse)]
"""A section whose feature does not exist yet: it may be empty, and is never ignored."""


def without_nulls(values: object, names: tuple[str, ...]) -> object:
    """Drop known keys without a value: `server:` with nothing below means all its defaults."""
    if not isinstance(values, dict):
        return values
    entries = cast("dict[str, object]", values)
    return {key: value for key, value in entries.items() if value is not None or key not in names}


class AsStruct:
    """Reads a mapping into the annotated Struct, with the Struct's bounds and defaults."""

    def __init__(
        self, words: Mapping[str | bool, Mapping[str, object]] = MappingProxyType({})
    ) -> None:
        """Prepare.

        Args:
            words: May stand in place of the mapping that they mean.
        """
        self._words = words

    def __get_pydantic_core_schema__(
        self, source: type[Struct], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Build the schema from the Struct's fields."""
        schema = _checked(source.__name__, _fields(source, handler), _maker(source))
        if not self._words:
            return schema
        words = core_schema.literal_schema(list(self._words))
        return core_schema.no_info_before_validator_function(
            self._meant, schema, json_schema_input_schema=core_schema.union_schema([words, schema])
        )

    def _meant(self, value: object) -> object:
        """Return the mapping that a word means."""
        if isinstance(value, dict):
            return cast("dict[str, object]", value)
        value = plain(value) if isinstance(value, str) else value
        if isinstance(value, bool | str) and value in self._words:
            return self._words[value]
        words = [str(word).lower() if word is True else f'"{word}"' for word in self._words]
        raise PydanticCustomError(
            "words", "should be {words}", {"words": " or ".join((*words, "a mapping"))}
        )


class Listed(Struct, frozen=True):
    """One entry of a chain's `triggers`."""

    type: str
    enabled: bool
    rule: Struct
    """The trigger's parameters."""


class AsTrigger:
    """Reads an entry of `triggers` by its `type`."""

    def __init__(self, rules: Mapping[str, type[Struct]]) -> None:
        self._rules = rules

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Build a union of all types, told apart by `type`."""
        choices: dict[str, CoreSchema] = {}
        for name, rule in self._rules.items():
            fields = {
                "type": core_schema.typed_dict_field(core_schema.literal_schema([name])),
                "enabled": core_schema.typed_dict_field(
                    core_schema.with_default_schema(handler.generate_schema(Flag), default=True),
                    required=False,
                ),
                **_fields(rule, handler),
            }
            choices[name] = _checked(f"Trigger {name}", fields, _lister(rule))
        return core_schema.tagged_union_schema(choices, "type")


def _maker(struct: type[Struct]) -> Callable[[dict[str, object]], Struct]:
    def make(values: dict[str, object]) -> Struct:
        return struct(**values)

    return make


def _lister(rule: type[Struct]) -> Callable[[dict[str, object]], Struct]:
    def make(values: dict[str, object]) -> Struct:
        kind, enabled = str(values.pop("type")), values.pop("enabled") is True
        return Listed(kind, enabled, rule(**values))

    return make


def _checked(
    title: str,
    fields: dict[str, core_schema.TypedDictField],
    make: Callable[[dict[str, object]], Struct],
) -> CoreSchema:
    names = tuple(fields)
    entries = core_schema.typed_dict_schema(
        fields, extra_behavior="forbid", metadata={"pydantic_js_updates": {"title": title}}
    )
    return core_schema.no_info_before_validator_function(
        lambda values: without_nulls(values, names),
        core_schema.no_info_after_validator_function(make, entries),
    )


def _fields(
    source: type[Struct], handler: GetCoreSchemaHandler
) -> dict[str, core_schema.TypedDictField]:
    hints = get_type_hints(source, include_extras=True)
    fields: dict[str, core_schema.TypedDictField] = {}
    for field in structs.fields(source):
        hint = hints[field.name]
        schema = handler.generate_schema(_hint(hint))
        if schema["type"] == "union":
            # One mistake at the place of the value, instead of one for each form it could have.
            words = f"Input should be {_forms(hint)}"
            schema = core_schema.custom_error_schema(schema, "union", custom_error_message=words)
        if field.default is not NODEFAULT:
            schema = core_schema.with_default_schema(schema, default=field.default)
        elif field.default_factory is not NODEFAULT:
            factory = cast("Callable[[], object]", field.default_factory)
            schema = core_schema.with_default_schema(schema, default_factory=factory)
        fields[field.name] = core_schema.typed_dict_field(schema, required=field.required)
    return fields


_PLAIN: Final[Mapping[object, object]] = {
    float: Annotated[float, Strict(), _Finite, _Most, _Unquoted],
    int: Annotated[int, Strict(), _Most, _Unquoted],
    bool: Flag,
}


def _forms(hint: object) -> str:
    """Say what a value of several forms may be."""
    words: list[str] = []
    for form in get_args(hint):
        origin, arguments = get_origin(form), get_args(form)
        if origin is Literal:
            words += [f'"{word}"' for word in arguments]
        else:
            above = any(isinstance(meta, Meta) and meta.gt == 0 for meta in arguments[1:])
            words.append("a number above 0" if above else "a number")
    return " or ".join(words)


def _hint(hint: object) -> object:
    """Translate an annotation from msgspec's words into pydantic's."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated and arguments[0] in (float, int):
        bounds = [bound for meta in arguments[1:] for bound in _bounds(meta)]
        number = (_Finite,) if arguments[0] is float else ()
        # pydantic keeps the last of two upper bounds, not the lower one.
        most = () if any(isinstance(bound, Lt | Le) for bound in bounds) else (_Most,)
        bounded = (arguments[0], Strict(), *number, *bounds, *most, _Unquoted)
        return Annotated[bounded]
    if origin in (Union, types.UnionType):
        return Union[tuple(_hint(one) for one in arguments)]  # noqa: UP007 - made of a list
    if _is_struct(hint):
        parts = (hint, AsStruct())
        return Annotated[parts]
    return next((schema for known, schema in _PLAIN.items() if hint is known), hint)


def _is_struct(hint: object) -> bool:
    return isinstance(hint, type) and issubclass(hint, Struct)


def _bounds(meta: object) -> list[object]:
    """Return the bounds that `meta` sets; what is not msgspec's stays as it is."""
    if not isinstance(meta, Meta):
        return [meta]
    limits = ((Gt, meta.gt), (Ge, meta.ge), (Lt, meta.lt), (Le, meta.le))
    return [bound(limit) for bound, limit in limits if limit is not None]

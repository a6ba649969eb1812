"""Tools, tool choices and answer formats of OpenAI's chat, read into neutral values."""

from collections.abc import Callable, Mapping
from typing import Final

from msgspec import Raw, Struct
from msgspec.json import Decoder

from ..neutral import Format, Mode, Tool, ToolChoice
from .content import ABSENT, present
from .fields import read_value, refused

_OPENING_BRACE: Final = ord("{")
_MODES: Final[Mapping[str, Mode]] = {
    "auto": Mode.AUTO,
    "none": Mode.NONE,
    "required": Mode.REQUIRED,
    "any": Mode.REQUIRED,
}


class _Function(Struct, gc=False):
    name: str
    description: str | None = None
    parameters: Raw = ABSENT
    strict: bool | None = None


class _Tool(Struct, gc=False):
    type: str = "function"
    function: _Function | None = None


class _Named(Struct, gc=False):
    name: str


class _Choice(Struct, gc=False):
    type: str = "function"
    function: _Named | None = None


class _Allowed(Struct, gc=False):
    tools: list[_Choice]
    mode: str = "auto"


class _AnyChoice(Struct, gc=False):
    type: str = "function"
    function: _Named | None = None
    allowed_tools: _Allowed | None = None


class _Schema(Struct, gc=False):
    name: str = "answer"
    description: str | None = None
    schema: Raw = ABSENT
    strict: bool | None = None


class _Format(Struct, gc=False):
    type: str
    json_schema: _Schema | None = None


_decode_tools: Final[Callable[[Raw], list[_Tool] | None]] = Decoder(list[_Tool] | None).decode
_decode_functions: Final[Callable[[Raw], list[_Function] | None]] = Decoder(
    list[_Function] | None
).decode
_decode_choice: Final[Callable[[Raw], str | _AnyChoice | None]] = Decoder(
    str | _AnyChoice | None
).decode
_decode_old_choice: Final[Callable[[Raw], str | _Named | None]] = Decoder(
    str | _Named | None
).decode
_decode_format: Final[Callable[[Raw], _Format | None]] = Decoder(_Format | None).decode


def read_tools(fields: Mapping[str, Raw], native: list[str]) -> tuple[Tool, ...]:
    """Read the functions that may be called; adds what else there is to `native`."""
    tools: list[Tool] = []
    wire = read_value(fields, "tools", _decode_tools)
    for number, tool in enumerate(wire or ()):
        if tool.type != "function":
            native.append("custom_tools" if tool.type == "custom" else "server_tools")
        elif tool.function is None:
            raise refused(f"tools[{number}].function", "is missing")
        else:
            tools.append(_tool(tool.function, "tools[%d].function", number))
    functions = read_value(fields, "functions", _decode_functions)
    for number, function in enumerate(functions or ()):
        tools.append(_tool(function, "functions[%d]", number))
    return tuple(tools)


def read_tool_choice(fields: Mapping[str, Raw], native: list[str]) -> ToolChoice | None:
    """Read how free the model is to call; adds what no other dialect can to `native`."""
    choice = read_value(fields, "tool_choice", _decode_choice)
    if choice is None:
        return _old_choice(fields)
    if isinstance(choice, str):
        return ToolChoice(_mode(choice, "tool_choice"))
    if choice.allowed_tools is not None:
        allowed = choice.allowed_tools
        names = [tool.function.name for tool in allowed.tools if tool.function is not None]
        if len(names) < len(allowed.tools):
            native.append("server_tools")
        return ToolChoice(_mode(allowed.mode, "tool_choice.allowed_tools.mode"), tuple(names))
    if choice.type != "function":
        native.append("custom_tools" if choice.type == "custom" else "server_tools")
        return None
    if choice.function is None:
        raise refused("tool_choice.function", "is missing")
    return ToolChoice(Mode.REQUIRED, (choice.function.name,))


def read_format(fields: Mapping[str, Raw]) -> Format | None:
    """Read the form that the answer shall have; None: plain text."""
    wire = read_value(fields, "response_format", _decode_format)
    if wire is None or wire.type == "text":
        return None
    if wire.type == "json_object":
        return Format()
    if wire.type != "json_schema":
        raise refused("response_format.type", "must be text, json_object or json_schema")
    schema = wire.json_schema
    if schema is None or not schema.schema or memoryview(schema.schema)[0] != _OPENING_BRACE:
        raise refused("response_format.json_schema.schema", "must be an object")
    return Format(schema.schema, schema.name, schema.description or "", schema.strict)


def _old_choice(fields: Mapping[str, Raw]) -> ToolChoice | None:
    choice = read_value(fields, "function_call", _decode_old_choice)
    if choice is None:
        return None
    if isinstance(choice, str):
        return ToolChoice(_mode(choice, "function_call"))
    return ToolChoice(Mode.REQUIRED, (choice.name,))


def _mode(word: str, param: str) -> Mode:
    mode = _MODES.get(word)
    if mode is None:
        raise refused(param, "must be auto, none, required or name a function")
    return mode


def _tool(function: _Function, place: str, number: int) -> Tool:
    description = function.description or ""
    schema = function.parameters
    if not present(schema):
        return Tool(function.name, description, strict=function.strict)
    if memoryview(schema)[0] != _OPENING_BRACE:
        raise refused(place % number + ".parameters", "must be an object")
    return Tool(function.name, description, schema, function.strict)

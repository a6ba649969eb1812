"""Tools and how free the model is to call them, both ways."""

from collections.abc import Sequence
from typing import Final

from msgspec import Raw, Struct, ValidationError, field
from msgspec.json import Decoder

from ..api import UnableError
from ..neutral import Mode, Request, Tool, ToolChoice
from ..openai.content import ABSENT, present
from .contents import PROVIDER_TOOLS
from .schema import read_openapi, stripped
from .spelling import camel, camel_fields

_MODES: Final = {"ANY": Mode.REQUIRED, "NONE": Mode.NONE}
_WORDS: Final = {Mode.AUTO: "AUTO", Mode.NONE: "NONE", Mode.REQUIRED: "ANY"}


class _Declaration(Struct, gc=False):
    name: str = ""
    description: str | None = None
    parameters: Raw = ABSENT
    json_schema: Raw = field(default=ABSENT, name="parametersJsonSchema")
    parameters_json_schema: Raw = ABSENT
    """Quirk: so Google's own SDK spells it."""


class _Tool(Struct, gc=False, forbid_unknown_fields=True):
    """A tool that the caller executes, in camelCase; all others are looked at one by one."""

    functions: list[_Declaration] | None = field(default=None, name="functionDeclarations")


class _Config(Struct, rename="camel", gc=False):
    function_calling_config: Raw = ABSENT


class _Calling(Struct, rename="camel", gc=False):
    mode: str | None = None
    allowed_function_names: list[str] | None = None


_decode_tools: Final = Decoder(list[_Tool]).decode
_decode_entries: Final = Decoder(list[dict[str, Raw]]).decode
_decode_declarations: Final = Decoder(list[_Declaration] | None).decode
_decode_config: Final = Decoder(_Config).decode
_decode_calling: Final = Decoder(_Calling).decode


def read_tools(raw: Raw | None, native: list[str]) -> list[Tool]:
    """Read the declared functions; adds to `native` if there are tools that Google executes."""
    tools: list[Tool] = []
    if raw is None or not present(raw):
        return tools
    try:
        for tool in _decode_tools(raw):
            tools += [_tool(wire) for wire in tool.functions or ()]
    except ValidationError:
        return _read_loosely(raw, native)
    return tools


def _read_loosely(raw: Raw, native: list[str]) -> list[Tool]:
    tools: list[Tool] = []
    for entry in _decode_entries(raw):
        for name, value in camel_fields(entry).items():
            if name == "functionDeclarations":
                tools += [_tool(wire) for wire in _decode_declarations(value) or ()]
            elif bytes(value) not in {b"null", b"false", b"[]"}:
                native.append(PROVIDER_TOOLS)
    return tools


def read_tool_choice(raw: Raw | None) -> ToolChoice | None:
    """Read the configuration of tools; None: it says nothing."""
    if raw is None or not present(raw):
        return None
    calling = _decode_config(camel(raw)).function_calling_config
    if not present(calling):
        return None
    wire = _decode_calling(camel(calling))
    if not wire.mode and not wire.allowed_function_names:
        return None
    mode = _MODES.get(wire.mode or "", Mode.AUTO)
    return ToolChoice(mode, tuple(wire.allowed_function_names or ()))


def write_tools(request: Request, notices: list[str]) -> dict[str, object]:
    """Return the body's fields for tools; adds to `notices` what could not be said.

    Raises:
        UnableError: A name or a schema is none that Gemini takes.
    """
    choice = request.tool_choice
    tools: Sequence[Tool] = request.tools
    if choice is not None and choice.mode is Mode.AUTO and choice.names:
        # Names can only be forced on Gemini; where calling is free, the others are not told.
        tools = [tool for tool in tools if tool.name in choice.names]
    if not tools:
        return {}
    fields: dict[str, object] = {
        "tools": [{"functionDeclarations": [_declaration(tool, notices) for tool in tools]}]
    }
    if any(tool.strict for tool in tools):
        notices.append("strict")
    if request.parallel is False:
        notices.append("parallel_tool_calls")
    if choice is not None:
        calling: dict[str, object] = {"mode": _WORDS[choice.mode]}
        if choice.mode is Mode.REQUIRED and choice.names:
            calling["allowedFunctionNames"] = list(choice.names)
        fields["toolConfig"] = {"functionCallingConfig": calling}
    return fields


def _tool(wire: _Declaration) -> Tool:
    description = wire.description or ""
    for schema in (wire.json_schema, wire.parameters_json_schema):
        if present(schema):
            return Tool(wire.name, description, schema)
    if present(wire.parameters):
        return Tool(wire.name, description, read_openapi(wire.parameters))
    return Tool(wire.name, description)


def _declaration(tool: Tool, notices: list[str]) -> dict[str, object]:
    if not (tool.name[:1].isalpha() or tool.name[:1] == "_"):
        raise UnableError("tool_name")
    schema, lost = stripped(tool.schema)
    notices += lost
    wire: dict[str, object] = {"name": tool.name, "parametersJsonSchema": schema}
    if tool.description:
        wire["description"] = tool.description
    return wire

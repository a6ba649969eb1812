"""Tools and how free the model is to call them, both ways."""

from collections.abc import Sequence
from typing import Final

from msgspec import Raw, Struct
from msgspec.json import Decoder

from ..neutral import Mode, Request, Tool, ToolChoice
from ..openai.content import ABSENT, present
from .contents import PROVIDER_TOOLS
from .schema import read_openapi, stripped
from .spelling import camel, camel_fields

_MODES: Final = {"ANY": Mode.REQUIRED, "NONE": Mode.NONE}
_WORDS: Final = {Mode.AUTO: "AUTO", Mode.NONE: "NONE", Mode.REQUIRED: "ANY"}


class _Declaration(Struct, rename="camel", gc=False):
    name: str = ""
    description: str | None = None
    parameters: Raw = ABSENT
    parameters_json_schema: Raw = ABSENT


class _Config(Struct, rename="camel", gc=False):
    function_calling_config: Raw = ABSENT


class _Calling(Struct, rename="camel", gc=False):
    mode: str | None = None
    allowed_function_names: list[str] | None = None


_decode_tools: Final = Decoder(list[Raw]).decode
_decode_fields: Final = Decoder(dict[str, Raw]).decode
_decode_declaration: Final = Decoder(_Declaration).decode
_decode_config: Final = Decoder(_Config).decode
_decode_calling: Final = Decoder(_Calling).decode


def read_tools(raw: Raw | None, native: list[str]) -> list[Tool]:
    """Read the declared functions; adds to `native` if there are tools that Google executes."""
    tools: list[Tool] = []
    if raw is None or not present(raw):
        return tools
    for entry in _decode_tools(raw):
        for name, value in camel_fields(_decode_fields(entry)).items():
            if name == "functionDeclarations":
                if present(value):
                    tools += [_tool(declaration) for declaration in _decode_tools(value)]
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
    """Return the body's fields for tools; adds to `notices` what could not be said."""
    if not request.tools:
        return {}
    choice = request.tool_choice
    tools: Sequence[Tool] = request.tools
    if choice is not None and choice.mode is Mode.AUTO and choice.names:
        # Names can only be forced on Gemini; where calling is free, the others are not told.
        tools = [tool for tool in tools if tool.name in choice.names]
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


def _tool(raw: Raw) -> Tool:
    wire = _decode_declaration(camel(raw))
    if present(wire.parameters_json_schema):
        return Tool(wire.name, wire.description or "", wire.parameters_json_schema)
    if present(wire.parameters):
        return Tool(wire.name, wire.description or "", read_openapi(wire.parameters))
    return Tool(wire.name, wire.description or "")


def _declaration(tool: Tool, notices: list[str]) -> dict[str, object]:
    schema, lost = stripped(tool.schema)
    notices += lost
    wire: dict[str, object] = {"name": tool.name, "parametersJsonSchema": schema}
    if tool.description:
        wire["description"] = tool.description
    return wire

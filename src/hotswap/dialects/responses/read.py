"""Requests of the Responses dialect, read into neutral values."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from msgspec import Raw, Struct
from msgspec.json import Decoder

from ..api import Peek
from ..neutral import Format, Mode, Reasoning, Request, Role, Text, Tool, ToolChoice, Turn
from ..openai.content import ABSENT, present
from ..openai.fields import read_value, refused
from ..openai.read import EFFORTS
from .read_items import read_input
from .request import LOGPROBS, STORED

_NATIVE: Final = frozenset({*STORED, "background", "context_management"})
"""Fields that only a provider of this dialect can follow, and that nobody may leave out."""
_READ: Final = frozenset(
    {
        "include",
        "input",
        "instructions",
        "max_output_tokens",
        "model",
        "parallel_tool_calls",
        "prompt_cache_key",
        "reasoning",
        "safety_identifier",
        "stream",
        "stream_options",
        "temperature",
        "text",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "user",
        *_NATIVE,
    }
)
"""Fields that have a place among the neutral values; others are dropped by name."""
_UNSAID: Final = {"truncation": b'"disabled"', "service_tier": b'"auto"'}
"""What says nothing: it is the default."""

_MODES: Final[Mapping[str, Mode]] = {
    "auto": Mode.AUTO,
    "none": Mode.NONE,
    "required": Mode.REQUIRED,
}
_OPENING_BRACE: Final = b"{"


class _Tool(Struct, gc=False):
    type: str = "function"
    name: str = ""
    description: str | None = None
    parameters: Raw = ABSENT
    strict: bool | None = None


class _Named(Struct, gc=False):
    type: str = "function"
    name: str = ""


class _Choice(Struct, gc=False):
    type: str = "function"
    name: str = ""
    mode: str = "auto"
    tools: list[_Named] | None = None


class _Format(Struct, gc=False):
    type: str
    name: str = "answer"
    description: str | None = None
    schema: Raw = ABSENT
    strict: bool | None = None


class _Text(Struct, gc=False):
    format: _Format | None = None
    verbosity: Raw = ABSENT


class _Reasoning(Struct, gc=False):
    effort: str | None = None
    summary: str | None = None
    generate_summary: str | None = None
    mode: str | None = None


_flag: Final[Callable[[Raw], bool | None]] = Decoder(bool | None).decode
_count: Final[Callable[[Raw], int | None]] = Decoder(int | None).decode
_number: Final[Callable[[Raw], float | None]] = Decoder(float | None).decode
_text: Final[Callable[[Raw], str | None]] = Decoder(str | None).decode
_texts: Final[Callable[[Raw], list[str] | None]] = Decoder(list[str] | None).decode
_tools: Final[Callable[[Raw], list[_Tool] | None]] = Decoder(list[_Tool] | None).decode
_choice: Final[Callable[[Raw], str | _Choice | None]] = Decoder(str | _Choice | None).decode
_form: Final[Callable[[Raw], _Text | None]] = Decoder(_Text | None).decode
_thinking: Final[Callable[[Raw], _Reasoning | None]] = Decoder(_Reasoning | None).decode


def read_request(request: Peek) -> Request:
    """Understand a caller of this dialect; raises `RefusedError` (400) that names the field."""
    fields = request.fields
    native = [name for name in fields if name in _NATIVE and present(fields[name])]
    dropped = [name for name, raw in fields.items() if _is_dropped(name, raw)]
    turns = _read_turns(fields, native)
    include = read_value(fields, "include", _texts) or ()
    if any(name != LOGPROBS for name in include):
        dropped.append("include")
    top_logprobs = read_value(fields, "top_logprobs", _count)
    text = read_value(fields, "text", _form) or _Text()
    if present(text.verbosity):
        dropped.append("text.verbosity")
    return Request(
        turns=turns,
        stream=request.stream,
        usage_asked=True,
        tools=_read_tools(fields, native),
        tool_choice=_read_choice(fields, native),
        parallel=read_value(fields, "parallel_tool_calls", _flag),
        format=_read_format(text.format),
        max_tokens=_read_limit(fields),
        temperature=read_value(fields, "temperature", _number),
        top_p=read_value(fields, "top_p", _number),
        logprobs=LOGPROBS in include or bool(top_logprobs),
        top_logprobs=top_logprobs or None,
        reasoning=_read_reasoning(fields, dropped),
        user=_read_text(fields, "user") or _read_text(fields, "safety_identifier"),
        cache_key=_read_text(fields, "prompt_cache_key"),
        dropped=tuple(dropped),
        native=tuple(dict.fromkeys(native)),
    )


def _is_dropped(name: str, raw: Raw) -> bool:
    return name not in _READ and present(raw) and bytes(raw) != _UNSAID.get(name)


def _read_turns(fields: Mapping[str, Raw], native: list[str]) -> Sequence[Turn]:
    turns: list[Turn] = []
    if instructions := _read_text(fields, "instructions"):
        turns.append(Turn(Role.SYSTEM, (Text(instructions),)))
    if "input" in fields:
        spoken = read_input(fields["input"])
        turns += spoken.turns
        native += spoken.native
    return tuple(turns)


def _read_text(fields: Mapping[str, Raw], name: str) -> str:
    return read_value(fields, name, _text) or ""


def _read_limit(fields: Mapping[str, Raw]) -> int | None:
    limit = read_value(fields, "max_output_tokens", _count)
    if limit is not None and limit < 1:
        raise refused("max_output_tokens", "must be at least 1")
    return limit


def _read_tools(fields: Mapping[str, Raw], native: list[str]) -> tuple[Tool, ...]:
    """Read the functions that may be called; adds what else there is to `native`."""
    tools: list[Tool] = []
    wire = read_value(fields, "tools", _tools)
    for number, tool in enumerate(wire or ()):
        if tool.type != "function":
            native.append("custom_tools" if tool.type == "custom" else "server_tools")
            continue
        if not tool.name:
            raise refused(f"tools[{number}].name", "is missing")
        description = tool.description or ""
        if not present(tool.parameters):
            tools.append(Tool(tool.name, description, strict=tool.strict))
        elif bytes(tool.parameters).startswith(_OPENING_BRACE):
            tools.append(Tool(tool.name, description, tool.parameters, tool.strict))
        else:
            raise refused(f"tools[{number}].parameters", "must be an object")
    return tuple(tools)


def _read_choice(fields: Mapping[str, Raw], native: list[str]) -> ToolChoice | None:
    """Read how free the model is to call; adds what no other dialect can to `native`."""
    choice = read_value(fields, "tool_choice", _choice)
    if choice is None:
        return None
    if isinstance(choice, str):
        return ToolChoice(_mode(choice, "tool_choice"))
    if choice.type == "allowed_tools":
        tools = choice.tools or ()
        names = [tool.name for tool in tools if tool.type == "function" and tool.name]
        if len(names) < len(tools):
            native.append("server_tools")
        return ToolChoice(_mode(choice.mode, "tool_choice.mode"), tuple(names))
    if choice.type != "function":
        native.append("custom_tools" if choice.type == "custom" else "server_tools")
        return None
    if not choice.name:
        raise refused("tool_choice.name", "is missing")
    return ToolChoice(Mode.REQUIRED, (choice.name,))


def _mode(word: str, param: str) -> Mode:
    mode = _MODES.get(word)
    if mode is None:
        raise refused(param, "must be auto, none, required or name a function")
    return mode


def _read_format(wire: _Format | None) -> Format | None:
    if wire is None or wire.type == "text":
        return None
    if wire.type == "json_object":
        return Format()
    if wire.type != "json_schema":
        raise refused("text.format.type", "must be text, json_object or json_schema")
    if not bytes(wire.schema).startswith(_OPENING_BRACE):
        raise refused("text.format.schema", "must be an object")
    return Format(wire.schema, wire.name, wire.description or "", wire.strict)


def _read_reasoning(fields: Mapping[str, Raw], dropped: list[str]) -> Reasoning | None:
    asked = read_value(fields, "reasoning", _thinking)
    if asked is None:
        return None
    effort = asked.effort or ""
    if effort and effort not in EFFORTS:
        dropped.append("reasoning.effort")
        effort = ""
    if asked.mode and asked.mode != "standard":
        dropped.append("reasoning.mode")
    shown = bool(asked.summary or asked.generate_summary)
    return Reasoning(effort, shown=shown) if effort or shown else None

"""A caller's request of Anthropic's dialect, understood."""

from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

from msgspec import DecodeError, Raw, Struct
from msgspec.json import Decoder

from ..api import Peek
from ..neutral import Format, Mode, Reasoning, Request, Role, Tool, ToolChoice, Turn
from .read_content import ContentReader, Message, is_set
from .request import given, missing, wrong

_T = TypeVar("_T")

_NO_RAW: Final = Raw()
_NO_SCHEMA: Final = Raw(b'{"type":"object","properties":{}}')

_READ: Final = frozenset(
    {
        "cache_control",
        "max_tokens",
        "messages",
        "metadata",
        "model",
        "output_config",
        "output_format",
        "stop_sequences",
        "stream",
        "system",
        "temperature",
        "thinking",
        "tool_choice",
        "tools",
        "top_k",
        "top_p",
    }
)
"""Fields that the neutral values hold; a mark for the cache alone may be lost silently."""

_NATIVE: Final = frozenset({"container", "context_management", "inference_geo", "mcp_servers"})
"""Fields that only Anthropic can follow, and that nobody may leave out."""

_MODES: Final[Mapping[str, Mode]] = {
    "auto": Mode.AUTO,
    "any": Mode.REQUIRED,
    "tool": Mode.REQUIRED,
    "none": Mode.NONE,
}


class _Tool(Struct, gc=False):
    name: str = ""
    type: str | None = None
    description: str | None = None
    input_schema: Raw = _NO_RAW
    strict: bool | None = None
    input_examples: Raw = _NO_RAW


class _ToolChoice(Struct, gc=False):
    type: str = ""
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class _Thinking(Struct, gc=False):
    type: str = ""
    budget_tokens: int | None = None
    display: str | None = None


class _Format(Struct, gc=False):
    type: str = ""
    schema: Raw = _NO_RAW


class _OutputConfig(Struct, gc=False):
    effort: str | None = None
    format: _Format | None = None


class _Metadata(Struct, gc=False):
    user_id: str | None = None


_decode_messages: Final = Decoder(list[Message])
_decode_system: Final = Decoder(str | list[Raw] | None)
_decode_tools: Final = Decoder(list[_Tool] | None)
_decode_choice: Final = Decoder(_ToolChoice | None)
_decode_thinking: Final = Decoder(_Thinking | None)
_decode_output: Final = Decoder(_OutputConfig | None)
_decode_format: Final = Decoder(_Format | None)
_decode_metadata: Final = Decoder(_Metadata | None)
_decode_strings: Final = Decoder(list[str] | None)
_decode_integer: Final = Decoder(int | None)
_decode_float: Final = Decoder(float | None)


def read_request(request: Peek) -> Request:
    """Understand a caller of this dialect; raises `RefusedError` (400)."""
    fields = request.fields
    content = ContentReader()
    turns = _turns(fields, content)
    tools = _tools(fields, content)
    choice = _read(fields, "tool_choice", _decode_choice)
    output = _read(fields, "output_config", _decode_output) or _OutputConfig()
    metadata = _read(fields, "metadata", _decode_metadata)
    native, dropped = _others(fields)
    return Request(
        turns=turns,
        stream=request.stream,
        usage_asked=True,
        tools=tools,
        tool_choice=_tool_choice(choice),
        parallel=False if choice is not None and choice.disable_parallel_tool_use else None,
        format=_format(output.format or _read(fields, "output_format", _decode_format)),
        max_tokens=_read(fields, "max_tokens", _decode_integer),
        temperature=_read(fields, "temperature", _decode_float),
        top_p=_read(fields, "top_p", _decode_float),
        top_k=_read(fields, "top_k", _decode_integer),
        stop=_read(fields, "stop_sequences", _decode_strings) or (),
        reasoning=_reasoning(_read(fields, "thinking", _decode_thinking), output.effort or ""),
        user=(metadata.user_id or "") if metadata is not None else "",
        dropped=tuple(dict.fromkeys([*dropped, *content.dropped])),
        native=tuple(dict.fromkeys([*native, *content.native])),
    )


def _read(fields: Mapping[str, Raw], name: str, decoder: Decoder[_T]) -> _T | None:
    """Return a field's value; raises `RefusedError` where it is not what it must be."""
    raw = fields.get(name)
    if raw is None:
        return None
    try:
        return decoder.decode(raw)
    except (DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise wrong(name, f"valid: {error}") from None


def _turns(fields: Mapping[str, Raw], content: ContentReader) -> list[Turn]:
    messages = _read(fields, "messages", _decode_messages)
    if messages is None:
        raise missing("messages")
    if not messages:
        raise wrong("messages", "a list of at least one message")
    turns: list[Turn] = []
    if system := content.system(_read(fields, "system", _decode_system)):
        turns.append(Turn(Role.SYSTEM, system))
    for at, message in enumerate(messages):
        role = content.role(message.role, at)
        turns.append(Turn(role, content.parts(message.content)))
    return turns


def _tools(fields: Mapping[str, Raw], content: ContentReader) -> Sequence[Tool]:
    tools: list[Tool] = []
    for tool in _read(fields, "tools", _decode_tools) or ():
        if tool.type not in {None, "custom"}:
            content.native.append("server_tools")
            continue
        if is_set(tool.input_examples):
            content.dropped.append("input_examples")
        schema = tool.input_schema if is_set(tool.input_schema) else _NO_SCHEMA
        tools.append(Tool(tool.name, tool.description or "", schema, tool.strict))
    return tools


def _tool_choice(choice: _ToolChoice | None) -> ToolChoice | None:
    if choice is None:
        return None
    mode = _MODES.get(choice.type)
    if mode is None:
        raise wrong("tool_choice.type", "'auto', 'any', 'tool' or 'none'")
    if choice.type != "tool":
        return ToolChoice(mode)
    if not choice.name:
        raise missing("tool_choice.name")
    return ToolChoice(mode, (choice.name,))


def _format(wanted: _Format | None) -> Format | None:
    if wanted is None or wanted.type != "json_schema":
        return None
    return Format(wanted.schema if is_set(wanted.schema) else None)


def _reasoning(thinking: _Thinking | None, effort: str) -> Reasoning | None:
    """Put together what is said of reasoning in two places."""
    if thinking is None:
        return Reasoning(effort) if effort else None
    if thinking.type == "disabled":
        return Reasoning("none")
    return Reasoning(effort, thinking.budget_tokens, shown=thinking.display != "omitted")


def _others(fields: Mapping[str, Raw]) -> tuple[list[str], list[str]]:
    """Return what only Anthropic can follow, and what colours the answer at most."""
    native: list[str] = []
    dropped: list[str] = []
    for name in fields:
        if name in _READ or not given(fields, name):
            continue
        if name in _NATIVE and bytes(fields[name]) != b'"global"':
            native.append(name)
        elif name not in _NATIVE:
            dropped.append(name)
    return native, dropped

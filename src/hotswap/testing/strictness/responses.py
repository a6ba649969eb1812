"""What OpenAI's Responses API refuses."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from msgspec import Struct
from msgspec.json import Decoder

from ..step import Seen
from .rules import first_wrong, unknown_field

KNOWN: Final = frozenset(
    {
        *("access_programs", "background", "background_options", "context_management"),
        *("conversation", "image", "include", "input", "instructions", "max_output_tokens"),
        *("max_tool_calls", "metadata", "model", "moderation", "parallel_tool_calls"),
        *("previous_response_id", "prompt", "prompt_cache_key", "prompt_cache_options"),
        *("prompt_cache_retention", "reasoning", "safety_identifier", "service_tier", "store"),
        *("stream", "stream_options", "temperature", "text", "tool_choice", "tools"),
        *("top_logprobs", "top_p", "truncation", "user"),
    }
)
"""Fields of a request: neither `stop`, `n` nor `seed`."""
PARTS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "assistant": frozenset({"output_text", "refusal"}),
        "user": frozenset({"input_text", "input_image", "input_file", "input_audio"}),
        "system": frozenset({"input_text"}),
        "developer": frozenset({"input_text"}),
    }
)
"""Role -> types of its parts."""
ITEMS: Final = frozenset(
    {"", "function_call", "function_call_output", "item_reference", "message", "reasoning"}
)
"""Types of items that carry nothing which a provider executes; without one it is a message."""
LEAST_TOKENS: Final = 16
_fits_name: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}").fullmatch


class _Part(Struct):
    type: str


class _Item(Struct):
    type: str = ""
    role: str = ""
    content: str | list[_Part] | None = None
    call_id: str = ""
    name: str = ""


class _Tool(Struct):
    type: str
    name: str = ""


class _Format(Struct):
    type: str
    name: str = ""
    schema: object = None


class _Text(Struct):
    format: _Format | None = None


class _Body(Struct):
    model: str
    input: str | list[_Item]
    tools: list[_Tool] = []
    text: _Text | None = None
    max_output_tokens: int | None = None


_decode: Final = Decoder(_Body).decode


def find(seen: Seen, _prefill: bool) -> str:  # noqa: FBT001 - the shape of all checks
    """Say what is wrong with a request; it takes an assistant's message at the end."""
    if not seen.path.partition("?")[0].endswith("/responses"):
        return ""
    if name := unknown_field(seen.body, KNOWN):
        return f"Unknown parameter: '{name}'."
    return first_wrong(_decode(seen.body), _RULES)


def _limit(body: _Body) -> str:
    if body.max_output_tokens is not None and body.max_output_tokens < LEAST_TOKENS:
        return "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16."
    return ""


def _tools(body: _Body) -> str:
    for at, tool in enumerate(body.tools):
        if tool.type == "function" and not _fits_name(tool.name):
            return f"Missing required parameter: 'tools[{at}].name'."
    return ""


def _format(body: _Body) -> str:
    form = body.text.format if body.text is not None else None
    if form is None or form.type != "json_schema":
        return ""
    if not form.name:
        return "Missing required parameter: 'text.format.name'."
    return "" if form.schema is not None else "Missing required parameter: 'text.format.schema'."


def _items(body: _Body) -> str:
    for at, item in enumerate(_list(body)):
        if item.type not in ITEMS:
            return f"Invalid value: '{item.type}' for 'input[{at}].type'."
        if item.type not in {"", "message"}:
            continue
        known = PARTS.get(item.role)
        if known is None:
            return f"Invalid value: '{item.role}' for 'input[{at}].role'."
        for part in item.content if isinstance(item.content, list) else ():
            if part.type not in known:
                return f"Invalid value: '{part.type}' for 'input[{at}].content' of {item.role}."
    return ""


def _calls(body: _Body) -> str:
    called: set[str] = set()
    answered: set[str] = set()
    for item in _list(body):
        if item.type == "function_call":
            called.add(item.call_id)
        elif item.type == "function_call_output":
            if item.call_id not in called:
                return f"No tool call found for function call output with call_id {item.call_id}."
            answered.add(item.call_id)
    left = sorted(called - answered)
    return f"No tool output found for function call {left[0]}." if left else ""


def _list(body: _Body) -> list[_Item]:
    return body.input if isinstance(body.input, list) else []


_RULES: Final = (_limit, _tools, _format, _items, _calls)

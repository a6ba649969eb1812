"""What Anthropic's Messages API refuses."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from msgspec import UNSET, Struct, UnsetType
from msgspec.json import Decoder

from ..step import Seen
from .rules import first_wrong, is_blank, unknown_field

NO_SAMPLING: Final = "2026-10-21"
"""From this version on sampling parameters are refused, even at their defaults."""
SAMPLING: Final = ("temperature", "top_p", "top_k")
KNOWN: Final = frozenset(
    {
        *("cache_control", "container", "diagnostics", "inference_geo", "max_tokens", "messages"),
        *("metadata", "model", "output_config", "service_tier", "speed", "stop_sequences"),
        *("stream", "system", "temperature", "thinking", "tool_choice", "tools", "top_k", "top_p"),
    }
)
"""Fields of a request without beta features."""
COUNTED: Final = frozenset(
    {
        *("cache_control", "messages", "model", "output_config", "speed", "system", "thinking"),
        *("tool_choice", "tools"),
    }
)
"""Fields of a request to count tokens."""
LEAST_BUDGET: Final = 1024
_fits_id: Final = re.compile(r"[a-zA-Z0-9_-]+").fullmatch
_fits_name: Final = re.compile(r"[a-zA-Z0-9_-]{1,128}").fullmatch


class _Block(Struct):
    type: str
    text: str = ""
    id: str = ""
    name: str = ""
    input: dict[str, object] | UnsetType = UNSET
    tool_use_id: str = ""
    signature: str | UnsetType = UNSET


class _Message(Struct):
    role: str
    content: str | list[_Block]


class _Schema(Struct):
    type: str = ""


class _Tool(Struct):
    name: str
    type: str = "custom"
    input_schema: _Schema | UnsetType = UNSET


class _Thinking(Struct):
    type: str
    budget_tokens: int | None = None


class _Body(Struct):
    model: str
    messages: list[_Message]
    max_tokens: int | None = None
    system: str | list[_Block] = ""
    tools: list[_Tool] = []
    tool_choice: object = None
    stop_sequences: list[str] = []
    temperature: float | None = None
    thinking: _Thinking | None = None


_decode: Final = Decoder(_Body).decode


def find(seen: Seen, prefill: bool) -> str:  # noqa: FBT001 - the shape of all checks
    """Say what is wrong with a request."""
    path = seen.path.partition("?")[0]
    counts = path.endswith("/v1/messages/count_tokens")
    if not counts and not path.endswith("/v1/messages"):
        return ""
    if wrong := _wrong_fields(seen, COUNTED if counts else KNOWN):
        return wrong
    body = _decode(seen.body)
    rules = _RULES if counts else (_limit, *_RULES)
    return first_wrong(body, rules) or ("" if prefill else _begun(body))


def _wrong_fields(seen: Seen, known: frozenset[str]) -> str:
    version = seen.headers.get("anthropic-version")
    if version is None:
        return "anthropic-version: header is required"
    if version >= NO_SAMPLING:
        known = known.difference(SAMPLING)
    name = unknown_field(seen.body, known)
    if name in SAMPLING:
        return f"{name}: sampling parameters are not supported in this API version"
    beta = "anthropic-beta" in seen.headers
    return f"{name}: Extra inputs are not permitted" if name and not beta else ""


def _limit(body: _Body) -> str:
    if body.max_tokens is None:
        return "max_tokens: Field required"
    if body.max_tokens < 0:
        return "max_tokens: Input should be greater than or equal to 0"
    budget = body.thinking.budget_tokens if body.thinking is not None else None
    if budget is not None and not LEAST_BUDGET <= budget < body.max_tokens:
        return "thinking.budget_tokens: must be at least 1024 and less than max_tokens"
    return ""


def _sampling(body: _Body) -> str:
    if body.temperature is not None and not 0 <= body.temperature <= 1:
        return "temperature: range: 0..1"
    return ""


def _stops(body: _Body) -> str:
    blank = any(is_blank(stop) for stop in body.stop_sequences)
    return "stop_sequences: each stop sequence must contain non-whitespace" if blank else ""


def _tools(body: _Body) -> str:
    if body.tool_choice is not None and not body.tools:
        return "tool_choice: may only be specified while providing tools"
    for at, tool in enumerate(body.tools):
        if not _fits_name(tool.name):
            return f"tools.{at}.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'"
        if tool.type != "custom":
            continue
        if tool.input_schema is UNSET:
            return f"tools.{at}.input_schema: Field required"
        if tool.input_schema.type != "object":
            return f"tools.{at}.input_schema.type: Input should be 'object'"
    return ""


def _roles(body: _Body) -> str:
    if not body.messages:
        return "messages: at least one message is required"
    for at, message in enumerate(body.messages):
        if message.role not in {"user", "assistant", "system"}:
            return f"messages.{at}.role: Input should be 'user' or 'assistant'"
    if body.messages[0].role != "user":
        return "messages: first message must use the user role"
    return ""


def _texts(body: _Body) -> str:
    if isinstance(body.system, list) and _has_empty_text(body.system):
        return "system: text content blocks must be non-empty"
    for at, message in enumerate(body.messages):
        if not message.content:
            return f"messages.{at}: all messages must have non-empty content"
        if isinstance(message.content, list) and _has_empty_text(message.content):
            return "messages: text content blocks must be non-empty"
    return ""


def _has_empty_text(blocks: Sequence[_Block]) -> bool:
    return any(block.type == "text" and is_blank(block.text) for block in blocks)


def _blocks(body: _Body) -> str:
    seen: set[str] = set()
    for role, blocks in _turns(body):
        for block in blocks:
            if wrong := _wrong_block(role, block):
                return wrong
            if block.type == "tool_use":
                if block.id in seen:
                    return "messages: `tool_use` ids must be unique"
                seen.add(block.id)
    return ""


def _wrong_block(role: str, block: _Block) -> str:
    match block.type:
        case "tool_use":
            if role != "assistant":
                return "messages: `tool_use` blocks can only be in `assistant` messages"
            if not _fits_id(block.id):
                return "messages: tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'"
            if block.input is UNSET:
                return "messages: tool_use.input: Field required"
        case "tool_result" if role != "user":
            return "messages: `tool_result` blocks can only be in `user` messages"
        case "thinking" if block.signature is UNSET:
            return "messages: thinking.signature: Field required"
        case _:
            pass
    return ""


def _results(body: _Body) -> str:
    nothing: list[_Block] = []
    turns = (nothing, *(blocks for _, blocks in _turns(body)), nothing)
    for before, blocks in pairwise(turns):
        calls = {block.id for block in before if block.type == "tool_use"}
        results = [block.tool_use_id for block in blocks if block.type == "tool_result"]
        # The server looks for them at the beginning of the next message.
        leading = {block.tool_use_id for block in blocks[: len(results)]} - {""}
        if left := sorted(calls - leading):
            return (
                f"messages: `tool_use` ids were found without `tool_result` blocks immediately "
                f"after: {', '.join(left)}"
            )
        if left := sorted(set(results) - calls):
            return f"messages: unexpected `tool_use_id` found in `tool_result`: {', '.join(left)}"
    return ""


def _begun(body: _Body) -> str:
    if body.messages[-1].role != "assistant":
        return ""
    return (
        "This model does not support assistant message prefill. "
        "The conversation must end with a user message."
    )


def _turns(body: _Body) -> Iterator[tuple[str, list[_Block]]]:
    """Merge messages of the same role, as the server does."""
    role, blocks = "", list[_Block]()
    for message in body.messages:
        if message.role != role:
            if role:
                yield role, blocks
            role, blocks = message.role, []
        content = message.content
        blocks += [_Block("text", content)] if isinstance(content, str) else content
    yield role, blocks


_RULES: Final = (_sampling, _stops, _tools, _roles, _texts, _blocks, _results)

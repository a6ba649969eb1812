"""Responses as objects: written for callers, whole or as the frame of a stream."""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec.json import Encoder

from ..api import Envelope
from ..neutral import Call, Finish, Mode, Refusal, Reply, Request, Text, Thinking, Tool, ToolChoice
from ..turns import split_system
from .answer import COMPLETED, FILTERED, TOO_LONG
from .usage import write_usage

Json = dict[str, object]

IN_PROGRESS: Final = "in_progress"
INCOMPLETE: Final = "incomplete"

REASONS: Final[Mapping[Finish, str]] = {
    Finish.LENGTH: TOO_LONG,
    Finish.CONTENT_FILTER: FILTERED,
}
"""Finishes that leave an answer incomplete; others complete it."""

_MESSAGE: Final = "message"
_PREFIXES: Final = {_MESSAGE: "msg", "function_call": "fc", "reasoning": "rs"}

_encode: Final = Encoder().encode


def write_reply(reply: Reply, envelope: Envelope) -> bytes:
    """Write a whole answer for a caller of this dialect."""
    reason = REASONS.get(reply.finish)
    status = COMPLETED if reason is None else INCOMPLETE
    fields = response_fields(envelope)
    return _encode(
        {
            **fields,
            "status": status,
            "incomplete_details": None if reason is None else {"reason": reason},
            "output": _output(reply.parts, envelope),
            "usage": write_usage(reply.usage),
        }
    )


def response_fields(envelope: Envelope) -> Json:
    """Return the fields of a response that was just begun: who it is, and what was asked."""
    request = envelope.request
    system = "\n\n".join(split_system(request.turns)[0])
    reasoning = request.reasoning
    return {
        "id": f"resp_{envelope.request_id}",
        "object": "response",
        "created_at": envelope.created,
        "status": IN_PROGRESS,
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": system or None,
        "max_output_tokens": request.max_tokens,
        "model": envelope.model,
        "output": [],
        "parallel_tool_calls": request.parallel is not False,
        "previous_response_id": None,
        "reasoning": {
            "effort": (reasoning.effort or None) if reasoning is not None else None,
            "summary": "auto" if reasoning is not None and reasoning.shown else None,
        },
        "store": False,
        "temperature": 1.0 if request.temperature is None else request.temperature,
        "text": {"format": write_format(request)},
        "tool_choice": write_choice(request.tool_choice),
        "tools": [write_tool(tool) for tool in request.tools],
        "top_p": 1.0 if request.top_p is None else request.top_p,
        "truncation": "disabled",
        "usage": None,
        "user": request.user or None,
        "metadata": {},
    }


def write_tool(tool: Tool) -> Json:
    """Write the definition of a function.

    `strict` is always there: OpenAI takes a function without it for a strict one.
    """
    wire: Json = {"type": "function", "name": tool.name}
    if tool.description:
        wire["description"] = tool.description
    return {**wire, "parameters": tool.schema, "strict": tool.strict is True}


def write_choice(choice: ToolChoice | None) -> object:
    """Write how free the model is to call tools."""
    if choice is None:
        return "auto"
    mode, names = choice.mode, choice.names
    if not names or mode is Mode.NONE:
        return mode.value
    if mode is Mode.REQUIRED and len(names) == 1:
        return {"type": "function", "name": names[0]}
    tools = [{"type": "function", "name": name} for name in names]
    return {"type": "allowed_tools", "mode": mode.value, "tools": tools}


def write_format(request: Request) -> Json:
    """Write the form of the answer's text."""
    wanted = request.format
    if wanted is None:
        return {"type": "text"}
    if wanted.schema is None:
        return {"type": "json_object"}
    wire: Json = {"type": "json_schema", "name": wanted.name, "schema": wanted.schema}
    if wanted.description:
        wire["description"] = wanted.description
    if wanted.strict is not None:
        wire["strict"] = wanted.strict
    return wire


def item_id(kind: str, index: int, envelope: Envelope) -> str:
    """Return the id of the item at `index` of the output."""
    return f"{_PREFIXES[kind]}_{envelope.request_id}_{index}"


def call_id(given: str, number: int, envelope: Envelope) -> str:
    """Return the id of a call; one is made where the provider gave none."""
    return given or f"call_{envelope.request_id}_{number}"


def message_item(wire_id: str, status: str, content: Sequence[Json]) -> Json:
    """Write a message."""
    return {
        "id": wire_id,
        "type": _MESSAGE,
        "status": status,
        "role": "assistant",
        "content": content,
    }


def reasoning_item(wire_id: str, status: str, summary: Sequence[Json]) -> Json:
    """Write shown reasoning.

    It carries no proof of its maker, and says so by an empty one: `pass_fields` leaves such items
    out of requests, where OpenAI would look for them in vain.
    """
    return {
        "id": wire_id,
        "type": "reasoning",
        "status": status,
        "summary": summary,
        "encrypted_content": "",
    }


def call_item(wire_id: str, status: str, call: Call) -> Json:
    """Write a call of a function."""
    return {
        "id": wire_id,
        "type": "function_call",
        "status": status,
        "call_id": call.id,
        "name": call.name,
        "arguments": call.arguments,
    }


def text_part(text: str) -> Json:
    """Write words of a message."""
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def refusal_part(text: str) -> Json:
    """Write a message's words for declining."""
    return {"type": "refusal", "refusal": text}


def summary_part(text: str) -> Json:
    """Write words of reasoning."""
    return {"type": "summary_text", "text": text}


def thought_part(text: str) -> Json:
    """Write words of thoughts that are not summed up."""
    return {"type": "reasoning_text", "text": text}


def error_fields(code: str, message: str) -> Json:
    """Write an error inside a stream. Quirk: SDKs raise at an event with an `error` only."""
    error = {"type": "server_error", "code": code, "message": message, "param": None}
    return {"code": code, "message": message, "param": None, "error": error}


def _output(parts: Sequence[Text | Thinking | Refusal | Call], envelope: Envelope) -> list[Json]:
    """Write the items; words that follow each other are one message."""
    items: list[Json] = []
    content: list[Json] = []
    calls = 0
    for part in parts:
        index = len(items)
        match part:
            case Text(text=text):
                _add_word(text_part(text), content, items, envelope)
            case Refusal(text=text):
                _add_word(refusal_part(text), content, items, envelope)
            case Thinking(text=text):
                content = []
                made = item_id("reasoning", index, envelope)
                items.append(reasoning_item(made, COMPLETED, [summary_part(text)]))
            case Call():
                content = []
                made = item_id("function_call", index, envelope)
                call = Call(call_id(part.id, calls, envelope), part.name, part.arguments or "{}")
                items.append(call_item(made, COMPLETED, call))
                calls += 1
    return items


def _add_word(word: Json, content: list[Json], items: list[Json], envelope: Envelope) -> None:
    """Put words into the open message, or into a new one."""
    if not content:
        made = item_id(_MESSAGE, len(items), envelope)
        items.append(message_item(made, COMPLETED, content))
    content.append(word)

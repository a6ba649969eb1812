"""Responses as OpenAI writes them: see `form.Form`; errors are those of its chat."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from .form import CREATED, Answer, Asked, decode_asked, encode, events_of, halves
from .openai_form import error_body, limited, models_body, wrong_key
from .step import Seen, ToolCall

__all__ = [
    "DONE",
    "PING",
    "REQUEST_ID",
    "answer_body",
    "answer_events",
    "count_body",
    "error_body",
    "error_event",
    "limited",
    "models_body",
    "read_asked",
    "wrong_key",
]

REQUEST_ID: Final = "x-request-id"
PING: Final = b'event: keepalive\ndata: {"type":"keepalive","sequence_number":0}\n\n'
DONE: Final = b""

INCOMPLETE: Final[Mapping[str, str]] = MappingProxyType(
    {"length": "max_output_tokens", "content_filter": "content_filter"}
)
"""Why an answer is not whole; another word than `stop`, `tool_calls` and `error` is the reason."""
WHOLE: Final = frozenset({"stop", "tool_calls"})
FAILED: Final = "error"

Json = dict[str, object]


class _Events:
    """Writes events and numbers them."""

    __slots__ = ("_number",)

    def __init__(self) -> None:
        self._number = -1

    def __call__(self, kind: str, fields: Json) -> bytes:
        self._number += 1
        body = encode({"type": f"response.{kind}", **fields, "sequence_number": self._number})
        return b"event: response.%b\ndata: %b\n\n" % (kind.encode(), body)


def read_asked(seen: Seen) -> Asked:
    """Read a request."""
    return decode_asked(seen.body)


def answer_body(answer: Answer, _asked: Asked) -> bytes:
    """Write an answer that is not streamed."""
    return encode(_response(answer, _status(answer), _output(answer)))


def answer_events(answer: Answer, _asked: Asked) -> Iterator[bytes]:
    """Write a stream's events: opening, one per piece, finish."""
    return events_of(_frames(answer, _Events()))


def error_event(error: object, number: int) -> bytes:
    """Write an in-band error."""
    if isinstance(error, str):
        # Above the number of every event before it: none of ours joins more than ten.
        said: Json = {"code": "server_error", "message": error, "param": None}
        error = {"type": "error", **said, "sequence_number": 10 * number}
    return b"event: error\ndata: %b\n\n" % encode(error)


def count_body(_seen: Seen, prompt_tokens: int) -> bytes:
    """Write how many tokens a request has."""
    return encode({"object": "response.input_tokens", "input_tokens": prompt_tokens})


def _frames(answer: Answer, event: _Events) -> Iterator[bytes | None]:
    begun: Json = {"response": _response(answer, "in_progress", [])}
    yield event("created", begun)
    yield event("in_progress", begun)
    index = 0
    if answer.thinking:
        yield from _thinking(answer, event)
        index += 1
    if answer.pieces:
        yield from _text(answer, event, index)
        index += 1
    if index == 0:
        yield None
    for tool in answer.tools:
        yield from _tool(answer, tool, event, index)
        index += 1
    if answer.finish_reason is not None:
        status = _status(answer)
        yield event(status, {"response": _response(answer, status, _output(answer))})


def _thinking(answer: Answer, event: _Events) -> Iterator[bytes | None]:
    item = _reasoning(answer)
    at: Json = {"item_id": item["id"], "output_index": 0, "summary_index": 0}
    text = "".join(answer.thinking)
    yield event("output_item.added", {"output_index": 0, "item": {**item, "summary": []}})
    yield event("reasoning_summary_part.added", {**at, "part": _summary("")})
    yield None
    for piece in answer.thinking:
        yield event("reasoning_summary_text.delta", {**at, "delta": piece})
        yield None
    yield event("reasoning_summary_text.done", {**at, "text": text})
    yield event("reasoning_summary_part.done", {**at, "part": _summary(text)})
    yield event("output_item.done", {"output_index": 0, "item": item})


def _text(answer: Answer, event: _Events, index: int) -> Iterator[bytes | None]:
    item = _message(answer)
    at: Json = {"item_id": item["id"], "output_index": index, "content_index": 0}
    text = "".join(answer.pieces)
    begun = {**item, "status": "in_progress", "content": ()}
    yield event("output_item.added", {"output_index": index, "item": begun})
    yield event("content_part.added", {**at, "part": _output_text("")})
    if index == 0:
        yield None
    for piece in answer.pieces:
        yield event("output_text.delta", {**at, "delta": piece, "logprobs": []})
        yield None
    yield event("output_text.done", {**at, "text": text, "logprobs": []})
    yield event("content_part.done", {**at, "part": _output_text(text)})
    yield event("output_item.done", {"output_index": index, "item": item})


def _tool(answer: Answer, tool: ToolCall, event: _Events, index: int) -> Iterator[bytes | None]:
    item = _call(answer, tool)
    at: Json = {"item_id": item["id"], "output_index": index}
    begun = {**item, "status": "in_progress", "arguments": ""}
    yield event("output_item.added", {"output_index": index, "item": begun})
    yield None
    for half in halves(tool.arguments):
        yield event("function_call_arguments.delta", {**at, "delta": half})
        yield None
    done = {**at, "name": tool.name, "arguments": tool.arguments}
    yield event("function_call_arguments.done", done)
    yield event("output_item.done", {"output_index": index, "item": item})


def _output(answer: Answer) -> list[Json]:
    items: list[Json] = []
    if answer.thinking:
        items.append(_reasoning(answer))
    if answer.pieces:
        items.append(_message(answer))
    items += [_call(answer, tool) for tool in answer.tools]
    return items


def _reasoning(answer: Answer) -> Json:
    item: Json = {"id": f"rs_{answer.id}", "type": "reasoning"}
    item["summary"] = [_summary("".join(answer.thinking))]
    if answer.signature:
        item["encrypted_content"] = answer.signature
    return item


def _message(answer: Answer) -> Json:
    return {
        "id": f"msg_{answer.id}",
        "type": "message",
        "status": "completed",
        "role": "assistant",
        "content": [_output_text("".join(answer.pieces))],
    }


def _call(answer: Answer, tool: ToolCall) -> Json:
    return {
        "id": f"fc_{answer.id}_{tool.id}",
        "type": "function_call",
        "status": "completed",
        "call_id": tool.id,
        "name": tool.name,
        "arguments": tool.arguments,
    }


def _summary(text: str) -> Json:
    return {"type": "summary_text", "text": text}


def _output_text(text: str) -> Json:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _status(answer: Answer) -> str:
    reason = answer.finish_reason
    if reason is None:
        return "in_progress"
    if reason in WHOLE:
        return "completed"
    return "failed" if reason == FAILED else "incomplete"


def _response(answer: Answer, status: str, output: list[Json]) -> Json:
    reason = answer.finish_reason or ""
    begun = status == "in_progress"
    failed = {"code": "server_error", "message": "The model failed."}
    return {
        "id": f"resp_{answer.id}",
        "object": "response",
        "created_at": CREATED,
        "status": status,
        "error": failed if status == "failed" else None,
        "incomplete_details": {"reason": INCOMPLETE.get(reason, reason)}
        if status == "incomplete"
        else None,
        "instructions": None,
        "model": answer.model,
        "output": output,
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "metadata": {},
        "usage": None if begun else _usage(answer),
    }


def _usage(answer: Answer) -> Json:
    return {
        "input_tokens": answer.prompt_tokens,
        "input_tokens_details": {"cached_tokens": answer.cached_tokens},
        "output_tokens": answer.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": answer.reasoning_tokens},
        "total_tokens": answer.prompt_tokens + answer.completion_tokens,
    }

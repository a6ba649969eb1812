"""Answers of servers that speak OpenAI's chat in a way of their own."""

import json
from collections.abc import Iterator, Sequence
from typing import Final

from hotswap.testing.step import Step, ToolCall

KINDS: Final = frozenset({"azure", "groq", "mistral", "openai"})
EVENTS: Final = {"content-type": "text/event-stream; charset=utf-8"}

Fields = dict[str, object]


def written(step: Step, kind: str, *, stream: bool) -> Step:
    """Return a step with the body that a server of this kind writes for `step`."""
    if stream:
        events = [json.dumps(chunk) for chunk in _chunks(step, kind)]
        text = "".join(f"data: {event}\n\n" for event in [*events, "[DONE]"])
        return Step(headers=EVENTS, body=text.encode())
    message: Fields = {"role": "assistant", **_content(step, kind)}
    if step.tools:
        message["tool_calls"] = [_call(index, tool, kind) for index, tool in enumerate(step.tools)]
    choice = {"index": 0, "message": message, "finish_reason": _finish(step)}
    head = {**_head(), "object": "chat.completion"}
    return Step(body={**head, "choices": [choice], "usage": _usage(step, kind)})


def _chunks(step: Step, kind: str) -> Iterator[Fields]:
    if kind == "azure":
        # Azure begins with a chunk about its filters, which has no choice.
        yield {**_head(), "choices": [], "prompt_filter_results": []}
    yield _chunk({"role": "assistant", "content": ""})
    for thought in step.thinking:
        if delta := _thoughts(thought, kind):
            yield _chunk(delta)
    for text in step.text or ():
        yield _chunk({"content": text})
    for index, tool in enumerate(step.tools):
        yield from _parts_of(index, tool, kind)
    last = _chunk({}, _finish(step))
    usage = _usage(step, kind)
    if kind == "mistral":
        yield {**last, "usage": usage}
        return
    # Groq says the usage twice.
    yield {**last, "x_groq": {"id": "req_1", "usage": usage}} if kind == "groq" else last
    yield {**_head(), "choices": [], "usage": usage}


def _parts_of(index: int, tool: ToolCall, kind: str) -> Iterator[Fields]:
    """Write a call: whole at Mistral, otherwise its name and then its arguments in two halves."""
    call = {**_call(index, tool, kind), "index": index}
    if kind == "mistral":
        yield _chunk({"tool_calls": [call]})
        return
    yield _chunk({"tool_calls": [{**call, "function": {"name": tool.name, "arguments": ""}}]})
    for part in (tool.arguments[:5], tool.arguments[5:]):
        yield _chunk({"tool_calls": [{"index": index, "function": {"arguments": part}}]})


def _head() -> Fields:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1_795_000_000,
        "model": "m",
    }


def _chunk(delta: Fields, finish: str | None = None) -> Fields:
    return {**_head(), "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def _content(step: Step, kind: str) -> Fields:
    text = "".join(step.text or ())
    if not step.thinking:
        return {"content": text or None}
    if kind == "mistral":
        return {"content": [*_thinking("".join(step.thinking)), {"type": "text", "text": text}]}
    return {"content": text, **_thoughts("".join(step.thinking), kind)}


def _thoughts(text: str, kind: str) -> Fields:
    """Write thoughts where this kind of server shows them: OpenAI and Azure do not."""
    match kind:
        case "mistral":
            return {"content": _thinking(text)}
        case "groq":
            return {"reasoning": text}
        case _:
            return {}


def _thinking(text: str) -> Sequence[Fields]:
    return [{"type": "thinking", "thinking": [{"type": "text", "text": text}]}]


def _call(index: int, tool: ToolCall, kind: str) -> Fields:
    function = {"name": tool.name, "arguments": tool.arguments}
    if kind == "mistral":
        # Mistral leaves the type to be guessed.
        return {"id": f"abcdefgh{index}", "index": index, "function": function}
    return {"id": f"call_{index}", "type": "function", "function": function}


def _finish(step: Step) -> str:
    return "tool_calls" if step.tools else "stop"


def _usage(step: Step, kind: str) -> Fields:
    said = step.completion_tokens or 0
    usage: Fields = {
        "prompt_tokens": step.prompt_tokens,
        "completion_tokens": said,
        "total_tokens": step.prompt_tokens + said,
        "prompt_tokens_details": {"cached_tokens": step.cached_tokens},
    }
    if step.thinking and kind != "mistral":
        usage["completion_tokens_details"] = {"reasoning_tokens": 5}
    return usage

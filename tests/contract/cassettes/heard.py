"""A second, simple reading of recorded answers, to compare the dialects' own with.

It is written for these recordings alone: by the standard library's JSON, with no regard for speed,
faults or odd shapes.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from msgspec import Struct

from hotswap.core.terms import Usage
from hotswap.dialects.neutral import (
    ArgumentsPiece,
    Call,
    CallPiece,
    Finish,
    FinishPiece,
    Piece,
    Refusal,
    RefusalPiece,
    Reply,
    SignaturePiece,
    Text,
    TextPiece,
    Thinking,
    ThinkingPiece,
)
from hotswap.testing.recording import Recording

Fields = Mapping[str, object]


class Heard(Struct):
    """What an answer says, whoever read it."""

    thinking: str = ""
    text: str = ""
    refusal: str = ""
    calls: list[tuple[str, object]] = []
    """Names and arguments."""
    finish: str = ""


def of_reply(reply: Reply) -> Heard:
    """Sum up what a dialect read of a whole answer."""
    heard = Heard(finish=reply.finish)
    for part in reply.parts:
        match part:
            case Text(text):
                heard.text += text
            case Thinking(text):
                heard.thinking += text
            case Refusal(text):
                heard.refusal += text
            case Call():
                heard.calls.append((part.name, json.loads(part.arguments)))
    return heard


def of_pieces(pieces: Sequence[Piece]) -> Heard:
    """Sum up what a dialect read of a stream."""
    heard = Heard()
    names: dict[int, str] = {}
    arguments: dict[int, str] = {}
    for piece in pieces:
        match piece:
            case TextPiece(text):
                heard.text += text
            case ThinkingPiece(text):
                heard.thinking += text
            case RefusalPiece(text):
                heard.refusal += text
            case CallPiece():
                assert piece.index == len(names)
                names[piece.index] = piece.name
                arguments[piece.index] = ""
            case ArgumentsPiece():
                arguments[piece.index] += piece.text
            case FinishPiece():
                assert piece is pieces[-1]
                heard.finish = piece.finish
            case SignaturePiece():
                pass
    heard.calls = [(name, json.loads(arguments[i] or "{}")) for i, name in names.items()]
    return heard


def of_recording(recording: Recording) -> Heard:
    """Read a recorded answer the simple way."""
    if recording.streamed:
        events = list(_events(recording.body))
        return _STREAMS[recording.dialect](events)
    return _REPLIES[recording.dialect](_fields(json.loads(recording.body)))


def _events(body: bytes) -> Iterator[Fields]:
    for line in body.decode().replace("\r\n", "\n").split("\n"):
        if line.startswith("data:") and line.removeprefix("data:").strip() != "[DONE]":
            yield _fields(json.loads(line.removeprefix("data:")))


def _chat_reply(body: Fields) -> Heard:
    choice = _fields(_items(body["choices"])[0])
    message = _fields(choice["message"])
    calls = [_fields(_fields(call)["function"]) for call in _items(message.get("tool_calls"))]
    return Heard(
        text=_text(message.get("content")),
        refusal=_text(message.get("refusal")),
        calls=[(_text(call["name"]), json.loads(_text(call["arguments"]))) for call in calls],
        finish=_text(choice["finish_reason"]),
    )


def _chat_stream(events: Sequence[Fields]) -> Heard:
    heard = Heard()
    names: dict[int, str] = {}
    arguments: dict[int, str] = {}
    for event in events:
        for choice in map(_fields, _items(event.get("choices"))):
            delta = _fields(choice["delta"])
            heard.text += _text(delta.get("content"))
            heard.thinking += _text(delta.get("reasoning"))
            heard.finish = _text(choice.get("finish_reason")) or heard.finish
            for call in map(_fields, _items(delta.get("tool_calls"))):
                index = cast("int", call["index"])
                function = _fields(call["function"])
                names[index] = names.get(index, "") + _text(function.get("name"))
                arguments[index] = arguments.get(index, "") + _text(function.get("arguments"))
    heard.calls = [(name, json.loads(arguments[i] or "{}")) for i, name in names.items()]
    return heard


_ANTHROPIC_FINISHES = {
    "end_turn": Finish.STOP,
    "stop_sequence": Finish.STOP,
    "tool_use": Finish.TOOL_CALLS,
    "max_tokens": Finish.LENGTH,
}


def _anthropic_reply(body: Fields) -> Heard:
    heard = Heard(finish=_ANTHROPIC_FINISHES[_text(body["stop_reason"])])
    for block in map(_fields, _items(body["content"])):
        heard.text += _text(block.get("text"))
        heard.thinking += _text(block.get("thinking"))
        if block["type"] == "tool_use":
            heard.calls.append((_text(block["name"]), block["input"]))
    return heard


def _anthropic_stream(events: Sequence[Fields]) -> Heard:
    heard = Heard()
    blocks: list[Fields] = []
    inputs: list[str] = []
    for event in events:
        if event["type"] == "content_block_start":
            blocks.append(_fields(event["content_block"]))
            inputs.append("")
        elif event["type"] == "content_block_delta":
            delta = _fields(event["delta"])
            heard.text += _text(delta.get("text"))
            heard.thinking += _text(delta.get("thinking"))
            inputs[-1] += _text(delta.get("partial_json"))
        elif event["type"] == "message_delta":
            heard.finish = _ANTHROPIC_FINISHES[_text(_fields(event["delta"])["stop_reason"])]
    heard.calls = [
        (_text(block["name"]), json.loads(said or "{}"))
        for block, said in zip(blocks, inputs, strict=True)
        if block["type"] == "tool_use"
    ]
    return heard


def _gemini_reply(body: Fields) -> Heard:
    return _gemini_stream([body])


def _gemini_stream(events: Sequence[Fields]) -> Heard:
    heard = Heard()
    for event in events:
        candidate = _fields(_items(event["candidates"])[0])
        finish = _text(candidate.get("finishReason"))
        heard.finish = {"STOP": "stop", "MAX_TOKENS": "length", "": heard.finish}[finish]
        for part in map(_fields, _items(_fields(candidate["content"]).get("parts"))):
            heard.text += _text(part.get("text"))
            if "functionCall" in part:
                call = _fields(part["functionCall"])
                heard.calls.append((_text(call["name"]), call.get("args", {})))
    if heard.calls:
        heard.finish = Finish.TOOL_CALLS
    return heard


def _responses_reply(body: Fields) -> Heard:
    heard = Heard(finish=Finish.STOP)
    for item in map(_fields, _items(body["output"])):
        if item["type"] == "function_call":
            heard.calls.append((_text(item["name"]), json.loads(_text(item["arguments"]))))
            heard.finish = Finish.TOOL_CALLS
        for content in map(_fields, _items(item.get("content"))):
            heard.text += _text(content.get("text"))
    return heard


def _responses_stream(events: Sequence[Fields]) -> Heard:
    (last,) = [event for event in events if event["type"] == "response.completed"]
    heard = _responses_reply(_fields(last["response"]))
    deltas = [event for event in events if event["type"] == "response.output_text.delta"]
    assert heard.text == "".join(_text(event["delta"]) for event in deltas)
    return heard


_REPLIES = {
    "chat": _chat_reply,
    "messages": _anthropic_reply,
    "gemini": _gemini_reply,
    "responses": _responses_reply,
}
_STREAMS = {
    "chat": _chat_stream,
    "messages": _anthropic_stream,
    "gemini": _gemini_stream,
    "responses": _responses_stream,
}


def _fields(value: object) -> Fields:
    assert isinstance(value, dict)
    return cast("Fields", value)


def _items(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def tokens(usage: Usage | None) -> tuple[int, int, int, int] | None:
    """Return input, output, cached and reasoning tokens."""
    if usage is None:
        return None
    return (
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_read_tokens,
        usage.reasoning_tokens,
    )

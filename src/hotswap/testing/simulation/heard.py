"""What a caller's SDK makes of the bytes that it got: a reader of its own for each dialect.

It shares no code with the product, so what the product gets wrong twice is seen here. It is as
strict as the official SDKs and stricter where they are careless: an event that is cut, a second
beginning, a word after the end are flaws.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from msgspec import DecodeError, Struct, ValidationError, field

from .wire import (
    Anthropic,
    Block,
    ChatDelta,
    Delta,
    Event,
    Gemini,
    Response,
    decode_anthropic,
    decode_chat,
    decode_event,
    decode_gemini,
    decode_gemini_array,
    decode_response,
)


class Heard(Struct):
    """What is known of an answer."""

    text: str = ""
    part: str = ""
    """Of it, what stands in the last part of a message; only Responses have parts."""
    calls: list["HeardCall"] = field(default_factory=list["HeardCall"])
    """In the order in which they began."""
    finish: str = ""
    """The reason in the dialect's own words; empty: it was not said."""
    ended: bool = False
    """The dialect's own end was seen, so that nothing is missing."""
    error: bool = False
    """An error that makes the SDK raise."""
    notes: int = 0
    """Comments."""
    flaw: str = ""
    """How the bytes break the dialect's rules."""


class HeardCall(Struct):
    """One tool call."""

    name: str
    arguments: str = ""
    done: bool = False
    """It was said to be complete."""


def hear_stream(dialect: str, body: bytes, *, array: bool = False) -> Heard:
    """Read all the bytes of a stream, wherever it ended."""
    heard = Heard()
    try:
        if array:
            _hear_array(body, heard)
        else:
            _STREAMS[dialect](_payloads(body, heard), heard)
    except (DecodeError, ValidationError, UnicodeDecodeError) as error:
        heard.flaw = heard.flaw or f"not readable: {error}"
    return heard


def hear_whole(dialect: str, body: bytes) -> Heard:
    """Read a whole answer with status 200."""
    heard = Heard(ended=True)
    try:
        _WHOLES[dialect](body, heard)
    except (DecodeError, ValidationError, UnicodeDecodeError) as error:
        heard.flaw = f"not readable: {error}"
    return heard


def _payloads(body: bytes, heard: Heard) -> Sequence[bytes]:
    """Return the data of the events; what comes after the last blank line is a flaw."""
    if b"\r" in body:
        body = body.replace(b"\r\n", b"\n")
    *blocks, rest = body.split(b"\n\n")
    if rest.strip(b"\n"):
        heard.flaw = f"an event is cut: {rest[-80:]!r}"
    payloads: list[bytes] = []
    for block in blocks:
        if block.startswith(b"data: ") and b"\n" not in block:
            payloads.append(block[6:])
        else:
            _read_block(block, payloads, heard)
    return payloads


def _read_block(block: bytes, payloads: list[bytes], heard: Heard) -> None:
    data: list[bytes] = []
    for line in block.split(b"\n"):
        if line.startswith(b":"):
            heard.notes += 1
        elif line.startswith(b"data:"):
            data.append(line[5:].removeprefix(b" "))
        elif line and not line.startswith(b"event:"):
            heard.flaw = f"no field of an event: {line[:80]!r}"
    if data:
        payloads.append(b"\n".join(data))


def _after_end(heard: Heard) -> None:
    if heard.ended or heard.error:
        heard.flaw = heard.flaw or "something follows the end"


def _hear_chat(payloads: Sequence[bytes], heard: Heard) -> None:
    ids: set[str] = set()
    for payload in payloads:
        _after_end(heard)
        if payload == b"[DONE]":
            heard.ended = True
            continue
        chunk = decode_chat(payload)
        if chunk.error is not None:
            heard.error = True
            continue
        ids.add(chunk.id)
        for choice in chunk.choices or ():
            if heard.finish and choice.delta is not None and choice.delta.content:
                heard.flaw = "content after the finish"
            _take_chat(choice.delta, heard)
            heard.finish = choice.finish_reason or heard.finish
    if len(ids) > 1:
        heard.flaw = heard.flaw or "the id changes"


def _take_chat(delta: ChatDelta | None, heard: Heard) -> None:
    if delta is None:
        return
    if delta.content:
        heard.text += delta.content
    for call in delta.tool_calls or ():
        if call.index == len(heard.calls):
            heard.calls.append(HeardCall(""))
        if call.index >= len(heard.calls):
            heard.flaw = "a call has no beginning"
        elif call.function is not None:
            heard.calls[call.index].name += call.function.name or ""
            heard.calls[call.index].arguments += call.function.arguments or ""


def _hear_chat_whole(body: bytes, heard: Heard) -> None:
    chat = decode_chat(body)
    for choice in chat.choices or ():
        _take_chat(_numbered(choice.message), heard)
        heard.finish = choice.finish_reason or ""


def _numbered(message: ChatDelta | None) -> ChatDelta | None:
    """Give the calls of a whole message the numbers that a stream's have."""
    if message is not None:
        for index, call in enumerate(message.tool_calls or ()):
            call.index = index
    return message


_ANTHROPIC: Final = frozenset(
    {
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
        "error",
    }
)
"""Other events mean nothing to the SDK."""


def _hear_anthropic(payloads: Sequence[bytes], heard: Heard) -> None:
    begun = False
    blocks: dict[int, HeardCall | None] = {}
    for payload in payloads:
        event = decode_anthropic(payload)
        if event.type not in _ANTHROPIC:
            continue
        _after_end(heard)
        if event.type == "message_start":
            heard.flaw = heard.flaw or ("a second beginning" if begun else "")
            begun = True
        elif event.type == "error":
            heard.error = True
        elif not begun:
            heard.flaw = heard.flaw or f"{event.type} before the beginning"
        elif event.type == "message_stop":
            heard.ended = True
            heard.flaw = heard.flaw or ("a block is open at the end" if blocks else "")
        else:
            _take_anthropic(event, blocks, heard)


def _take_anthropic(event: Anthropic, blocks: dict[int, HeardCall | None], heard: Heard) -> None:
    delta, block = event.delta or Delta(), event.content_block or Block()
    if event.type == "content_block_start":
        heard.text += block.text
        call = HeardCall(block.name) if block.type == "tool_use" else None
        if call is not None:
            heard.calls.append(call)
        if blocks:
            heard.flaw = heard.flaw or "two blocks are open"
        blocks[event.index] = call
    elif event.type == "message_delta":
        heard.finish = delta.stop_reason or heard.finish
    elif event.index not in blocks:
        heard.flaw = heard.flaw or f"{event.type} of a block that is not open"
    elif event.type == "content_block_delta":
        heard.text += delta.text if delta.type == "text_delta" else ""
        call = blocks[event.index]
        if call is not None:
            call.arguments += delta.partial_json
    elif event.type == "content_block_stop":
        call = blocks.pop(event.index)
        if call is not None:
            call.done = True


def _hear_anthropic_whole(body: bytes, heard: Heard) -> None:
    message = decode_anthropic(body)
    heard.finish = message.stop_reason or ""
    for block in message.content or ():
        heard.text += block.text if block.type == "text" else ""
        if block.type == "tool_use":
            heard.calls.append(HeardCall(block.name, bytes(block.input).decode(), done=True))


def _hear_gemini(payloads: Sequence[bytes], heard: Heard) -> None:
    if heard.notes:
        heard.flaw = heard.flaw or "a comment, which Google's SDK dies on"
    for payload in payloads:
        _take_gemini(decode_gemini(payload), heard)


def _hear_array(body: bytes, heard: Heard) -> None:
    """An array that is cut is no JSON, so Google's SDK raises."""
    try:
        chunks = decode_gemini_array(body)
    except DecodeError:
        if body.rstrip().endswith(b"]"):
            raise
        chunks = decode_gemini_array(body.rstrip().rstrip(b",") + b"]") if body.strip() else []
        heard.error = True
    for chunk in chunks:
        _take_gemini(chunk, heard)


def _take_gemini(chunk: Gemini, heard: Heard) -> None:
    if chunk.error is not None:
        heard.error = True
        return
    for candidate in chunk.candidates or ():
        parts = (candidate.content.parts if candidate.content is not None else None) or ()
        for part in parts:
            if part.functionCall is not None:
                args = bytes(part.functionCall.args).decode()
                heard.calls.append(HeardCall(part.functionCall.name, args, done=True))
            elif part.text and not part.thought:
                if heard.finish:
                    heard.flaw = heard.flaw or "content after the finish"
                heard.text += part.text
        heard.finish = candidate.finishReason or heard.finish
        heard.ended = bool(heard.finish)


def _hear_gemini_whole(body: bytes, heard: Heard) -> None:
    _take_gemini(decode_gemini(body), heard)
    heard.ended = True


def _hear_responses(payloads: Sequence[bytes], heard: Heard) -> None:
    last = -1
    calls: dict[int, HeardCall] = {}
    for payload in payloads:
        event = decode_event(payload)
        if event.type == "keepalive":
            continue
        if event.type.startswith("response."):
            _after_end(heard)
            if event.sequence_number <= last:
                heard.flaw = heard.flaw or f"{event.type} is not numbered upwards"
            last = event.sequence_number
        _take_response_event(event, calls, heard)


def _take_response_event(event: Event, calls: dict[int, HeardCall], heard: Heard) -> None:
    match event.type:
        case "error" | "response.failed":
            heard.error = True
        case "response.output_text.delta":
            heard.text += event.delta
            heard.part += event.delta
        case "response.output_text.done":
            if event.text != heard.part:
                heard.flaw = heard.flaw or "the text that is done is not the text of the deltas"
            heard.part = ""
        case "response.output_item.added" if event.item and event.item.type == "function_call":
            calls[event.output_index] = HeardCall(event.item.name)
            heard.calls.append(calls[event.output_index])
        case "response.function_call_arguments.delta":
            calls[event.output_index].arguments += event.delta
        case "response.function_call_arguments.done":
            calls[event.output_index].done = calls[event.output_index].arguments == event.arguments
        case "response.completed" | "response.incomplete" if event.response is not None:
            heard.ended = True
            heard.finish = event.response.status
            whole = Heard()
            _take_output(event.response, whole)
            if whole.text != heard.text:
                heard.flaw = heard.flaw or "the response's text is not that of the deltas"
        case _:
            pass


def _take_output(response: Response, heard: Heard) -> None:
    for item in response.output or ():
        if item.type == "message":
            heard.text += "".join(p.text for p in item.content or () if p.type == "output_text")
        elif item.type == "function_call":
            heard.calls.append(HeardCall(item.name, item.arguments, done=True))


def _hear_responses_whole(body: bytes, heard: Heard) -> None:
    response = decode_response(body)
    heard.finish = response.status
    _take_output(response, heard)


_STREAMS: Final[Mapping[str, Callable[[Sequence[bytes], Heard], None]]] = {
    "openai_chat": _hear_chat,
    "openai_responses": _hear_responses,
    "anthropic": _hear_anthropic,
    "gemini": _hear_gemini,
}
_WHOLES: Final[Mapping[str, Callable[[bytes, Heard], None]]] = {
    "openai_chat": _hear_chat_whole,
    "openai_responses": _hear_responses_whole,
    "anthropic": _hear_anthropic_whole,
    "gemini": _hear_gemini_whole,
}

"""What answers look like on the wire, as far as a caller's SDK cares, in all dialects."""

from typing import Final

from msgspec import Raw, Struct
from msgspec.json import Decoder


class Function(Struct):
    """OpenAI's chat: the tool of a call."""

    name: str | None = None
    arguments: str | None = None


class ChatCall(Struct):
    """OpenAI's chat: a call, or a part of one."""

    index: int = 0
    function: Function | None = None


class ChatDelta(Struct):
    """OpenAI's chat: what an event adds, or a whole message."""

    content: str | None = None
    tool_calls: list[ChatCall] | None = None


class ChatChoice(Struct):
    """OpenAI's chat: one choice."""

    delta: ChatDelta | None = None
    message: ChatDelta | None = None
    finish_reason: str | None = None


class Chat(Struct):
    """OpenAI's chat: an event, or a whole answer."""

    id: str = ""
    choices: list[ChatChoice] | None = None
    error: dict[str, object] | str | None = None


class Block(Struct):
    """Anthropic: a block of content."""

    type: str = ""
    text: str = ""
    name: str = ""
    input: Raw = Raw(b"{}")


class Delta(Struct):
    """Anthropic: what an event adds."""

    type: str = ""
    text: str = ""
    partial_json: str = ""
    stop_reason: str | None = None


class Anthropic(Struct):
    """Anthropic: an event, or a whole message."""

    type: str = ""
    index: int = -1
    content_block: Block | None = None
    delta: Delta | None = None
    content: list[Block] | None = None
    stop_reason: str | None = None


class Args(Struct):
    """Gemini: a call."""

    name: str = ""
    args: Raw = Raw(b"{}")


class GeminiPart(Struct):
    """Gemini: a part of the content."""

    text: str | None = None
    thought: bool = False
    functionCall: Args | None = None  # noqa: N815 - a name of the wire


class GeminiContent(Struct):
    """Gemini: the content."""

    parts: list[GeminiPart] | None = None


class Candidate(Struct):
    """Gemini: one candidate."""

    content: GeminiContent | None = None
    finishReason: str | None = None  # noqa: N815 - a name of the wire


class Gemini(Struct):
    """Gemini: an event, or a whole answer."""

    candidates: list[Candidate] | None = None
    error: dict[str, object] | str | None = None


class OutText(Struct):
    """Responses: a part of a message."""

    type: str = ""
    text: str = ""


class Item(Struct):
    """Responses: an item of the output."""

    type: str = ""
    name: str = ""
    arguments: str = ""
    content: list[OutText] | None = None


class Response(Struct):
    """Responses: the whole."""

    status: str = ""
    output: list[Item] | None = None


class Event(Struct):
    """Responses: an event."""

    type: str = ""
    sequence_number: int = -1
    output_index: int = -1
    delta: str = ""
    text: str = ""
    arguments: str = ""
    item: Item | None = None
    response: Response | None = None
    error: dict[str, object] | str | None = None


decode_chat: Final = Decoder(Chat).decode
decode_anthropic: Final = Decoder(Anthropic).decode
decode_gemini: Final = Decoder(Gemini).decode
decode_gemini_array: Final = Decoder(list[Gemini]).decode
decode_event: Final = Decoder(Event).decode
decode_response: Final = Decoder(Response).decode

"""What a request and an answer mean, whatever dialect they are written in.

A dialect reads its wire into these values and writes them out again; between two dialects there is
nothing else. Two sides of the same dialect never come here: their bytes pass.
"""

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Raw, Struct

from ..core.terms import Usage

# Requests and whole answers


class Text(Struct, frozen=True, gc=False):
    """Words."""

    text: str
    cached: bool = False
    """The caller marks the prompt up to here as worth caching."""


class Image(Struct, frozen=True, gc=False):
    """A picture: by its bytes or by an address, never both."""

    media_type: str = ""
    """Such as `image/png`; empty where only the address is known."""
    data: str = ""
    """Base64."""
    url: str = ""
    detail: str = ""
    """OpenAI's `low`, `high` and so on; empty: not said."""


class Audio(Struct, frozen=True, gc=False):
    """A sound by its bytes."""

    media_type: str
    """Such as `audio/wav`."""
    data: str
    """Base64."""


class File(Struct, frozen=True, gc=False):
    """A document: by its bytes or by an address."""

    media_type: str = "application/pdf"
    data: str = ""
    """Base64."""
    url: str = ""
    name: str = ""


class Video(Struct, frozen=True, gc=False):
    """A film, by its bytes or by an address."""

    media_type: str
    data: str = ""
    url: str = ""


class Thinking(Struct, frozen=True, gc=False):
    """Reasoning that a model shows. In history it belongs to whoever made it: writers drop it."""

    text: str
    signature: str = ""
    """The maker's proof; means nothing to others."""


class Refusal(Struct, frozen=True, gc=False):
    """The model's words for declining."""

    text: str


class Call(Struct, frozen=True, gc=False):
    """The model calls a tool."""

    id: str
    name: str
    arguments: str
    """JSON text of an object; `{}` where the wire had nothing."""
    signature: str = ""
    """Gemini's thought signature of the call; empty: none."""


class Result(Struct, frozen=True):
    """What a tool returned."""

    call_id: str
    parts: Sequence["Text | Image | Audio | File | Video"]
    name: str = ""
    """Of the tool; empty where the dialect does not say (`tool_name` finds it)."""
    failed: bool = False


Part = Text | Image | Audio | File | Video | Thinking | Refusal | Call | Result


class Role(StrEnum):
    """Who speaks."""

    SYSTEM = "system"
    """Instructions; anywhere in the conversation, usually first."""
    USER = "user"
    """The person, and the results of tools."""
    ASSISTANT = "assistant"


class Turn(Struct, frozen=True):
    """One message."""

    role: Role
    parts: Sequence[Part]
    name: str = ""


class Tool(Struct, frozen=True):
    """A function that the model may call."""

    name: str
    description: str = ""
    schema: Raw = Raw(b'{"type":"object","properties":{}}')
    """JSON Schema of the arguments, as the caller sent it."""
    strict: bool | None = None
    """None: not said."""


class Mode(StrEnum):
    """How free the model is to call tools."""

    AUTO = "auto"
    NONE = "none"
    REQUIRED = "required"


class ToolChoice(Struct, frozen=True):
    """Whether tools are called, and which."""

    mode: Mode
    names: Sequence[str] = ()
    """Only these tools; empty: all. `REQUIRED` with one name forces that tool."""


class Format(Struct, frozen=True):
    """The form of the answer's text; no format at all: plain text."""

    schema: Raw | None = None
    """JSON Schema; None: any JSON object."""
    name: str = "answer"
    description: str = ""
    strict: bool | None = None


class Reasoning(Struct, frozen=True, gc=False):
    """How much the model thinks. Neither field: as the model likes."""

    effort: str = ""
    """none, minimal, low, medium, high, xhigh, max; empty: not said in these words."""
    budget_tokens: int | None = None
    """Tokens for thinking, 0: none; None: not said in tokens."""
    shown: bool = False
    """The caller wants to see the thoughts or their summary."""


class Request(Struct, frozen=True, kw_only=True):
    """What a caller asks for."""

    turns: Sequence[Turn]
    """In order; neighbours may have the same role, a turn may hold no part."""
    stream: bool = False
    usage_asked: bool = False
    """The caller wants the usage at the end of a stream (only OpenAI's chat asks)."""
    tools: Sequence[Tool] = ()
    tool_choice: ToolChoice | None = None
    """None: not said, which means AUTO where there are tools."""
    parallel: bool | None = None
    """False: at most one call in an answer; None: not said."""
    format: Format | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    """0 to 2, as OpenAI counts it."""
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    stop: Sequence[str] = ()
    n: int = 1
    logprobs: bool = False
    top_logprobs: int | None = None
    reasoning: Reasoning | None = None
    user: str = ""
    """Who the caller says is asking."""
    cache_key: str = ""
    """OpenAI's and Mistral's `prompt_cache_key`."""
    dropped: Sequence[str] = ()
    """Fields of the caller, by their own names, that only colour the answer and have no place
    here: other dialects do without them and the caller is told."""
    native: Sequence[str] = ()
    """What only the caller's own dialect can do, in words of `core.capability`: references into an
    account, tools that the provider itself executes, audio output. Other dialects are unable."""


class Finish(StrEnum):
    """Why an answer ended, where that is no failure."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"


class Reply(Struct, frozen=True):
    """A whole answer that is usable."""

    parts: Sequence[Text | Thinking | Refusal | Call]
    finish: Finish
    usage: Usage | None = None
    """None: the provider did not say."""
    stop: str = ""
    """The caller's stop sequence that ended the answer, where the provider tells."""


# Streams


class TextPiece(Struct, frozen=True, gc=False):
    """The next words of the answer."""

    text: str


class ThinkingPiece(Struct, frozen=True, gc=False):
    """The next words of shown reasoning."""

    text: str


class SignaturePiece(Struct, frozen=True, gc=False):
    """The maker's proof of the reasoning that was shown just now."""

    signature: str


class RefusalPiece(Struct, frozen=True, gc=False):
    """The next words of a refusal."""

    text: str


class CallPiece(Struct, frozen=True, gc=False):
    """A tool call begins; `ArgumentsPiece`s of the same index follow, perhaps among others'."""

    index: int
    """0 for the first call of the answer, 1 for the next, without gaps."""
    id: str
    name: str
    signature: str = ""


class ArgumentsPiece(Struct, frozen=True, gc=False):
    """The next characters of a call's JSON arguments; none at all mean `{}`."""

    index: int
    text: str


class FinishPiece(Struct, frozen=True, gc=False):
    """The answer is whole; no piece follows."""

    finish: Finish
    stop: str = ""


Piece = (
    TextPiece
    | ThinkingPiece
    | SignaturePiece
    | RefusalPiece
    | CallPiece
    | ArgumentsPiece
    | FinishPiece
)


def tool_name(turns: Sequence[Turn], call_id: str) -> str:
    """Return the name of the tool that a call in `turns` named; empty: there is no such call."""
    for turn in turns:
        for part in turn.parts:
            if isinstance(part, Call) and part.id == call_id:
                return part.name
    return ""

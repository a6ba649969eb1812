"""What the APIs that a scripted provider speaks have in common.

Each API is a module with the names of `Form`; `routes.py` says which one a path belongs to.
"""

from collections.abc import Iterable, Iterator
from typing import Final, Protocol

from msgspec import Struct
from msgspec.json import Decoder, Encoder

from .step import Seen, Step, ToolCall

CREATED: Final = 1_795_000_000
COMPONENT: Final = 0.125
"""Every number of every vector."""
DIMENSIONS: Final = 8
"""Of a vector, unless others are asked for."""
encode: Final = Encoder().encode


class StreamOptions(Struct, frozen=True, gc=False):
    """What OpenAI's chat says of a stream."""

    include_usage: bool = False


class Asked(Struct, frozen=True):
    """What a request says that the answer depends on; OpenAI and Anthropic share the names."""

    model: str = ""
    stream: bool = False
    stream_options: StreamOptions | None = None
    in_array: bool = False
    """Gemini's stream that is not one of events."""


class Answer(Struct, frozen=True):
    """The content of one answer, for every API."""

    id: str
    """Of its own; an API may put a prefix before it."""
    model: str
    thinking: tuple[str, ...]
    signature: str
    pieces: tuple[str, ...]
    tools: tuple[ToolCall, ...]
    """With ids."""
    finish_reason: str | None
    """As `Step.finish_reason`; None: it is not said."""
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int

    @property
    def reasoning_tokens(self) -> int:
        """One per piece of the thinking."""
        return min(len(self.thinking), self.completion_tokens)


class Form(Protocol):
    """How one API writes everything that a scripted provider says."""

    @property
    def REQUEST_ID(self) -> str:  # noqa: N802 - a constant of a module
        """Header that carries the request's id; empty: none does."""
        ...

    @property
    def PING(self) -> bytes:  # noqa: N802 - a constant of a module
        """A sign of life in a stream."""
        ...

    @property
    def DONE(self) -> bytes:  # noqa: N802 - a constant of a module
        """What ends a stream after its finish; empty: nothing does."""
        ...

    def read_asked(self, seen: Seen, /) -> Asked:
        """Read a request; raises `msgspec.DecodeError`."""
        ...

    def answer_body(self, answer: Answer, asked: Asked, /) -> bytes:
        """Write an answer that is not streamed."""
        ...

    def answer_events(self, answer: Answer, asked: Asked, /) -> Iterator[bytes]:
        """Write a stream without `DONE`: the opening, one event per piece, the finish."""
        ...

    def error_body(self, status: int, message: str = "", /) -> bytes:
        """Write an error answer; without a message in the words of its status."""
        ...

    def error_event(self, error: object, number: int, /) -> bytes:
        """Write an in-band error: text in the API's form, other values as they are.

        Args:
            error: What went wrong.
            number: How many events went before.
        """
        ...

    def wrong_key(self) -> Step:
        """Say how a key is refused."""
        ...

    def limited(self, wait_s: float, /) -> Step:
        """Say how a used-up limit is answered."""
        ...

    def models_body(self, models: tuple[str, ...], owner: str, /) -> bytes:
        """Write the list of models."""
        ...


decode_asked: Final = Decoder(Asked).decode


def vector(dimensions: int | None) -> list[float]:
    """Return an embedding."""
    return [COMPONENT] * (dimensions or DIMENSIONS)


def events_of(frames: Iterable[bytes | None]) -> Iterator[bytes]:
    """Join frames to events; None ends one, and what is left at the end is the last."""
    held = b""
    for frame in frames:
        if frame is None:
            yield held
            held = b""
        else:
            held += frame
    if held:
        yield held


def halves(text: str) -> tuple[str, str]:
    """Cut a text in two."""
    middle = len(text) // 2
    return text[:middle], text[middle:]

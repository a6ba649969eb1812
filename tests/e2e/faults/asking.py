"""What the callers of the fault table ask for, and what an SDK gave them."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, Protocol

from msgspec import Struct, field
from msgspec.json import decode

MAX_TOKENS: Final = 4096
SAID: Final = "Tell me the story."
TOOL_NAME: Final = "look_up"


class What(StrEnum):
    """What is asked for."""

    TEXT = "text"
    TOOL = "tool"
    """A call of `TOOL_NAME`."""
    JSON = "json"
    """An answer by `schema`."""
    REASONING = "reasoning"
    IMAGE = "image"
    """Text, about a picture that is shown."""


class Ask(Struct, frozen=True):
    """One request."""

    chain: str
    streamed: bool
    what: What = What.TEXT
    said: str = SAID
    """The user's words."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


class Call(Struct, frozen=True):
    """A tool call, its arguments put together from what the SDK gave."""

    name: str
    arguments: Mapping[str, object]


class Got(Struct):
    """What the SDK gave so far, also when it raises after that."""

    text: str = ""
    calls: tuple[Call, ...] = ()
    thoughts: str = ""
    tokens: tuple[int, int] | None = None
    """In and out; None: the SDK was told nothing."""
    finished: bool = False
    """The answer said that it is whole. An SDK takes one that does not for a success as well."""
    raised: Exception | None = None
    status: int | None = None
    """Of the error answer; None: there was none, or the error came inside a stream."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Of the error answer."""


class Client(Protocol):
    """One SDK, with the settings that its users have by default."""

    async def ask(self, ask: Ask, got: Got) -> None:
        """Make a request and fill `got`; what the SDK raises is kept there."""
        ...

    async def close(self) -> None:
        """Let go of its connections."""
        ...


PIXEL: Final = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGA"
    "hKmMIQAAAABJRU5ErkJggg=="
)
"""A PNG of one red pixel, in base64."""


def schema() -> dict[str, object]:
    """Return the JSON Schema of an object with a city: a tool's arguments, or an answer."""
    return {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    }


def calls_of(names: Mapping[int, str], arguments: Mapping[int, str]) -> tuple[Call, ...]:
    """Put calls together that came in pieces; raises `msgspec.DecodeError` for half of one."""
    return tuple(
        Call(names[index], decode(arguments.get(index, ""), type=dict[str, object]))
        for index in sorted(names)
    )

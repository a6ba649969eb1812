"""What the cells of the matrix talk about, and what both ends must have understood of it."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Protocol

from msgspec import Struct


class Feature(StrEnum):
    """What a request uses."""

    TEXT = "text"
    STREAM = "stream"
    TOOL = "one tool"
    TOOLS = "parallel tools"
    RESULT = "tool result turn"
    IMAGE = "image"
    SCHEMA = "JSON schema"
    REASONING = "reasoning"
    STOP = "stop sequence"
    SYSTEM = "long system prompt"


WITH_TOOLS: Final = frozenset({Feature.TOOL, Feature.TOOLS, Feature.RESULT})

BRIEF: Final = "Be brief."
LONG: Final = "Answer as a librarian of Oslo would: short, kind and correct.\n" * 1000
"""62 kB."""

SAID: Final[Mapping[Feature, str]] = MappingProxyType(
    {
        Feature.TEXT: "Say hello.",
        Feature.STREAM: "Say hello.",
        Feature.TOOL: "How warm is it in Oslo?",
        Feature.TOOLS: "How warm is it in Oslo and in Bern?",
        Feature.RESULT: "How warm is it in Oslo and in Bern?",
        Feature.IMAGE: "What is this?",
        Feature.SCHEMA: "Name a city.",
        Feature.REASONING: "What is two and two?",
        Feature.STOP: "Count until you say END.",
        Feature.SYSTEM: "Say hello.",
    }
)
"""The user's words."""

MAX_TOKENS: Final = 4096
STOP_WORD: Final = "END"
EFFORT: Final = "low"

TOOL_NAME: Final = "look_up"
TOOL_WORDS: Final = "Looks the temperature up."
CALL_IDS: Final = ("call_oslo", "call_bern")
CITIES: Final = ("Oslo", "Bern")
DEGREES: Final = ("17 degrees", "21 degrees")

PIXEL: Final = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGA"
    "hKmMIQAAAABJRU5ErkJggg=="
)
"""A PNG of one red pixel, in base64."""


def city_schema() -> dict[str, object]:
    """Return the JSON Schema of an object with a city: a tool's arguments, or an answer."""
    return {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    }


class Called(Struct, frozen=True):
    """A tool call as a program gets it."""

    name: str
    arguments: Mapping[str, object]


class Saw(Struct, frozen=True, kw_only=True):
    """What the user of an SDK sees of an answer."""

    text: str = ""
    calls: tuple[Called, ...] = ()
    thoughts: str = ""
    finish: str
    """In the words of the SDK."""
    tokens: tuple[int, int] | None
    """In and out; None: the SDK was told nothing."""
    pieces: int = 0
    """Of text; 0: the answer was not streamed."""


class Refused(Struct, frozen=True):
    """The SDK raised an error of its own for a status."""

    status: int
    message: str


class Client(Protocol):
    """One SDK."""

    async def ask(self, feature: Feature, model: str, *, stream: bool) -> Saw | Refused:
        """Make the feature's request."""
        ...

    async def close(self) -> None:
        """Let go of its connections."""
        ...


class Heard(Struct, frozen=True, kw_only=True):
    """What a provider understands of a request."""

    system: str = BRIEF
    said: tuple[str, ...]
    """The texts of the conversation in order."""
    images: tuple[str, ...] = ()
    """Media type and base64."""
    tools: tuple[str, ...] = ()
    calls: tuple[Called, ...] = ()
    results: tuple[tuple[str, str], ...] = ()
    """The city of the call that each belongs to, and its text."""
    schema: object = None
    stop: tuple[str, ...] = ()
    effort: str = ""
    """A level, or a number of tokens, or `on`."""
    max_tokens: int = MAX_TOKENS

"""The wire shape that whole answers and pieces of streams share in OpenAI's dialect."""

from typing import Final

from msgspec import Raw, Struct
from msgspec.json import Decoder

from .content import ABSENT, Content, Present

FAILED_FINISHES: Final = {
    "error": "server_error",
    "insufficient_system_resource": "overloaded",
    "abort": "server_error",
}
"""Finish reasons that mean the opposite; value: the failure's detail."""


class Choice(Struct, gc=False):
    """One choice: a whole message, or the next delta."""

    index: int | None = 0
    delta: Content | None = None
    message: Content | None = None
    finish_reason: str | None = None
    logprobs: Present | None = None
    error: Raw = ABSENT


class GroqExtra(Struct, gc=False):
    """What Groq says beside the choices."""

    error: Raw = ABSENT
    usage: Raw = ABSENT


class Answer(Struct, gc=False):
    """A chunk of a stream, or a whole answer."""

    choices: list[Choice] | None = None
    usage: Raw = ABSENT
    error: Raw = ABSENT
    x_groq: GroqExtra | None = None


decode: Final = Decoder(Answer).decode
"""Raises `msgspec.ValidationError` where `loose.read_loosely` may still understand."""

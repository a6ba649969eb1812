"""What one model at one provider can do, as a value."""

from enum import StrEnum
from typing import Final

from msgspec import Struct


class Thinks(StrEnum):
    """How a model is told to reason."""

    NO = "no"
    """It does not; what is asked of reasoning is left out."""
    EFFORT = "effort"
    """By a level, in the words of `Abilities.efforts`."""
    ADAPTIVE = "adaptive"
    """Claude: `thinking: adaptive` and an effort."""
    BUDGET = "budget"
    """By a number of tokens."""
    SWITCH = "switch"
    """On or off."""


class Prefill(StrEnum):
    """How a model is made to continue an answer that was begun for it."""

    NO = "no"
    NATIVE = "native"
    """The last message is the assistant's."""
    PREFIX_FLAG = "prefix_flag"
    """The last message is the assistant's and says `prefix: true`."""
    TEMPLATE_FLAG = "template_flag"
    """`continue_final_message` and no generation prompt."""


class Abilities(Struct, frozen=True, gc=False, omit_defaults=True):
    """What one model at one provider can do. A model that nobody knows is taken to be able."""

    context: int = 0
    """Tokens of the window; 0: unknown."""
    max_output: int = 0
    """Tokens of an answer; 0: unknown."""
    images: bool = True
    audio: bool = True
    video: bool = True
    files: bool = True
    """Documents, such as PDF."""
    tools: bool = True
    forced_tool: bool = True
    json_object: bool = True
    json_schema: bool = True
    several: bool = True
    """More than one choice (`n`)."""
    logprobs: bool = True
    sampling: bool = True
    """Takes `temperature` and `top_p`; otherwise they are refused, even at their defaults."""
    stop: bool = True
    """Takes stop sequences; otherwise the gateway cuts the text itself."""
    thinks: Thinks = Thinks.EFFORT
    efforts: tuple[str, ...] = ()
    """The levels it knows, lowest first; empty: all."""
    thinking_off: bool = True
    """Its reasoning can be switched off."""
    prefill: Prefill = Prefill.NO
    responses_tools: bool = False
    """OpenAI: tools together with reasoning only by the Responses API."""


UNKNOWN: Final = Abilities()

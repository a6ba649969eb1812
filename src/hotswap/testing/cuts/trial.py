"""One cut as a value: who asks, who breaks off where and how, who goes on and how."""

from enum import StrEnum
from functools import lru_cache
from typing import Final

from msgspec import Struct

from ...core.abilities import Abilities, Prefill
from ..step import ToolCall
from .manners import Manner
from .texts import tokens_of


class Ending(StrEnum):
    """How the first target's body ends."""

    RESET = "reset"
    CLOSED = "closed"
    """The connection ends, and the framing says that something is missing."""
    CLEAN = "clean"
    """The framing says that it is whole."""
    ERROR = "error"
    """An error in the stream, in one of the provider's forms; then a clean end."""


class Arrival(StrEnum):
    """What the network makes of the first target's bytes."""

    ONCE = "once"
    EVENTS = "events"
    SLICES = "slices"


class Way(Struct, frozen=True):
    """A second target, and how it is told to go on."""

    name: str
    dialect: str
    kind: str
    prefill: Prefill = Prefill.NO

    @property
    def abilities(self) -> Abilities:
        """What it can do."""
        return Abilities(prefill=self.prefill)


WAYS: Final = (
    Way("chat, prefill", "openai_chat", "openai", Prefill.NATIVE),
    Way("chat, prefix flag", "openai_chat", "mistral", Prefill.PREFIX_FLAG),
    Way("chat, template flag", "openai_chat", "vllm", Prefill.TEMPLATE_FLAG),
    Way("anthropic, prefill", "anthropic", "anthropic", Prefill.NATIVE),
    Way("gemini, prefill", "gemini", "gemini", Prefill.NATIVE),
    Way("chat, asked", "openai_chat", "openai"),
    Way("responses, asked", "openai_responses", "openai"),
    Way("anthropic, asked", "anthropic", "anthropic"),
    Way("gemini, asked", "gemini", "gemini"),
)
KINDS: Final = {
    "openai_chat": "openai",
    "openai_responses": "openai",
    "anthropic": "anthropic",
    "gemini": "gemini",
}
"""Of the first target's provider, by its dialect."""
DIALECTS: Final = tuple(KINDS)


class Said(Struct, frozen=True):
    """What the models say."""

    name: str
    """What it is made of: see `said_of`."""
    tokens: tuple[str, ...]
    calls: tuple[ToolCall, ...] = ()

    @property
    def text(self) -> str:
        """The words."""
        return "".join(self.tokens)


CLEAR: Final = 2
"""Different characters that a beginning has before a repeat of it can be told from new ones."""


@lru_cache(64)
def said_of(kind: str, count: int, seed: int, calls: int = 0) -> Said:
    """Return an answer of so many tokens of a kind of text, then so many calls."""
    tokens = tokens_of(kind, count, seed) if count else ()
    made = tuple(
        ToolCall(
            "look_up", f'{{"word":"ä{index} {seed}","deep":{{"list":[{index},true]}}}}', f"c{index}"
        )
        for index in range(calls)
    )
    return Said(f"{kind}/{count}/{seed}/{calls}", tokens, made)


class Trial(Struct, frozen=True, kw_only=True):
    """One request whose first target breaks off after so many bytes."""

    caller: str
    first: str
    """Dialect of the first target."""
    way: Way
    manner: Manner
    said: Said
    ending: Ending
    at: int
    """Bytes of the first target's body that come."""
    arrival: Arrival = Arrival.ONCE
    number: int = 0
    """Chooses the preamble, the size of a repeat, the form of an error."""
    gap_s: float = 0.0
    """Between the second target's events."""
    array: bool = False
    """Gemini's stream that is one array."""

    @property
    def key(self) -> str:
        """Names the trial, so that it can be played again: see `trial_of`."""
        return "|".join(
            (
                self.caller + ("+array" if self.array else ""),
                self.first,
                self.way.name,
                self.manner.value,
                self.said.name,
                self.ending.value,
                str(self.at),
                self.arrival.value,
                str(self.number),
                str(self.gap_s),
            )
        )


def trial_of(key: str) -> Trial:
    """Return the trial of a key; raises `ValueError` or `StopIteration` where it is none."""
    caller, first, way, manner, said, ending, at, arrival, number, gap_s = key.split("|")
    dialect, _, array = caller.partition("+")
    kind, count, seed, calls = said.split("/")
    return Trial(
        caller=dialect,
        first=first,
        way=next(known for known in WAYS if known.name == way),
        manner=Manner(manner),
        said=said_of(kind, int(count), int(seed), int(calls)),
        ending=Ending(ending),
        at=int(at),
        arrival=Arrival(arrival),
        number=int(number),
        gap_s=float(gap_s),
        array=bool(array),
    )

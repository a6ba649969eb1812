"""What the scripted models say to each feature's request, whatever dialect they speak."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from hotswap.testing.step import Step, ToolCall

from . import quirks
from .scenes import CITIES, STOP_WORD, TOOL_NAME, Feature

INPUT_TOKENS: Final = 19
CACHED_TOKENS: Final = 4
"""Of the input."""
OUTPUT_TOKENS: Final = 12
"""Thoughts included."""


def _step(*text: str, calls: tuple[str, ...] = (), thinking: tuple[str, ...] = ()) -> Step:
    return Step(
        text=text,
        tools=tuple(ToolCall(TOOL_NAME, json.dumps({"city": city})) for city in calls),
        thinking=thinking,
        signature="c2ln" if calls else "",
        prompt_tokens=INPUT_TOKENS,
        cached_tokens=CACHED_TOKENS,
        completion_tokens=OUTPUT_TOKENS,
    )


HELLO: Final = _step("Hello", " there.")
UNSTOPPED: Final = _step("One, two, ", f"three. {STOP_WORD[:2]}", f"{STOP_WORD[2:]} Four.")
UNSTOPPABLE: Final = frozenset({"azure", "openai", "responses"})
"""Targets that cannot be told where to stop: reasoning models refuse it, or the API has none."""
STEPS: Final[Mapping[Feature, Step]] = MappingProxyType(
    {
        Feature.TEXT: HELLO,
        Feature.STREAM: HELLO,
        Feature.TOOL: _step(calls=CITIES[:1]),
        Feature.TOOLS: _step(calls=CITIES),
        Feature.RESULT: _step("It is 17 degrees in Oslo", " and 21 in Bern."),
        Feature.IMAGE: _step("A red", " pixel."),
        Feature.SCHEMA: _step('{"city":', '"Oslo"}'),
        Feature.REASONING: _step("Four", ".", thinking=("Two and two", " is four.")),
        Feature.STOP: _step("One, two, ", "three. "),
        Feature.SYSTEM: HELLO,
    }
)


def step_of(kind: str, feature: Feature, *, stream: bool) -> Step:
    """Return how a target of a kind answers a feature's request."""
    step = STEPS[feature]
    if feature is Feature.STOP and kind in UNSTOPPABLE:
        step = UNSTOPPED
    return quirks.written(step, kind, stream=stream) if kind in quirks.KINDS else step

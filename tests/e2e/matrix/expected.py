"""What every cell must give, as literals, and the cells that are refused."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from .scenes import LONG, PIXEL, Called, Feature, Heard, Saw, city_schema

OSLO: Final = Called("look_up", {"city": "Oslo"})
BERN: Final = Called("look_up", {"city": "Bern"})

TEXTS: Final[Mapping[Feature, str]] = MappingProxyType(
    {
        Feature.TEXT: "Hello there.",
        Feature.STREAM: "Hello there.",
        Feature.TOOL: "",
        Feature.TOOLS: "",
        Feature.RESULT: "It is 17 degrees in Oslo and 21 in Bern.",
        Feature.IMAGE: "A red pixel.",
        Feature.SCHEMA: '{"city":"Oslo"}',
        Feature.REASONING: "Four.",
        Feature.STOP: "One, two, three. ",
        Feature.SYSTEM: "Hello there.",
    }
)
CALLS: Final[Mapping[Feature, tuple[Called, ...]]] = MappingProxyType(
    {Feature.TOOL: (OSLO,), Feature.TOOLS: (OSLO, BERN)}
)
THOUGHTS: Final = "Two and two is four."
HIDDEN: Final = frozenset({"openai", "azure"})
"""Targets that think without showing it."""
PASSED: Final = frozenset({"openai", "azure", "groq", "llamacpp"})
"""Targets that get the bytes of a caller of OpenAI's chat."""
WHOLE_CALLS: Final = frozenset({"gemini", "mistral"})
"""Targets that stream a call in one piece."""
CUT: Final = frozenset({"openai", "azure", "responses"})
"""Targets that take no stop sequences: the gateway cuts their text."""
TOKENS: Final = (19, 12)

HEARD: Final[Mapping[Feature, Heard]] = MappingProxyType(
    {
        Feature.TEXT: Heard(said=("Say hello.",)),
        Feature.STREAM: Heard(said=("Say hello.",)),
        Feature.TOOL: Heard(said=("How warm is it in Oslo?",), tools=("look_up",)),
        Feature.TOOLS: Heard(said=("How warm is it in Oslo and in Bern?",), tools=("look_up",)),
        Feature.RESULT: Heard(
            said=("How warm is it in Oslo and in Bern?",),
            tools=("look_up",),
            calls=(OSLO, BERN),
            results=(("Oslo", "17 degrees"), ("Bern", "21 degrees")),
        ),
        Feature.IMAGE: Heard(said=("What is this?",), images=(f"data:image/png;base64,{PIXEL}",)),
        Feature.SCHEMA: Heard(said=("Name a city.",), schema=city_schema()),
        Feature.REASONING: Heard(said=("What is two and two?",), effort="low"),
        Feature.STOP: Heard(said=("Count until you say END.",), stop=("END",)),
        Feature.SYSTEM: Heard(said=("Say hello.",), system=LONG),
    }
)
"""What the provider must understand."""


class Words(Struct, frozen=True):
    """How an SDK names the ends of answers."""

    plain: str
    called: str


FINISHES: Final[Mapping[str, Words]] = MappingProxyType(
    {
        "openai chat": Words("stop", "tool_calls"),
        "openai responses": Words("completed", "completed"),
        "anthropic": Words("end_turn", "tool_use"),
        "google-genai": Words("STOP", "STOP"),
        "mistralai": Words("stop", "tool_calls"),
    }
)

REFUSED: Final[Mapping[tuple[str, Feature], str]] = MappingProxyType(
    {("groq", Feature.IMAGE): "images"}
)
"""Target and feature -> the capability that the refusal names, to every client."""


def ways(client: str, target: str, feature: Feature) -> tuple[bool, ...]:
    """Return whether a cell is asked for a whole answer and a stream; empty: not at all."""
    if client == "openai responses" and feature is Feature.STOP:
        return ()
    if client == "mistralai":
        return _ways_of_mistral(target, feature)
    return (True,) if feature is Feature.STREAM else (False, True)


def _ways_of_mistral(target: str, feature: Feature) -> tuple[bool, ...]:
    """Leave out what Mistral's SDK and servers of OpenAI's chat do not know of each other.

    The SDK cannot read calls that come in halves. Its image parts and messages of the assistant
    have a form of their own, which passes as it is.
    """
    if feature in {Feature.IMAGE, Feature.RESULT} and target in PASSED:
        return ()
    if feature in {Feature.TOOL, Feature.TOOLS} and target not in WHOLE_CALLS:
        return (False,)
    return (True,) if feature is Feature.STREAM else (False, True)


def word_of(client: str, target: str, feature: Feature) -> str:
    """Return what the page shows of a cell."""
    if need := REFUSED.get((target, feature)):
        return f"no: `{need}`"
    asked = ways(client, target, feature)
    if True not in asked:
        return "yes, whole" if asked else "-"
    if feature is Feature.REASONING and target in HIDDEN:
        return "yes, hidden"
    if feature is Feature.STOP and target in CUT:
        return "yes, cut"
    return "yes"


def expected_saw(client: str, target: str, feature: Feature, *, stream: bool) -> Saw:
    """Return what the user of the SDK must see; how many pieces is for `STREAM` alone to say."""
    words = FINISHES[client]
    calls = CALLS.get(feature, ())
    saw = Saw(
        text=TEXTS[feature],
        calls=calls,
        thoughts=THOUGHTS if feature is Feature.REASONING and target not in HIDDEN else "",
        finish=words.called if calls else words.plain,
        tokens=TOKENS,
        pieces=2 if feature is Feature.STREAM else 0,
    )
    if client == "mistralai":
        # It knows no thoughts beside the content, and does not ask for the usage of a stream.
        return replace(saw, thoughts="", tokens=None if stream else TOKENS)
    if client == "anthropic" and feature is Feature.STOP and target in CUT:
        return replace(saw, finish="stop_sequence")
    return saw


def expected_heard(target: str, feature: Feature) -> Heard:
    """Return what the target must understand."""
    heard = HEARD[feature]
    if feature is Feature.STOP and target in CUT:
        return replace(heard, stop=())
    if feature is Feature.REASONING and target == "mistral":
        # The model knows no other level.
        return replace(heard, effort="high")
    return heard

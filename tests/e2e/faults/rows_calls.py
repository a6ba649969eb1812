"""Row 8: a call, JSON or reasoning that is cut, and is made anew by the next target."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from msgspec.structs import replace

from hotswap.testing.echo import read_begun
from hotswap.testing.step import Answers, Cut, Seen, Step, ToolCall

from .asking import TOOL_NAME, Call, What
from .cells import BOTH, STREAMED, WHOLE, Cell, Link
from .rows_streams import paced
from .scenes import NO_RETRY, Play, Scene, raised
from .site import Site

LIMITS: Final = {"timeouts": {"first_content_s": 1.5, "silence_s": 0.5}}
CITY: Final = "Großenbrode an der Ostsee"
ARGUMENTS: Final = f'{{"city":"{CITY}"}}'
TOOL: Final = (ToolCall(TOOL_NAME, ARGUMENTS),)
WORDS: Final = ("I ", "look ", "it up. ")

PAUSE_S: Final = 0.02
"""After every event."""

CALL: Final = Step(tools=TOOL)
SAID_AND_CALL: Final = Step(text=WORDS, tools=TOOL)
JSON: Final = Step(text=('{"ci', 'ty":"Großen', "brode an ", 'der Ostsee"', "}"))
THOUGHT: Final = Step(
    thinking=("The sea ", "is near. "), text=("It is ", "Großenbrode ", "on the ", "Baltic.")
)
ANSWER: Final = "It is Großenbrode on the Baltic."


def _cut(step: Step, events: int, dialect: str) -> Step:
    """Cut a stream; a call is one event of Gemini's, its name and arguments three of others'."""
    if step.tools and dialect == "gemini":
        events = min(events, len(step.text or ()) + 2)
    return paced(replace(step, cut=Cut.EOF, cut_after=events), PAUSE_S)


def _cut_body(step: Step) -> Step:
    return replace(step, cut=Cut.EOF, cut_after_bytes=250)


def again(step: Step) -> Answers:
    """Return a target that makes the whole of `step`, without the words that were said already."""
    words = "".join(step.text or ())

    def answers(seen: Seen) -> Step:
        begun = read_begun(seen.body)
        if begun is None:
            return step
        return Step(text=words[len(begun.text) :], tools=step.tools)

    return answers


def broken(step: Step, events: int) -> Callable[[Cell], list[Link]]:
    """Return a chain whose first target breaks off after so many events, or within its body."""

    def links(cell: Cell) -> list[Link]:
        fault = _cut(step, events, cell.own) if cell.streamed else _cut_body(step)
        return [
            Link(dialect=cell.own, answers=fault),
            Link(dialect=cell.other, answers=again(step)),
        ]

    return links


def broken_everywhere(step: Step, events: int) -> Callable[[Cell], list[Link]]:
    """Return a chain whose targets all break off there."""

    def links(cell: Cell) -> list[Link]:
        return [
            Link(
                dialect=dialect,
                answers=_cut(step, events, dialect) if cell.streamed else _cut_body(step),
            )
            for dialect in (cell.own, cell.other)
        ]

    return links


def gives_call(words: str) -> Play:
    """Prove that the SDK gives the whole call, after exactly these words."""

    async def play(site: Site, cell: Cell) -> str:
        got = await site.ask(cell, What.TOOL)

        assert got.raised is None, repr(got.raised)
        assert got.calls == (Call(TOOL_NAME, {"city": CITY}),)
        assert got.text == words
        assert got.finished
        return "call"

    return play


def gives_text(what: What, text: str) -> Play:
    """Prove that the SDK gives exactly this text."""

    async def play(site: Site, cell: Cell) -> str:
        got = await site.ask(cell, what)

        assert got.raised is None, repr(got.raised)
        assert got.text == text
        assert got.finished
        return "text"

    return play


def raises(what: What) -> Play:
    """Prove that the SDK raises, and gives no half of a call before it."""

    async def play(site: Site, cell: Cell) -> str:
        got = await site.ask(cell, what)

        assert not got.calls or got.calls == (Call(TOOL_NAME, {"city": CITY}),)
        return raised(got, cell, got.status)

    return play


CALL_CUTS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "before its name": 1,
        "after its name": 2,
        "in its arguments": 3,
        "after its arguments": 4,
    }
)
"""Events before the cut."""


def calls() -> list[Scene]:
    """Calls, alone and after words."""
    alone = [
        Scene(
            row="8",
            fault=f"a call cut {words}",
            links=broken(CALL, events),
            play=gives_call(""),
            chain=LIMITS,
            ways=STREAMED,
            calls=True,
        )
        for words, events in CALL_CUTS.items()
    ]
    after_words = [
        Scene(
            row="8",
            fault=f"words, then a call cut {words}",
            links=broken(SAID_AND_CALL, events + len(WORDS)),
            play=gives_call("".join(WORDS)),
            chain=LIMITS,
            ways=STREAMED,
            calls=True,
        )
        for words, events in CALL_CUTS.items()
    ]
    whole = Scene(
        row="8",
        fault="not streamed: a call cut",
        links=broken(CALL, 0),
        play=gives_call(""),
        chain=LIMITS,
        ways=WHOLE,
    )
    return [*alone, *after_words, whole]


def call_errors() -> list[Scene]:
    """Calls that nobody can make anew."""
    return [
        Scene(
            row="8",
            fault="a call cut in its arguments, at all targets",
            links=broken_everywhere(CALL, 3),
            play=raises(What.TOOL),
            chain={**LIMITS, **NO_RETRY},
        ),
        Scene(
            row="8",
            fault="a call cut in its arguments, `stream: {tool_calls: live}`",
            links=broken(CALL, 3),
            play=raises(What.TOOL),
            chain={**LIMITS, "stream": {"tool_calls": "live"}},
            ways=STREAMED,
        ),
    ]


def structured() -> list[Scene]:
    """JSON, and reasoning."""
    city = "".join(JSON.text or ())
    json = [
        Scene(
            row="8",
            fault=f"JSON cut after {events} tokens",
            links=broken(JSON, events + 1),
            play=gives_text(What.JSON, city),
            chain=LIMITS,
            ways=BOTH if events == 3 else STREAMED,
        )
        for events in (1, 3, 5)
    ]
    json_errors = [
        Scene(
            row="8",
            fault="JSON cut after 3 tokens, at all targets",
            links=broken_everywhere(JSON, 4),
            play=raises(What.JSON),
            chain={**LIMITS, **NO_RETRY},
        ),
        Scene(
            row="8",
            fault="JSON cut after 3 tokens, `stream: {structured: live}`",
            links=broken(JSON, 4),
            play=raises(What.JSON),
            chain={**LIMITS, "stream": {"structured": "live"}},
            ways=STREAMED,
        ),
    ]
    reasoning = [
        Scene(
            row="8",
            fault=f"reasoning cut {words}",
            links=broken(THOUGHT, events),
            play=gives_text(What.REASONING, ANSWER),
            chain=LIMITS,
            ways=ways,
        )
        for words, events, ways in (
            ("after one token", 2, BOTH),
            ("at its end", 3, STREAMED),
            ("after one token of the answer", 4, STREAMED),
            ("after three tokens of the answer", 6, STREAMED),
        )
    ]
    return [*json, *json_errors, *reasoning]


SCENES: Final = [*calls(), *call_errors(), *structured()]

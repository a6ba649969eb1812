"""Row 9: how the next target goes on, by prefill and by instruction, in each dialect."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from hotswap.testing.echo import read_begun
from hotswap.testing.step import Cut, Seen, Step

from .cells import STREAMED, Cell, Link
from .model import SIZE, Manner, model, story
from .rows_streams import LIMITS, whole_story
from .scenes import NO_RETRY, Play, Scene, raised
from .site import Site

TEXT: Final = "".join(story(120))
SHARDS: Final = tuple(TEXT[at : at + SIZE] for at in range(0, len(TEXT), SIZE))
CUT: Final = Step(text=SHARDS, cut=Cut.EOF, cut_after=15)
"""Ends in the middle of a word."""


class Taker(Struct, frozen=True):
    """A kind of target that goes on."""

    dialect: str
    model: str
    native: bool
    """It goes on with its own words; otherwise it is asked to."""


TAKERS: Final[Mapping[str, Taker]] = MappingProxyType(
    {
        "OpenAI chat, by instruction": Taker("openai", "gpt-4o", native=False),
        "OpenAI Responses, by instruction": Taker("responses", "gpt-6.2-sol", native=False),
        "Anthropic, by prefill": Taker("anthropic", "claude-3-5-sonnet", native=True),
        "Anthropic, by instruction": Taker("anthropic", "claude-sonnet-5", native=False),
        "Gemini, by prefill": Taker("gemini", "gemini-2.5-flash", native=True),
        "Gemini, by instruction": Taker("gemini", "gemini-3.6-flash", native=False),
        "Mistral, by prefix": Taker("mistral", "mistral-medium-3-5", native=True),
        "vLLM, by template": Taker("vllm", "llama-3-70b", native=True),
    }
)


NATIVE: Final = (
    Manner.EXACT,
    Manner.TAIL,
    Manner.RESTART,
    Manner.PREAMBLE,
    Manner.REFUSES,
)
"""Whoever goes on with its own words knows where a word ends."""
ASKED: Final = (Manner.EXACT, Manner.TAIL, Manner.WORD, Manner.RESTART, Manner.PREAMBLE)


def taken_up(taker: Taker, manner: Manner) -> Callable[[Cell], list[Link]]:
    """Return a chain whose first target breaks off, and one that goes on in its manner."""
    return lambda cell: [
        Link(dialect=cell.own, answers=CUT),
        Link(dialect=taker.dialect, model=taker.model, answers=model(SHARDS, manner)),
    ]


def goes_on(taker: Taker, manner: Manner) -> Play:
    """Prove that the SDK gives the whole text, and how the target was asked to go on."""

    async def play(site: Site, cell: Cell) -> str:
        word = whole_story(await site.ask(cell), cell, TEXT)
        asked = [read_begun(seen.body) for seen in site.seen(cell, 1)]
        ways = [begun.prefilled for begun in asked if begun is not None]

        assert ways[0] is taker.native
        assert manner is not Manner.REFUSES or ways == [True, False]
        return word

    return play


def seams() -> list[Scene]:
    """Every kind of target, in every manner that it may have."""
    return [
        Scene(
            row="9",
            fault=f"{name}: {manner}",
            links=taken_up(taker, manner),
            play=goes_on(taker, manner),
            chain=LIMITS,
            ways=STREAMED,
        )
        for name, taker in TAKERS.items()
        for manner in (NATIVE if taker.native else ASKED)
    ]


# More than once


def _breaks_again(seen: Seen) -> Step:
    """Go on for ten more pieces, and break off."""
    begun = read_begun(seen.body)
    text = TEXT if begun is None else TEXT[len(begun.text) :]
    shards = tuple(text[at : at + SIZE] for at in range(0, len(text), SIZE))
    return Step(text=shards, cut=Cut.EOF, cut_after=11)


def breaking(times: int) -> Callable[[Cell], list[Link]]:
    """Return a chain in which so many targets break off before a healthy one."""

    def links(cell: Cell) -> list[Link]:
        dialects = (cell.own, cell.other, cell.own, cell.other)
        failing = [Link(dialect=each, answers=_breaks_again) for each in dialects[:times]]
        return [*failing, Link(dialect=cell.other, model="m-last", answers=model(SHARDS))]

    return links


async def is_whole(site: Site, cell: Cell) -> str:
    """The SDK gives the whole text, told by three."""
    word = whole_story(await site.ask(cell), cell, TEXT)
    attempts = await site.attempts(cell)

    assert [a.answered for a in attempts] == [False, False, True]
    return word


async def gives_up(site: Site, cell: Cell) -> str:
    """The SDK raises after three had their turn, with a beginning of the text."""
    got = await site.ask(cell)
    attempts = await site.attempts(cell)

    assert TEXT.startswith(got.text)
    assert len(got.text) > 100
    assert [a.answered for a in attempts] == [False, False, False]
    return raised(got, cell)


def repeats() -> list[Scene]:
    """Row 6: more than one break in an answer."""
    return [
        Scene(
            row="6",
            fault="closed twice",
            links=breaking(2),
            play=is_whole,
            chain={**LIMITS, **NO_RETRY},
            ways=STREAMED,
        ),
        Scene(
            row="6",
            fault="closed three times",
            links=breaking(3),
            play=gives_up,
            chain={**LIMITS, **NO_RETRY},
            ways=STREAMED,
        ),
    ]


SCENES: Final = [*seams(), *repeats()]

"""T9, T10 and T11: a bad configuration, a deadline, and what not every target can do."""

import signal
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from hotswap.clock import SystemClock
from hotswap.testing.step import Step, ToolCall

from .asking import TOOL_NAME, Call, What
from .cells import Cell, Link
from .scenes import HEALTHY, NO_RETRY, Play, Scene, raised, whole
from .site import Site

DEADLINE_S: Final = 0.5
SLACK_S: Final = 0.5
"""For a busy machine, on top of the deadline; a chain of four would take two seconds without it."""
HANGING: Final = {"timeouts": {"first_content_s": DEADLINE_S}, **NO_RETRY}

CITY: Final = Step(text='{"city":"Oslo"}', completion_tokens=7)
CALL: Final = Step(tools=(ToolCall(TOOL_NAME, '{"city":"Oslo"}'),), completion_tokens=7)
SPENT: Final = (9, 7)


# T9


async def old_file_serves(site: Site, cell: Cell) -> str:
    """A file that cannot be used changes nothing."""
    file = site.gateway.folder / "hotswap.yaml"
    good = file.read_text()
    try:
        file.write_text(good.replace(cell.account(0), "nobody", 1))
        site.gateway.signal(signal.SIGHUP)
        await site.gateway.says("configuration refused, the former one stays in force")
        return whole(await site.ask(cell), cell)
    finally:
        file.write_text(good)


# T10


def hang(cell: Cell) -> list[Link]:
    """Return a chain of four targets that never answer."""
    dialects = (cell.own, cell.other, cell.own, cell.other)
    return [Link(dialect=dialect, answers=Step(hang=True)) for dialect in dialects]


def within(headers: Mapping[str, str]) -> Play:
    """Prove that the request ends by its deadline, whatever is still left to try."""

    async def play(site: Site, cell: Cell) -> str:
        clock = SystemClock()
        began_at = clock.now()
        got = await site.ask(cell, headers=headers)

        assert clock.now() - began_at < DEADLINE_S + SLACK_S
        return raised(got, cell, 504)

    return play


# T11


def unable(known: Mapping[str, object], step: Step) -> Callable[[Cell], list[Link]]:
    """Return a chain whose first target lacks what is needed."""
    return lambda cell: [
        Link(dialect=cell.own, answers=step, known=known),
        Link(dialect=cell.other, answers=step),
    ]


def all_unable(known: Mapping[str, object]) -> Callable[[Cell], list[Link]]:
    """Return a chain in which every target lacks what is needed."""
    return lambda cell: [
        Link(dialect=cell.own, known=known),
        Link(dialect=cell.other, known=known),
    ]


def skips(what: What, lacking: str, said: str) -> Play:
    """Prove that the first target is not asked, and named with what it lacks."""

    async def play(site: Site, cell: Cell) -> str:
        got = await site.ask(cell, what, said=said)
        (attempt,) = await site.attempts(cell)

        assert got.raised is None, repr(got.raised)
        assert attempt.skipped == (f"{site.target(cell, 0)}: {lacking}",)
        assert site.seen(cell, 0) == []
        match what:
            case What.TOOL:
                assert got.calls == (Call(TOOL_NAME, {"city": "Oslo"}),)
                return "call"
            case What.JSON:
                assert got.text == '{"city":"Oslo"}'
                return "text"
            case _:
                return whole(got, cell)

    return play


def names_all(what: What, lacking: str, said: str) -> Play:
    """Prove that nobody is asked, and that the error names every target with what it lacks."""

    async def play(site: Site, cell: Cell) -> str:
        got = await site.ask(cell, what, said=said)
        word = raised(got, cell, 400)

        for link in (0, 1):
            assert site.target(cell, link) in str(got.raised)
            assert site.seen(cell, link) == []
        assert lacking in str(got.raised)
        return word

    return play


LONG: Final = "Tell me the story. " * 2000
"""Some 10,000 tokens."""
NEEDS: Final[Mapping[str, tuple[What, Mapping[str, object], str, Step, str]]] = MappingProxyType(
    {
        "an image": (What.IMAGE, {"cannot": ["images"]}, "no images", HEALTHY, "What is this?"),
        "a tool": (What.TOOL, {"cannot": ["tools", "forced_tool"]}, "no tools", CALL, "Look."),
        "a schema": (
            What.JSON,
            {"cannot": ["json_schema", "json_object"]},
            "no json_schema",
            CITY,
            "Which?",
        ),
        "a long prompt": (What.TEXT, {"context": 4000}, "context", HEALTHY, LONG),
    }
)


def capabilities() -> list[Scene]:
    """T11."""
    return [
        scene
        for words, (what, known, lacking, step, said) in NEEDS.items()
        for scene in (
            Scene(
                row="T11",
                fault=f"{words} is too much for the first target",
                links=unable(known, step),
                play=skips(what, lacking, said),
                calls=what is What.TOOL,
            ),
            Scene(
                row="T11",
                fault=f"{words} is too much for all targets",
                links=all_unable(known),
                play=names_all(what, lacking, said),
            ),
        )
    ]


SCENES: Final = [
    Scene(
        row="T10",
        fault="four targets that hang, `timeouts.total_s`",
        links=hang,
        play=within({}),
        chain={**HANGING, "timeouts": {"first_content_s": DEADLINE_S, "total_s": DEADLINE_S}},
    ),
    Scene(
        row="T10",
        fault="four targets that hang, `x-hotswap-deadline-ms`",
        links=hang,
        play=within({"x-hotswap-deadline-ms": str(int(DEADLINE_S * 1000))}),
        chain=HANGING,
    ),
    *capabilities(),
]
RELOADED: Final = [
    Scene(
        row="T9",
        fault="a configuration that names no provider",
        links=lambda cell: [Link(dialect=cell.own, answers=HEALTHY)],
        play=old_file_serves,
        alone=True,
    )
]

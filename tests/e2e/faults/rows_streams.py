"""Rows 6 and 7: a stream that breaks, wherever it does, and is gone on with by the next target."""

from collections.abc import Callable, Mapping
from functools import partial
from hashlib import sha256
from types import MappingProxyType
from typing import Final

from msgspec.structs import replace

from hotswap.testing.form import Answer
from hotswap.testing.routes import find_route
from hotswap.testing.step import Cut, Seen, Step

from .asking import Got
from .cells import STREAMED, WHOLE, Cell, Link
from .model import model, story
from .scenes import ANSWERED, NO_RETRY, Play, Scene, raised
from .site import Site

STORY: Final = story(600)
TEXT: Final = "".join(STORY)
LIMITS: Final = {"timeouts": {"first_content_s": 1.5, "silence_s": 0.5}}
PLACES: Final[Mapping[int, float]] = MappingProxyType({1: 0.05, 10: 0.02, 500: 0.0005})
"""Tokens before the break, and the seconds after each."""

BREAKS: Final[Mapping[str, Callable[[int], Step]]] = MappingProxyType(
    {
        "reset": lambda n: Step(text=STORY, cut=Cut.RESET, cut_after=n + 1),
        "closed": lambda n: Step(text=STORY, cut=Cut.EOF, cut_after=n + 1),
        "a clean end": lambda n: Step(text=STORY, cut=Cut.END, cut_after=n + 1),
        "an end without a finish": lambda n: Step(text=STORY[:n], empty=not n, no_finish=True),
        "silence": lambda n: Step(text=STORY, silent_after=n + 1),
        "pings only": lambda n: Step(text=STORY, silent_after=n + 1, ping_s=0.05),
        "an error event": lambda n: Step(text=STORY, error="It broke.", error_after=n + 1),
        "garbage": lambda n: Step(text=STORY, garbage=b"data: <html>\n\n", garbage_after=n + 1),
    }
)
"""After so many tokens. With 0 nothing of the answer has come."""


def paced(step: Step, pause_s: float) -> Step:
    """Return the same with a pause after every event, so that callers have it before the break.

    What breaks in the moment in which it came has not been passed on, and is begun anew.
    """
    return replace(step, drip_s=pause_s, drip_bytes=1 << 20)


def told(cell: Cell, step: Step) -> list[Link]:
    """Return a chain whose first target does `step`; the next one knows the story as well."""
    return [
        Link(dialect=cell.own, answers=step),
        Link(dialect=cell.other, answers=model(STORY)),
    ]


def told_abroad(cell: Cell, step: Step) -> list[Link]:
    """Return the same chain in the opposite order of dialects."""
    return [
        Link(dialect=cell.other, answers=step),
        Link(dialect=cell.own, answers=model(STORY)),
    ]


def made_by_two(*, spliced: bool) -> Play:
    """Prove that the SDK gives the whole story, and what the records say of it.

    Args:
        spliced: The second target went on with what the caller had; otherwise it began anew.
    """

    async def play(site: Site, cell: Cell) -> str:
        word = whole_story(await site.ask(cell), cell)
        first, second = await site.attempts(cell)

        assert (first.target, first.answered) == (site.target(cell, 0), False)
        assert (second.target, second.answered) == (site.target(cell, 1), True)
        assert second.usage is not None
        if spliced:
            assert second.splice_offset in OFFSETS
            assert first.usage is not None
        else:
            assert second.splice_offset is None
        return word

    return play


OFFSETS: Final = frozenset(len("".join(STORY[:count])) for count in range(1, len(STORY)))
"""Where a token ends. A reset may take with it what was not read yet, so any of them will do."""


def whole_story(got: Got, cell: Cell, text: str = TEXT) -> str:
    """Prove that an SDK gave the whole story, and a usage."""
    assert got.raised is None, repr(got.raised)
    assert got.text == text
    assert got.finished
    if cell.client == "mistralai":
        # This SDK does not ask for the usage of a stream.
        return ANSWERED
    assert got.tokens is not None
    assert min(got.tokens) > 0
    return ANSWERED


def ends_with_an_error(headers: Mapping[str, str]) -> Play:
    """Prove that the SDK raises in the stream, after what it gave of the story."""

    async def play(site: Site, cell: Cell) -> str:
        got = await site.ask(cell, headers=headers)
        assert TEXT.startswith(got.text)
        assert got.text
        return raised(got, cell)

    return play


def breaks() -> list[Scene]:
    """Row 6."""
    return [
        Scene(
            row="6",
            fault=f"{words} after {place} token{'s' * (place > 1)}",
            links=partial(told, step=paced(step(place), pause_s)),
            play=made_by_two(spliced=True),
            chain=LIMITS,
            ways=STREAMED,
        )
        for words, step in BREAKS.items()
        for place, pause_s in PLACES.items()
    ]


def early() -> list[Scene]:
    """Row 5: the same before any content."""
    return [
        Scene(
            row="5",
            fault=f"{words} before content",
            links=partial(told, step=step(0)),
            play=made_by_two(spliced=False),
            chain=LIMITS,
            ways=STREAMED,
        )
        for words, step in BREAKS.items()
    ]


WHOLES: Final[Mapping[str, Step]] = MappingProxyType(
    {
        "a body that is cut": Step(text=STORY, cut=Cut.EOF, cut_after_bytes=300),
        "a body that is reset": Step(text=STORY, cut=Cut.RESET, cut_after_bytes=300),
        "half of the JSON": Step(text=STORY, cut=Cut.END, cut_after_bytes=300),
        "a body that stalls": Step(text=STORY, silent_after=0),
        "an error with status 200": Step(body={"error": {"message": "It broke."}}),
    }
)


def translated() -> list[Scene]:
    """Row 6: the same of a stream that is translated."""
    return [
        Scene(
            row="6",
            fault=f"of another dialect, {words} after 10 tokens",
            links=partial(told_abroad, step=paced(step(10), PLACES[10])),
            play=made_by_two(spliced=True),
            chain=LIMITS,
            ways=STREAMED,
        )
        for words, step in BREAKS.items()
    ]


def wholes() -> list[Scene]:
    """Row 6, of answers that are not streamed."""
    return [
        Scene(
            row="6",
            fault=f"not streamed: {words}",
            links=partial(told, step=step),
            play=made_by_two(spliced=False),
            chain=LIMITS,
            ways=WHOLE,
        )
        for words, step in WHOLES.items()
    ]


# Inside something

AFTER: Final = 20
"""Tokens before the event in which the stream is cut."""


def stream_of(seen: Seen) -> bytes:
    """Return all the bytes of the story's stream, as the API writes it that was asked."""
    route = find_route(seen.path)
    assert route is not None
    form = route.form
    asked = form.read_asked(seen)
    answer = Answer(
        id=f"scripted-{seen.number}",
        model=asked.model,
        thinking=(),
        signature="",
        pieces=STORY,
        tools=(),
        finish_reason="stop",
        prompt_tokens=9,
        cached_tokens=0,
        completion_tokens=len(STORY),
    )
    return b"".join([*form.answer_events(answer, asked), form.DONE])


def _event(stream: bytes) -> int:
    """Return where the event after so many tokens begins."""
    piece = STORY[AFTER].split()[0].encode()
    return stream.rindex(b"data: ", 0, stream.index(piece))


def _last(stream: bytes, *words: bytes) -> int:
    """Return where the last one of these words ends."""
    return max(stream.rfind(word) + len(word) for word in words if word in stream)


INSIDE: Final[Mapping[str, Callable[[bytes], int]]] = MappingProxyType(
    {
        "a code point": lambda stream: stream.index("🙂".encode()) + 2,
        "the name of a field": lambda stream: _event(stream) + 3,
        "the data of a field": lambda stream: _event(stream) + 30,
        "the blank line after an event": lambda stream: _event(stream) - 1,
        "the finish reason": lambda stream: _last(
            stream,
            b'"finish_reason":"st',
            b'"stop_reason":"end',
            b'"finishReason":"ST',
            b"response.comp",
        ),
        "the usage": lambda stream: _last(stream, b'"usage":{"', b'"usageMetadata":{"'),
        "the terminator": lambda stream: len(stream) - 4,
    }
)


def inside(where: Callable[[bytes], int]) -> Callable[[Cell], list[Link]]:
    """Return a chain whose first target's connection ends at that byte of the story."""

    def answers(seen: Seen) -> Step:
        step = Step(text=STORY, cut=Cut.EOF, cut_after_bytes=where(stream_of(seen)))
        return paced(step, PLACES[500])

    return lambda cell: [
        Link(dialect=cell.own, answers=answers),
        Link(dialect=cell.other, answers=model(STORY)),
    ]


async def is_whole(site: Site, cell: Cell) -> str:
    """The SDK gives the whole story, whether the end was seen or the next target was needed."""
    return whole_story(await site.ask(cell), cell)


def insides() -> list[Scene]:
    """Row 7."""
    return [
        Scene(
            row="7",
            fault=f"cut inside {words}",
            links=inside(where),
            play=is_whole,
            chain=LIMITS,
            ways=STREAMED,
        )
        for words, where in INSIDE.items()
    ]


# Where nothing may or can go on

CUT: Final = paced(BREAKS["closed"](10), PLACES[10])
OFF: Final[Mapping[str, tuple[Mapping[str, object], Mapping[str, str]]]] = MappingProxyType(
    {
        "`x-hotswap-splice: off`": ({}, {"x-hotswap-splice": "off"}),
        "`stream: {splice: false}`": ({"stream": {"splice": False}}, {}),
        "`stream: {max_splices: 0}`": ({"stream": {"max_splices": 0}}, {}),
    }
)


def every_target(cell: Cell) -> list[Link]:
    """Return a chain whose targets all break off."""
    return [Link(dialect=dialect, answers=CUT) for dialect in (cell.own, cell.other)]


def offs() -> list[Scene]:
    """Row 6, with splices off or of no use."""
    off = [
        Scene(
            row="6",
            fault=f"closed after 10 tokens, {words}",
            links=partial(told, step=CUT),
            play=ends_with_an_error(headers),
            chain={**LIMITS, **chain},
            ways=STREAMED,
        )
        for words, (chain, headers) in OFF.items()
    ]
    everywhere = Scene(
        row="6",
        fault="closed after 10 tokens, at all targets",
        links=every_target,
        play=ends_with_an_error({}),
        chain={**LIMITS, **NO_RETRY},
        ways=STREAMED,
    )
    return [*off, everywhere]


KEYED: Final = [
    Scene(
        row="6",
        fault="closed after 10 tokens, an access key with `splice: false`",
        links=partial(told, step=CUT),
        play=ends_with_an_error({}),
        chain=LIMITS,
        ways=STREAMED,
    )
]
ACCESS: Final = {"keys": [{"id": "app", "sha256": sha256(b"any").hexdigest(), "splice": False}]}
"""Every SDK here says that its key is `any`."""
SCENES: Final = [*early(), *breaks(), *translated(), *wholes(), *offs(), *insides()]

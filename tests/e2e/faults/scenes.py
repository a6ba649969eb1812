"""Scenes: what is played in the cells of the fault table, and what must come of it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from msgspec import Struct, field

from hotswap.testing.step import Answers, Step

from .asking import Got
from .cells import BOTH, Cell, Link, Place, Way
from .site import Site

TEXT: Final = "Das größte Café von 東京 opened at seven 🙂 and everybody, naïve or not, came in."
"""What healthy targets say."""
HEALTHY: Final = Step(text=TEXT)
TOKENS: Final = (9, 16)
"""In and out, as the scripted provider counts `HEALTHY`."""

ANSWERED: Final = "text"
RAISED: Final = "raises"

Play = Callable[[Site, Cell], Awaitable[str]]


class Scene(Struct, frozen=True, kw_only=True):
    """One fault."""

    row: str
    """Of the table, such as `6` or `T4`."""
    fault: str
    """In the words of the table."""
    links: Callable[[Cell], Sequence[Link]]
    """The chain."""
    play: Play
    """Proves what the cell claims; returns what the table shows."""
    chain: Mapping[str, object] = field(default_factory=dict[str, object])
    """Settings of the chain."""
    ways: Sequence[Way] = BOTH
    alone: bool = False
    """Its cells are played one after the other, because they take figures."""
    calls: bool = False
    """It streams tool calls, which Mistral's SDK cannot read in pieces: it is asked for whole ones
    only."""

    @property
    def name(self) -> str:
        """What its chains are called by."""
        words = "".join(c if c.isalnum() else " " for c in f"{self.row} {self.fault}".lower())
        return "-".join(words.split())

    def cells(self, client: str) -> list[Cell]:
        """Return the cells of an SDK."""
        skipped = {Way.STREAMED} if self.calls and client == "mistralai" else set[Way]()
        return [Cell(self.name, client, way) for way in self.ways if way not in skipped]

    def place(self, cell: Cell) -> Place:
        """Return what the configuration says for a cell."""
        return Place(cell, self.links(cell), self.chain)


def whole(got: Got, cell: Cell, text: str = TEXT, tokens: tuple[int, int] = TOKENS) -> str:
    """Prove that an SDK gave a whole answer with exactly this text, and its usage."""
    assert got.raised is None, repr(got.raised)
    assert got.text == text
    assert got.finished
    if cell.client == "mistralai" and cell.streamed:
        # This SDK does not ask for the usage of a stream.
        assert got.tokens in {tokens, None}
    else:
        assert got.tokens == tokens
    return ANSWERED


def raised(got: Got, cell: Cell, status: int | None = None) -> str:
    """Prove that an SDK raised, by an answer of this status or, without one, in the stream."""
    assert got.raised is not None, f"a clean end after {got.text!r}"
    assert not (got.finished and cell.streamed)
    assert got.status == status
    return RAISED


Given = Step | Answers | Callable[[Cell], Step | Answers]


def first_fails(step: Step | Callable[[Cell], Step]) -> Callable[[Cell], list[Link]]:
    """Return a chain whose first target does `step`, in the caller's dialect.

    The next one is healthy, and speaks another dialect.
    """

    def links(cell: Cell) -> list[Link]:
        fault = step if isinstance(step, Step) else step(cell)
        return [
            Link(dialect=cell.own, answers=fault),
            Link(dialect=cell.other, answers=HEALTHY),
        ]

    return links


def both_fail(step: Step | Callable[[Cell], Step]) -> Callable[[Cell], list[Link]]:
    """Return a chain of two targets that both do `step`."""

    def links(cell: Cell) -> list[Link]:
        fault = step if isinstance(step, Step) else step(cell)
        return [
            Link(dialect=cell.own, answers=fault),
            Link(dialect=cell.other, answers=fault),
        ]

    return links


async def answered(site: Site, cell: Cell) -> str:
    """Prove that one request gets the healthy target's answer, and the fault was met before."""
    word = whole(await site.ask(cell), cell)
    attempts = await site.attempts(cell)
    assert [(a.target, a.answered) for a in attempts] == [
        (site.target(cell, 0), False),
        (site.target(cell, 1), True),
    ]
    return word


def gives_up(status: int) -> Play:
    """Prove that one request raises after a single call of the SDK."""

    async def play(site: Site, cell: Cell) -> str:
        word = raised(await site.ask(cell), cell, status)
        attempts = await site.attempts(cell)
        assert len({a.request_id for a in attempts}) == 1
        assert {a.target for a in attempts} == {site.target(cell, 0), site.target(cell, 1)}
        return word

    return play


NO_RETRY: Final[Mapping[str, object]] = {"retry": {"max_attempts": 1}}
"""The last target is not tried again."""

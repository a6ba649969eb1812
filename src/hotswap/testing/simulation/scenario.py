"""One story of a simulation as values: who serves, who asks for what, and what goes wrong when."""

from enum import StrEnum

from msgspec import Struct

from ...config.snapshot import Snapshot
from ..step import Cut


class Kind(StrEnum):
    """What goes wrong in one attempt."""

    NONE = "none"
    # Below HTTP, before any byte of the answer
    DNS = "dns"
    TLS = "tls"
    REFUSED = "refused"
    BLACKHOLE = "blackhole"
    """The connection is never ready."""
    RESET = "reset"
    """The request is written, then the connection is reset."""
    # Error statuses
    STATUS = "status"
    """A 5xx, or whatever `Trouble.status` says, in the provider's own form."""
    THROTTLE = "throttle"
    AUTH = "auth"
    """The key is refused, in words that name the key."""
    MONEY = "money"
    GONE = "gone"
    """The model is not there."""
    CALLER = "caller"
    """The request is said to be malformed; no other target is asked."""
    # Silence
    HANG = "hang"
    """No head ever comes."""
    MUTE = "mute"
    """The head comes, and nothing after it."""
    PINGS = "pings"
    """Signs of life, and no content."""
    # In the body
    CUT = "cut"
    """The body ends at any byte: by a reset, by the connection's end, or cleanly."""
    STALL = "stall"
    """Nothing comes after any byte."""
    ERROR = "error"
    """An error in the stream, after any event."""
    GARBAGE = "garbage"
    """Bytes that mean nothing, after any event."""
    SLOW = "slow"
    """Seconds between events."""
    EMPTY = "empty"
    """A whole answer without content."""
    PAGE = "page"
    """A 200 with a page of HTML."""
    BARE = "bare"
    """All of the answer, without its finish and terminator."""


HARMLESS = frozenset({Kind.NONE, Kind.SLOW})
"""Attempts that may well answer."""
IN_BODY = frozenset({Kind.CUT, Kind.STALL, Kind.ERROR, Kind.GARBAGE, Kind.BARE})


class Trouble(Struct, frozen=True, gc=False):
    """How one attempt is disturbed."""

    kind: Kind
    where: float = 0.0
    """Share of the body, or of its events, that comes before it."""
    status: int = 500
    wait_s: float | None = None
    """What a 429 says; None: nothing."""
    cut: Cut = Cut.EOF
    whole_key: bool = True
    """A 429 speaks of every model of the key; otherwise of this one."""


class Phase(Struct, frozen=True, gc=False):
    """For a while, some attempts of one target go wrong."""

    name: str
    target: str
    """Its id; empty: every one."""
    since: float
    """Virtual seconds."""
    until: float
    share: float
    """Of the attempts that begin in it."""
    kinds: tuple[Kind, ...]
    period_s: float = 0.0
    """It flaps: bad for so long, good for so long; 0: bad all the time."""
    credential: str = ""
    """Only attempts with this key; empty: with any."""

    def holds(self, target: str, credential: str, now: float) -> bool:
        """Say whether an attempt that begins now is in it."""
        return (
            self.since <= now < self.until
            and self.target in {"", target}
            and self.credential in {"", credential}
            and not (self.period_s and int((now - self.since) / self.period_s) % 2)
        )


class Manner(StrEnum):
    """How a target goes on with an answer that was begun by another one."""

    EXACT = "exact"
    TAIL = "tail"
    """It says the last words again."""
    WORD = "word"
    """It says the broken word again from its beginning."""
    RESTART = "restart"
    """It begins anew."""
    PREAMBLE = "preamble"
    """It announces that it goes on."""
    REFUSES = "refuses"
    """It answers a prefill with a 400, and goes on exactly when it is asked by a user turn."""
    ASTRAY = "astray"
    """It says something else."""


class Shape(StrEnum):
    """What an answer is made of."""

    TEXT = "text"
    JSON = "json"
    CALLS = "calls"
    TEXT_AND_CALLS = "text_and_calls"
    THINKING = "thinking"
    """Shown reasoning, then text."""


class Wish(Struct, frozen=True, kw_only=True):
    """One request of a caller."""

    number: int
    at: float
    """Virtual seconds of its arrival."""
    dialect: str
    chain: str
    """The name that the caller gives."""
    stream: bool
    shape: Shape = Shape.TEXT
    tokens: int
    """Length of the whole answer."""
    piece_tokens: int = 1
    """Of each event."""
    calls: int = 0
    max_tokens: int | None = None
    """None: far beyond the answer."""
    stop: str = ""
    """A stop sequence within the answer; empty: none."""
    deadline_ms: int | None = None
    splice: bool = True
    fallback: bool = True
    array: bool = False
    """Gemini: the stream is one JSON array."""
    leaves_s: float | None = None
    """The caller is gone so long after its request; None: it stays."""
    reads_bytes_per_s: float | None = None
    """None: as fast as the answer comes."""
    order: tuple[str, ...] = ()
    """The targets that the caller wants, in this order; empty: the chain's."""


class Command(Struct, frozen=True, gc=False):
    """What an operator does to a target."""

    at: float
    """Virtual seconds."""
    target: str
    after: str
    """drained or undrained."""


class Scenario(Struct, frozen=True, kw_only=True):
    """Everything that a seed draws; the same one always runs the same way."""

    seed: int
    snapshot: Snapshot
    wishes: tuple[Wish, ...]
    phases: tuple[Phase, ...] = ()
    commands: tuple[Command, ...] = ()
    noise: float = 0.0
    """Share of all attempts that go wrong in any way, phases aside."""
    manners: dict[str, Manner]
    """By target."""
    calm_at: float = 0.0
    """Attempts that begin later meet no trouble."""
    spared: frozenset[tuple[int, int]] = frozenset()
    """Attempts, as wish and number, that shrinking found to need no trouble."""

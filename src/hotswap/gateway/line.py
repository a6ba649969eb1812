"""What one request carries along its way."""

from collections.abc import Sequence

from msgspec import Struct

from ..core.plan import Skip
from ..core.terms import Chain
from ..dialects.api import AttemptNote, Begun, Peek, Translator
from ..dialects.neutral import Request
from ..errors import RefusedError
from ..server.api import Exchange
from .options import Options
from .plane import Plane
from .routes import Route


class Splice:
    """An answer that broke off and is to go on."""

    __slots__ = (
        "asked",
        "broke_at",
        "closed",
        "count",
        "declined",
        "doubtful",
        "owes",
        "prompt_tokens",
        "text",
        "writer",
    )

    def __init__(self, asked: Request, prompt_tokens: int, begun: Begun, broke_at: str) -> None:
        self.asked = asked
        self.broke_at = broke_at
        """The target whose words broke off last: if it is silent then, that may be its trouble."""
        self.prompt_tokens = prompt_tokens
        """Of the caller's prompt, as the first target counted it, or as estimated."""
        self.text = begun.text
        """What the caller has, reasoning left out."""
        self.writer = begun.writer
        """Goes on with the caller's stream."""
        self.count = 1
        """How often the answer broke off."""
        self.owes = False
        """A call was under way that the caller has nothing of: words alone are no whole answer."""
        self.declined: set[str] = set()
        """Targets that do not continue words as their own, and are asked to go on instead."""
        self.doubtful = True
        """One silence does not show yet that the words were whole."""
        self.closed = begun.closed
        """The provider has shown that the words are whole."""


class Line(Struct, kw_only=True, eq=False):
    """The state of one request from its arrival to its last record."""

    exchange: Exchange
    plane: Plane
    route: Route
    caller: str
    request: Peek
    chain: Chain
    options: Options
    request_id: str
    deadline: float = 0.0
    """Monotonic seconds at which the request ends, whatever happens."""
    keep_alive_at: float = 0.0
    """When a caller that hears nothing gets the head of its stream, and a ping."""
    conversation: bytes = b""
    """Its name, where the chain keeps it at one target; empty: it does not."""
    skips: tuple[Skip, ...] = ()
    """The targets left out so far, and why."""
    behind: tuple[Skip, ...] = ()
    """Those that are asked after the others, and why."""
    committed: bool = False
    """The answer's head was sent: what fails from now on must fail inside the answer."""
    closed: bool = False
    """The record that ends the request was made."""
    attempts: list[AttemptNote] = []
    """The attempts that failed so far."""
    tried: int = 0
    """Attempts begun so far."""
    failed_at: float | None = None
    """When the last attempt's failure was classified."""
    upstream_s: float = 0.0
    """Seconds spent waiting for providers; the rest of the time is our own."""
    notices: Sequence[str] = ()
    """What the target in hand was not told, or told differently."""
    refused: RefusedError | None = None
    """A fault of the request that only translation found."""
    splice: Splice | None = None
    """The answer broke off, and another target is to go on with it."""
    translated: Request | None = None
    """The request in neutral values, once a target needed it; see `neutral`."""

    def __post_init__(self) -> None:
        """Set the clocks."""
        received_at = self.exchange.incoming.received_at
        self.deadline = received_at + _total_s(self.chain, self.options)
        self.keep_alive_at = self.alive_until(received_at)

    def alive_until(self, now: float) -> float:
        """Return how long a caller that heard something at `now` may hear nothing more."""
        return now + self.plane.snapshot.server.keep_alive_s

    def neutral(self, caller: Translator) -> Request:
        """Return what the caller says, in neutral values; raises `RefusedError`."""
        if self.translated is None:
            self.translated = caller.read_request(self.request)
        return self.translated


def _total_s(chain: Chain, options: Options) -> float:
    """Return how long a request may take: the chain's limit, or less if the caller says so."""
    total_s = chain.timeouts.total_s
    return total_s if options.deadline_s is None else min(total_s, options.deadline_s)

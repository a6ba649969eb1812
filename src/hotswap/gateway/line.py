"""What one request carries along its way."""

from collections.abc import Sequence

from ..core.plan import Skip
from ..core.terms import Chain
from ..dialects.api import AttemptNote, Peek, Translator
from ..dialects.neutral import Request
from ..errors import RefusedError
from ..server.api import Exchange
from .options import Options
from .plane import Plane
from .routes import Route


class Line:
    """The state of one request from its arrival to its last record."""

    __slots__ = (
        "_neutral",
        "attempts",
        "caller",
        "chain",
        "committed",
        "deadline",
        "exchange",
        "failed_at",
        "keep_alive_at",
        "notices",
        "options",
        "plane",
        "refused",
        "request",
        "request_id",
        "route",
        "skips",
        "tried",
        "upstream_s",
    )

    def __init__(
        self,
        exchange: Exchange,
        plane: Plane,
        route: Route,
        *,
        caller: str,
        request: Peek,
        chain: Chain,
        options: Options,
        request_id: str,
        skips: tuple[Skip, ...],
    ) -> None:
        self.exchange = exchange
        self.plane = plane
        self.route = route
        self.caller = caller
        self.request = request
        self.chain = chain
        self.options = options
        self.request_id = request_id
        self.skips = skips
        """The targets left out so far, and why."""
        received_at = exchange.incoming.received_at
        self.deadline = received_at + _total_s(chain, options)
        """Monotonic seconds at which the request ends, whatever happens."""
        self.keep_alive_at = received_at + plane.snapshot.server.keep_alive_s
        """When a stream without content so far gets its head and a ping."""
        self.committed = False
        """The answer's head was sent: what fails from now on must fail inside the answer."""
        self.attempts: list[AttemptNote] = []
        """The attempts that failed so far."""
        self.tried = 0
        """Attempts begun so far."""
        self.failed_at: float | None = None
        """When the last attempt's failure was classified."""
        self.upstream_s = 0.0
        """Seconds spent waiting for providers; the rest of the time is our own."""
        self.notices: Sequence[str] = ()
        """What the target in hand was not told, or told differently."""
        self.refused: RefusedError | None = None
        """A fault of the request that only translation found."""
        self._neutral: Request | None = None

    def neutral(self, caller: Translator) -> Request:
        """Return what the caller says, in neutral values; raises `RefusedError`."""
        if self._neutral is None:
            self._neutral = caller.read_request(self.request)
        return self._neutral


def _total_s(chain: Chain, options: Options) -> float:
    """Return how long the request may take: the chain's limit, or less if the caller says so."""
    total_s = chain.timeouts.total_s
    return total_s if options.deadline_s is None else min(total_s, options.deadline_s)

"""What one request carries along its way."""

from ..core.plan import Skip
from ..core.terms import Chain
from ..dialects.api import AttemptNote, Peek
from ..server.api import Exchange
from .options import Options
from .plane import Plane, Route


class Line:
    """The state of one request from its arrival to its last record."""

    __slots__ = (
        "attempts",
        "caller",
        "chain",
        "committed",
        "deadline",
        "exchange",
        "failed_at",
        "keep_alive_at",
        "options",
        "plane",
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
        total_s = chain.timeouts.total_s
        if options.deadline_s is not None and options.deadline_s < total_s:
            total_s = options.deadline_s
        self.deadline = received_at + total_s
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

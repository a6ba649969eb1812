"""What one attempt costs of its key's rate limits, and what its answer tells of them."""

from ..core.run import Start
from ..core.terms import Cause, Failure, Usage
from ..dialects.rate_limits import read_named, read_windows
from ..upstream.api import Headers
from .line import Line
from .services import Services


class Tab:
    """Is opened where an attempt begins, and settled where it ends."""

    __slots__ = ("_charge", "_credential", "_kind", "_model", "_rooms")

    def __init__(self, line: Line, start: Start, services: Services, now: float) -> None:
        target, needs = start.target, line.request.needs
        self._rooms = services.standings.keyring(target.provider).rooms
        self._credential = start.credential.id
        self._model = target.model
        self._kind = line.plane.providers[target.provider].kind
        self._charge = self._rooms.begin(
            self._credential, self._model, now, needs.prompt_tokens, needs.output_tokens
        )

    def on_head(self, headers: Headers, now: float, *, faulty: bool = False) -> None:
        """Take what every answer of some providers tells of their limits; refusals tell more."""
        if not faulty and self._charge is not None and now < self._charge.room.listens_at:
            return
        windows = read_windows(self._kind, headers)
        if windows:
            self._rooms.on_limits(self._credential, self._model, windows, now, self._charge)

    def on_refusal(self, body: bytes, now: float) -> None:
        """Take what a refusal for a rate limit tells of it."""
        windows = read_named(body)
        if windows:
            self._rooms.on_limits(self._credential, self._model, windows, now, self._charge)

    def settle(
        self, failure: Failure | None, usage: Usage | None, now: float, *, sent: bool
    ) -> None:
        """Replace what was expected by what the attempt cost.

        Args:
            failure: How it ended.
            usage: As the provider counted; None: it did not say.
            now: Monotonic seconds.
            sent: The request was written.
        """
        refused = failure is not None and failure.cause is Cause.THROTTLE
        if self._charge is not None:
            self._charge.settle(usage, now, refund=refused or not sent)
        if refused and failure is not None:
            wait_s = failure.retry_after_s or 0.0
            self._rooms.on_refusal(self._credential, self._model, self._charge, wait_s, now)

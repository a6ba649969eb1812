"""What one attempt costs of its key's rate limits, and what its answer tells of them."""

from collections.abc import Sequence

from ..core.headroom import Charge, Rooms, Window
from ..core.run import Start
from ..core.terms import Cause, Failure, Needs, Usage
from ..dialects.rate_limits import read_named, read_windows
from ..upstream.api import Headers


class Tab:
    """Is opened where an attempt begins, and settled where it ends."""

    __slots__ = ("_charge", "_kind", "_rooms", "_start")

    def __init__(self, rooms: Rooms, start: Start, kind: str, needs: Needs, now: float) -> None:
        """Begin to count.

        Args:
            rooms: The limits of the provider's keys.
            start: The target and the key.
            kind: The provider's: how it tells of its limits.
            needs: Of the request.
            now: Monotonic seconds.
        """
        self._rooms = rooms
        self._start = start
        self._kind = kind
        self._charge: Charge | None = None
        if rooms.by_model:
            self._charge = rooms.begin(
                start.credential.id,
                start.target.model,
                now,
                needs.prompt_tokens,
                needs.output_tokens,
            )

    def on_head(self, headers: Headers, now: float, *, faulty: bool = False) -> None:
        """Take what every answer of some providers tells of their limits; refusals tell more."""
        charge = self._charge
        if charge is None or faulty or charge.room.listens(now):
            self._hear(read_windows(self._kind, headers), now)

    def on_refusal(self, body: bytes, now: float) -> None:
        """Take what a refusal for a rate limit tells of it."""
        self._hear(read_named(body), now)

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
        charge = self._charge
        if charge is not None:
            charge.settle(usage, now, refund=refused or not sent)
        if refused and failure is not None:
            start = self._start
            wait_s = failure.retry_after_s or 0.0
            self._rooms.on_refusal(start.credential.id, start.target.model, charge, wait_s, now)

    def _hear(self, windows: Sequence[Window], now: float) -> None:
        if windows:
            start = self._start
            self._rooms.on_limits(
                start.credential.id, start.target.model, windows, now, self._charge
            )

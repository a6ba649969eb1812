"""A request that waits for a connection."""

from collections.abc import Callable

from .alarm import Alarm
from .api import Fault
from .exchange import Exchange
from .flaw import Flaw


class Waiting:
    """Carries an exchange until a connection takes over, `connect_s` has passed, or it fails.

    Args:
        alarm: Rings for all that wait at one place: it then calls `on_time` of each.
        now: Monotonic seconds.
        exchange: Waits.
        leave: Takes it off the queue; called once, before any word to the listener.
        where: Names the endpoint in messages.
    """

    __slots__ = ("_leave", "_until", "_where", "alarm", "exchange")

    def __init__(
        self,
        alarm: Alarm,
        now: float,
        exchange: Exchange,
        leave: Callable[["Waiting"], None],
        where: str,
    ) -> None:
        self._leave = leave
        self._where = where
        self._until = now + exchange.connect_s
        self.exchange = exchange
        self.alarm = alarm
        self._arm()
        exchange.carrier = self
        exchange.sent_at = 0.0

    @property
    def over(self) -> bool:
        """It waits no longer."""
        return self.exchange.carrier is not self

    def release(self) -> Exchange:
        """Hand the exchange over."""
        self.exchange.carrier = None
        self._leave(self)
        return self.exchange

    def fail(self, flaw: Flaw) -> None:
        """End the exchange, which has not got a connection."""
        self.release().fail(flaw, received=False)

    def drop(self) -> None:
        """Forget the exchange; what is being opened for it will serve another."""
        self.release()

    def hold(self) -> None:
        """Do nothing: the connection will look at `Exchange.paused`."""

    def go_on(self) -> None:
        """Do nothing: the connection will look at `Exchange.paused`."""

    def on_time(self, now: float) -> None:
        """See what has passed, and have the alarm ring for what has not."""
        if now >= self._until:
            message = f"no connection to {self._where} within {self.exchange.connect_s:g} s"
            self.fail(Flaw(Fault.TIMEOUT, message))
            return
        self.exchange.on_time(now)
        if not self.over:
            self._arm()

    def _arm(self) -> None:
        at = min(self._until, self.exchange.limit)
        if at < self.alarm.armed_at:
            self.alarm.arm(at)

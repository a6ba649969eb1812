"""What a person orders for a target, made into transitions that are stored and told.

Contract: an order is on disk before anybody acts by it, and `order` returns once every worker was
told. Workers obey within milliseconds; one that starts later hears of what lasts. The keeper
stores orders under a boot of its own. A drain lasts until it is ended: `confirm` stores those that
last again, so that no retention forgets them.
"""

import asyncio
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final

from ..clock import Clock
from ..core.change import Reason
from ..core.settings import BreakerSettings
from ..errors import RefusedError
from ..ledger.live import Live
from ..ledger.record import Transition
from ..ledger.rows import write_entry
from ..store.api import Store, TransitionRow
from .hub import Hub
from .standing import DRAINED, TRIAL, UNDRAINED, standing_at

CONFIRM_S: Final = 6 * 3600.0
"""A drain that lasts is stored again so often."""


class Action(StrEnum):
    """What may be ordered."""

    DRAIN = "drain"
    """No new request goes there until `undrain`; those under way finish."""
    UNDRAIN = "undrain"
    OPEN = "open"
    """As if it had failed: left out for `open_max_s`, then probed."""
    CLOSE = "close"
    """All is forgiven, a drain too: all traffic at once."""
    TRIAL = "trial"
    """End its opening early: a probe decides."""


_AFTER: Final[Mapping[Action, str]] = {
    Action.DRAIN: DRAINED,
    Action.UNDRAIN: UNDRAINED,
    Action.OPEN: "open",
    Action.CLOSE: "closed",
    Action.TRIAL: TRIAL,
}
_UNDRAINED_ONLY: Final = frozenset({Action.OPEN, Action.TRIAL})


class Orders:
    """Carries out what a person orders."""

    def __init__(
        self,
        hub: Hub,
        *,
        store: Store,
        live: Live,
        settings: Callable[[], BreakerSettings],
        clock: Clock,
        boot: str,
    ) -> None:
        """Set up.

        Args:
            hub: Knows the standings and tells the workers.
            store: Keeps the orders.
            live: Shows them to those who watch.
            settings: Those in force.
            clock: Unix, for the transitions.
            boot: Differs for every start of the keeper, and from every worker's.
        """
        self._hub = hub
        self._store = store
        self._live = live
        self._settings = settings
        self._clock = clock
        self._boot = boot
        self._stored = 0
        self._storing = asyncio.Lock()
        self._confirmed_at: dict[Transition, float] = {}

    async def order(self, target: str, action: Action) -> None:
        """Carry out an order, unless the target is drained, or not drained, already.

        Raises:
            RefusedError: The target is drained, which this order can not end.
            StoreError: The order is not stored, and nobody was told.
        """
        # Later than all that is known, also where the clock was set back.
        now = max(self._clock.unix(), self._hub.board.newest_at(target))
        standing = standing_at(self._hub.board.of(target), now, self._settings())
        drained = standing.state == DRAINED
        if (action is Action.DRAIN and drained) or (action is Action.UNDRAIN and not drained):
            return
        if drained and action in _UNDRAINED_ONLY:
            raise RefusedError(
                409, "drained", f"{target} is drained: undrain or close it before {action}."
            )
        transition = Transition(
            at=now,
            target=target,
            credential="",
            before=standing.state,
            after=_AFTER[action],
            reason=Reason.OPERATOR.value,
            until=now + self._settings().open_max_s if action is Action.OPEN else None,
        )
        row = await self._keep(transition, now)
        self._hub.order(transition)
        self._live.publish("transition", row)

    async def confirm(self) -> None:
        """Store the drains that last again, where that was long ago; raises `StoreError`."""
        now = self._clock.unix()
        lasting = self._hub.board.drains()
        kept = {drain: self._confirmed_at.get(drain, drain.at) for drain in lasting}
        for drain, at in kept.items():
            if now >= at + CONFIRM_S:
                await self._keep(drain, now)
                kept[drain] = now
        self._confirmed_at = kept

    async def _keep(self, transition: Transition, now: float) -> TransitionRow:
        entry = write_entry(transition)
        row = TransitionRow(now, entry.row.body)
        async with self._storing:
            # A number is not used again when storing failed: it may have arrived after all.
            self._stored += 1
            await self._store.append(self._boot, self._stored, [row])
        return row

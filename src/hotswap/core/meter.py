"""One limit of an account, such as tokens per minute: how much of it is used.

Up to the headroom of the limit (0.9) everything has room. Above it requests are spread evenly by
the generic cell rate algorithm, at a pace midway between the headroom and the limit (0.95), and
midway between that and the limit (0.975) no minute holds more. So the limit is neither reached nor
left unused, and what has no room trickles to other targets instead of moving there in waves.

What the provider says is left counts as well, since others may use the same account. As much is
kept back there as that pace keeps, and the less the nearer the reset is.
"""

from enum import IntEnum
from math import inf
from typing import Final

from msgspec import Struct

from .settings import HeadroomRule

MINUTE_S: Final = 60.0
BURST_S: Final = 1.5
"""While requests are spread, so much of the pace may go at once: ten seconds then hold at most
1.15 times their share, and requests that come at random still use the pace (`docs/headroom.md`)."""
BURST_STEPS: Final = 3
"""So many requests may go at once in any case: few large ones would leave the pace unused."""
_SAME: Final = 0.5
"""A limit that refuses at one count does not refuse at less than this part of it: windows and
buckets let pass twice their limit in a minute at the most."""
_LONG_S: Final = 1.1 * MINUTE_S
"""A reset that is further away is not that of a limit per minute."""
_PERIODS_S: Final = (1.0, MINUTE_S, 3600.0, 86_400.0)
_ALIKE: Final = 0.15
"""Two periods that differ by no more are the same one."""


class Unit(IntEnum):
    """What a limit counts."""

    REQUESTS = 0
    TOKENS = 1
    """Prompt and answer."""
    INPUT = 2
    OUTPUT = 3


class Window(Struct, frozen=True, gc=False):
    """What a provider says of one limit."""

    unit: Unit
    limit: float
    remaining: float | None = None
    """None: plenty, or it does not say."""
    reset_s: float | None = None
    """Until all of the limit is free again; None: it does not say."""
    minute: bool = True
    """The limit is one per minute; otherwise only what remains of it counts."""


class Left(Struct, frozen=True, gc=False):
    """What a provider said remains, as of the moment at which it was asked."""

    limit: float
    remaining: float
    mark: float
    """What had been counted by then."""
    at: float
    until: float
    """When all of the limit is free again."""
    grows: float
    """What becomes free per second; 0.0: nothing does before the reset."""
    minute: bool


class Guess(Struct, gc=False):
    """A limit that nobody named, as refusals suggest it (AIMD)."""

    limit: float
    ceiling: float
    """What went in the minute before the last refusal: growth ends just below it."""
    cut_at: float


class Use(Struct, frozen=True, gc=False):
    """How much of one limit of a key is used."""

    credential: str
    unit: str
    """requests, tokens, input, output."""
    used: float
    """In the last minute: by one worker, or by all together."""
    limit: float | None
    """The worker's part of the limit per minute, or all of it; set by hand, named or guessed. None:
    the provider names one of another kind only."""
    told: float | None
    """The share that is used by what the provider said last, whoever used it; None: nothing."""


class Meter:
    """Says whether more has room below one limit, by what this worker has counted.

    Where a method takes `used` and `counted`, that is what was counted of the limit's unit in the
    last minute, and ever.
    """

    __slots__ = (
        "_guess",
        "_hand",
        "_headroom",
        "_left",
        "_limit",
        "_moody_until",
        "_named",
        "_named_until",
        "_refused_at",
        "_refused_most",
        "_revise_at",
        "_rule",
        "_since",
        "_tat",
        "_workers",
        "spread_until",
    )

    def __init__(self, rule: HeadroomRule, workers: int, now: float, *, hand: float = inf) -> None:
        """Begin with a limit, or to look for one.

        Args:
            rule: How long limits are believed that were not set by hand.
            workers: Processes that share the limit evenly.
            now: Monotonic seconds.
            hand: The limit per minute that was set by hand.
        """
        self._rule = rule
        self._workers = workers
        self._hand = hand
        self._named = self._named_until = inf
        self._guess: Guess | None = None
        self._refused_at = -inf
        self._refused_most = 0.0
        """The most that went in a minute before a refusal, of those of late."""
        self._moody_until = -inf
        """Until then refusals show no limit."""
        self._limit = hand / workers
        """This worker's part of what may go in a minute."""
        self._revise_at = inf
        """When the limit grows or is forgotten."""
        self._since = now
        self._headroom = 1.0
        """That was asked for last: a request is charged right after it was asked for."""
        self.spread_until = -inf
        """Until then requests are spread evenly."""
        self._tat = 0.0
        """Theoretical arrival time: when the pace is caught up with."""
        self._left: Left | None = None

    @property
    def named(self) -> bool:
        """The provider has told the limit."""
        return self._named < inf

    def use_at(
        self, now: float, credential: str, unit: Unit, *, used: float, counted: float
    ) -> Use:
        """Return what there is to see."""
        left, limit = self._left, self._limit
        told = None
        if left is not None and now < left.until:
            told = min(1.0, max(0.0, 1.0 - _remaining(left, counted, now) / left.limit))
        return Use(
            credential,
            unit.name.lower(),
            used,
            limit if limit < inf else None,
            told,
        )

    def adopt(self, rule: HeadroomRule, workers: int, hand: float) -> None:
        """Go by other settings."""
        self._rule, self._workers, self._hand = rule, workers, hand
        self._update()

    def pressed(
        self, cost: float, now: float, headroom: float, *, used: float, counted: float
    ) -> float:
        """Return the used share of the limit if `cost` has no room; 0.0: it has."""
        self._headroom = headroom
        if now >= self._revise_at:
            self._revise(now)
        share = self._pressed_here(used, cost, now, headroom) if self._limit < inf else 0.0
        if self._left is not None:
            share = max(share, self._pressed_there(self._left, counted, cost, now, headroom))
        if share:
            self.spread_until = now + MINUTE_S
        return share

    def free(self, now: float, headroom: float, *, used: float, counted: float) -> float:
        """Return how much has room without another look, by what is known now.

        Time only makes room: what went leaves the minute, and what remains grows.
        """
        if now < self.spread_until:
            return 0.0
        free = headroom * self._limit - used
        if self._left is not None:
            after = _remaining(self._left, counted, now)
            free = min(free, after - (1.0 - headroom) * self._left.limit)
        return free

    def pace(self, cost: float, now: float) -> None:
        """Take a request that begins, whether it had room or not."""
        if now < self.spread_until:
            step = cost * self._per_unit_s(self._headroom)
            # What went although it had no room is not held against what follows.
            self._tat = min(max(self._tat, now) + step, now + max(BURST_S, BURST_STEPS * step))

    def correct(self, difference: float, now: float) -> None:
        """Settle a request: it cost more, or less."""
        if now < self.spread_until:
            self._tat += difference * self._per_unit_s(self._headroom)

    def hear(self, window: Window, mark: float, asked_at: float, now: float) -> bool:
        """Take what the provider says; return whether it is anything new.

        Args:
            window: Its word.
            mark: What had been counted by the time it was asked.
            asked_at: When that was; what was asked earlier tells nothing new.
            now: Monotonic seconds.
        """
        reset_s = window.reset_s
        minute = window.minute and (reset_s is None or reset_s <= _LONG_S)
        new = False
        # Of several limits the smallest counts, as long as somebody names it.
        if minute and (window.limit <= self._named or now >= self._named_until):
            self._named_until = now + self._rule.forget_s
            if window.limit != self._named or self._guess is not None:
                self._named, self._guess = window.limit, None
                self._update()
                new = True
        if self._left is None or asked_at >= self._left.at:
            before, self._left = self._left, _left(window, mark, asked_at)
            new = new or before is not self._left
        return new

    def refuse(self, asked_at: float, now: float, *, used: float) -> None:
        """Take a refusal that names no limit: what went in the last minute was too much."""
        if now < self._since + MINUTE_S or asked_at <= self._refused_at:
            return
        ceiling = max(1.0, used)
        if now >= self._refused_at + self._rule.forget_s:
            self._refused_most = 0.0
        self._refused_at = now
        self._refused_most = max(self._refused_most, ceiling)
        if ceiling < _SAME * self._refused_most:
            # It refuses at any count: that is no limit, and less traffic would not help.
            self._moody_until = now + self._rule.forget_s
            self._guess = None
            self._update()
        if now < self._moody_until:
            return
        self._guess = Guess(max(1.0, self._rule.cut * ceiling), ceiling, now)
        self._update()
        self._revise_at = now + MINUTE_S

    def spread(self, until: float) -> None:
        """Spread requests evenly at least until then: everybody waits for a reset."""
        self.spread_until = max(self.spread_until, until)

    def _pressed_here(self, used: float, cost: float, now: float, headroom: float) -> float:
        """Say so by what this worker counts."""
        limit = self._limit
        if used + cost > headroom * limit:
            self.spread_until = now + MINUTE_S
        elif now >= self.spread_until:
            return 0.0
        if used <= 0.0:
            return 0.0
        pace = _midway(headroom)
        step = cost * self._per_unit_s(headroom)
        waits = max(self._tat - now, 0.0) + step > max(BURST_S, BURST_STEPS * step)
        if waits or used + cost > _midway(pace) * limit:
            return max(pace, (used + cost) / limit)
        return 0.0

    def _pressed_there(
        self, left: Left, counted: float, cost: float, now: float, headroom: float
    ) -> float:
        """Say so by what the provider said."""
        if now >= left.until:
            self._left = None
            return 0.0
        after = _remaining(left, counted, now) - cost
        if after >= (1.0 - headroom) * left.limit:
            return 0.0
        self.spread_until = now + MINUTE_S
        kept = 1.0 - headroom
        if left.minute:
            kept = (1.0 - _midway(headroom)) * min(1.0, (left.until - now) / MINUTE_S)
        return 1.0 - after / left.limit if after < kept * left.limit else 0.0

    def _per_unit_s(self, headroom: float) -> float:
        """Return the pause after one unit at the pace."""
        return MINUTE_S / (_midway(headroom) * self._limit)

    def _revise(self, now: float) -> None:
        """Let a guess grow; forget what nothing confirmed for long."""
        forget_s, guess = self._rule.forget_s, self._guess
        if now >= self._named_until:
            self._named = self._named_until = inf
        if guess is not None:
            if now >= guess.cut_at + forget_s:
                self._guess = None
            elif now < self.spread_until:
                # It was reached within the last minute: a limit that nobody needs need not grow.
                gap = guess.ceiling - guess.limit
                guess.limit += max(gap / 2, min(gap, self._rule.grow * guess.limit))
        self._update()
        if self._revise_at < inf:
            self._revise_at = min(now + MINUTE_S, self._named_until)

    def _update(self) -> None:
        own = min(self._hand, self._named) / self._workers
        self._limit = own if self._guess is None else min(own, self._guess.limit)
        if self._guess is None and self._named == inf:
            self._revise_at = inf
        elif self._revise_at == inf:
            self._revise_at = 0.0


def _midway(share: float) -> float:
    """Return the share of a limit midway between `share` of it and all of it."""
    return (1.0 + share) / 2


def _remaining(left: Left, counted: float, now: float) -> float:
    """Return what remains of what the provider said remained."""
    return left.remaining - (counted - left.mark) + left.grows * (now - left.at)


def _left(window: Window, mark: float, asked_at: float) -> Left | None:
    """Read what remains; None: enough."""
    limit, remaining, reset_s = window.limit, window.remaining, window.reset_s
    if remaining is None:
        return None
    used = limit - remaining
    if reset_s is None:
        reset_s = MINUTE_S * used / limit
    # All would be used up in this time, if it becomes free steadily, as in a token bucket.
    period_s = limit * reset_s / used if used > 0 else 0.0
    steady = any(abs(period_s / known_s - 1.0) <= _ALIKE for known_s in _PERIODS_S)
    return Left(
        limit,
        remaining,
        mark,
        asked_at,
        asked_at + reset_s,
        grows=used / reset_s if steady else 0.0,
        minute=window.minute and reset_s <= _LONG_S,
    )

"""The vendors of a world: what was drawn for them befalls the calls, and a few fail anyway."""

from collections.abc import Iterable, Sequence
from itertools import chain as chained
from math import inf
from random import Random
from typing import Final

from msgspec.structs import replace

from ...core.headroom import Unit, Window
from ...core.run import Start
from ...core.terms import Cause, Failure, Target
from .fate import SILENT, Fate, Healthy, refusal, throttled
from .published import BASE_ERRORS, BREAKS, RATE_LIMITED, VENDORS
from .trouble import Kind, Trouble

_SOON_S: Final = 0.1
_CONNECT_S: Final = 2.0
_HINT_MOST_S: Final = 20.0
_HINTED: Final = 0.5
"""Share of the rate limits that name a time."""
_LIMITS: Final = (Window(Unit.REQUESTS, 600.0), Window(Unit.TOKENS, 2_000_000.0))
"""Vendors name their limits with every answer, and these are far away: what is refused for a rate
limit here is refused for want of room at the vendor."""
_TOLD_S: Final = 300.0
"""Limits that do not change are passed on so often."""
_FIVES: Final = (
    Failure(Cause.HARD, "server_error", 500),
    Failure(Cause.HARD, "unavailable", 503),
    Failure(Cause.HARD, "overloaded", 529),
)
_REFUSED: Final = Failure(Cause.HARD, "refused")
_TIMEOUT: Final = Failure(Cause.HARD, "timeout")
_RESET: Final = Failure(Cause.HARD, "reset")
_BAD_KEY: Final = Failure(Cause.AUTH, "invalid_key", 401)
_CLOSED: Final = Failure(Cause.HARD, "closed", 200)
_HANGS: Final = 0.05
_RESETS: Final = 0.25
"""Shares of the base errors that are no rate limits; the others are 5xx."""
_STALLS: Final = 0.3
"""Share of the streams that break by falling silent."""


class _Place:
    """One target's part of the weather."""

    __slots__ = ("active", "bounds", "limited_until", "pace", "tell_at", "troubles", "turn_at")

    def __init__(self, troubles: Sequence[Trouble], pace: float) -> None:
        self.troubles = troubles
        self.pace = pace
        """How many times longer than usual its answers take."""
        self.bounds = sorted(chained.from_iterable((t.begin, t.end) for t in troubles))
        self.active: tuple[Trouble, ...] = ()
        self.turn_at = -inf
        self.tell_at = 0.0
        """When limits are named again."""
        self.limited_until = 0.0
        """The end of a rate limit that was named to somebody."""

    def turn(self, now: float) -> None:
        """Take up what begins, and drop what has ended."""
        if now < self.turn_at:
            return
        self.active = tuple(t for t in self.troubles if t.begin <= now < t.end)
        self.turn_at = next((bound for bound in self.bounds if bound > now), inf)

    def takes_nothing(self, now: float) -> bool:
        """Say whether every call fails, or would come before the time that was named."""
        self.turn(now)
        dead = any(one.share >= 1.0 and one.kind is not Kind.SLOW for one in self.active)
        return dead or now < self.limited_until


class Weather:
    """Implements `Sky` for a world of troubles."""

    __slots__ = ("_healthy", "_places", "_random", "_rng")

    def __init__(self, rng: Random, targets: Iterable[Target], troubles: Sequence[Trouble]) -> None:
        self._rng = rng
        self._random = rng.random
        self._healthy = Healthy(rng)
        paces = {vendor.name: vendor.pace for vendor in VENDORS}
        self._places = {
            target.id: _Place(
                [
                    trouble
                    for trouble in troubles
                    if trouble.vendor == target.vendor and trouble.region in {"", target.region}
                ],
                paces.get(target.vendor, 1.0),
            )
            for target in targets
        }

    def ask(self, start: Start, now: float, *, streamed: bool) -> Fate:
        """Say what becomes of a call that begins now."""
        place = self._places[start.target.id]
        struck = self._strike(place, now)
        if isinstance(struck, Fate):
            return struck
        fate = self._healthy.answer(struck)
        if now >= place.tell_at:
            place.tell_at = now + _TOLD_S
            fate = replace(fate, limits=_LIMITS)
        return self._broken(fate) if streamed and self._random() < BREAKS else fate

    def probe(self, start: Start, now: float) -> Fate:
        """Say what becomes of a probe."""
        struck = self._strike(self._places[start.target.id], now)
        return struck if isinstance(struck, Fate) else self._healthy.word(struck)

    def takes_nothing(self, now: float) -> bool:
        """Say whether each target fails all calls, or has named a time that is not over."""
        return all(place.takes_nothing(now) for place in self._places.values())

    def _strike(self, place: _Place, now: float) -> Fate | float:
        """Return how the call fails, or how many times slower than usual it is answered."""
        place.turn(now)
        factor = place.pace
        for trouble in place.active:
            if trouble.share < 1.0 and self._random() >= trouble.share:
                continue
            if trouble.kind is not Kind.SLOW:
                return self._failing(trouble.kind)
            factor = max(factor, place.pace * trouble.factor)
        if now < place.limited_until:
            return throttled(place.limited_until - now, _SOON_S)
        if self._random() < BASE_ERRORS:
            return self._base_error(place, now)
        return factor

    def _failing(self, kind: Kind) -> Fate:
        match kind:
            case Kind.CONNECT:
                if self._random() < 0.5:
                    return refusal(_REFUSED, _SOON_S)
                return refusal(_TIMEOUT, _CONNECT_S)
            case Kind.HANG:
                return SILENT
            case Kind.REFUSED:
                return refusal(_BAD_KEY, _SOON_S)
            case _:
                return refusal(self._rng.choice(_FIVES), _SOON_S)

    def _base_error(self, place: _Place, now: float) -> Fate:
        if self._random() < RATE_LIMITED:
            if self._random() >= _HINTED:
                return throttled(None, _SOON_S)
            seconds = 1.0 + self._random() * (_HINT_MOST_S - 1.0)
            place.limited_until = now + seconds
            return throttled(seconds, _SOON_S)
        which = self._random()
        if which < _HANGS:
            return SILENT
        if which < _RESETS:
            return refusal(_RESET, _SOON_S)
        return self._failing(Kind.ERRORS)

    def _broken(self, fate: Fate) -> Fate:
        """Break a stream somewhere after its first content."""
        end_s = fate.content_s + self._random() * (fate.end_s - fate.content_s)
        stalls = self._random() < _STALLS
        return replace(fate, end_s=end_s, failure=_CLOSED, stalls=stalls)

"""Whether an account's limits leave room for a request, by credential and model."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from math import inf
from typing import Final

from msgspec import Struct

from .meter import MINUTE_S, Meter, Unit, Use, Window
from .settings import HeadroomRule, RateLimits
from .terms import Provider, Reading, Usage

__all__ = ["Charge", "Room", "Rooms", "Unit", "Window", "reading"]

_RULE: Final = "rate_limit.headroom"
_OUTPUT_TOKENS: Final = 500.0
"""Taken for the length of an answer where nothing is known, unless less is allowed."""
_WEIGHT: Final = 0.05
"""Of a new answer's tokens against those before it; the first ones weigh as in a plain mean."""
_AGAIN_S: Final = 2.0
"""One refusal may be a mood; a second one within this time, of a request that was under way, shows
a limit: a limit refuses everything until it resets."""
_PAUSE_S: Final = 0.05
"""While plenty is left of every limit, what the answers of so short a time tell is not read: a busy
worker would read the same thousands of times ..."""
_PAUSES_S: Final = (1e-6, 1e-9, 1e-9, 1e-9)
"""... and per unit of the limit: at 10,000 requests a second of 1,000 tokens each, as many as a
worker sends at all, no more than a hundredth of the limit goes meanwhile."""
_BY_ALLOWANCE: Final = frozenset({"openai", "azure"})
"""Kinds that count what the answer may be, not what it is."""

_Cost = tuple[float, float, float, float]
"""By unit."""


class Charge(Struct, gc=False):
    """What one attempt was charged with."""

    room: "Room"
    cost: _Cost
    at: float
    """When it began."""
    meters: tuple[tuple[int, Meter], ...]
    """Those that counted it, and of which unit they are."""
    marks: list[float]
    """What each of them had counted by then."""
    prompt_tokens: int
    by_allowance: bool
    """The provider keeps what it charged for the answer, however short that is."""

    def mark_of(self, unit: int) -> float:
        """Return what had been counted of a unit; 0.0: nobody counted it yet."""
        for (counted, _), mark in zip(self.meters, self.marks, strict=True):
            if counted == unit:
                return mark
        return 0.0

    def settle(self, usage: Usage | None, now: float, *, refund: bool = False) -> None:
        """Replace what the attempt was expected to cost by what it did, at its end.

        Args:
            usage: As the provider counted; None: it did not say.
            now: Monotonic seconds.
            refund: The attempt cost nothing: it was refused, or never sent.
        """
        self.room.settle(self, usage, now, refund=refund)


class Room:
    """What is known of the limits of one credential with one model."""

    __slots__ = (
        "_answers",
        "_by_unit",
        "_density",
        "_meters",
        "_output",
        "_owner",
        "_refused_at",
        "listens_at",
    )

    def __init__(self, owner: "Rooms", now: float) -> None:
        self._owner = owner
        self._by_unit: list[Meter | None] = [None, None, None, None]
        self._meters: tuple[tuple[int, Meter], ...] = ()
        """Those that there are."""
        self._answers = 0
        self._output = 0.0
        """Mean tokens of an answer."""
        self._density = 1.0
        """Tokens of a prompt as the provider counts them, for each that was estimated."""
        self._refused_at = -inf
        self.listens_at = -inf
        """What answers tell before is not worth reading."""
        self.adopt(now)

    def adopt(self, now: float) -> None:
        """Go by the settings of the owner."""
        owner = self._owner
        for _, meter in self._meters:
            meter.adopt(owner.rule, owner.workers, inf)
        for unit, hand in owner.by_hand:
            self._meter(unit, now).adopt(owner.rule, owner.workers, hand)

    def pressed(self, prompt_tokens: int, output_tokens: int, now: float, headroom: float) -> float:
        """Return the used share of the limit that leaves no room; 0.0: all do."""
        cost = self._cost(prompt_tokens, output_tokens)
        worst = 0.0
        for unit, meter in self._meters:
            worst = max(worst, meter.pressed(cost[unit], now, headroom))
        return worst

    def uses_at(self, now: float, credential: str) -> list[Use]:
        """Return what is used of every known limit."""
        return [meter.use_at(now, credential, Unit(unit)) for unit, meter in self._meters]

    def begin(self, prompt_tokens: int, output_tokens: int, now: float) -> Charge:
        """Charge an attempt with what it is expected to cost."""
        cost = self._cost(prompt_tokens, output_tokens)
        meters = self._meters
        marks = [meter.charge(cost[unit], now) for unit, meter in meters]
        by_allowance = self._owner.by_allowance and output_tokens > 0
        return Charge(self, cost, now, meters, marks, prompt_tokens, by_allowance)

    def settle(self, charge: Charge, usage: Usage | None, now: float, *, refund: bool) -> None:
        """Replace what was expected by what it was."""
        if refund:
            true = (0.0, 0.0, 0.0, 0.0)
        elif usage is None or usage.estimated:
            return
        else:
            true = self._true(charge, usage)
        expected = charge.cost
        for unit, meter in charge.meters:
            meter.correct(true[unit] - expected[unit], charge.at, now)

    def hear(self, windows: Iterable[Window], charge: Charge | None, now: float) -> None:
        """Take what the provider says, in its answer to what was charged with `charge`."""
        pause_s = _PAUSE_S
        for window in windows:
            unit = window.unit
            meter = self._by_unit[unit] or self._meter(unit, now)
            if charge is None:
                meter.hear(window, meter.charged, now, now)
            else:
                meter.hear(window, charge.mark_of(unit), charge.at, now)
            plenty = window.remaining is None and window.minute
            pause_s = min(pause_s, window.limit * _PAUSES_S[unit]) if plenty else 0.0
        self.listens_at = now + pause_s

    def refuse(self, charge: Charge | None, wait_s: float, now: float) -> None:
        """Take a refusal, which may have named its limit before."""
        requests, tokens = self._meter(Unit.REQUESTS, now), self._meter(Unit.TOKENS, now)
        if charge is not None and not any(meter.named for _, meter in self._meters):
            if now < self._refused_at + _AGAIN_S:
                requests.refuse(charge.at, now)
                tokens.refuse(charge.at, now)
            self._refused_at = now
        for _, meter in self._meters:
            meter.spread(now + wait_s + MINUTE_S)

    def _true(self, charge: Charge, usage: Usage) -> _Cost:
        """Return what an attempt cost, and learn from it what others will."""
        self._answers += 1
        weight = max(_WEIGHT, 1.0 / self._answers)
        self._output += (usage.output_tokens - self._output) * weight
        if charge.prompt_tokens > 0:
            density = usage.input_tokens / charge.prompt_tokens
            self._density += (min(density, 5.0) - self._density) * weight
        output = float(usage.output_tokens)
        if charge.by_allowance:
            output = charge.cost[Unit.OUTPUT]
        input_ = float(usage.input_tokens)
        return (1.0, input_ + output, input_, output)

    def _cost(self, prompt_tokens: int, output_tokens: int) -> _Cost:
        input_ = prompt_tokens * self._density
        if self._owner.by_allowance and output_tokens:
            output = float(output_tokens)
        else:
            output = self._output if self._answers else _OUTPUT_TOKENS
            if 0 < output_tokens < output:
                output = float(output_tokens)
        return (1.0, input_ + output, input_, output)

    def _meter(self, unit: Unit, now: float) -> Meter:
        meter = self._by_unit[unit]
        if meter is None:
            meter = self._by_unit[unit] = Meter(self._owner.rule, self._owner.workers, now)
            self._meters = (*self._meters, (int(unit), meter))
        return meter


class Rooms:
    """What is known of the limits of one provider's credentials, by model.

    False while nothing is known at all, so that whoever has no limits pays for one test.
    """

    __slots__ = ("_credentials", "_rooms", "by_allowance", "by_hand", "rule", "workers")

    def __init__(self) -> None:
        self._rooms: dict[str, dict[str, Room]] = {}
        """By model and credential."""
        self._credentials: frozenset[str] = frozenset()
        self.rule = HeadroomRule()
        self.workers = 1
        self.by_hand: tuple[tuple[Unit, float], ...] = ()
        """Limits per minute."""
        self.by_allowance = False
        """The provider counts what an answer may be, where that is stated."""

    def __bool__(self) -> bool:
        return bool(self._rooms)

    def adopt(
        self,
        provider: Provider,
        unchanged: AbstractSet[str],
        models: Iterable[str],
        *,
        rule: HeadroomRule,
        workers: int,
        now: float,
    ) -> None:
        """Go by other settings; what is known of `unchanged` credentials stays."""
        limits = provider.limits or RateLimits()
        by_hand = ((Unit.REQUESTS, limits.rpm), (Unit.TOKENS, limits.tpm))
        self.by_hand = tuple([(unit, float(hand)) for unit, hand in by_hand if hand is not None])
        self.by_allowance = provider.kind in _BY_ALLOWANCE
        self.rule, self.workers = rule, workers
        self._credentials = frozenset([credential.id for credential in provider.credentials])
        former, self._rooms = self._rooms, {}
        for model in models:
            known = former.get(model, {})
            rooms = {id_: room for id_, room in known.items() if id_ in unchanged}
            for room in rooms.values():
                room.adopt(now)
            if self.by_hand:
                for credential in provider.credentials:
                    if credential.id not in rooms:
                        rooms[credential.id] = Room(self, now)
            if rooms:
                self._rooms[model] = rooms

    def find(self, credential_id: str, model: str) -> Room | None:
        """Return what is known; None: nothing is."""
        by_credential = self._rooms.get(model)
        return None if by_credential is None else by_credential.get(credential_id)

    def uses_at(self, model: str, now: float) -> tuple[Use, ...]:
        """Return what is used of every known limit of `model`."""
        rooms = self._rooms.get(model, {})
        return tuple([use for id_, room in rooms.items() for use in room.uses_at(now, id_)])

    def begin(
        self, credential_id: str, model: str, now: float, prompt_tokens: int, output_tokens: int
    ) -> Charge | None:
        """Charge an attempt that begins; None: no limit is known. See `Keyring.pressed_at`."""
        if not self._rooms:
            return None
        room = self.find(credential_id, model)
        return room.begin(prompt_tokens, output_tokens, now) if room is not None else None

    def on_limits(
        self,
        credential_id: str,
        model: str,
        windows: Iterable[Window],
        now: float,
        charge: Charge | None,
    ) -> None:
        """Take what a provider says of its limits in the answer to what `charge` is for."""
        room = self.find(credential_id, model) or self._new(credential_id, model, now)
        if room is not None:
            room.hear(windows, charge, now)

    def on_refusal(
        self, credential_id: str, model: str, charge: Charge | None, wait_s: float, now: float
    ) -> None:
        """Take a refusal for a rate limit, which is over in `wait_s`; its charge is settled."""
        room = self.find(credential_id, model) or self._new(credential_id, model, now)
        if room is not None:
            room.refuse(charge, wait_s, now)

    def _new(self, credential_id: str, model: str, now: float) -> Room | None:
        """Begin to count; None: nobody goes by that credential any more."""
        if credential_id not in self._credentials:
            return None
        room = self._rooms.setdefault(model, {})[credential_id] = Room(self, now)
        return room


def reading(share: float, headroom: float) -> Reading:
    """Say that this share of a limit is used, and that it is too much."""
    return Reading("headroom", _RULE, round(share, 3), headroom)

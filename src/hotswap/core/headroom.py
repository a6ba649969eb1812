"""Whether an account's limits leave room for a request, by credential and model."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from math import inf
from typing import Final

from msgspec import Struct

from .meter import MINUTE_S, Meter, Unit, Use, Window
from .minute import Amounts, Minute
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
_PAUSE_S: Final = 0.25
"""While plenty is left of every limit, what the answers of so short a time tell is not read: it
would be the same every time ..."""
_PART: Final = 0.01
"""... unless more than this part of a limit went meanwhile."""
_BY_ALLOWANCE: Final = frozenset({"openai", "azure"})
"""Kinds that count what the answer may be, not what it is."""

_LOOK_S: Final = 1.0
"""While plenty is left, the limits are looked at so often at least."""


class Charge(Struct, gc=False):
    """What one attempt was charged with."""

    room: "Room"
    at: float
    """When it began."""
    input: float
    output: float
    so_far: Amounts
    """What had been counted by then, this one included."""
    prompt_tokens: int
    by_allowance: bool
    """The provider keeps what it charged for the answer, however short that is."""

    def settle(self, usage: Usage | None, now: float, *, refund: bool = False) -> None:
        """Replace what the attempt was expected to cost by what it did, at its end.

        Args:
            usage: As the provider counted; None: it did not say.
            now: Monotonic seconds.
            refund: The attempt cost nothing: it was refused, or never sent.
        """
        if refund:
            self.room.correct(self, now, input_=0.0, output=0.0, requests=-1.0)
        elif usage is not None and not usage.estimated:
            if self.room.listens(now):
                self.room.learn(self, usage)
            output = self.output if self.by_allowance else float(usage.output_tokens)
            self.room.correct(self, now, input_=float(usage.input_tokens), output=output)


class Room:
    """What is known of the limits of one credential with one model."""

    __slots__ = (
        "_answers",
        "_by_unit",
        "_density",
        "_free_headroom",
        "_free_requests",
        "_free_tokens",
        "_free_until",
        "_heard_requests",
        "_heard_tokens",
        "_heard_until",
        "_meters",
        "_minute",
        "_output",
        "_owner",
        "_refused_at",
        "_spread_until",
    )

    def __init__(self, owner: "Rooms", now: float) -> None:
        self._owner = owner
        self._minute = Minute()
        self._by_unit: list[Meter | None] = [None, None, None, None]
        self._meters: tuple[tuple[int, Meter], ...] = ()
        """Those that there are."""
        self._free_until = -inf
        """Before that, as long as no more than so many requests and tokens were counted, every
        limit has room for a caller who asks for this headroom: nothing needs to be looked at."""
        self._free_headroom = self._free_requests = self._free_tokens = 0.0
        self._spread_until = -inf
        """Until then a limit has its requests spread."""
        self._answers = 0
        """That were learned from."""
        self._output = _OUTPUT_TOKENS
        """Mean tokens of an answer."""
        self._density = 1.0
        """Tokens of a prompt as the provider counts them, for each that was estimated."""
        self._refused_at = -inf
        self._heard_until = -inf
        """Before that, and before so many requests and tokens were counted, what answers tell, and
        cost, is not worth reading."""
        self._heard_requests = self._heard_tokens = 0.0
        self.adopt(now)

    def adopt(self, now: float) -> None:
        """Go by the settings of the owner."""
        owner = self._owner
        for _, meter in self._meters:
            meter.adopt(owner.rule, owner.workers, inf)
        for unit, hand in owner.by_hand:
            self._meter(unit, now).adopt(owner.rule, owner.workers, hand)
        self._free_until = -inf

    def pressed(self, prompt_tokens: int, output_tokens: int, now: float, headroom: float) -> float:
        """Return the used share of the limit that leaves no room; 0.0: all do."""
        input_ = prompt_tokens * self._density
        output = self._expected(output_tokens)
        minute = self._minute
        if (
            now < self._free_until
            and headroom == self._free_headroom
            and minute.requests < self._free_requests
            and minute.input + minute.output + input_ + output <= self._free_tokens
        ):
            return 0.0
        return self._look((1.0, input_ + output, input_, output), now, headroom)

    def listens(self, now: float) -> bool:
        """Say whether what an answer tells, and cost, is worth reading."""
        minute = self._minute
        return (
            now >= self._heard_until
            or minute.requests >= self._heard_requests
            or minute.input + minute.output >= self._heard_tokens
        )

    def uses_at(self, now: float, credential: str) -> list[Use]:
        """Return what is used of every known limit."""
        used, counted = self._minute.last_at(now), self._minute.so_far()
        return [
            meter.use_at(now, credential, Unit(unit), used=used[unit], counted=counted[unit])
            for unit, meter in self._meters
        ]

    def begin(self, prompt_tokens: int, output_tokens: int, now: float) -> Charge:
        """Charge an attempt with what it is expected to cost."""
        input_ = prompt_tokens * self._density
        output = self._expected(output_tokens)
        self._minute.add(now, input_, output)
        if now < self._spread_until:
            for unit, meter in self._meters:
                meter.pace((1.0, input_ + output, input_, output)[unit], now)
        by_allowance = self._owner.by_allowance and output_tokens > 0
        so_far = self._minute.so_far()
        return Charge(self, now, input_, output, so_far, prompt_tokens, by_allowance)

    def correct(
        self, charge: Charge, now: float, *, input_: float, output: float, requests: float = 0.0
    ) -> None:
        """Replace the tokens that were expected by those that it was."""
        more_input, more_output = input_ - charge.input, output - charge.output
        self._minute.correct(
            charge.at, now, input_=more_input, output=more_output, requests=requests
        )
        if now < self._spread_until:
            more = (requests, more_input + more_output, more_input, more_output)
            for unit, meter in self._meters:
                meter.correct(more[unit], now)

    def learn(self, charge: Charge, usage: Usage) -> None:
        """Learn from what an attempt cost what others will."""
        self._answers += 1
        weight = max(_WEIGHT, 1.0 / self._answers)
        self._output += (usage.output_tokens - self._output) * weight
        if charge.prompt_tokens > 0:
            density = usage.input_tokens / charge.prompt_tokens
            self._density += (min(density, 5.0) - self._density) * weight

    def hear(self, windows: Iterable[Window], charge: Charge | None, now: float) -> None:
        """Take what the provider says, in its answer to what was charged with `charge`."""
        counted = self._minute.so_far()
        marks = counted if charge is None else charge.so_far
        asked_at = now if charge is None else charge.at
        plenty, requests, tokens = True, inf, inf
        for window in windows:
            unit = window.unit
            meter = self._by_unit[unit] or self._meter(unit, now)
            if meter.hear(window, marks[unit], asked_at, now):
                self._free_until = -inf
            plenty = plenty and window.remaining is None and window.minute
            if unit is Unit.REQUESTS:
                requests = _PART * window.limit
            else:
                tokens = min(tokens, _PART * window.limit)
        self._heard_until = now + _PAUSE_S if plenty else -inf
        self._heard_requests = counted[Unit.REQUESTS] + requests
        self._heard_tokens = counted[Unit.TOKENS] + tokens

    def refuse(self, charge: Charge | None, wait_s: float, now: float) -> None:
        """Take a refusal, which may have named its limit before."""
        requests, tokens = self._meter(Unit.REQUESTS, now), self._meter(Unit.TOKENS, now)
        if charge is not None and not any(meter.named for _, meter in self._meters):
            if now < self._refused_at + _AGAIN_S:
                used = self._minute.last_at(now)
                requests.refuse(charge.at, now, used=used[Unit.REQUESTS])
                tokens.refuse(charge.at, now, used=used[Unit.TOKENS])
            self._refused_at = now
        for _, meter in self._meters:
            meter.spread(now + wait_s + MINUTE_S)
        self._note()

    def _look(self, cost: Amounts, now: float, headroom: float) -> float:
        """Return the used share of the limit that leaves no room; 0.0: all do, and how much."""
        used, counted = self._minute.last_at(now), self._minute.so_far()
        worst, free = 0.0, [inf, inf, inf, inf]
        for unit, meter in self._meters:
            mine = {"used": used[unit], "counted": counted[unit]}
            worst = max(worst, meter.pressed(cost[unit], now, headroom, **mine))
            free[unit] = meter.free(now, headroom, **mine)
        self._note()
        if not worst and min(free) > 0.0:
            self._free_until = now + _LOOK_S
            self._free_headroom = headroom
            self._free_requests = counted[Unit.REQUESTS] + free[Unit.REQUESTS]
            # Tokens of either kind are tokens.
            self._free_tokens = counted[Unit.TOKENS] + min(free[Unit.TOKENS :])
        return worst

    def _note(self) -> None:
        """Go by what was found at the meters."""
        self._spread_until = max([meter.spread_until for _, meter in self._meters], default=-inf)
        self._free_until = -inf

    def _expected(self, output_tokens: int) -> float:
        """Return the tokens that an answer is expected to cost where so many are allowed."""
        if output_tokens and (output_tokens < self._output or self._owner.by_allowance):
            return float(output_tokens)
        return self._output

    def _meter(self, unit: Unit, now: float) -> Meter:
        meter = self._by_unit[unit]
        if meter is None:
            meter = self._by_unit[unit] = Meter(self._owner.rule, self._owner.workers, now)
            self._meters = (*self._meters, (int(unit), meter))
        return meter


class Rooms:
    """What is known of the limits of one provider's credentials, by model."""

    __slots__ = ("_credentials", "by_allowance", "by_hand", "by_model", "rule", "workers")

    def __init__(self) -> None:
        self.by_model: dict[str, dict[str, Room]] = {}
        """And by credential; empty while nothing is known: whoever has no limits pays for that one
        test."""
        self._credentials: frozenset[str] = frozenset()
        self.rule = HeadroomRule()
        self.workers = 1
        self.by_hand: tuple[tuple[Unit, float], ...] = ()
        """Limits per minute."""
        self.by_allowance = False
        """The provider counts what an answer may be, where that is stated."""

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
        former, self.by_model = self.by_model, {}
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
                self.by_model[model] = rooms

    def find(self, credential_id: str, model: str) -> Room | None:
        """Return what is known; None: nothing is."""
        by_credential = self.by_model.get(model)
        return None if by_credential is None else by_credential.get(credential_id)

    def uses_at(self, model: str, now: float) -> tuple[Use, ...]:
        """Return what is used of every known limit of `model`."""
        rooms = self.by_model.get(model, {})
        return tuple([use for id_, room in rooms.items() for use in room.uses_at(now, id_)])

    def begin(
        self, credential_id: str, model: str, now: float, prompt_tokens: int, output_tokens: int
    ) -> Charge | None:
        """Charge an attempt that begins; None: no limit is known. See `Keyring.pressed_at`."""
        if not self.by_model:
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
        room = self.by_model.setdefault(model, {})[credential_id] = Room(self, now)
        return room


def reading(share: float, headroom: float) -> Reading:
    """Say that this share of a limit is used, and that it is too much."""
    return Reading("headroom", _RULE, round(share, 3), headroom)

"""The credentials of one provider: which one to use now, and why none can be used.

Each key may be shut for every model (refused, or without money) and for one model (throttled
until its reset, or the model is gone). Only what is in trouble has a breaker, and only what has
a limit is counted, so a healthy ring without limits costs nothing.
"""

from collections.abc import Iterator, Mapping
from math import inf
from typing import Final

from msgspec import Struct

from .backoff import Jitter
from .breaker import Breaker
from .change import Change, Reason, State
from .headroom import Rooms, reading
from .settings import AuthRule, BreakerSettings, HeadroomRule
from .terms import Cause, Credential, Failure, Provider, Reading

REASONS: Final[Mapping[Cause, Reason]] = {
    Cause.THROTTLE: Reason.THROTTLED,
    Cause.EXHAUSTED: Reason.EXHAUSTED,
    Cause.AUTH: Reason.AUTH,
    Cause.GONE: Reason.GONE,
}
"""Causes that speak of a key."""


class Obstacle(Struct, frozen=True, gc=False):
    """Why none of a provider's keys can be used for a model."""

    reason: str
    """throttled, exhausted, auth or gone: of the key that is likely to be back first."""
    until: float
    """Monotonic seconds of the soonest end among keys of this reason."""
    hinted: bool
    """`until` is the provider's own word."""


class DueKey(Struct, frozen=True):
    """A key that should be probed."""

    key: str
    """Names its breaker over all processes."""
    credential: Credential
    model: str


class Keyring:
    """Chooses among the keys of one provider, in the listed order."""

    __slots__ = (
        "_access",
        "_asked",
        "_changes",
        "_credentials",
        "_first",
        "_jitter",
        "_provider",
        "_refused",
        "_register",
        "_settings",
        "_whole",
        "rooms",
        "well",
    )

    def __init__(
        self,
        provider: Provider,
        settings: BreakerSettings,
        jitter: Jitter,
        *,
        register: dict[str, Breaker],
        changes: list[Change],
    ) -> None:
        self._settings = settings
        self._jitter = jitter
        self._register = register
        self._changes = changes
        self._provider = provider.name
        self._credentials = provider.credentials
        self._first = provider.credentials[0]
        self._whole: dict[str, Breaker] = {}
        """By credential: in trouble for every model."""
        self._access: dict[str, dict[str, Breaker]] = {}
        """By model and credential: in trouble for this model."""
        self._asked: dict[str, str] = {}
        """By credential in trouble: the model that was asked for last, to probe with."""
        self._refused: dict[str, tuple[str, ...]] = {}
        """By credential: the requests that it was refused for in a row."""
        self.well = True
        """No key is in any trouble, nor just back from it: nothing needs to be looked at."""
        self.rooms = Rooms()
        """What is used of the keys' limits."""

    def adopt(
        self,
        provider: Provider,
        settings: BreakerSettings,
        models: frozenset[str],
        *,
        headroom: HeadroomRule | None = None,
        workers: int = 1,
        now: float = 0.0,
    ) -> None:
        """Take over a new list of keys; what is known of unchanged keys and models stays.

        Args:
            provider: Holds the keys, and the limits that were set by hand.
            settings: For those in trouble.
            models: That its targets ask for.
            headroom: How other limits are learned.
            workers: Processes that share the limits evenly.
            now: Monotonic seconds; a limit that was set by hand is counted from then on.
        """
        same = {c.id for c in provider.credentials if c in self._credentials}
        self._settings = settings
        self._credentials = provider.credentials
        self._first = provider.credentials[0]
        self._refused = {c: ids for c, ids in self._refused.items() if c in same}
        self._asked = {c: model for c, model in self._asked.items() if model in models}
        self.rooms.adopt(
            provider,
            same,
            models,
            rule=headroom or HeadroomRule(),
            workers=max(1, workers),
            now=now,
        )
        for model, breaker in list(self._all()):
            if breaker.credential in same and (not model or model in models):
                breaker.adopt(settings)
            else:
                self._forget(breaker, model)

    def drop(self) -> None:
        """Forget every trouble, because the provider is no longer configured."""
        for model, breaker in list(self._all()):
            self._forget(breaker, model)

    def pick(
        self,
        model: str,
        now: float,
        tried: tuple[str, ...],
        *,
        prompt_tokens: int = 0,
        output_tokens: int = 0,
        headroom: float | None = None,
    ) -> Credential | None:
        """Return the first usable key that is not in `tried`, with room if one has.

        A key in a ramp takes its share and leaves the rest to the next usable one; it is still
        better than none. So is a key above the headroom of a limit; the least used comes first.

        Args:
            model: What is asked for.
            now: Monotonic seconds.
            tried: Ids of keys that are out of question.
            prompt_tokens: Estimate.
            output_tokens: What the caller allows the answer; 0: it does not say.
            headroom: Share of a limit above which another key is preferred; None: no limit counts.
        """
        if headroom is None or len(self._credentials) == 1 or not self.rooms.by_model:
            return self._first_usable(model, now, tried)
        least: Credential | None = None
        least_share = inf
        while (credential := self._first_usable(model, now, tried)) is not None:
            room = self.rooms.find(credential.id, model)
            share = room.pressed(prompt_tokens, output_tokens, now, headroom) if room else 0.0
            if not share:
                return credential
            if share < least_share:
                least, least_share = credential, share
            tried = (*tried, credential.id)
        return least

    def pressed_at(
        self,
        model: str,
        now: float,
        prompt_tokens: int,
        output_tokens: int,
        headroom: float,
    ) -> Reading | None:
        """Say that no usable key has room below its limits; None: one has. See `pick`."""
        if not self.rooms.by_model:
            return None
        least = inf
        for credential in self._credentials:
            if not self.well and self._bar(credential.id, model, now):
                continue
            room = self.rooms.find(credential.id, model)
            share = room.pressed(prompt_tokens, output_tokens, now, headroom) if room else 0.0
            if not share:
                return None
            least = min(least, share)
        return reading(least, headroom) if least < inf else None

    def _first_usable(self, model: str, now: float, tried: tuple[str, ...]) -> Credential | None:
        if self.well:
            if not tried:
                return self._first
            return next((c for c in self._credentials if c.id not in tried), None)
        refused: Credential | None = None
        for credential in self._credentials:
            if credential.id in tried:
                continue
            share = self._share(credential.id, model, now)
            if share >= 1.0:
                return credential
            if share > 0.0:
                if self._jitter() < share:
                    return credential
                refused = refused or credential
        return refused

    def admits_at(self, model: str, now: float) -> bool:
        """Say whether this request may ask in its turn; only a ramp ever refuses.

        False when every usable key is in a ramp and its share is used up: as with a target in a
        ramp, the request comes here last.
        """
        share = self.share_at(model, now)
        return share <= 0.0 or share >= 1.0 or self._jitter() < share

    def share_at(self, model: str, now: float) -> float:
        """Return the share of the traffic that may pass by the best key; below 1 in a ramp."""
        if self.well:
            return 1.0
        return max(self._share(c.id, model, now) for c in self._credentials)

    def obstacle_at(self, model: str, now: float) -> Obstacle | None:
        """Return why no key is usable for `model`; None: one is, if only in a ramp."""
        if self.well:
            return None
        found: Obstacle | None = None
        for credential in self._credentials:
            bar = self._bar(credential.id, model, now)
            if bar is None:
                return None
            obstacle = Obstacle(reason=bar.reason, until=bar.until, hinted=bar.hinted)
            if found is None or _rank(obstacle) < _rank(found):
                found = obstacle
        return found

    def on_failure(
        self,
        credential_id: str,
        model: str,
        request_id: str,
        failure: Failure,
        now: float,
        *,
        auth_failures: int = AuthRule().failures,
    ) -> None:
        """Note that an attempt with this key failed; causes that do not speak of it are ignored.

        Args:
            credential_id: The key; one that is no longer listed is ignored.
            model: What was asked for.
            request_id: Refusals of one request count once.
            failure: How the attempt ended.
            now: Monotonic seconds.
            auth_failures: Refusals in a row after which the key is disabled.
        """
        reason = REASONS.get(failure.cause)
        if reason is None or all(c.id != credential_id for c in self._credentials):
            return
        if reason is Reason.AUTH and not self._refuse(credential_id, request_id, auth_failures):
            return
        breaker = self._breaker(credential_id, _model_of(reason, model))
        self._asked[credential_id] = model
        hint = None if failure.retry_after_s is None else now + failure.retry_after_s
        breaker.trip(now, reason, until=hint)

    def on_success(self, credential_id: str, model: str, begun: float) -> None:
        """Note that an attempt with this key ended well: its troubles are no longer in a row.

        Nothing is opened or closed by it: the attempt may have begun before the trouble.

        Args:
            credential_id: The key.
            model: What was asked for.
            begun: When; whoever began before the last throttle has shown nothing since.
        """
        if self._refused:
            self._refused.pop(credential_id, None)
        if self._access and (breaker := self._find(credential_id, model)) is not None:
            breaker.answered = breaker.answered or begun >= breaker.shut_at

    def panic_pick(self, model: str, now: float) -> Credential | None:
        """Return the key to try when no target is left; None: none may be tried.

        Usable keys come first, then the throttled one whose own pause ends soonest. The
        provider's own word is kept, and a disabled key never serves.
        """
        best: Credential | None = None
        best_until = inf
        for credential in self._credentials:
            bar = self._bar(credential.id, model, now)
            if bar is None:
                return credential
            named = bar.hinted and now < bar.until
            if bar.reason == Reason.THROTTLED and not named and bar.until < best_until:
                best, best_until = credential, bar.until
        return best

    def is_disabled(self, credential_id: str, model: str, now: float) -> bool:
        """Say whether a key is of no use until somebody or a probe mends it: no clock will."""
        if self.well:
            return False
        bar = self._bar(credential_id, model, now)
        return bar is not None and bar.reason != Reason.THROTTLED

    def due_probes(self, now: float) -> list[DueKey]:
        """Return the keys whose opening is over and that traffic asked for since."""
        by_id = {c.id: c for c in self._credentials}
        return [
            DueKey(
                key=_key(breaker, model),
                credential=by_id[breaker.credential],
                model=model or self._asked[breaker.credential],
            )
            for model, breaker in self._all()
            if breaker.due_at(now) and (model or breaker.credential in self._asked)
        ]

    def learn(self, change: Change, model: str, now: float) -> None:
        """Apply another worker's change of a key, for `model`, or for all when it is empty."""
        if all(c.id != change.credential for c in self._credentials):
            return
        if self._find(change.credential, model) is not None or change.after == State.OPEN:
            self._breaker(change.credential, model).learn(change, now)

    def _refuse(self, credential_id: str, request_id: str, limit: int) -> bool:
        """Count a refusal; say whether there were enough."""
        refused = self._refused.get(credential_id, ())
        if request_id not in refused:
            refused = (*refused, request_id)
        if len(refused) < limit:
            self._refused[credential_id] = refused
            return False
        self._refused.pop(credential_id, None)
        return True

    def _share(self, credential_id: str, model: str, now: float) -> float:
        """Return the share of traffic that a key may take; note that it was asked for."""
        if self._bar(credential_id, model, now) is not None:
            return 0.0
        share = 1.0
        for breaker in (self._find(credential_id, ""), self._find(credential_id, model)):
            if breaker is not None:
                share = min(share, breaker.share_at(now))
        return share

    def _bar(self, credential_id: str, model: str, now: float) -> Breaker | None:
        """Return the breaker that bars a key; forget those that have healed."""
        for scope in ("", model):
            breaker = self._find(credential_id, scope)
            if breaker is None:
                continue
            state = breaker.state_at(now)
            if state is State.OPEN or state is State.HALF_OPEN:
                breaker.probing.wanted = True
                self._asked[credential_id] = model
                return breaker
            if state is State.CLOSED and breaker.is_healed(now):
                self._forget(breaker, scope)
        return None

    def _find(self, credential_id: str, model: str) -> Breaker | None:
        if not model:
            return self._whole.get(credential_id)
        by_credential = self._access.get(model)
        return None if by_credential is None else by_credential.get(credential_id)

    def _breaker(self, credential_id: str, model: str) -> Breaker:
        """Return the breaker of a key, made when there is none."""
        breaker = self._find(credential_id, model)
        if breaker is not None:
            return breaker
        breaker = Breaker(
            self._settings,
            self._jitter,
            target=f"{self._provider}/{model}" if model else self._provider,
            credential=credential_id,
            changes=self._changes,
        )
        self._register[_key(breaker, model)] = breaker
        if model:
            self._access.setdefault(model, {})[credential_id] = breaker
        else:
            self._whole[credential_id] = breaker
        self.well = False
        return breaker

    def _forget(self, breaker: Breaker, model: str) -> None:
        del self._register[_key(breaker, model)]
        if model:
            del self._access[model][breaker.credential]
            if not self._access[model]:
                del self._access[model]
        else:
            del self._whole[breaker.credential]
        self.well = not self._whole and not self._access

    def _all(self) -> Iterator[tuple[str, Breaker]]:
        """Yield every breaker with its model; an empty one is for all models."""
        for breaker in self._whole.values():
            yield "", breaker
        for model, by_credential in self._access.items():
            for breaker in by_credential.values():
                yield model, breaker


def _key(breaker: Breaker, model: str) -> str:
    return f"{'access' if model else 'credential'} {breaker.target} {breaker.credential}"


def _model_of(reason: Reason, model: str) -> str:
    """Return the model that a trouble is limited to; empty: it is the key's with every model."""
    return "" if reason is Reason.AUTH or reason is Reason.EXHAUSTED else model


def _rank(obstacle: Obstacle) -> tuple[bool, float]:
    """Order obstacles: a throttle passes by itself, so it comes before what needs a person."""
    return (obstacle.reason != Reason.THROTTLED, obstacle.until)

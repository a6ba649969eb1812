"""Everything that one worker knows about the health of its targets and keys."""

from collections.abc import Callable, Iterable, Mapping
from itertools import count
from math import inf
from typing import Final

from msgspec import Struct

from .backoff import Jitter
from .breaker import Breaker
from .change import Change, Reason, State
from .health import TargetHealth
from .keyring import REASONS, Keyring
from .leaving import Leaving
from .network import Network
from .place import SHUT
from .places import OWN, Places, Site
from .settings import ErrorRateRule, Health, LatencyRule
from .terms import (
    RULES,
    Cause,
    Chain,
    Credential,
    Endpoint,
    Failure,
    Provider,
    Scope,
    Target,
    Triggers,
)

__all__ = ["Change", "ProbeDue", "Standings"]

_NOBODY: Final = frozenset({Scope.NONE})
_KEYS: Final = frozenset({Scope.NONE, Scope.CREDENTIAL, Scope.ACCESS})
_SOUND: Final[Mapping[str, frozenset[Scope]]] = {
    Scope.CREDENTIAL: frozenset({Scope.NONE, Scope.ACCESS}),
    Scope.MODEL: frozenset({Scope.NONE, Scope.CREDENTIAL}),
    Scope.ENDPOINT: _KEYS,
    Scope.REGION: _KEYS,
    Scope.PROVIDER: _KEYS,
}
"""By what was probed: whose trouble, if a probe meets it, still shows that all is well."""


class ProbeDue(Struct, frozen=True):
    """A breaker whose opening is over, and what to probe it with."""

    key: str
    """Names the breaker over all processes, such as `target openai/gpt-4o`, or
    `region openai.com eu-west`, which is probed through one of its targets."""
    target: Target
    credential: Credential | None
    """None: any usable key of the provider."""
    whole: bool = False
    """It is about a larger thing than `target`, which stands for it."""


class Standings:
    """The health of one configuration's targets and keys, shared by all requests of a worker.

    Every machine appends its changes to `changes`; whoever serves drains them after each attempt.
    """

    __slots__ = (
        "_drained",
        "_endpoints",
        "_healths",
        "_jitter",
        "_keyrings",
        "_left",
        "_left_keyrings",
        "_places",
        "_register",
        "_serial",
        "_targets",
        "changes",
        "keyring",
        "network",
        "settings",
        "target",
    )

    def __init__(self, settings: Health, jitter: Jitter) -> None:
        self.settings = settings
        self._jitter = jitter
        self.changes: list[Change] = []
        self._serial = count(0, 2)
        """Attempts of all targets: a token never fits another target, nor a later one."""
        self._targets: dict[str, Target] = {}
        self._endpoints: dict[str, Endpoint] = {}
        self._healths: dict[str, TargetHealth] = {}
        self._keyrings: dict[str, Keyring] = {}
        self._left: Leaving[TargetHealth] = Leaving()
        self._left_keyrings: Leaving[Keyring] = Leaving()
        self._register: dict[str, Breaker] = {}
        self._places = Places(settings.places, jitter, self._register, self.changes)
        self._drained: dict[str, Change] = {}
        """What operators want nothing to be sent to, whether it is configured now or not."""
        self.network = Network(self.changes, self._forgive)
        """Our own side of all connections."""
        self.target: Callable[[str], TargetHealth] = self._healths.__getitem__
        """Returns a target's health by the target's id."""
        self.keyring: Callable[[str], Keyring] = self._keyrings.__getitem__
        """Returns a provider's keys by the provider's name."""

    def adopt(
        self,
        providers: Mapping[str, Provider],
        chains: Iterable[Chain],
        settings: Health,
        *,
        workers: int = 1,
        now: float = 0.0,
    ) -> None:
        """Go by a new configuration.

        What is known of unchanged targets (provider, model, endpoint) and keys (provider, id,
        secret) stays. Requests that are still under way by a former configuration find its
        targets and keys for as long as they may last.

        Args:
            providers: By name.
            chains: Their targets have a standing.
            settings: Of all standings.
            workers: Processes that share the limits of the keys.
            now: Monotonic seconds.
        """
        self.settings = settings
        targets: dict[str, Target] = {}
        lasting_s: dict[str, float] = {}
        rules: dict[str, list[LatencyRule | ErrorRateRule]] = {}
        regions: list[int] = []
        for chain in chains:
            mine = [r for r in (chain.triggers.latency, chain.triggers.error_rate) if r is not None]
            if chain.triggers.region is not None:
                regions.append(chain.triggers.region.min_targets)
            for target in chain.targets:
                id_ = target.id
                targets.setdefault(id_, target)
                rules.setdefault(id_, []).extend(mine)
                lasting_s[id_] = max(lasting_s.get(id_, 0.0), chain.timeouts.total_s)
        self._targets = targets
        self._adopt_targets(providers, rules, lasting_s, now)
        self._adopt_keys(providers, workers, lasting_s, now)
        self._adopt_places(providers, regions, now)

    def _adopt_targets(
        self,
        providers: Mapping[str, Provider],
        rules: Mapping[str, Iterable[LatencyRule | ErrorRateRule]],
        lasting_s: Mapping[str, float],
        now: float,
    ) -> None:
        endpoints = {id_: providers[t.provider].endpoint for id_, t in self._targets.items()}
        former, self._healths = self._healths, {}
        for id_ in self._targets:
            same = endpoints[id_] == self._endpoints.get(id_)
            health = former.pop(id_) if same else self._new(id_)
            if not same and id_ in self._drained:
                health.breaker.obey(self._drained[id_], 0.0)
            health.adopt(self.settings, rules[id_])
            self._healths[id_] = health
            self._register[f"target {id_}"] = health.breaker
        for id_ in former.keys() - self._targets.keys():
            del self._register[f"target {id_}"]
        self._endpoints = endpoints
        self._left.adopt(former, lasting_s, now)
        self.target = (self._left.things | self._healths).__getitem__

    def _adopt_places(
        self, providers: Mapping[str, Provider], regions: Iterable[int], now: float
    ) -> None:
        sites = {id_: _site(t, providers[t.provider]) for id_, t in self._targets.items()}
        self._places.adopt(self.settings, sites, self._healths, regions)
        vendors = {id_: site.vendor for id_, site in sites.items()}
        self.network.adopt(vendors, self._healths, now)
        for change in self._drained.values():
            self._places.learn(change, 0.0)
        for health in self._healths.values():
            health.on_open = self._places.on_open
            health.network = self.network

    def _adopt_keys(
        self,
        providers: Mapping[str, Provider],
        workers: int,
        lasting_s: Mapping[str, float],
        now: float,
    ) -> None:
        for left in self._left_keyrings.things.values():
            left.drop()
        former = self._keyrings
        self._keyrings = {}
        breaker = self.settings.breaker
        longest_s: dict[str, float] = {}
        for name, provider in providers.items():
            mine = [t for t in self._targets.values() if t.provider == name]
            models = frozenset(t.model for t in mine)
            longest_s[name] = max((lasting_s[t.id] for t in mine), default=0.0)
            keyring = former.pop(name, None) or Keyring(
                provider, breaker, self._jitter, register=self._register, changes=self.changes
            )
            keyring.adopt(
                provider,
                breaker,
                models,
                headroom=self.settings.headroom,
                workers=workers,
                now=now,
            )
            self._keyrings[name] = keyring
        for keyring in former.values():
            keyring.drop()
        self._left_keyrings.adopt(former, longest_s, now)
        self.keyring = (self._left_keyrings.things | self._keyrings).__getitem__

    def take_changes(self) -> list[Change]:
        """Return what changed since the last time, in order of discovery."""
        taken = self.changes[:]
        self.changes.clear()
        return taken

    def due_probes(self, now: float) -> list[ProbeDue]:
        """Return what should be probed: the opening is over, and traffic asked for it since.

        What is covered by something larger that is shut is not probed for itself.
        """
        self.network.look(now)
        places = self._places
        covered = {id_ for id_, health in self._healths.items() if health.above}
        covered = set(filter(places.covers, covered))
        due = [
            ProbeDue(key=f"target {id_}", target=self._targets[id_], credential=None)
            for id_, health in self._healths.items()
            if health.breaker.due_at(now) and id_ not in covered
        ]
        for name, keyring in self._keyrings.items():
            for key in keyring.due_probes(now):
                # A request of the former configuration may have asked for a model of that one.
                target = self._targets.get(f"{name}/{key.model}")
                if target is not None:
                    due.append(ProbeDue(key=key.key, target=target, credential=key.credential))
        for name, id_ in places.due(now, lambda id_: self._usable(id_, now)):
            due.append(ProbeDue(name, self._targets[id_], credential=None, whole=True))
        return due

    def lease(self, key: str, now: float, ttl_s: float) -> bool:
        """Take the right to make the one probe of `key`; it ends with its result or after `ttl_s`.

        Without a lease of the present opening, `on_probe` hears nothing.
        """
        breaker = self._register.get(key)
        if breaker is None or not breaker.lease(now, ttl_s):
            return False
        self._places.turn(key)
        return True

    def on_probe(
        self, key: str, now: float, *, failure: Failure | None, begun: float | None = None
    ) -> None:
        """Take the result of a leased probe that began at `begun`; None: with the present lease.

        A refusal that does not speak of anybody's health, such as a 400, shows that the target
        is there and the key is known; so does a rate limit for a key that was disabled. Any answer
        that concerns a key shows that a host, a region or a vendor works. A cancelled probe gives
        its lease back, and so does one that our own network failed.
        """
        breaker = self._register.get(key)
        if breaker is None:
            return
        begun = breaker.probing.taken_at if begun is None else begun
        well = False
        if failure is None:
            well = breaker.on_probe(now, ok=True, begun=begun)
        elif failure.cause is Cause.CANCEL:
            breaker.drop_probe(begun)
        elif self._cut_off(key, failure, begun, now):
            breaker.postpone_probe(now, begun)
        else:
            hint = None if failure.retry_after_s is None else now + failure.retry_after_s
            speaks_of = RULES[failure.cause].scope
            probed = key.partition(" ")[0]
            well = breaker.on_probe(
                now,
                ok=speaks_of in _SOUND.get(probed, _NOBODY),
                hint_until=hint,
                reason=REASONS[failure.cause] if probed == speaks_of != Scope.TARGET else "",
                begun=begun,
            )
        if well:
            self._places.on_good_probe(key, now)

    def learn(self, change: Change, now: float) -> None:
        """Apply a change that another worker made, or that an operator wants.

        Nothing is appended to `changes`. What an operator says, as a change for reason `operator`,
        counts whatever its age; see `Breaker.obey`.
        """
        operator = change.reason == Reason.OPERATOR
        if operator:
            self._note_drain(change)
        target = self._targets.get(change.target)
        if change.credential:
            if target is not None:
                self._keyrings[target.provider].learn(change, target.model, now)
            elif change.target in self._keyrings:
                self._keyrings[change.target].learn(change, "", now)
        elif target is None:
            self._places.learn(change, now)
        else:
            health = self._healths[target.id]
            health.breaker.learn(change, now)
            if change.after == State.OPEN:
                health.failing_at = change.at
            if operator:
                self._obey(change, target, now)

    def _obey(self, change: Change, target: Target, now: float) -> None:
        """Do for what a target depends on what an operator wants of the target."""
        if change.after not in {"closed", "trial"}:
            return
        # A whole key is not closed: an account without money stays so for its other models.
        names = {target.id} if change.after == "closed" else {target.id, target.provider}
        for breaker in self._register.values():
            if breaker.credential and breaker.target in names:
                breaker.obey(change, now)
        if change.after == "closed":
            self._places.release(target.id, now)
        else:
            self._places.press(target.id, change, now)

    def soonest_reopening(
        self, targets: Iterable[Target], now: float, triggers: Triggers | None = None
    ) -> float | None:
        """Return in how many seconds the first of `targets` may serve again; None: unknown.

        0 when nothing bars one of them, or a probe is due. Larger things count as far as
        `triggers` go by them; None: all of them. When a drain ends is not known.
        """
        back = (self._back_at(target, now, triggers) for target in targets)
        return min((max(0.0, at - now) for at in back if at is not None), default=None)

    def _back_at(self, target: Target, now: float, triggers: Triggers | None) -> float | None:
        """Return when a target may serve again; None: an operator wants nothing to go there."""
        health = self.target(target.id)
        bars = [health.breaker]
        for place in health.above:
            drained = place.breaker.state is State.DRAINED
            if drained or triggers is None or place.concerns(triggers):
                bars.append(place.breaker)
        until = now
        for breaker in bars:
            state = breaker.state_at(now)
            if state is State.DRAINED:
                return None
            if state is State.OPEN:
                until = max(until, breaker.until)
        obstacle = self.keyring(target.provider).obstacle_at(target.model, now)
        return until if obstacle is None else max(until, obstacle.until)

    def _usable(self, id_: str, now: float) -> bool:
        """Say whether a probe may go through a target."""
        target = self._targets[id_]
        if self._healths[id_].breaker.state is State.DRAINED:
            return False
        return self._keyrings[target.provider].obstacle_at(target.model, now) is None

    def _cut_off(self, key: str, failure: Failure, begun: float, now: float) -> bool:
        """Say whether our own network is the reason why a probe failed."""
        kind, _, name = key.partition(" ")
        target = name if kind == Scope.TARGET else self._places.picked(key)
        return RULES[failure.cause].scope is Scope.TARGET and self.network.excuses(
            target, failure, begun, -inf, now
        )

    def _note_drain(self, change: Change) -> None:
        """Remember drains, so that they outlast whatever the configuration does."""
        if change.after == "drained":
            self._drained[change.target] = change
        elif change.after in {"undrained", "closed"}:
            self._drained.pop(change.target, None)

    def _forgive(self, since: float, now: float) -> None:
        """Take back what was concluded since `since`: our own network was down."""
        self._places.forgive(since, now)
        for health in self._healths.values():
            breaker = health.breaker
            if breaker.state in SHUT and breaker.reason in OWN:
                breaker.forgive(since, now)
            health.forgive(since, now)

    def _new(self, target_id: str) -> TargetHealth:
        return TargetHealth(
            self.settings,
            self._jitter,
            target=target_id,
            serial=self._serial,
            changes=self.changes,
        )


def _site(target: Target, provider: Provider) -> Site:
    endpoint = f"{provider.endpoint.host}:{provider.endpoint.port}"
    return Site(
        vendor=target.vendor or provider.vendor or endpoint,
        model=target.model,
        endpoint=endpoint,
        region=target.region or provider.region,
    )

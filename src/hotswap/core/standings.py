"""Everything that one worker knows about the health of its targets and keys."""

from collections.abc import Callable, Iterable, Mapping
from itertools import count

from msgspec import Struct

from .backoff import Jitter
from .breaker import Breaker
from .change import Change, State
from .health import TargetHealth
from .keyring import REASONS, Keyring
from .settings import ErrorRateRule, Health, LatencyRule
from .terms import RULES, Cause, Chain, Credential, Endpoint, Failure, Provider, Scope, Target

__all__ = ["Change", "ProbeDue", "Standings"]


class ProbeDue(Struct, frozen=True):
    """A breaker whose opening is over, and what to probe it with."""

    key: str
    """Names the breaker over all processes, such as `target openai/gpt-4o`."""
    target: Target
    credential: Credential | None
    """None: any usable key of the provider."""


class Standings:
    """The health of one configuration's targets and keys, shared by all requests of a worker.

    Every machine appends its changes to `changes`; whoever serves drains them after each attempt.
    """

    __slots__ = (
        "_endpoints",
        "_healths",
        "_jitter",
        "_keyrings",
        "_left_keyrings",
        "_register",
        "_serial",
        "_targets",
        "changes",
        "keyring",
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
        self._left_keyrings: dict[str, Keyring] = {}
        self._register: dict[str, Breaker] = {}
        self.target: Callable[[str], TargetHealth] = self._healths.__getitem__
        """Returns a target's health by the target's id."""
        self.keyring: Callable[[str], Keyring] = self._keyrings.__getitem__
        """Returns a provider's keys by the provider's name."""

    def adopt(
        self, providers: Mapping[str, Provider], chains: Iterable[Chain], settings: Health
    ) -> None:
        """Go by a new configuration.

        What is known of unchanged targets (provider, model, endpoint) and keys (provider, id,
        secret) stays. Requests that are still under way by the former configuration find its
        targets and keys until the next one comes.
        """
        self.settings = settings
        targets: dict[str, Target] = {}
        rules: dict[str, list[LatencyRule | ErrorRateRule]] = {}
        for chain in chains:
            mine = [r for r in (chain.triggers.latency, chain.triggers.error_rate) if r is not None]
            for target in chain.targets:
                targets.setdefault(target.id, target)
                rules.setdefault(target.id, []).extend(mine)
        endpoints = {id_: providers[t.provider].endpoint for id_, t in targets.items()}
        former = self._healths
        self._healths = {}
        for id_ in targets:
            same = endpoints[id_] == self._endpoints.get(id_)
            health = former.pop(id_) if same else self._new(id_)
            health.adopt(settings, rules[id_])
            self._healths[id_] = health
            self._register[f"target {id_}"] = health.breaker
        left = {id_: health for id_, health in former.items() if id_ not in targets}
        for id_ in left:
            del self._register[f"target {id_}"]
        self.target = (left | self._healths).__getitem__
        self._targets, self._endpoints = targets, endpoints
        self._adopt_keys(providers)

    def _adopt_keys(self, providers: Mapping[str, Provider]) -> None:
        for left in self._left_keyrings.values():
            left.drop()
        former = self._keyrings
        self._keyrings = {}
        breaker = self.settings.breaker
        for name, provider in providers.items():
            models = frozenset(t.model for t in self._targets.values() if t.provider == name)
            keyring = former.pop(name, None) or Keyring(
                provider, breaker, self._jitter, register=self._register, changes=self.changes
            )
            keyring.adopt(provider, breaker, models)
            self._keyrings[name] = keyring
        self._left_keyrings = former
        for keyring in former.values():
            keyring.drop()
        self.keyring = (former | self._keyrings).__getitem__

    def take_changes(self) -> list[Change]:
        """Return what changed since the last time, in order of discovery."""
        taken = self.changes[:]
        self.changes.clear()
        return taken

    def due_probes(self, now: float) -> list[ProbeDue]:
        """Return what should be probed: the opening is over, and traffic asked for it since."""
        due = [
            ProbeDue(key=f"target {id_}", target=self._targets[id_], credential=None)
            for id_, health in self._healths.items()
            if health.breaker.due_at(now)
        ]
        for name, keyring in self._keyrings.items():
            for key in keyring.due_probes(now):
                # A request of the former configuration may have asked for a model of that one.
                target = self._targets.get(f"{name}/{key.model}")
                if target is not None:
                    due.append(ProbeDue(key=key.key, target=target, credential=key.credential))
        return due

    def lease(self, key: str, now: float, ttl_s: float) -> bool:
        """Take the right to make the one probe of `key`; it ends with its result or after `ttl_s`.

        Without a lease of the present opening, `on_probe` hears nothing.
        """
        breaker = self._register.get(key)
        return breaker is not None and breaker.lease(now, ttl_s)

    def on_probe(self, key: str, now: float, *, failure: Failure | None) -> None:
        """Take the result of a leased probe.

        A refusal that does not speak of anybody's health, such as a 400, shows that the target
        is there and the key is known; so does a rate limit for a key that was disabled. A
        cancelled probe gives its lease back.
        """
        breaker = self._register.get(key)
        if breaker is None:
            return
        if failure is None:
            breaker.on_probe(now, ok=True)
        elif failure.cause is Cause.CANCEL:
            breaker.drop_probe()
        else:
            hint = None if failure.retry_after_s is None else now + failure.retry_after_s
            speaks_of = RULES[failure.cause].scope
            probed = key.partition(" ")[0]
            breaker.on_probe(
                now,
                ok=speaks_of is Scope.NONE
                or (probed == Scope.CREDENTIAL and speaks_of is Scope.ACCESS),
                hint_until=hint,
                reason=REASONS[failure.cause] if probed == speaks_of != Scope.TARGET else "",
            )

    def learn(self, change: Change, now: float) -> None:
        """Apply a change that another worker made; nothing is appended to `changes`."""
        target = self._targets.get(change.target)
        if not change.credential:
            if target is not None:
                self._healths[target.id].breaker.learn(change, now)
        elif target is not None:
            self._keyrings[target.provider].learn(change, target.model, now)
        elif change.target in self._keyrings:
            self._keyrings[change.target].learn(change, "", now)

    def soonest_reopening(self, targets: Iterable[Target], now: float) -> float | None:
        """Return in how many seconds the first of `targets` may serve again; None: unknown.

        0 when nothing bars one of them, or a probe is due.
        """
        soonest: float | None = None
        for target in targets:
            until = now
            breaker = self.target(target.id).breaker
            if breaker.state_at(now) is State.OPEN:
                until = breaker.until
            obstacle = self.keyring(target.provider).obstacle_at(target.model, now)
            if obstacle is not None:
                until = max(until, obstacle.until)
            wait = max(0.0, until - now)
            soonest = wait if soonest is None else min(soonest, wait)
        return soonest

    def _new(self, target_id: str) -> TargetHealth:
        return TargetHealth(
            self.settings,
            self._jitter,
            target=target_id,
            serial=self._serial,
            changes=self.changes,
        )

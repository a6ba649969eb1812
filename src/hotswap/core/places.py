"""Faults that several targets have in common: which larger thing is to blame for them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from msgspec import Struct

from .backoff import Jitter
from .breaker import Breaker
from .change import Change, Reason, State
from .health import TargetHealth
from .place import SHUT, Place
from .settings import BreakerSettings, Health, PlacesRule
from .terms import Scope

_ORDER: Final = (Scope.MODEL, Scope.ENDPOINT, Scope.REGION, Scope.PROVIDER)
"""From the smallest to the largest."""
_CROSSING: Final = frozenset({Scope.MODEL, Scope.ENDPOINT})
"""Neither is part of the other: a target that goes down with its host says nothing of its model
elsewhere, and the other way round."""
_RULES: Final[Mapping[Scope, str]] = {
    Scope.MODEL: "places.model_targets",
    Scope.ENDPOINT: "places.endpoint_targets",
    Scope.REGION: "region.min_targets",
    Scope.PROVIDER: "places.provider_regions",
}
OWN: Final = frozenset({Reason.FAILURES, Reason.RATIO, Reason.SILENCE})
"""Openings that a target's own results led to."""


class Site(Struct, frozen=True, gc=False):
    """Where a target is."""

    vendor: str
    model: str
    endpoint: str
    """Host and port."""
    region: str = ""


class _Kind(Struct, frozen=True):
    """A place as the configuration makes it."""

    scope: Scope
    needs: int
    least: int
    members: dict[str, str]


class Places:
    """The larger things of one configuration.

    When a target opens by its own results, the places that it belongs to are looked at, the
    smallest first. A place is to blame when enough of its members opened within
    `places.together_s`, are still not well, no other member has answered since the first of them
    began to fail, and no smaller place that is open explains them all. It then opens as a whole:
    see `Place`. A member that keeps failing after that opens on its own.
    """

    __slots__ = ("_by_name", "_changes", "_healths", "_jitter", "_of", "_register", "_rule")

    def __init__(
        self, rule: PlacesRule, jitter: Jitter, register: dict[str, Breaker], changes: list[Change]
    ) -> None:
        self._rule = rule
        self._jitter = jitter
        self._register = register
        self._changes = changes
        self._healths: Mapping[str, TargetHealth] = {}
        self._by_name: dict[str, Place] = {}
        self._of: dict[str, list[Place]] = {}

    def adopt(
        self,
        settings: Health,
        sites: Mapping[str, Site],
        healths: Mapping[str, TargetHealth],
        region_leasts: Iterable[int],
    ) -> None:
        """Go by a new configuration; what is known of places that stay is kept.

        Args:
            settings: How standing is judged.
            sites: Where each target is.
            healths: By target.
            region_leasts: The distinct `min_targets` of the chains.
        """
        self._rule, self._healths = settings.places, healths
        kinds = _kinds(sites, settings.places, sorted(set(region_leasts)))
        former, self._by_name = self._by_name, {}
        for name, kind in kinds.items():
            place = former.pop(name, None) or self._new(name, kind.scope, settings.breaker)
            place.breaker.adopt(settings.breaker)
            place.adopt(kind.members, needs=kind.needs, least=kind.least)
            self._by_name[name] = self._register_of(place)
        for name, place in former.items():
            # Requests of the former configuration may still end there.
            place.adopt({}, needs=0, least=place.least)
            del self._register[name]
        self._of = {target: [] for target in healths}
        for place in self._by_name.values():
            for target in place.members:
                self._of[target].append(place)
        for target, health in healths.items():
            ill = [p for p in self._of[target] if p.breaker.state is not State.CLOSED]
            health.above = sorted(ill, key=_rank)

    def __contains__(self, name: str) -> bool:
        """Say whether there is a place of this name."""
        return name in self._by_name

    def of(self, target: str) -> Iterable[Place]:
        """Return the places that a target belongs to, the smallest first."""
        return self._of.get(target, ())

    def on_open(self, target: str, now: float) -> None:
        """Find out whether something larger is to blame for the opening of `target`."""
        for place in self.of(target):
            if place.breaker.state_at(now) in {State.CLOSED, State.RAMP}:
                self._judge(place, now)

    def on_good_probe(self, name: str, now: float) -> None:
        """Let the members of a place, if it is one, come back with it."""
        place = self._by_name.get(name)
        if place is not None:
            self._recover(place, now)

    def turn(self, name: str) -> None:
        """Note that a probe of a place, if it is one, is made through the member that was due."""
        place = self._by_name.get(name)
        if place is not None:
            place.turn()

    def picked(self, name: str) -> str:
        """Return the member that a place is probed through; empty: it is none."""
        place = self._by_name.get(name)
        return place.picked if place is not None else ""

    def press(self, target: str, change: Change, now: float) -> None:
        """Have whatever bars a target probed as soon as an operator wants it."""
        for place in self.of(target):
            if place.shut:
                place.breaker.obey(change, now)
                place.want(target)

    def learn(self, change: Change, now: float) -> None:
        """Apply what another worker found out, or an operator wants."""
        place = self._by_name.get(change.target)
        if place is None:
            return
        before = place.breaker.state_at(now)
        place.breaker.learn(change, now)
        after = place.breaker.state
        if before is not after and after is not State.CLOSED:
            self._attach(place)
        if after in SHUT and before not in SHUT:
            place.since = change.at - self._rule.together_s
        elif before in SHUT and (after is State.RAMP or change.reason == Reason.OPERATOR):
            self._recover(place, now, mine=False)

    def release(self, target: str, now: float) -> None:
        """Close what is open for no other reason than `target`, which an operator has closed."""
        for place in self.of(target):
            others = (self._healths[m].breaker for m in place.members if m != target)
            if place.shut and not any(b.state in SHUT and b.reason in OWN for b in others):
                place.breaker.close(now, Reason.OPERATOR, mine=False)

    def forgive(self, since: float, now: float) -> None:
        """Close what has opened since `since`, because our own network was down."""
        for place in self._by_name.values():
            if place.shut:
                place.breaker.forgive(since, now)

    def due(self, now: float, usable: Callable[[str], bool]) -> Iterator[tuple[str, str]]:
        """Yield the places to probe, each with the member to do it through.

        Args:
            now: Monotonic seconds.
            usable: Says whether a target has a key to be asked with.
        """
        for place in self._by_name.values():
            if not place.breaker.due_at(now):
                continue
            larger = self._larger(place)
            candidates = place.candidates()
            for one in larger:
                for target in candidates:
                    one.want(target)
            if not larger:
                target = next(filter(usable, candidates), "")
                if target:
                    place.picked = target
                    yield place.name, target

    def covers(self, target: str) -> bool:
        """Say whether a member must not be probed, since something larger is shut or drained.

        What wanted the member wants that from now on.
        """
        health = self._healths[target]
        covering = [p for p in health.above if p.breaker.state not in {State.CLOSED, State.RAMP}]
        if health.breaker.probing.wanted:
            for place in covering:
                place.want(target)
        return bool(covering)

    def _judge(self, place: Place, now: float) -> None:
        down = self._down(place, now)
        parts = _parts_down(place, down)
        if not place.needs or len(parts) < place.needs or self._explained(place, down):
            return
        since = min(down.values())
        if any(self._healths[m].well_from >= since for m in place.members if m not in down):
            return
        place.since = since
        place.breaker.trip(
            now,
            Reason.MEMBERS,
            rule=_RULES[place.scope],
            measured=len(parts),
            threshold=place.needs,
        )
        self._attach(place)

    def _down(self, place: Place, now: float) -> dict[str, float]:
        """Return the members that went down lately, with the moment when they began to fail."""
        eldest = now - self._rule.together_s
        down: dict[str, float] = {}
        for target in place.members:
            health = self._healths[target]
            breaker = health.breaker
            if place.scope in _CROSSING and any(
                one.shut and one.scope in _CROSSING for one in health.above
            ):
                continue
            if breaker.state in SHUT and breaker.reason in OWN and breaker.shut_at >= eldest:
                down[target] = health.failing_at
            elif place.scope is Scope.PROVIDER:
                for smaller in health.above:
                    if smaller.shut and smaller is not place and smaller.breaker.shut_at >= eldest:
                        down[target] = smaller.since
        return down

    def _explained(self, place: Place, down: Mapping[str, float]) -> bool:
        """Say whether something smaller is open and has all that is down for its members."""
        rank = _ORDER.index(place.scope)
        return any(
            one.shut and _ORDER.index(one.scope) < rank and one.members.keys() >= down.keys()
            for one in self.of(next(iter(down)))
        )

    def _larger(self, place: Place) -> list[Place]:
        """Return the larger things that are shut and have all members of a place."""
        rank = _ORDER.index(place.scope)
        return [
            one
            for one in self.of(next(iter(place.members)))
            if one.shut
            and _ORDER.index(one.scope) > rank
            and one.members.keys() >= place.members.keys()
        ]

    def _recover(self, place: Place, now: float, *, mine: bool = True) -> None:
        """Let the members of a place come back with it."""
        for one in self._by_name.values():
            if one is not place and one.shut and one.members.keys() <= place.members.keys():
                one.breaker.close(now, Reason.PLACE_OK, mine=mine)
        for target in place.members:
            health = self._healths[target]
            breaker = health.breaker
            own = breaker.state in SHUT and breaker.reason in OWN
            if own and health.failing_at >= place.since:
                breaker.close(now, Reason.PLACE_OK, mine=mine)
            elif breaker.state is State.CLOSED:
                breaker.renew()

    def _attach(self, place: Place) -> None:
        for target in place.members:
            above = self._healths[target].above
            if place not in above:
                above.append(place)
                above.sort(key=_rank)

    def _new(self, name: str, scope: Scope, settings: BreakerSettings) -> Place:
        breaker = Breaker(
            settings, self._jitter, target=name, scope=scope.value, changes=self._changes
        )
        return Place(scope, breaker, self._recover)

    def _register_of(self, place: Place) -> Place:
        self._register[place.name] = place.breaker
        return place


def _rank(place: Place) -> int:
    """Order what is above a target: the largest comes first, and is probed for all below."""
    return -_ORDER.index(place.scope)


def _parts_down(place: Place, down: Mapping[str, float]) -> set[str]:
    """Return the parts that are down: of a vendor those whose members all are."""
    parts = {place.members[target] for target in down}
    if place.scope is not Scope.PROVIDER:
        return parts
    return parts - {part for target, part in place.members.items() if target not in down}


def _kinds(
    sites: Mapping[str, Site], rule: PlacesRule, region_leasts: list[int]
) -> dict[str, _Kind]:
    """Return every place that has two targets at least, the smaller ones first."""
    kinds: dict[str, _Kind] = {}

    def kind(name: str, scope: Scope, needs: int, least: int = 0) -> dict[str, str]:
        return kinds.setdefault(name, _Kind(scope, needs, least, {})).members

    for target, at in sites.items():
        members = kind(f"model {at.vendor} {at.model}", Scope.MODEL, rule.model_targets)
        members[target] = f"{at.endpoint} {at.region}"
    for target, at in sites.items():
        same = sum(one.endpoint == at.endpoint for one in sites.values())
        needs = min(rule.endpoint_targets, same)
        kind(f"endpoint {at.endpoint}", Scope.ENDPOINT, needs)[target] = target
    for least in region_leasts:
        # Chains that want more targets to fail go by a standing of their own.
        more = "" if least == region_leasts[0] else f" (of {least})"
        for target, at in sites.items():
            if at.region:
                name = f"region {at.vendor} {at.region}{more}"
                kind(name, Scope.REGION, least, least)[target] = target
    for target, at in sites.items():
        members = kind(f"provider {at.vendor}", Scope.PROVIDER, rule.provider_regions)
        members[target] = at.region or at.endpoint
    return {name: kind for name, kind in kinds.items() if len(kind.members) > 1}

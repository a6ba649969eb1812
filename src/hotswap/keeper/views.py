"""Draws what the admin listener shows of chains and targets: the configured, and how it stands."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct, structs

from ..config.snapshot import Snapshot
from ..core.terms import Chain, Scope, Target
from ..ledger.record import AttemptRecord, Transition
from ..ledger.rows import read_attempt, read_transition
from ..store.api import AttemptRow, TransitionRow
from .board import Board
from .figures import Figures, TargetCount
from .measures import Measures
from .pictures import ChainTarget, ChainView, CredentialView, PlaceView, TargetView, Turn
from .standing import CLOSED, DRAINED, Standing, standing_at

_SHUT: Final = frozenset({"open", "half_open"})
_REGION_OF: Final = re.compile(r" \(of \d+\)$")
_BARRING: Final = _SHUT | {DRAINED}


class _Found(Struct, frozen=True):
    """What keeps a target from being asked in its turn; see `ChainTarget`."""

    turn: Turn
    reason: str
    until: float | None
    place: str = ""


class Views:
    """Draws one moment's picture."""

    __slots__ = (
        "_board",
        "_eldest_at",
        "_figures",
        "_leasts",
        "_measures",
        "_now",
        "_places",
        "_snapshot",
    )

    def __init__(
        self,
        snapshot: Snapshot,
        board: Board,
        figures: Figures,
        measures: Measures,
        *,
        eldest_at: float,
        now: float,
    ) -> None:
        """Set up.

        Args:
            snapshot: The configuration in force.
            board: Knows the standings.
            figures: Counts attempts.
            measures: What the workers measure.
            eldest_at: As in `Board.of`.
            now: Unix seconds.
        """
        self._snapshot = snapshot
        self._board = board
        self._figures = figures
        self._eldest_at = eldest_at
        self._now = now
        self._measures = measures
        rules = (chain.triggers.region for chain in snapshot.chains.values())
        self._leasts = sorted({rule.min_targets for rule in rules if rule is not None})
        self._places = self._in_trouble()

    def chains(self) -> list[ChainView]:
        """Show the configured chains."""
        return [self._view_chain(chain) for chain in self._chains()]

    def chain(self, name: str) -> ChainView | None:
        """Show what `name` means as a request's model; None: nothing."""
        chain = self._snapshot.chains.get(name)
        return None if chain is None else self._view_chain(chain)

    def targets(self) -> list[TargetView]:
        """Show every target of the configured chains once."""
        return [self._view_target(target) for target in self._targets().values()]

    def places(self) -> list[PlaceView]:
        """Show the larger places that are in trouble."""
        return list(self._places.values())

    def target(self, id_: str) -> TargetView | None:
        """Show one target; None: no chain has it."""
        target = self._targets().get(id_)
        return None if target is None else self._view_target(target)

    def _chains(self) -> list[Chain]:
        """Leave out the aliases, and the chains of one target that are named as it is."""
        return [
            chain
            for name, chain in self._snapshot.chains.items()
            if name == chain.name and [target.id for target in chain.targets] != [name]
        ]

    def _targets(self) -> Mapping[str, Target]:
        return {target.id: target for chain in self._chains() for target in chain.targets}

    def _view_chain(self, chain: Chain) -> ChainView:
        targets = tuple(self._turn(target, chain) for target in chain.targets)
        return ChainView(
            name=chain.name,
            aliases=chain.aliases,
            targets=targets,
            eligible=sum(target.turn is not Turn.LEFT_OUT for target in targets),
            triggers=_triggers(chain),
            timeouts=chain.timeouts,
            retry=chain.retry,
            stream=chain.stream,
            hedge=chain.hedge,
            balance=chain.balance,
            sticky=chain.sticky,
            on_exhausted=chain.on_exhausted,
        )

    def _view_target(self, target: Target) -> TargetView:
        provider = self._snapshot.providers[target.provider]
        count = self._figures.targets.get(target.id, TargetCount())
        return TargetView(
            id=target.id,
            provider=target.provider,
            model=target.model,
            region=provider.region,
            zone=provider.zone,
            chains=tuple(
                chain.name
                for chain in self._chains()
                if any(member.id == target.id for member in chain.targets)
            ),
            standing=self._standing(target.id),
            credentials=self._credentials(target),
            attempts=count.attempts,
            failures=count.failures,
            places=tuple(self._places_of(target)),
            measured=self._measures.of(target.id),
            limits=self._measures.uses_of(target.id),
        )

    def _in_trouble(self) -> Mapping[str, PlaceView]:
        members: dict[str, list[str]] = {}
        for target in self._targets().values():
            for name in self._names_of(target):
                members.setdefault(name, []).append(target.id)
        views = (
            PlaceView(name, scope, self._standing(name), tuple(members.get(name, ())))
            for name, scope in self._board.larger().items()
        )
        return {view.name: view for view in views if view.standing.state != "closed"}

    def _names_of(self, target: Target) -> Iterator[str]:
        """Yield the whole names of the larger places that a target belongs to."""
        provider = self._snapshot.providers[target.provider]
        endpoint = provider.endpoint
        vendor = target.vendor or provider.vendor or endpoint.host
        region = target.region or provider.region
        yield f"model {vendor} {target.model}"
        yield f"endpoint {endpoint.host}:{endpoint.port}"
        for least in self._leasts if region else ():
            yield f"region {vendor} {region}{self._region_suffix(least)}"
        yield f"provider {vendor}"

    def _region_suffix(self, least: int) -> str:
        """Return what tells regions apart that need different numbers of targets to go down."""
        return "" if least == self._leasts[0] else f" (of {least})"

    def _places_of(self, target: Target) -> Iterator[PlaceView]:
        """Yield the places in trouble that a target belongs to."""
        if self._places:
            for name in self._names_of(target):
                if name in self._places:
                    yield self._places[name]

    def _credentials(self, target: Target) -> tuple[CredentialView, ...]:
        return tuple(
            self._credential(credential.id, target)
            for credential in self._snapshot.providers[target.provider].credentials
        )

    def _credential(self, id_: str, target: Target) -> CredentialView:
        """Show what bars a key, or else slows it down; what concerns every model comes first."""
        found = [
            CredentialView(id_, Scope.CREDENTIAL, self._standing(target.provider, id_)),
            CredentialView(id_, Scope.ACCESS, self._standing(target.id, id_)),
        ]
        return max(found, key=lambda view: _weight(view.standing))

    def _standing(self, target: str, credential: str = "") -> Standing:
        told = self._board.of(target, credential, eldest_at=self._eldest_at)
        return standing_at(told, self._now, self._snapshot.health.breaker)

    def _turn(self, target: Target, chain: Chain) -> ChainTarget:
        """Foresee what `core.plan` would do with a target, by what the workers told of it."""
        found = self._bar(target, chain) or self._delay(target, chain)
        if found is None:
            return ChainTarget(target.id, target.priority, target.weight, Turn.ELIGIBLE, "", None)
        return ChainTarget(
            target.id,
            target.priority,
            target.weight,
            found.turn,
            found.reason,
            found.until,
            found.place,
        )

    def _bar(self, target: Target, chain: Chain) -> _Found | None:
        """Return what keeps a target out; None: nothing does."""
        for place in self._places_of(target):
            standing = place.standing
            if standing.state in _BARRING and self._goes_by(chain, place):
                return _Found(Turn.LEFT_OUT, standing.state, standing.until, place.name)
        own = self._standing(target.id)
        if own.state == DRAINED or (own.state in _SHUT and _watches(chain)):
            return _Found(Turn.LEFT_OUT, own.state, own.until)
        key = self._best_key(target)
        if key.state in _SHUT:
            return _Found(Turn.LEFT_OUT, key.reason, key.until)
        return None

    def _delay(self, target: Target, chain: Chain) -> _Found | None:
        """Return what puts a target behind the others; None: nothing does."""
        own = self._standing(target.id)
        overlay = _overlay(own, chain)
        if overlay:
            return _Found(Turn.LAST, overlay, None)
        for place in self._places_of(target):
            if place.standing.state == "ramp" and self._goes_by(chain, place):
                return _Found(Turn.LAST, "ramp", place.standing.until, place.name)
        for standing in (own, self._best_key(target)):
            if standing.state == "ramp":
                return _Found(Turn.LAST, standing.state, standing.until)
        return None

    def _goes_by(self, chain: Chain, place: PlaceView) -> bool:
        """Say whether a chain leaves out what belongs to a place in trouble; see `core.place`."""
        if place.standing.state == DRAINED:
            return True
        if place.scope != Scope.REGION:
            return chain.triggers.error is not None
        rule = chain.triggers.region
        told = _REGION_OF.search(place.name)
        return rule is not None and self._region_suffix(rule.min_targets) == (
            told[0] if told else ""
        )

    def _best_key(self, target: Target) -> Standing:
        """Return the standing of the key that is likeliest to serve."""
        standings = [view.standing for view in self._credentials(target)]
        return min(standings, key=_distance, default=CLOSED)


def to_json_form(value: object) -> object:
    """Return a record, or the record of a row, with all fields, also those with defaults."""
    match value:
        case AttemptRow():
            return structs.asdict(read_attempt(value.body))
        case TransitionRow():
            return structs.asdict(read_transition(value.body))
        case AttemptRecord() | Transition():
            return structs.asdict(value)
        case _:
            return value


def _watches(chain: Chain) -> bool:
    """Say whether a chain goes by openings of targets and places."""
    return chain.triggers.error is not None or chain.triggers.latency is not None


def _overlay(standing: Standing, chain: Chain) -> str:
    """Return the overlay that this chain goes by; empty: none."""
    names = {overlay.name for overlay in standing.overlays}
    if "suspect" in names and chain.triggers.latency is not None:
        return "suspect"
    if "demoted" in names and chain.triggers.error_rate is not None:
        return "demoted"
    return ""


def _weight(standing: Standing) -> int:
    """Order standings by how much they keep away."""
    return 2 if standing.state in _SHUT else int(standing.state == "ramp")


def _distance(standing: Standing) -> tuple[int, bool, float]:
    """Order keys as the worker's keyring does: a throttle passes without anybody's help."""
    return _weight(standing), standing.reason != "throttled", standing.until or 0.0


def _triggers(chain: Chain) -> Mapping[str, Mapping[str, object]]:
    rules: Mapping[str, object] = structs.asdict(chain.triggers)
    return {
        name: structs.asdict(rule) if isinstance(rule, Struct) else {}
        for name, rule in rules.items()
        if rule
    }

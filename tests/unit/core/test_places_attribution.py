"""Any faults in any topology: the smallest thing that explains them is blamed, and all heals."""

from collections.abc import Sequence
from itertools import product
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from typing_extensions import override

from hotswap.core.change import Change, Reason, State
from hotswap.core.settings import Health, RegionRule
from hotswap.core.standings import Standings
from hotswap.core.terms import (
    Cause,
    Chain,
    Credential,
    Endpoint,
    Failure,
    Provider,
    Target,
    Triggers,
)

HARD = Failure(Cause.HARD, "server_error", 500)
TRIGGERS = Triggers(region=RegionRule())
REGIONS = ("eu", "us", "ap")
MODELS = ("a", "b", "c")
SHUT = frozenset({State.OPEN, State.HALF_OPEN})


class Sky:
    """One vendor with models in regions, some of them with two hosts; and another vendor."""

    def __init__(self, regions: Sequence[str], models: Sequence[str], two_hosts: bool) -> None:  # noqa: FBT001 - drawn
        hosts = [f"{r}-{n}" for r in regions for n in ("1", "2")[: 1 + two_hosts]]
        hosts.append("far-1")
        providers = {
            host: Provider(
                host,
                "openai",
                Endpoint(f"{host}.test", 443, tls=True),
                "/v1",
                (Credential("main", "sk-1"),),
                region=host.partition("-")[0],
                vendor="w" if host == "far-1" else "v",
            )
            for host in hosts
        }
        targets = tuple(Target(f"{h}/{m}", h, m) for h, m in product(hosts, models))
        self.ids = [target.id for target in targets]
        self.standings = Standings(Health(), lambda: 0.5)
        self.standings.adopt(providers, [Chain("c", targets, TRIGGERS)], Health())
        self.opened: set[str] = set()
        """Larger things that have opened."""

    def fail(self, id_: str, now: float, times: int) -> None:
        health = self.standings.target(id_)
        for _ in range(times):
            health.on_failure(health.begin(now, streamed=False), now, HARD)

    def serve(self, id_: str, now: float) -> None:
        health = self.standings.target(id_)
        health.on_success(health.begin(now, streamed=False), now)

    def barred(self, id_: str, now: float) -> bool:
        return self.standings.target(id_).bar_at(now, TRIGGERS) is not None

    def take(self) -> None:
        for change in self.standings.take_changes():
            if change.scope and change.after == "open":
                self.opened.add(change.target)

    def members(self, place: str) -> set[str]:
        """Return the targets of a larger thing, by its name alone."""
        kind, *words = place.split(" ")
        match kind:
            case "endpoint":
                host = words[0].partition(".")[0]
                return {i for i in self.ids if i.startswith(f"{host}/")}
            case "model":
                return {i for i in self.ids if i.endswith(f"/{words[1]}") and self.vendor(i, words)}
            case "region":
                return {i for i in self.ids if i.startswith(f"{words[1]}-")}
            case _:
                return {i for i in self.ids if self.vendor(i, words)}

    def vendor(self, id_: str, words: Sequence[str]) -> bool:
        return ("w" if id_.startswith("far-1/") else "v") == words[0]


SKIES = st.builds(
    Sky,
    st.lists(st.sampled_from(REGIONS), min_size=1, max_size=3, unique=True),
    st.lists(st.sampled_from(MODELS), min_size=1, max_size=3, unique=True),
    st.booleans(),
)


def suffer(sky: Sky, ill: Sequence[str], idle: set[str], rng: Random) -> None:
    """Let `ill` fail until they open, while all others but `idle` serve."""
    now = 10.0
    for id_ in rng.sample(ill, len(ill)):
        sky.fail(id_, now, 1)
    for id_ in sky.ids:
        if id_ not in ill and id_ not in idle:
            sky.serve(id_, now + 1.0)
    for id_ in rng.sample(ill, len(ill)):
        now += 0.1
        sky.fail(id_, now + 1.0, 4)
    sky.take()


@settings(max_examples=25, deadline=None)
@given(SKIES, st.randoms(use_true_random=False), st.data())
def test_under_traffic_just_what_is_ill_is_barred(
    sky: Sky, rng: Random, data: st.DataObject
) -> None:
    ill = data.draw(st.lists(st.sampled_from(sky.ids), unique=True))

    suffer(sky, ill, set(), rng)

    assert {i for i in sky.ids if sky.barred(i, 15.0)} == set(ill)
    for place in sky.opened:
        assert sky.members(place) <= set(ill)


@settings(max_examples=25, deadline=None)
@given(SKIES, st.randoms(use_true_random=False), st.data())
def test_what_is_idle_goes_down_only_with_something_that_is_ill_as_far_as_it_was_asked(
    sky: Sky, rng: Random, data: st.DataObject
) -> None:
    ill = data.draw(st.lists(st.sampled_from(sky.ids), unique=True))
    idle = set(data.draw(st.lists(st.sampled_from(sky.ids), unique=True))) - set(ill)

    suffer(sky, ill, idle, rng)

    for place in sky.opened:
        members = sky.members(place)
        assert len(members & set(ill)) > 1
        assert members <= set(ill) | idle
    barred = {i for i in sky.ids if sky.barred(i, 15.0)}
    assert set(ill) <= barred <= set(ill) | idle


@settings(max_examples=25, deadline=None)
@given(SKIES, st.sampled_from(["endpoint", "model", "provider"]), st.randoms(), st.booleans())
def test_a_whole_thing_that_fails_is_found_and_nothing_larger(
    sky: Sky,
    kind: str,
    rng: Random,
    others_serve: bool,  # noqa: FBT001 - drawn
) -> None:
    """A place has members elsewhere or it is the whole vendor: then nothing smaller is it."""
    host, _, model = sky.ids[0].partition("/")
    name = {
        "endpoint": f"endpoint {host}.test:443",
        "model": f"model v {model}",
        "provider": "provider v",
    }[kind]
    ill = sorted(sky.members(name))
    if len(ill) < 2:
        return

    suffer(sky, ill, set() if others_serve else set(sky.ids) - set(ill), rng)

    assert all(sky.barred(i, 15.0) for i in ill)
    assert sky.opened
    if others_serve:
        assert all(sky.members(place) <= set(ill) for place in sky.opened)
    assert not any(sky.barred(i, 15.0) for i in sky.ids if i.startswith("far-1/"))


@settings(max_examples=25, deadline=None)
@given(SKIES, st.randoms(use_true_random=False), st.data())
def test_once_all_is_well_all_is_closed_after_few_probes_and_a_ramp(
    sky: Sky, rng: Random, data: st.DataObject
) -> None:
    ill = data.draw(st.lists(st.sampled_from(sky.ids), unique=True))
    suffer(sky, ill, set(), rng)
    places = len(sky.opened)
    probes = 0

    for now in range(20, 80):
        for id_ in sky.ids:
            if not sky.barred(id_, now):
                sky.serve(id_, now)
        for due in sky.standings.due_probes(now):
            if sky.standings.lease(due.key, now, 5.0):
                sky.standings.on_probe(due.key, now, failure=None)
                probes += 1

    assert probes == len(ill) if not places else 0 < probes < len(ill)
    assert all(sky.standings.target(i).breaker.state_at(80.0) is State.CLOSED for i in sky.ids)
    assert not any(sky.barred(i, 80.0) for i in sky.ids)


class PlacesMachine(RuleBasedStateMachine):
    """Anything in any order: who is barred, who is probed, and who takes over what."""

    def __init__(self) -> None:
        super().__init__()
        self.sky = Sky(("eu", "us"), ("a", "b"), two_hosts=True)
        self.there = Sky(("eu", "us"), ("a", "b"), two_hosts=True)
        """Another worker, which hears everything."""
        self.now = 100.0

    def tell(self) -> None:
        for change in self.sky.standings.take_changes():
            self.there.standings.learn(change, self.now)

    @rule(seconds=st.sampled_from([0.1, 1.0, 6.0, 31.0, 61.0, 301.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(at=st.integers(0, 9), times=st.sampled_from([1, 3, 5]))
    def fails(self, at: int, times: int) -> None:
        self.sky.fail(self.sky.ids[at], self.now, times)
        self.tell()

    @rule(host=st.sampled_from(["eu-1", "eu-2", "us-1"]))
    def host_fails(self, host: str) -> None:
        for id_ in self.sky.ids:
            if id_.startswith(host):
                self.sky.fail(id_, self.now, 5)
        self.tell()

    @rule(at=st.integers(0, 9))
    def serves(self, at: int) -> None:
        self.sky.serve(self.sky.ids[at], self.now)
        self.tell()

    @rule(at=st.integers(0, 9), what=st.sampled_from(["drained", "undrained", "closed", "trial"]))
    def is_told(self, at: int, what: str) -> None:
        self.sky.standings.learn(_said(what, self.sky.ids[at], self.now), self.now)
        self.there.standings.learn(_said(what, self.sky.ids[at], self.now), self.now)

    @rule(ok=st.booleans())
    def is_probed(self, ok: bool) -> None:  # noqa: FBT001 - drawn
        for id_ in self.sky.ids:
            self.sky.barred(id_, self.now)
        seen: set[str] = set()
        for due in self.sky.standings.due_probes(self.now):
            above = self.sky.standings.target(due.target.id).above
            assert due.whole or not any(place.shut for place in above)
            assert self.sky.standings.target(due.target.id).breaker.state is not State.DRAINED
            assert due.key not in seen
            seen.add(due.key)
            if self.sky.standings.lease(due.key, self.now, 5.0):
                self.sky.standings.on_probe(due.key, self.now, failure=None if ok else HARD)
        self.tell()

    @invariant()
    def barred_is_what_is_shut_or_below_it(self) -> None:
        for id_ in self.sky.ids:
            health = self.sky.standings.target(id_)
            shut = {*SHUT, State.DRAINED}
            barred = self.sky.barred(id_, self.now)
            assert barred == (
                health.breaker.state in shut or any(p.breaker.state in shut for p in health.above)
            )

    @invariant()
    def nobody_is_open_for_the_other_worker_alone(self) -> None:
        """A ramp or closing that is told there never leaves something shut that is open here."""
        for id_ in self.sky.ids:
            here, there = (one.standings.target(id_) for one in (self.sky, self.there))
            if any(place.shut for place in there.above):
                assert any(place.shut for place in here.above) or here.breaker.state in SHUT

    @override
    def teardown(self) -> None:
        """Whatever happened: once all is well, everything serves again."""
        for id_ in self.sky.ids:
            self.sky.standings.learn(_said("undrained", id_, self.now), self.now)
        for _ in range(60):
            self.now += 11.0
            self.is_well()
        assert not any(self.sky.barred(i, self.now) for i in self.sky.ids)

    def is_well(self) -> None:
        for id_ in self.sky.ids:
            if not self.sky.barred(id_, self.now):
                self.sky.serve(id_, self.now)
        for due in self.sky.standings.due_probes(self.now):
            if self.sky.standings.lease(due.key, self.now, 5.0):
                self.sky.standings.on_probe(due.key, self.now, failure=None)


def _said(what: str, target: str, now: float) -> Change:
    return Change(
        at=now, target=target, credential="", before="", after=what, reason=Reason.OPERATOR
    )


TestPlacesMachine = PlacesMachine.TestCase
TestPlacesMachine.settings = settings(max_examples=12, stateful_step_count=25, deadline=None)

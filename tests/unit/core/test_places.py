"""Several targets that fail together are one larger thing that is down."""

from collections.abc import Callable, Sequence

from hotswap.core.change import Change, State
from hotswap.core.plan import plan
from hotswap.core.settings import ErrorRule, Health, RegionRule
from hotswap.core.standings import ProbeDue, Standings
from hotswap.core.terms import (
    Cause,
    Chain,
    Credential,
    Endpoint,
    Failure,
    Provider,
    Reading,
    Target,
    Triggers,
)

HARD = Failure(Cause.HARD, "server_error", 500)
USUAL = Triggers()
KEY = Credential("main", "sk-1")


class World:
    """Standings of targets that are written as `provider/model`, and what happens to them.

    A provider `eu` of vendor `v` is at the host `eu.v.test`, in the region `eu`; one with a dash,
    such as `eu-2`, is another host of that region. `plain` providers have no region.
    """

    def __init__(
        self,
        *targets: str,
        triggers: Sequence[Triggers] = (USUAL,),
        plain: Sequence[str] = (),
        vendors: dict[str, str] | None = None,
    ) -> None:
        self.settings = Health()
        self.standings = Standings(self.settings, lambda: 0.0)
        names = dict.fromkeys(name.partition("/")[0] for name in targets)
        self.providers = {
            name: Provider(
                name,
                "openai",
                Endpoint(f"{name}.v.test", 443, tls=True),
                "/v1",
                (KEY,),
                region="" if name in plain else name.partition("-")[0],
                vendor=(vendors or {}).get(name, "v"),
            )
            for name in names
        }
        self.targets = [
            Target(id_, id_.partition("/")[0], id_.partition("/")[2], priority=number)
            for number, id_ in enumerate(targets)
        ]
        self.chains = [
            Chain(f"c{number}", tuple(self.targets), one) for number, one in enumerate(triggers)
        ]
        self.adopt()

    def adopt(self) -> None:
        self.standings.adopt(self.providers, self.chains, self.settings)

    def fail(self, target: str, now: float, times: int = 5) -> None:
        health = self.standings.target(target)
        for _ in range(times):
            health.on_failure(health.begin(now, streamed=True), now, HARD)

    def serve(self, target: str, now: float, *, begun: float | None = None) -> None:
        health = self.standings.target(target)
        token = health.begin(now if begun is None else begun, streamed=True)
        health.on_byte(token, now)
        health.on_success(token, now)

    def bar(self, target: str, now: float, triggers: Triggers = USUAL) -> Reading | None:
        return self.standings.target(target).bar_at(now, triggers)

    def opened(self) -> list[str]:
        """Return what has opened since the last time, targets and larger things."""
        return [c.target for c in self.standings.take_changes() if c.after == "open"]

    def probe(self, key: str, now: float, *, ok: bool) -> None:
        assert self.standings.lease(key, now, 10.0)
        self.standings.on_probe(key, now, failure=None if ok else HARD)


HOST = ("one/a", "one/b", "one/c", "one/d", "two/a")


def host_down(now: float = 0.0) -> World:
    world = World(*HOST, plain=("one", "two"), vendors={"two": "w"})
    for target in ("one/a", "one/b", "one/c"):
        world.fail(target, now)
    world.standings.target("one/d").bar_at(now, USUAL)
    return world


def test_a_host_is_left_after_three_of_its_models_opened() -> None:
    world = World(*HOST, plain=("one", "two"), vendors={"two": "w"})

    world.fail("one/a", 0.0)
    world.fail("one/b", 0.5)
    assert world.bar("one/d", 0.6) is None

    world.fail("one/c", 1.0)

    assert world.opened() == ["one/a", "one/b", "one/c", "endpoint one.v.test:443"]
    assert world.bar("one/d", 1.1) == Reading(
        "open", "places.endpoint_targets", 3, 3, "endpoint one.v.test:443"
    )
    assert world.bar("two/a", 1.1) is None


def test_the_plan_says_which_larger_thing_is_down() -> None:
    world = host_down()

    made = plan(world.chains[0], world.standings, 1.0, lambda: 0.0)

    assert [target.id for target in made.targets] == ["two/a"]
    assert {(skip.target, skip.reason, skip.scope) for skip in made.skips} == {
        (target, "open", "endpoint one.v.test:443")
        for target in ("one/a", "one/b", "one/c", "one/d")
    }


def test_a_change_tells_what_was_measured() -> None:
    world = host_down()

    told = world.standings.take_changes()[-1]

    assert (told.scope, told.target, told.reason) == (
        "endpoint",
        "endpoint one.v.test:443",
        "members",
    )
    assert (told.rule, told.measured, told.threshold) == ("places.endpoint_targets", 3, 3)


def test_one_target_that_fails_alone_blames_nothing_else() -> None:
    world = World(*HOST)

    world.fail("one/a", 0.0)

    assert world.opened() == ["one/a"]


def test_a_target_that_served_meanwhile_clears_its_host() -> None:
    world = World(*HOST, plain=("one", "two"), vendors={"two": "w"})

    world.fail("one/a", 0.0)
    world.fail("one/b", 0.5)
    world.serve("one/d", 0.6)
    world.fail("one/c", 1.0)

    assert world.opened() == ["one/a", "one/b", "one/c"]


def test_an_answer_that_was_under_way_before_the_fault_clears_nobody() -> None:
    world = World(*HOST, plain=("one", "two"), vendors={"two": "w"})

    world.fail("one/a", 1.0)
    world.fail("one/b", 1.5)
    world.serve("one/d", 1.6, begun=0.9)
    world.fail("one/c", 2.0)

    assert world.opened()[-1] == "endpoint one.v.test:443"


def test_openings_of_different_minutes_have_different_reasons() -> None:
    world = World(*HOST, plain=("one", "two"), vendors={"two": "w"})

    world.fail("one/a", 0.0)
    world.fail("one/b", 50.0)
    world.fail("one/c", 61.0)

    assert world.opened() == ["one/a", "one/b", "one/c"]


def test_a_host_with_two_models_is_down_when_both_are() -> None:
    world = World("one/a", "one/b", "two/a", vendors={"two": "w"}, plain=("one", "two"))

    world.fail("one/a", 0.0)
    world.fail("one/b", 1.0)

    assert world.opened()[-1] == "endpoint one.v.test:443"


def test_a_model_that_fails_at_two_places_is_down_everywhere_and_others_are_not() -> None:
    world = World("eu/a", "us/a", "ap/a", "eu/b", "us/b", "ap/b")

    world.fail("eu/a", 0.0)
    world.fail("us/a", 1.0)

    assert world.opened() == ["eu/a", "us/a", "model v a"]
    assert world.bar("ap/a", 2.0) == Reading("open", "places.model_targets", 2, 2, "model v a")
    assert [world.bar(f"{at}/b", 2.0) for at in ("eu", "us", "ap")] == [None, None, None]


def test_two_accounts_at_one_place_do_not_blame_the_model() -> None:
    world = World("one/a", "two/a", "one/b", "two/b", plain=("one", "two"))
    same = world.providers["one"].endpoint
    two = world.providers["two"]
    world.providers["two"] = Provider("two", "openai", same, "/v1", two.credentials, vendor="v")
    world.adopt()

    world.fail("one/a", 0.0)
    world.fail("two/a", 0.5)

    assert world.opened() == ["one/a", "two/a"]


def test_a_region_of_several_hosts_opens_as_a_whole() -> None:
    world = World("eu-1/a", "eu-2/b", "eu-3/c", "us/a", "us/b")

    world.fail("eu-1/a", 0.0)
    world.fail("eu-2/b", 1.0)

    assert world.opened() == ["eu-1/a", "eu-2/b", "region v eu"]
    assert world.bar("eu-3/c", 2.0) == Reading("open", "region.min_targets", 2, 2, "region v eu")
    assert world.bar("us/a", 2.0) is None


def test_a_region_counts_for_chains_with_that_trigger_and_other_things_with_error() -> None:
    world = World("eu-1/a", "eu-2/b", "eu-3/c", "us/a")
    world.fail("eu-1/a", 0.0)
    world.fail("eu-2/b", 1.0)
    no_region = Triggers(region=None)

    assert world.bar("eu-3/c", 2.0, no_region) is None
    assert world.bar("eu-3/c", 2.0, Triggers(error=None)) is not None

    host = host_down()
    assert host.bar("one/d", 1.0, no_region) is not None
    assert host.bar("one/d", 1.0, Triggers(error=None)) is None


def test_each_chain_goes_by_its_own_number_of_targets_in_a_region() -> None:
    three = Triggers(region=RegionRule(min_targets=3))
    world = World("eu-1/a", "eu-2/b", "eu-3/c", "eu-4/d", triggers=(USUAL, three))

    world.fail("eu-1/a", 0.0)
    world.fail("eu-2/b", 1.0)

    assert world.bar("eu-4/d", 2.0) == Reading("open", "region.min_targets", 2, 2, "region v eu")
    assert world.bar("eu-4/d", 2.0, three) is None

    world.fail("eu-3/c", 2.5)

    assert world.bar("eu-4/d", 3.0, three) == Reading(
        "open", "region.min_targets", 3, 3, "region v eu (of 3)"
    )


def test_what_a_host_explains_is_not_put_down_to_its_region() -> None:
    world = World("eu-1/a", "eu-1/b", "eu-2/a", "eu-2/c", "us/a")

    world.fail("eu-1/a", 0.0)
    world.serve("eu-2/a", 0.1)
    world.fail("eu-1/b", 1.0)

    assert world.opened() == ["eu-1/a", "eu-1/b", "endpoint eu-1.v.test:443"]
    assert world.bar("eu-2/c", 2.0) is None


def test_after_two_regions_the_vendor_is_left() -> None:
    world = World("eu/a", "eu/b", "us/a", "us/b", "ap/a", "ap/b")

    world.fail("eu/a", 0.0)
    world.fail("eu/b", 1.0)
    assert world.opened()[-1] == "endpoint eu.v.test:443"
    assert world.bar("ap/a", 1.5) is None

    world.fail("us/a", 2.0)
    world.fail("us/b", 3.0)

    assert world.opened()[-1] == "provider v"
    assert world.bar("ap/a", 4.0) is not None


def test_a_third_region_that_serves_clears_the_vendor() -> None:
    world = World("eu/a", "eu/b", "us/a", "us/b", "ap/c")

    for target, now in (("eu/a", 0.0), ("eu/b", 1.0), ("us/a", 2.0)):
        world.fail(target, now)
    world.serve("ap/c", 2.5)
    world.fail("us/b", 3.0)

    assert "provider v" not in world.opened()
    assert world.bar("ap/c", 4.0) is None


def test_throttles_and_callers_faults_blame_no_place() -> None:
    world = World(*HOST)
    for target in ("one/a", "one/b", "one/c", "one/d"):
        health = world.standings.target(target)
        for cause in (Cause.THROTTLE, Cause.CALLER, Cause.QUALITY) * 3:
            health.on_failure(health.begin(0.0, streamed=True), 0.0, Failure(cause, status=400))

    assert world.opened() == []


# Recovery


def test_one_probe_is_due_for_all_of_a_host() -> None:
    world = host_down()
    for target in ("one/a", "one/b", "one/c", "one/d"):
        world.bar(target, 1.0)

    [due] = world.standings.due_probes(10.0)

    assert due.key == "endpoint one.v.test:443"
    assert due.whole
    assert due.target.provider == "one"


def test_nobody_probes_a_host_that_nobody_wants() -> None:
    world = World(*HOST, plain=("one", "two"), vendors={"two": "w"})
    for target in ("one/a", "one/b", "one/c"):
        world.fail(target, 0.0)

    assert world.standings.due_probes(10.0) == []


def test_a_good_probe_brings_all_members_back_in_one_ramp() -> None:
    world = host_down()
    world.opened()

    world.probe("endpoint one.v.test:443", 10.0, ok=True)

    told = [(c.target, c.after, c.reason) for c in world.standings.take_changes()]
    assert told == [
        ("endpoint one.v.test:443", "half_open", "due"),
        ("endpoint one.v.test:443", "ramp", "probe_ok"),
        ("one/a", "closed", "place_ok"),
        ("one/b", "closed", "place_ok"),
        ("one/c", "closed", "place_ok"),
    ]
    assert [world.bar(target, 10.0) for target in HOST] == [None] * 5
    assert world.standings.due_probes(11.0) == []


def in_turn(world: World, now: float, draw: float) -> list[str]:
    made = plan(world.chains[0], world.standings, now, lambda: draw)
    while made.rest:
        return [target.id for target in (*made.targets, *made.rest)]
    return [target.id for target in made.targets]


def test_the_ramp_of_a_host_lets_a_growing_share_of_requests_begin_there() -> None:
    world = host_down()
    world.probe("endpoint one.v.test:443", 10.0, ok=True)

    assert in_turn(world, 10.0, 0.5) == ["two/a", "one/a", "one/b", "one/c", "one/d"]
    assert in_turn(world, 34.0, 0.5)[0] == "one/a"
    assert in_turn(world, 41.0, 0.99)[0] == "one/a"


def test_a_ramp_of_a_host_ends_with_all_of_it_closed() -> None:
    world = host_down()
    world.probe("endpoint one.v.test:443", 10.0, ok=True)
    world.standings.take_changes()

    world.bar("one/d", 40.0)

    told = [(c.target, c.after, c.reason) for c in world.standings.take_changes()]
    assert told == [("endpoint one.v.test:443", "closed", "ramp_done")]


def test_a_bad_probe_prolongs_the_whole_and_nothing_else() -> None:
    world = host_down()
    world.standings.take_changes()

    world.probe("endpoint one.v.test:443", 10.0, ok=False)

    told = [(c.target, c.after, c.level) for c in world.standings.take_changes()]
    assert told[-1] == ("endpoint one.v.test:443", "open", 1)
    assert {target for target, _, _ in told} == {"endpoint one.v.test:443"}


def test_the_next_probe_goes_through_another_member() -> None:
    world = host_down()
    seen: list[str] = []
    now = 0.0
    for _ in range(3):
        now += 400.0
        for target in ("one/a", "one/b"):
            world.bar(target, now)
        [due] = world.standings.due_probes(now)
        seen.append(due.target.id)
        world.probe(due.key, now, ok=False)

    assert seen == ["one/d", "one/a", "one/b"]


def test_a_host_whose_keys_are_all_refused_waits_for_a_key() -> None:
    world = host_down()
    refused = Failure(Cause.AUTH, "invalid_key", 401)
    for request in ("r1", "r2"):
        world.standings.keyring("one").on_failure("main", "a", request, refused, 1.0)

    assert world.standings.due_probes(10.0) == []
    keys = world.standings.due_probes(70.0)

    assert [due.key for due in keys] == ["credential one main"]


def test_any_answer_about_a_key_shows_that_the_host_works() -> None:
    for cause in (Cause.THROTTLE, Cause.AUTH, Cause.GONE, Cause.CALLER):
        world = host_down()
        key = "endpoint one.v.test:443"
        assert world.standings.lease(key, 10.0, 10.0)

        world.standings.on_probe(key, 10.0, failure=Failure(cause, status=400))

        assert world.bar("one/d", 10.1) is None


def test_a_member_that_goes_on_failing_opens_on_its_own_after_three_failures() -> None:
    world = host_down()
    world.probe("endpoint one.v.test:443", 10.0, ok=True)
    world.opened()

    world.serve("one/d", 11.0)
    world.fail("one/a", 12.0, times=2)
    assert world.bar("one/a", 12.0) is None
    world.fail("one/a", 12.0, times=1)

    assert world.opened() == ["one/a"]
    assert world.bar("one/a", 12.0) == Reading("open", "breaker.ramp_failures", 3, 3)
    assert world.bar("one/d", 12.0) is None


def test_a_host_that_fails_again_in_its_ramp_opens_for_longer() -> None:
    world = host_down()
    world.probe("endpoint one.v.test:443", 10.0, ok=True)
    world.standings.take_changes()

    for target in ("one/a", "one/b", "one/c"):
        world.fail(target, 12.0, times=3)

    told = world.standings.take_changes()[-1]
    assert (told.target, told.after, told.level) == ("endpoint one.v.test:443", "open", 1)


def test_an_answer_in_panic_brings_a_host_back() -> None:
    world = host_down()

    world.serve("one/d", 3.0, begun=2.0)

    assert [world.bar(target, 3.0) for target in HOST] == [None] * 5
    assert world.standings.target("one/a").breaker.state is State.CLOSED


def test_an_answer_to_what_was_asked_before_the_fault_brings_nothing_back() -> None:
    world = host_down(now=1.0)

    world.serve("one/d", 3.0, begun=0.5)

    assert world.bar("one/d", 3.0) is not None


def test_panic_makes_the_probe_of_a_host_urgent() -> None:
    world = host_down()
    world.standings.target("one/d").admits_in_panic(1.0)

    assert world.standings.due_probes(2.0) == []
    assert [due.key for due in world.standings.due_probes(2.6)] == ["endpoint one.v.test:443"]


def test_a_vendor_comes_back_with_all_that_is_below() -> None:
    world = World("eu/a", "eu/b", "us/a", "us/b")
    for target in ("eu/a", "eu/b", "us/a", "us/b"):
        world.fail(target, 0.0)
    assert world.opened()[-1] == "provider v"
    for target in ("eu/a", "us/b"):
        world.bar(target, 1.0)
    [due] = world.standings.due_probes(10.0)
    assert due.key == "provider v"

    world.probe("provider v", 10.0, ok=True)

    assert {c.target: c.after for c in world.standings.take_changes()} == {
        "endpoint eu.v.test:443": "closed",
        "endpoint us.v.test:443": "closed",
        "provider v": "ramp",
        "eu/a": "closed",
        "eu/b": "closed",
        "us/a": "closed",
        "us/b": "closed",
    }
    assert [world.bar(one, 10.0) for one in ("eu/a", "eu/b", "us/a", "us/b")] == [None] * 4


def test_what_was_open_long_before_is_not_closed_with_its_host() -> None:
    world = World("one/a", "one/b", "one/c", "one/d", "one/e", plain=("one",))
    world.fail("one/e", 0.0)
    for target in ("one/a", "one/b", "one/c"):
        world.fail(target, 200.0)
    assert world.opened()[-1] == "endpoint one.v.test:443"

    world.probe("endpoint one.v.test:443", 210.0, ok=True)

    assert world.bar("one/a", 210.0) is None
    assert world.bar("one/e", 210.0) == Reading("half_open", "breaker.failures", 5, 5)


# Other workers, other configurations


def told_by(world: World) -> list[Change]:
    return world.standings.take_changes()


def test_another_worker_takes_over_a_whole_opening_and_its_end() -> None:
    here, there = host_down(), World(*HOST, plain=("one", "two"), vendors={"two": "w"})
    for change in told_by(here):
        there.standings.learn(change, 0.1)

    assert there.bar("one/d", 0.2) == Reading(
        "open", "places.endpoint_targets", 3, 3, "endpoint one.v.test:443"
    )
    assert there.standings.changes == []

    here.probe("endpoint one.v.test:443", 10.0, ok=True)
    for change in told_by(here):
        there.standings.learn(change, 10.1)

    assert [there.bar(target, 10.2) for target in HOST] == [None] * 5
    assert there.standings.changes == []


def test_openings_that_two_workers_saw_are_put_together() -> None:
    here, there = (World(*HOST, plain=("one", "two"), vendors={"two": "w"}) for _ in range(2))
    there.fail("one/a", 0.0)
    there.fail("one/b", 0.0)
    for change in told_by(there):
        here.standings.learn(change, 0.1)

    here.fail("one/c", 1.0)

    assert here.opened()[-1] == "endpoint one.v.test:443"


def test_changes_of_places_that_are_unknown_here_are_ignored() -> None:
    world = World("one/a", "two/b")
    for change in told_by(host_down()):
        world.standings.learn(change, 0.1)

    assert world.bar("two/b", 0.2) is None


def test_a_new_configuration_keeps_what_is_known_of_places_that_stay() -> None:
    world = host_down()

    world.adopt()
    assert world.bar("one/d", 1.0) == Reading(
        "open", "places.endpoint_targets", 3, 3, "endpoint one.v.test:443"
    )

    world.chains = [Chain("c", tuple(t for t in world.targets if t.id in {"one/d", "two/a"}))]
    world.adopt()
    assert world.bar("one/d", 1.0) is None
    assert not world.standings.lease("endpoint one.v.test:443", 10.0, 1.0)


def test_a_target_without_trouble_looks_at_no_place() -> None:
    world = World(*HOST)

    assert [world.standings.target(target).above for target in HOST] == [[]] * 5


def test_a_target_looks_at_no_place_any_more_after_its_ramp() -> None:
    world = host_down()
    world.probe("endpoint one.v.test:443", 10.0, ok=True)
    health = world.standings.target("one/d")

    assert world.bar("one/d", 39.9) is None
    assert [place.name for place in health.above] == ["endpoint one.v.test:443"]
    assert world.bar("one/d", 40.0) is None
    assert health.above == []

    for target in ("one/a", "one/b", "one/c"):
        world.fail(target, 50.0)
    assert world.bar("one/d", 50.1) is not None


def test_a_place_that_is_closed_again_bars_nobody_whatever_the_triggers() -> None:
    world = host_down()
    world.probe("endpoint one.v.test:443", 10.0, ok=True)

    always: list[Callable[[float], Reading | None]] = [
        lambda now: world.bar("one/a", now),
        lambda now: world.bar("one/a", now, Triggers(error=ErrorRule(), region=None)),
    ]

    assert [ask(100.0) for ask in always] == [None, None]


def test_when_a_host_may_serve_again_is_known() -> None:
    world = host_down()
    target = world.targets[3]

    assert world.standings.soonest_reopening((target,), 1.0, USUAL) == 1.5
    assert world.standings.soonest_reopening((target,), 1.0, Triggers(error=None)) == 0.0


def test_a_probe_that_is_due_names_its_target() -> None:
    world = host_down()

    assert world.standings.due_probes(10.0) == [
        ProbeDue("endpoint one.v.test:443", world.targets[3], None, whole=True)
    ]

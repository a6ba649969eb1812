"""Our own network being down blames nobody; two vendors that fail at once are two vendors."""

from hotswap.core.change import Change, State
from hotswap.core.health import TargetHealth
from hotswap.core.settings import ErrorRateRule, Health
from hotswap.core.standings import Standings
from hotswap.core.terms import Cause, Chain, Credential, Endpoint, Failure, Provider, Target

DNS = Failure(Cause.HARD, "dns")
UNREACHABLE = Failure(Cause.HARD, "connect")
LATE = Failure(Cause.HARD, "timeout")
SILENT = Failure(Cause.HANG, "first_content")
REFUSED = Failure(Cause.HARD, "refused")
BUSY = Failure(Cause.HARD, "server_error", 503)
FAILING = ErrorRateRule(threshold=0.1, trial_share=0.0)


class World:
    """Standings of targets `one/a`, `two/b`, ... each of its own vendor."""

    def __init__(self, *targets: str, vendors: tuple[str, ...] = ()) -> None:
        self.standings = Standings(Health(), lambda: 0.0)
        made = [Target(id_, id_.partition("/")[0], id_.partition("/")[2]) for id_ in targets]
        owners = dict(zip([one.provider for one in made], vendors, strict=False))
        providers = {
            one.provider: Provider(
                one.provider,
                "openai",
                Endpoint(f"{one.provider}.test", 443, tls=True),
                "/v1",
                (Credential("main", "sk-1"),),
                vendor=owners.get(one.provider, one.provider),
            )
            for one in made
        }
        self.standings.adopt(providers, [Chain("c", tuple(made))], Health())

    def fail(
        self, target: str, failure: Failure, now: float, *, times: int = 1, begun: float = 0.0
    ) -> None:
        health = self.standings.target(target)
        for _ in range(times):
            health.on_failure(health.begin(begun or now, streamed=True), now, failure)

    def hear(self, target: str, now: float, *, begun: float = 0.0) -> None:
        health = self.standings.target(target)
        token = health.begin(begun or now, streamed=True)
        health.on_byte(token, now)
        health.on_success(token, now)

    def state(self, target: str) -> State:
        return self.standings.target(target).breaker.state

    @property
    def down(self) -> bool:
        return self.standings.network.down

    def told(self, target: str) -> list[tuple[str, str]]:
        """Return the changes of `target`, and forget all others."""
        changes = self.standings.take_changes()
        return [(c.after, c.reason) for c in changes if c.target == target]


def cut_off() -> World:
    """Return a world in which two vendors failed without a sign of life; the first has opened."""
    world = World("one/a", "two/b")
    world.hear("one/a", 1.0)
    world.fail("one/a", DNS, 10.0, times=5)
    world.fail("two/b", LATE, 11.0)
    return world


def test_two_vendors_that_can_not_be_reached_are_our_own_network() -> None:
    world = cut_off()
    assert world.state("one/a") is State.OPEN

    world.standings.due_probes(13.0)

    assert world.down
    assert world.state("one/a") is State.CLOSED
    changes = world.standings.take_changes()
    assert changes[-2:] == [
        Change(
            at=13.0,
            target="network",
            credential="",
            before="up",
            after="down",
            reason="network",
            measured=2,
            threshold=2,
            scope="network",
        ),
        Change(
            at=13.0,
            target="one/a",
            credential="",
            before="open",
            after="closed",
            reason="network",
        ),
    ]


def test_no_failure_counts_while_our_network_is_down() -> None:
    world = cut_off()
    world.standings.due_probes(13.0)

    for failure in (DNS, UNREACHABLE, LATE, SILENT):
        world.fail("one/a", failure, 14.0, times=20)
        world.fail("two/b", failure, 14.0, times=20)

    assert (world.state("one/a"), world.state("two/b")) == (State.CLOSED, State.CLOSED)


def test_the_first_byte_from_anyone_ends_it() -> None:
    world = cut_off()
    world.standings.due_probes(13.0)
    world.told("network")

    world.hear("two/b", 20.0)
    world.standings.due_probes(20.1)

    assert not world.down
    assert world.told("network") == [("up", "network")]
    world.fail("one/a", DNS, 21.0, times=5)
    assert world.state("one/a") is State.OPEN


def test_after_the_network_came_back_all_is_as_before_without_anybody_looking() -> None:
    world = cut_off()
    world.standings.due_probes(13.0)

    world.hear("two/b", 20.0)
    world.fail("one/a", DNS, 21.0, times=5)

    assert world.state("one/a") is State.OPEN


def test_a_second_vendor_alone_is_no_verdict_yet() -> None:
    world = cut_off()

    world.standings.due_probes(12.9)

    assert not world.down


def test_a_sign_of_life_from_anyone_clears_our_network() -> None:
    for sign in (REFUSED, BUSY, Failure(Cause.HARD, "reset"), Failure(Cause.HARD, "tls")):
        world = cut_off()
        world.fail("two/b", sign, 12.0)

        world.standings.due_probes(20.0)

        assert not world.down
        assert world.state("one/a") is State.OPEN


def test_refused_everywhere_is_not_our_network() -> None:
    world = World("one/a", "two/b")

    world.fail("one/a", REFUSED, 10.0, times=5)
    world.fail("two/b", REFUSED, 10.0, times=5)
    world.standings.due_probes(20.0)

    assert not world.down
    assert (world.state("one/a"), world.state("two/b")) == (State.OPEN, State.OPEN)


def test_with_one_vendor_only_the_target_is_blamed() -> None:
    world = World("one/a", "two/b", vendors=("v", "v"))

    world.fail("one/a", DNS, 10.0, times=5)
    world.fail("two/b", DNS, 10.0, times=5)
    world.standings.due_probes(20.0)

    assert not world.down
    assert (world.state("one/a"), world.state("two/b")) == (State.OPEN, State.OPEN)


def test_two_vendors_that_fail_at_once_are_not_the_network_while_a_third_serves() -> None:
    world = World("one/a", "two/b", "three/c")

    for second in range(10, 40):
        world.fail("one/a", SILENT, second + 0.1, begun=second - 5.0)
        world.fail("two/b", LATE, second + 0.2)
        world.hear("three/c", second + 0.7, begun=second + 0.2)
        world.standings.due_probes(second + 0.9)

    assert not world.down
    assert world.state("one/a") in {State.OPEN, State.HALF_OPEN}
    assert world.state("two/b") in {State.OPEN, State.HALF_OPEN}
    assert world.told("network") == []


def test_who_was_asked_and_has_not_failed_yet_is_waited_for() -> None:
    world = World("one/a", "two/b", "three/c")
    world.fail("one/a", LATE, 10.0)
    world.fail("two/b", LATE, 12.0)
    third = world.standings.target("three/c")
    token = third.begin(12.0, streamed=True)

    world.standings.due_probes(16.0)
    assert not world.down

    third.on_failure(token, 17.0, LATE)
    world.standings.due_probes(19.0)
    assert world.down


def test_an_attempt_with_a_byte_since_is_no_silence() -> None:
    world = World("one/a", "two/b")
    world.hear("one/a", 9.0)
    world.hear("two/b", 9.0)

    world.fail("one/a", SILENT, 10.0, begun=8.0)
    world.fail("two/b", SILENT, 10.0, begun=8.0)
    world.standings.due_probes(20.0)

    assert not world.down


def silence(world: World, target: str, since: float, now: float) -> None:
    health = world.standings.target(target)
    for _ in range(3):
        health.begin(since, streamed=True)
    health.obstacle_at(now)
    health.obstacle_at(now + 0.2)


def test_silence_of_one_vendor_opens_and_of_two_is_taken_back() -> None:
    world = World("one/a", "two/b")

    silence(world, "one/a", 10.0, 12.5)
    assert world.state("one/a") is State.OPEN
    silence(world, "two/b", 13.0, 15.5)
    assert world.state("two/b") is State.OPEN
    world.standings.due_probes(18.0)

    assert world.down
    assert (world.state("one/a"), world.state("two/b")) == (State.CLOSED, State.CLOSED)


def test_silence_opens_nobody_while_our_network_is_down() -> None:
    world = cut_off()
    world.standings.due_probes(13.0)

    silence(world, "two/b", 14.0, 20.0)

    assert world.state("two/b") is State.CLOSED


def test_growth_that_our_network_caused_is_taken_back() -> None:
    world = World("one/a", "two/b")
    world.fail("one/a", BUSY, 1.0, times=5)
    breaker = world.standings.target("one/a").breaker
    assert world.standings.lease("target one/a", 10.0, 5.0)
    world.standings.on_probe("target one/a", 10.0, failure=None)

    world.fail("one/a", DNS, 12.0, times=3)
    assert (breaker.state, breaker.level) == (State.OPEN, 1)
    world.fail("two/b", DNS, 12.5)
    world.standings.due_probes(15.0)

    assert (breaker.state, breaker.level) == (State.CLOSED, 0)


def test_a_ramp_in_which_our_network_was_down_goes_on_as_if_nothing_had_failed() -> None:
    world = World("one/a", "two/b")
    world.fail("one/a", BUSY, 0.0, times=5)
    breaker = world.standings.target("one/a").breaker
    assert world.standings.lease("target one/a", 20.0, 5.0)
    world.standings.on_probe("target one/a", 20.0, failure=None)

    world.fail("one/a", DNS, 21.0, times=2)
    world.fail("two/b", DNS, 21.0)
    world.standings.due_probes(24.0)
    assert world.down
    world.hear("two/b", 25.0)
    world.fail("one/a", BUSY, 26.0, times=2)
    assert (breaker.state, breaker.until) == (State.RAMP, 50.0)
    world.fail("one/a", BUSY, 27.0)

    assert breaker.state is State.OPEN


def demotable(world: World) -> TargetHealth:
    """Have `one/a` judged by its share of failures, after 30 good answers; return its health."""
    health = world.standings.target("one/a")
    health.adopt(Health(), [FAILING])
    for _ in range(30):
        world.hear("one/a", 1.0)
    return health


def test_a_demotion_that_our_network_caused_is_taken_back() -> None:
    world = World("one/a", "two/b")
    health = demotable(world)
    world.fail("one/a", DNS, 10.0, times=4)
    assert health.demotion(10.0, FAILING) is not None
    world.fail("two/b", DNS, 10.0)
    world.told("network")

    world.standings.due_probes(12.0)

    assert health.demotion(12.0, FAILING) is None
    assert world.told("one/a") == [("clear", "network")]


def test_failures_of_our_network_do_not_lead_to_a_demotion_later() -> None:
    world = World("one/a", "two/b")
    health = demotable(world)
    world.fail("one/a", DNS, 10.0, times=3)
    world.fail("two/b", DNS, 10.0)
    world.standings.due_probes(12.0)
    world.hear("two/b", 13.0)

    world.fail("one/a", BUSY, 14.0)

    assert health.demotion(14.0, FAILING) is None


def test_a_target_that_was_demoted_before_our_network_went_down_stays_so() -> None:
    world = World("one/a", "two/b")
    health = demotable(world)
    world.fail("one/a", BUSY, 5.0, times=4)
    world.hear("one/a", 6.0)
    world.fail("one/a", DNS, 10.0)
    world.fail("two/b", DNS, 10.0)

    world.standings.due_probes(12.0)

    assert world.down
    assert health.demotion(12.0, FAILING) is not None


def test_what_was_open_before_stays_open() -> None:
    world = World("one/a", "two/b", "three/c")
    world.fail("three/c", BUSY, 1.0, times=5)
    world.fail("one/a", DNS, 2.0, times=5)
    world.fail("two/b", DNS, 2.0)

    world.standings.due_probes(5.0)

    assert (world.state("one/a"), world.state("three/c")) == (State.CLOSED, State.OPEN)


def test_what_failed_before_and_since_stays_open_and_is_tried_soon() -> None:
    world = World("one/a", "two/b", "three/c")
    world.fail("three/c", BUSY, 1.0, times=5)
    world.hear("one/a", 4.0)
    assert world.standings.lease("target three/c", 10.0, 5.0)
    world.standings.on_probe("target three/c", 10.0, failure=LATE)
    world.fail("one/a", DNS, 10.5, times=5)

    world.standings.due_probes(13.0)

    assert world.down
    assert (world.state("one/a"), world.state("three/c")) == (State.CLOSED, State.OPEN)
    assert [due.key for due in world.standings.due_probes(13.0)] == ["target three/c"]


def test_a_probe_that_our_network_failed_says_nothing() -> None:
    world = World("one/a", "two/b", "three/c")
    world.fail("three/c", BUSY, 1.0, times=5)
    breaker = world.standings.target("three/c").breaker
    world.fail("one/a", DNS, 2.0)
    world.fail("two/b", DNS, 2.0)
    world.standings.due_probes(5.0)
    assert world.down
    world.standings.target("three/c").obstacle_at(10.0)
    assert world.standings.lease("target three/c", 10.0, 5.0)

    world.standings.on_probe("target three/c", 11.0, failure=LATE)

    assert (breaker.state, breaker.level) == (State.HALF_OPEN, 0)
    assert world.standings.due_probes(15.9) == []
    assert [due.key for due in world.standings.due_probes(16.0)] == ["target three/c"]


def test_places_that_opened_meanwhile_are_closed_as_well() -> None:
    world = World("one/a", "one/b", "two/c")
    world.fail("one/a", DNS, 10.0, times=5)
    world.fail("one/b", DNS, 10.0, times=5)
    assert world.told("endpoint one.test:443") == [("open", "members")]
    world.fail("two/c", DNS, 10.0)

    world.standings.due_probes(12.0)

    assert world.told("endpoint one.test:443") == [("closed", "network")]


def test_another_worker_takes_over_that_nobody_is_to_blame() -> None:
    here, there = cut_off(), World("one/a", "two/b")
    here.standings.due_probes(13.0)

    for change in here.standings.take_changes():
        there.standings.learn(change, 13.1)

    assert there.state("one/a") is State.CLOSED
    assert not there.down
    assert there.standings.changes == []


def test_limits_that_passed_while_the_process_stood_still_count_against_nobody() -> None:
    world = World("one/a", "two/b")

    world.standings.network.on_tick(10.0, 0.1)
    world.standings.network.on_tick(60.0, 0.1)
    for target in ("one/a", "two/b"):
        world.fail(target, LATE, 60.01, times=50, begun=9.0)
        world.fail(target, SILENT, 61.0, times=50, begun=9.0)

    assert (world.state("one/a"), world.state("two/b")) == (State.CLOSED, State.CLOSED)
    assert not world.down


def test_what_began_after_the_process_went_on_counts() -> None:
    world = World("one/a", "two/b")

    world.standings.network.on_tick(10.0, 0.1)
    world.standings.network.on_tick(60.0, 0.1)
    world.fail("one/a", LATE, 62.5, times=5, begun=60.5)

    assert world.state("one/a") is State.OPEN


def test_a_tick_that_is_a_little_late_excuses_nothing() -> None:
    world = World("one/a", "two/b")

    world.standings.network.on_tick(10.0, 0.1)
    world.standings.network.on_tick(11.0, 0.1)
    world.fail("one/a", LATE, 11.1, times=5, begun=9.1)

    assert world.state("one/a") is State.OPEN


def test_what_fails_long_after_the_process_went_on_counts() -> None:
    world = World("one/a", "two/b")

    world.standings.network.on_tick(10.0, 0.1)
    world.standings.network.on_tick(60.0, 0.1)
    world.fail("one/a", SILENT, 65.0, times=5, begun=9.0)

    assert world.state("one/a") is State.OPEN


def reload(world: World, name: str, now: float) -> None:
    """Go by a configuration of `NAME/x` alone."""
    chain = Chain("c", (Target(f"{name}/x", name, "x"),))
    endpoint = Endpoint(f"{name}.test", 443, tls=True)
    keys = (Credential("main", "sk-1"),)
    provider = Provider(name, "openai", endpoint, "/v1", keys, vendor=name)
    world.standings.adopt({name: provider}, [chain], Health(), now=now)


def test_a_new_configuration_forgets_vendors_that_are_gone() -> None:
    world = cut_off()

    reload(world, "one", 12.0)
    world.standings.due_probes(20.0)

    assert not world.down


def test_our_network_is_up_again_where_none_of_the_vendors_that_failed_is_left() -> None:
    world = cut_off()
    world.standings.due_probes(13.0)
    world.told("network")

    reload(world, "three", 14.0)

    assert not world.down
    assert [(c.at, c.before, c.after) for c in world.standings.take_changes()] == [
        (14.0, "down", "up")
    ]
    world.fail("three/x", DNS, 15.0, times=5)
    assert world.state("three/x") is State.OPEN


def test_our_network_stays_down_while_a_vendor_that_failed_is_left() -> None:
    world = cut_off()
    world.standings.due_probes(13.0)

    reload(world, "two", 14.0)

    assert world.down

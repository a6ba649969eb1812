import pytest

from hotswap.core.change import Change, State
from hotswap.core.plan import plan
from hotswap.core.run import Run, Start
from hotswap.core.settings import BreakerSettings, Health, RetryBudget
from hotswap.core.standings import ProbeDue, Standings
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

A = Target("one/a", "one", "a")
B = Target("two/b", "two", "b", 2)
MAIN = Credential("main", "sk-1")
HARD = Failure(Cause.HARD, "server_error", 500)
AUTH = Failure(Cause.AUTH, "invalid_key", 401)


def provider(name: str, host: str = "") -> Provider:
    endpoint = Endpoint(host or f"{name}.test", 443, tls=True)
    return Provider(name, "openai", endpoint, "/v1", (MAIN,))


def adopted(*targets: Target, jitter: float = 0.0) -> Standings:
    made = Standings(Health(), lambda: jitter)
    adopt(made, *targets)
    return made


def adopt(made: Standings, *targets: Target, one: Provider | None = None, now: float = 0.0) -> None:
    providers = {t.provider: provider(t.provider) for t in targets}
    if one is not None:
        providers["one"] = one
    made.adopt(providers, [Chain("c", targets), Chain("d", targets)], Health(), now=now)


def fail(made: Standings, target: Target, now: float, times: int = 5) -> None:
    health = made.target(target.id)
    for _ in range(times):
        health.on_failure(health.begin(now, streamed=False), now, HARD)


def throttle(made: Standings, target: Target, after_s: float, now: float) -> None:
    failure = Failure(Cause.THROTTLE, "rate_limit", 429, retry_after_s=after_s)
    made.keyring(target.provider).on_failure("main", target.model, "r1", failure, now)


def refuse(made: Standings, target: Target, now: float) -> None:
    for request in ("r1", "r2"):
        made.keyring(target.provider).on_failure("main", target.model, request, AUTH, now)


def test_changes_are_taken_once() -> None:
    made = adopted(A, B)
    fail(made, A, 0.0)
    throttle(made, B, 5.0, 0.0)

    assert [(c.target, c.credential, c.after) for c in made.take_changes()] == [
        ("one/a", "", "open"),
        ("two/b", "main", "open"),
    ]
    assert made.take_changes() == []
    fail(made, B, 1.0)
    assert len(made.changes) == 1


def test_what_traffic_was_turned_away_from_is_due_when_its_opening_is_over() -> None:
    made = adopted(A, B)
    fail(made, A, 0.0)
    throttle(made, B, 5.0, 0.0)
    assert made.due_probes(10.0) == []

    made.target("one/a").obstacle_at(1.0)
    made.keyring("two").obstacle_at("b", 1.0)

    assert made.due_probes(2.0) == []
    assert made.due_probes(10.0) == [
        ProbeDue("target one/a", A, None),
        ProbeDue("access two/b main", B, MAIN),
    ]


def test_a_refused_key_is_probed_with_the_model_that_was_asked_for() -> None:
    made = adopted(A, B)
    refuse(made, A, 0.0)
    assert made.keyring("one").pick("a", 1.0, ()) is None

    assert made.due_probes(59.0) == []
    assert made.due_probes(60.0) == [ProbeDue("credential one main", A, MAIN)]


def test_a_leased_probe_is_not_due() -> None:
    made = adopted(A)
    fail(made, A, 0.0)
    made.target("one/a").obstacle_at(10.0)

    assert made.lease("target one/a", 10.0, 15.0)

    assert made.due_probes(10.0) == []
    assert not made.lease("target one/a", 10.0, 15.0)
    assert not made.lease("target one/unknown", 10.0, 15.0)


def test_a_good_probe_begins_the_ramp() -> None:
    made = adopted(A)
    fail(made, A, 0.0)
    assert made.lease("target one/a", 10.0, 15.0)
    made.on_probe("target one/a", 10.0, failure=None)

    assert made.target("one/a").obstacle_at(10.0) is None
    assert made.target("one/a").breaker.state is State.RAMP


def test_a_bad_probe_opens_again_for_as_long_as_the_provider_says() -> None:
    made = adopted(A)
    fail(made, A, 0.0)
    assert made.lease("target one/a", 10.0, 15.0)
    busy = Failure(Cause.THROTTLE, "rate_limit", 429, retry_after_s=40.0)
    made.on_probe("target one/a", 10.0, failure=busy)

    breaker = made.target("one/a").breaker
    assert (breaker.state, breaker.until, breaker.reason) == (State.OPEN, 50.0, "failures")


def test_a_probe_refused_for_its_form_shows_that_the_target_is_there() -> None:
    made = adopted(A)
    fail(made, A, 0.0)
    assert made.lease("target one/a", 10.0, 15.0)
    made.on_probe("target one/a", 10.0, failure=Failure(Cause.CALLER, status=400))

    assert made.target("one/a").obstacle_at(10.0) is None


def test_a_cancelled_probe_may_be_made_again() -> None:
    made = adopted(A)
    fail(made, A, 0.0)
    assert made.lease("target one/a", 10.0, 15.0)
    made.on_probe("target one/a", 10.0, failure=Failure(Cause.CANCEL))

    assert made.due_probes(10.0) == [ProbeDue("target one/a", A, None)]


def test_a_rate_limit_shows_that_a_disabled_key_works_again() -> None:
    made = adopted(A)
    refuse(made, A, 0.0)
    assert made.lease("credential one main", 60.0, 15.0)
    made.on_probe("credential one main", 60.0, failure=Failure(Cause.THROTTLE, status=429))

    assert made.keyring("one").pick("a", 60.0, ()) == MAIN


def test_a_probe_that_finds_the_account_empty_says_so() -> None:
    made = adopted(A)
    refuse(made, A, 0.0)
    assert made.lease("credential one main", 60.0, 15.0)
    made.on_probe("credential one main", 60.0, failure=Failure(Cause.EXHAUSTED, status=402))

    obstacle = made.keyring("one").obstacle_at("a", 60.0)
    assert obstacle is not None
    assert (obstacle.reason, obstacle.until) == ("exhausted", 360.0)


def test_a_dead_host_keeps_a_throttled_key_throttled() -> None:
    made = adopted(A)
    throttle(made, A, 5.0, 0.0)
    assert made.lease("access one/a main", 10.0, 15.0)
    made.take_changes()
    made.on_probe("access one/a main", 10.0, failure=HARD)

    assert [(c.after, c.reason) for c in made.take_changes()] == [("open", "throttled")]


def test_a_probe_of_something_that_is_no_longer_configured_is_ignored() -> None:
    made = adopted(A)
    made.on_probe("target one/unknown", 0.0, failure=None)

    assert made.take_changes() == []


def test_a_reload_keeps_what_is_known_of_unchanged_targets_and_keys() -> None:
    made = adopted(A, B)
    fail(made, A, 0.0)
    throttle(made, B, 100.0, 0.0)
    health = made.target("one/a")

    adopt(made, A, B, Target("one/c", "one", "c"))

    assert made.target("one/a") is health
    assert health.obstacle_at(1.0) == "open"
    assert made.keyring("two").obstacle_at("b", 1.0) is not None
    assert made.target("one/c").obstacle_at(1.0) is None


def test_a_target_behind_another_endpoint_starts_afresh() -> None:
    made = adopted(A, B)
    fail(made, A, 0.0)
    late = made.target("one/a").begin(0.0, streamed=False)

    adopt(made, A, B, one=provider("one", "elsewhere.test"))

    assert made.target("one/a").obstacle_at(1.0) is None
    first = made.target("one/a").begin(1.0, streamed=False)
    assert first != late
    made.target("one/a").on_failure(late, 1.0, HARD)
    assert made.target("one/a").in_flight == 1
    assert made.lease("target one/a", 10.0, 1.0) is False


def test_requests_of_the_former_configuration_find_their_targets_and_keys() -> None:
    made = adopted(A, B)
    refuse(made, B, 0.0)
    health, keyring = made.target("two/b"), made.keyring("two")

    adopt(made, A)

    assert made.target("two/b") is health
    assert made.keyring("two") is keyring
    assert not made.lease("target two/b", 1000.0, 1.0)
    assert not made.lease("credential two main", 1000.0, 1.0)


def test_requests_find_their_targets_and_keys_whatever_configurations_come_after() -> None:
    made = adopted(A, B)
    health, keyring = made.target("two/b"), made.keyring("two")

    adopt(made, A, now=100.0)
    adopt(made, Target("three/c", "three", "c"), now=300.0)
    adopt(made, Target("three/c", "three", "c"), now=699.9)

    assert made.target("two/b") is health
    assert made.keyring("two") is keyring
    assert made.target("one/a").in_flight == 0


def test_what_no_request_can_ask_for_any_more_is_forgotten_with_the_next_configuration() -> None:
    made = adopted(A, B)

    adopt(made, A, now=100.0)
    adopt(made, A, now=760.0)

    with pytest.raises(KeyError):
        made.target("two/b")
    with pytest.raises(KeyError):
        made.keyring("two")


def test_a_request_goes_on_after_two_new_configurations_without_its_target() -> None:
    made = adopted(A, B)
    chain = Chain("c", (A, B))
    candidates = plan(chain, made, 0.0, lambda: 0.0)
    run = Run(chain, candidates, made, deadline=600.0, jitter=lambda: 0.0)
    run.begin(0.0)

    adopt(made, A, now=1.0)
    adopt(made, A, now=2.0)

    assert run.on_failure(HARD, 3.0) == Start(B, MAIN)
    assert made.soonest_reopening(chain.targets, 3.0) == 0.0


def test_late_news_of_a_former_configuration_leaves_nothing_behind() -> None:
    made = adopted(A, B)
    keyring = made.keyring("two")
    adopt(made, A)
    throttle(made, B, 5.0, 0.0)
    throttle(made, Target("one/old", "one", "old"), 5.0, 0.0)
    assert made.keyring("one").pick("old", 1.0, ()) is None

    assert made.due_probes(10.0) == []
    adopt(made, A, B)

    assert made.keyring("two") is not keyring
    assert made.keyring("two").pick("b", 1.0, ()) == MAIN
    assert not made.lease("access two/b main", 10.0, 1.0)
    assert not made.lease("access one/old main", 10.0, 1.0)


def test_new_settings_are_adopted() -> None:
    made = adopted(A)
    quick = Health(BreakerSettings(failures=1))
    made.adopt({"one": provider("one")}, [Chain("c", (A,))], quick)
    fail(made, A, 0.0, 1)

    assert made.settings is quick
    assert made.target("one/a").obstacle_at(0.0) == "open"


def test_a_new_retry_budget_is_adopted() -> None:
    made = adopted(A)
    retries = made.target("one/a").retries
    assert [retries.take(0.0) for _ in range(4)] == [True, True, True, False]

    more = Health(retry_budget=RetryBudget(reserve=4.0))
    made.adopt({"one": provider("one")}, [Chain("c", (A,))], more)

    assert made.target("one/a").retries is retries
    assert [retries.take(0.1) for _ in range(2)] == [True, False]


def test_what_another_worker_found_out_holds_here() -> None:
    here, there = adopted(A, B), adopted(A, B)
    fail(there, A, 0.0)
    throttle(there, B, 50.0, 0.0)
    refuse(there, A, 0.0)

    for change in there.take_changes() * 2:
        here.learn(change, 0.02)

    assert here.target("one/a").obstacle_at(1.0) == "open"
    assert here.keyring("two").pick("b", 1.0, ()) is None
    assert here.keyring("one").pick("a", 1.0, ()) is None
    assert here.take_changes() == []


def test_the_return_found_by_another_worker_holds_here() -> None:
    here, there = adopted(A, B, jitter=0.5), adopted(A, B)
    throttle(there, B, 5.0, 0.0)
    for change in there.take_changes():
        here.learn(change, 0.02)
    assert there.lease("access two/b main", 5.0, 15.0)
    there.on_probe("access two/b main", 5.0, failure=None)

    for change in there.take_changes():
        here.learn(change, 5.02)

    assert here.keyring("two").obstacle_at("b", 5.02) is None
    assert not here.keyring("two").admits_at("b", 5.02)
    assert here.keyring("two").admits_at("b", 36.0)
    assert here.take_changes() == []


def test_changes_of_what_is_not_configured_here_are_ignored() -> None:
    made = adopted(A)
    for target, credential in [("two/b", ""), ("two/b", "main"), ("two", "main"), ("one", "old")]:
        made.learn(Change(0.0, target, credential, "closed", "open", "auth", until=9.0), 0.0)
    made.learn(Change(0.0, "one/a", "main", "half_open", "ramp", "probe_ok"), 0.0)
    made.learn(Change(0.0, "one/a", "", "clear", "suspect", "latency"), 0.0)

    assert made.keyring("one").obstacle_at("a", 0.0) is None
    assert made.target("one/a").obstacle_at(0.0) is None


def test_the_soonest_reopening_counts_target_and_key() -> None:
    made = adopted(A, B)
    assert made.soonest_reopening((), 0.0) is None
    assert made.soonest_reopening((A, B), 0.0) == 0.0
    fail(made, A, 0.0)
    throttle(made, B, 30.0, 0.0)
    assert made.soonest_reopening((A, B), 0.5) == 2.0
    throttle(made, A, 40.0, 0.0)

    assert made.soonest_reopening((A,), 10.0) == 30.0
    assert made.soonest_reopening((A, B), 10.0) == 20.0
    assert made.soonest_reopening((A, B), 100.0) == 0.0


@pytest.mark.parametrize("drained", ["one/a", "endpoint one.test:443"])
def test_nobody_knows_when_a_drain_ends(drained: str) -> None:
    made = adopted(A, Target("one/c", "one", "c"), B)
    throttle(made, B, 30.0, 0.0)
    made.learn(Change(0.0, drained, "", "closed", "drained", "operator"), 0.0)

    assert made.soonest_reopening((A,), 0.0) is None
    assert made.soonest_reopening((A, B), 0.0) == 30.0
    assert made.soonest_reopening((A,), 0.0, Triggers(error=None)) is None

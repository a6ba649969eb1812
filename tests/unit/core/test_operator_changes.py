"""What operators want reaches a worker as an ordinary change, and what was stored comes back."""

import pytest

from hotswap.core.change import Change, Reason, State
from hotswap.core.plan import plan
from hotswap.core.settings import Health
from hotswap.core.standings import Standings
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

A = Target("one/a", "one", "a", 1)
B = Target("one/b", "one", "b", 2)
C = Target("two/c", "two", "c", 3)
CHAIN = Chain("c", (A, B, C))
HARD = Failure(Cause.HARD, "server_error", 500)
HOST = "endpoint one.test:443"


def provider(name: str, host: str = "") -> Provider:
    endpoint = Endpoint(host or f"{name}.test", 443, tls=True)
    return Provider(name, "openai", endpoint, "/v1", (Credential("main", "sk-1"),))


def adopt(made: Standings, *providers: Provider, chain: Chain = CHAIN) -> Standings:
    known = {one.name: one for one in (provider("one"), provider("two"), *providers)}
    made.adopt(known, [chain], Health())
    return made


@pytest.fixture
def standings() -> Standings:
    return adopt(Standings(Health(), lambda: 0.0))


def say(
    made: Standings, what: str, now: float, target: str = "one/a", credential: str = ""
) -> None:
    """Let an operator say something, a day ago."""
    made.learn(
        Change(
            at=now - 86_400.0,
            target=target,
            credential=credential,
            before="",
            after=what,
            reason=Reason.OPERATOR,
        ),
        now,
    )


def fail(made: Standings, target: Target, now: float) -> None:
    health = made.target(target.id)
    for _ in range(5):
        health.on_failure(health.begin(now, streamed=False), now, HARD)


def throttle(made: Standings, after_s: float, now: float) -> None:
    failure = Failure(Cause.THROTTLE, "rate_limit", 429, retry_after_s=after_s)
    made.keyring("one").on_failure("main", "a", "r1", failure, now)


def bar(made: Standings, target: Target, now: float) -> Reading | None:
    return made.target(target.id).bar_at(now, CHAIN.triggers)


def state(made: Standings, target: Target = A) -> State:
    return made.target(target.id).breaker.state


def test_a_drained_target_gets_neither_requests_nor_probes(standings: Standings) -> None:
    say(standings, "drained", 0.0)

    made = plan(CHAIN, standings, 1e6, lambda: 0.0)

    assert [target.id for target in made.targets or ()] == ["one/b"]
    assert bar(standings, A, 1e6) == Reading("drained")
    assert standings.due_probes(1e6) == []
    assert not standings.lease("target one/a", 1e6, 5.0)
    assert standings.changes == []


def test_a_drain_holds_whatever_the_triggers(standings: Standings) -> None:
    say(standings, "drained", 0.0)

    off = Triggers(error=None, region=None)

    assert standings.target("one/a").bar_at(1.0, off) == Reading("drained")


def test_a_drain_holds_below_a_host_that_is_down(standings: Standings) -> None:
    """Nobody asks it in panic, which tries what is only down."""
    for target in (A, B):
        fail(standings, target, 0.0)
    say(standings, "drained", 1.0)
    say(standings, "drained", 1.0, "two/c")

    made = plan(CHAIN, standings, 1.0, lambda: 0.0)

    assert made.panic
    assert {skip.scope for skip in made.skips if skip.reason == "open"} == {HOST}
    assert [target.id for target in made.targets] == ["one/b"]


def test_a_chain_whose_targets_are_all_drained_serves_nobody(standings: Standings) -> None:
    for target in (A, B, C):
        say(standings, "drained", 0.0, target.id)

    made = plan(CHAIN, standings, 1.0, lambda: 0.0)

    assert list(made.targets) == []
    assert [skip.reason for skip in made.skips] == ["drained"] * 3


def test_nothing_that_happens_ends_a_drain(standings: Standings) -> None:
    health = standings.target("one/a")
    token = health.begin(0.0, streamed=False)
    say(standings, "drained", 1.0)

    health.on_success(token, 2.0)
    fail(standings, A, 3.0)
    for after in ("open", "ramp", "closed"):
        change = Change(
            at=4.0,
            target="one/a",
            credential="",
            before="",
            after=after,
            reason="failures",
            until=99.0,
        )
        standings.learn(change, 4.0)
    say(standings, "trial", 5.0)
    say(standings, "open", 5.0)

    assert state(standings) is State.DRAINED
    assert standings.changes == []


def test_what_is_no_longer_drained_serves_at_once(standings: Standings) -> None:
    say(standings, "drained", 0.0)
    say(standings, "undrained", 1.0)

    assert bar(standings, A, 1.0) is None
    assert state(standings) is State.CLOSED


def test_what_was_open_when_it_was_drained_is_probed_first(standings: Standings) -> None:
    fail(standings, A, 0.0)
    say(standings, "drained", 1.0)
    say(standings, "undrained", 2.0)

    assert bar(standings, A, 2.0) == Reading("half_open", "breaker.failures", 5, 5)
    assert [due.key for due in standings.due_probes(2.0)] == ["target one/a"]


def test_a_drain_outlasts_new_configurations(standings: Standings) -> None:
    say(standings, "drained", 0.0)

    adopt(standings, provider("one", "moved.test"))
    assert state(standings) is State.DRAINED

    adopt(standings, chain=Chain("c", (C,)))
    adopt(standings)
    assert state(standings) is State.DRAINED

    say(standings, "undrained", 1.0)
    adopt(standings, provider("one", "moved.test"))
    assert state(standings) is State.CLOSED


def test_a_drain_of_what_is_not_configured_yet_waits_for_it() -> None:
    made = Standings(Health(), lambda: 0.0)
    say(made, "drained", 0.0)
    say(made, "drained", 0.0, HOST)

    adopt(made)

    assert state(made) is State.DRAINED
    assert bar(made, B, 1.0) == Reading("drained", scope=HOST)


def test_a_host_is_drained_as_a_whole(standings: Standings) -> None:
    say(standings, "drained", 0.0, HOST)

    assert bar(standings, A, 1.0) == Reading("drained", scope=HOST)
    assert bar(standings, C, 1.0) is None
    assert standings.target("one/a").bar_at(1.0, Triggers(error=None)) is not None
    assert standings.due_probes(1e6) == []

    say(standings, "undrained", 2.0, HOST)
    assert bar(standings, A, 2.0) is None


def test_open_shuts_at_once_and_a_probe_brings_it_back(standings: Standings) -> None:
    say(standings, "open", 0.0)

    assert bar(standings, A, 1.0) == Reading("open")
    assert standings.due_probes(1.0) == []
    assert [due.key for due in standings.due_probes(10.0)] == ["target one/a"]
    assert standings.lease("target one/a", 10.0, 5.0)
    standings.on_probe("target one/a", 10.0, failure=None)
    assert state(standings) is State.RAMP


def test_open_lasts_for_as_long_as_it_is_said(standings: Standings) -> None:
    change = Change(
        at=0.0,
        target="one/a",
        credential="",
        before="",
        after="open",
        reason=Reason.OPERATOR,
        until=3600.0,
    )

    standings.learn(change, 0.0)

    assert standings.target("one/a").breaker.until == 3600.0


def test_a_host_is_opened_as_a_whole(standings: Standings) -> None:
    say(standings, "open", 0.0, HOST)

    assert bar(standings, B, 1.0) == Reading("open", scope=HOST)
    assert [due.key for due in standings.due_probes(10.0)] == [HOST]


def test_closed_lets_everybody_in_at_once(standings: Standings) -> None:
    fail(standings, A, 0.0)
    throttle(standings, 3600.0, 0.0)
    standings.take_changes()

    say(standings, "closed", 1.0)

    made = plan(CHAIN, standings, 1.0, lambda: 0.99)
    assert made.targets[0].id == "one/a"
    assert made.skips == ()
    assert standings.changes == []


def test_closed_undrains(standings: Standings) -> None:
    say(standings, "drained", 0.0)
    say(standings, "closed", 1.0)

    assert bar(standings, A, 1.0) is None
    adopt(standings, provider("one", "moved.test"))
    assert bar(standings, A, 1.0) is None


def test_closed_ends_a_ramp(standings: Standings) -> None:
    fail(standings, A, 0.0)
    assert standings.lease("target one/a", 10.0, 5.0)
    standings.on_probe("target one/a", 10.0, failure=None)

    say(standings, "closed", 11.0)

    assert state(standings) is State.CLOSED
    assert standings.target("one/a").admits_at(11.0)


def test_closing_the_last_reason_closes_the_host(standings: Standings) -> None:
    fail(standings, A, 0.0)
    fail(standings, B, 0.0)
    assert bar(standings, A, 0.1) == Reading("open", "places.endpoint_targets", 2, 2, HOST)

    say(standings, "closed", 1.0, "one/a")
    assert bar(standings, A, 1.0) == Reading("open", "places.endpoint_targets", 2, 2, HOST)

    say(standings, "closed", 2.0, "one/b")
    assert [bar(standings, one, 2.0) for one in (A, B)] == [None, None]


def test_closing_a_host_closes_what_opened_with_it(standings: Standings) -> None:
    fail(standings, A, 0.0)
    fail(standings, B, 0.0)

    say(standings, "closed", 1.0, HOST)

    assert [bar(standings, one, 1.0) for one in (A, B)] == [None, None]


def test_closing_a_target_leaves_a_key_without_money_alone(standings: Standings) -> None:
    broke = Failure(Cause.EXHAUSTED, "quota_exhausted", 402)
    standings.keyring("one").on_failure("main", "a", "r1", broke, 0.0)

    say(standings, "closed", 1.0)
    assert standings.keyring("one").obstacle_at("a", 1.0) is not None

    say(standings, "closed", 1.0, "one", "main")
    assert standings.keyring("one").obstacle_at("a", 1.0) is None


def test_a_key_is_opened_and_closed_for_one_model(standings: Standings) -> None:
    say(standings, "open", 0.0, "one/a", "main")

    assert standings.keyring("one").obstacle_at("a", 1.0) is not None
    assert standings.keyring("one").obstacle_at("b", 1.0) is None

    say(standings, "closed", 2.0, "one/a", "main")
    assert standings.keyring("one").obstacle_at("a", 2.0) is None


def test_trial_probes_at_once_whatever_the_pause(standings: Standings) -> None:
    fail(standings, A, 0.0)
    assert standings.due_probes(1.0) == []

    say(standings, "trial", 1.0)

    assert [due.key for due in standings.due_probes(1.0)] == ["target one/a"]
    assert standings.lease("target one/a", 1.0, 5.0)
    standings.on_probe("target one/a", 1.1, failure=None)
    assert state(standings) is State.RAMP


def test_a_trial_that_fails_leaves_the_pause_as_it_was(standings: Standings) -> None:
    fail(standings, A, 0.0)
    breaker = standings.target("one/a").breaker
    until = breaker.until

    say(standings, "trial", 1.0)
    assert standings.lease("target one/a", 1.0, 5.0)
    standings.on_probe("target one/a", 1.1, failure=HARD)

    assert (breaker.state, breaker.until, breaker.level) == (State.OPEN, until, 0)


def test_a_trial_reaches_throttled_keys_and_hosts_too(standings: Standings) -> None:
    throttle(standings, 3600.0, 0.0)
    say(standings, "trial", 1.0)
    assert [due.key for due in standings.due_probes(1.0)] == ["access one/a main"]

    say(standings, "closed", 2.0)
    fail(standings, A, 3.0)
    fail(standings, B, 3.0)
    say(standings, "trial", 4.0)
    assert [due.key for due in standings.due_probes(4.0)] == [HOST]


def test_a_trial_of_what_is_well_changes_nothing(standings: Standings) -> None:
    say(standings, "trial", 1.0)

    assert standings.due_probes(1.0) == []
    assert state(standings) is State.CLOSED


@pytest.mark.parametrize("what", ["drained", "undrained", "open", "closed", "trial"])
def test_words_about_strangers_are_ignored(standings: Standings, what: str) -> None:
    say(standings, what, 1.0, "nobody/x")
    say(standings, what, 1.0, "endpoint nowhere.test:443")
    say(standings, what, 1.0, "one/a", "stranger")

    assert [bar(standings, one, 2.0) for one in (A, B, C)] == [None] * 3


def stored(reason: str, until: float, *, target: str = "one/a", credential: str = "main") -> Change:
    return Change(
        at=-90_000.0,
        target=target,
        credential=credential,
        before="closed",
        after="open",
        reason=reason,
        until=until,
        level=2,
    )


@pytest.mark.parametrize("reason", ["auth", "exhausted", "gone"])
def test_what_was_disabled_until_some_hours_ago_is_probed_before_users(
    standings: Standings, reason: str
) -> None:
    standings.learn(stored(reason, -80_000.0), 0.0)

    obstacle = standings.keyring("one").obstacle_at("a", 0.0)
    assert obstacle is not None
    assert obstacle.reason == reason
    assert [due.key for due in standings.due_probes(0.0)] == ["access one/a main"]
    assert standings.changes == []


@pytest.mark.parametrize(
    ("reason", "until"), [("auth", -86_401.0), ("throttled", -0.1), ("failures", -0.1)]
)
def test_what_is_long_over_is_forgotten(standings: Standings, reason: str, until: float) -> None:
    standings.learn(stored(reason, until), 0.0)

    assert standings.keyring("one").obstacle_at("a", 0.0) is None


def test_what_still_lasts_is_taken_over_with_its_age(standings: Standings) -> None:
    standings.learn(stored("throttled", 30.0), 0.0)
    standings.learn(stored("auth", 50.0, target="two"), 0.0)

    throttled = standings.keyring("one").obstacle_at("a", 0.0)
    refused = standings.keyring("two").obstacle_at("c", 0.0)

    assert throttled is not None
    assert refused is not None
    assert (throttled.until, refused.until) == (30.0, 50.0)

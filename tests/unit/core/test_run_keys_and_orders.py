"""Which key and which target a run asks when things change while the request is under way."""

from hotswap.core.plan import Ask, plan
from hotswap.core.run import GiveUp, Run, Sleep, Start
from hotswap.core.settings import (
    AuthRule,
    Exhausted,
    Health,
    PlacesRule,
    RateLimitRule,
    RegionRule,
    Retry,
)
from hotswap.core.standings import Standings
from hotswap.core.terms import Balance, Cause, Chain, Credential, Failure, Target, Triggers
from hotswap.testing.standing import standings_of

MAIN, SPARE = Credential("main", "sk-1"), Credential("spare", "sk-2")
A = Target("one/a", "one", "a", 1)
B = Target("two/b", "two", "b", 2)
C = Target("three/c", "three", "c", 3)
EU = Target("eu/m", "eu", "m", 1, vendor="openai", region="eu-west")
OTHER = Target("other/x", "other", "x", 2, vendor="anthropic", region="us-east")
US = Target("us/m", "us", "m", 3, vendor="openai", region="us-east")

HARD = Failure(Cause.HARD, "server_error", 500)
REFUSED = Failure(Cause.AUTH, "invalid_key", 401)


def half() -> float:
    return 0.5


def throttled(after_s: float | None) -> Failure:
    return Failure(Cause.THROTTLE, "rate_limit", 429, retry_after_s=after_s)


def known(chain: Chain, *keys: Credential) -> Standings:
    health = Health(places=PlacesRule(model_targets=9, provider_regions=9))
    return standings_of(chain, half, keys=keys or (MAIN,), health=health)


def fail(standings: Standings, target: Target, now: float, times: int = 5) -> None:
    health = standings.target(target.id)
    for _ in range(times):
        health.on_failure(health.begin(now, streamed=True), now, HARD)


def run_of(chain: Chain, standings: Standings, now: float = 0.0, ask: Ask | None = None) -> Run:
    ask = ask or Ask()
    made = plan(chain, standings, now, half, ask=ask)
    return Run(chain, made, standings, deadline=600.0, jitter=half, ask=ask)


def test_an_order_of_the_callers_own_is_kept_whatever_region_fails() -> None:
    chain = Chain("c", (EU, OTHER, US), triggers=Triggers(region=RegionRule()))
    ask = Ask(order=("eu/m", "other/x", "us/m"))
    failing = run_of(chain, known(chain), ask=ask)
    failing.begin(0.0)
    standings = known(chain)
    fail(standings, EU, 0.0)

    assert failing.on_failure(HARD, 0.1) == Start(OTHER, MAIN)
    assert run_of(chain, standings, ask=ask).begin(0.0) == Start(OTHER, MAIN)


def test_a_named_reset_that_is_over_may_be_tried_in_panic() -> None:
    """Its probe is due, but nobody has made it yet."""
    chain = Chain("c", (A,), triggers=Triggers(rate_limit=RateLimitRule()))
    standings = known(chain)
    standings.keyring("one").on_failure("main", "a", "r0", throttled(5.0), 0.0)

    assert standings.keyring("one").panic_pick("a", 4.9) is None
    assert run_of(chain, standings, 10.0).begin(10.0) == Start(A, MAIN)


def test_least_bad_asks_what_opened_while_others_failed() -> None:
    once = Retry(max_attempts=1)
    chain = Chain("c", (A, B, C), retry=once, on_exhausted=Exhausted(least_bad=True))
    standings = known(chain)
    run = run_of(chain, standings)
    assert run.begin(0.0) == Start(A, MAIN)
    assert run.on_failure(HARD, 0.1) == Start(B, MAIN)
    fail(standings, C, 5.0)

    assert run.on_failure(HARD, 6.0) == Start(C, MAIN)
    assert [skip.target for skip in run.skips] == ["three/c"]


def test_a_retry_leaves_a_key_that_was_disabled_during_the_pause() -> None:
    chain = Chain(
        "c", (A,), triggers=Triggers(auth=AuthRule(failures=1)), retry=Retry(max_attempts=3)
    )
    standings = known(chain, MAIN, SPARE)
    run = run_of(chain, standings)
    run.begin(0.0)
    assert isinstance(run.on_failure(HARD, 0.1), Sleep)
    standings.keyring("one").on_failure("main", "a", "r1", REFUSED, 0.15, auth_failures=1)

    assert run.on_wake(0.2) == Start(A, SPARE)


def test_without_a_usable_key_there_is_no_retry() -> None:
    chain = Chain("c", (A,), retry=Retry(max_attempts=3))
    standings = known(chain)
    run = run_of(chain, standings)
    run.begin(0.0)
    assert isinstance(run.on_failure(HARD, 0.1), Sleep)
    standings.keyring("one").on_failure("main", "a", "r1", REFUSED, 0.15, auth_failures=1)

    assert run.on_wake(0.2) == GiveUp(HARD)


def test_a_throttled_key_is_asked_again_after_the_pause_for_it() -> None:
    chain = Chain(
        "c", (A,), triggers=Triggers(rate_limit=RateLimitRule()), retry=Retry(max_attempts=3)
    )
    standings = known(chain)
    run = run_of(chain, standings)
    run.begin(0.0)
    standings.keyring("one").on_failure("main", "a", "r0", throttled(None), 0.1)
    pause = run.on_failure(throttled(None), 0.1)

    assert isinstance(pause, Sleep)
    assert run.on_wake(0.1 + pause.seconds) == Start(A, MAIN)


def test_a_chain_without_the_error_trigger_does_not_move_on_to_what_is_open() -> None:
    triggers = Triggers(rate_limit=RateLimitRule(), error=None)
    chain = Chain("c", (A, B, C), triggers=triggers)
    standings = known(chain)
    fail(standings, B, 0.0)
    run = run_of(chain, standings, 1.0)
    run.begin(1.0)

    assert run.on_failure(throttled(5.0), 1.1) == Start(C, MAIN)


def test_each_key_of_a_target_is_asked_once_though_another_target_was_asked_beside() -> None:
    chain = Chain("c", (A, B))
    standings = known(chain, MAIN, SPARE)
    run = run_of(chain, standings)
    first = run.begin(0.0)
    assert first == Start(A, MAIN)
    second = run.on_failure(REFUSED, 0.1)
    assert isinstance(second, Start)
    assert second == Start(A, SPARE)
    beside = run.beside(0.2, lambda _: True)
    assert beside == Start(B, MAIN)

    run.on_failure(HARD, 0.3, beside)
    after = run.on_failure(REFUSED, 0.4, second)

    assert not isinstance(after, Start) or after.target is not A


def test_who_fails_at_once_attracts_nobody_for_the_whole_penalty() -> None:
    """It counts from the last failure, not from the first of a row."""
    one, two = Target("one/a", "one", "a", 1), Target("two/b", "two", "b", 1)
    chain = Chain("c", (one, two), balance=Balance.LEAST_BUSY)
    standings = known(chain)
    standings.target("two/b").begin(10.0, streamed=True)
    for now in (10.0, 13.0, 16.0):
        fail(standings, one, now, times=1)

    assert plan(chain, standings, 20.9, half).targets[0] is two
    assert plan(chain, standings, 21.1, half).targets[0] is one

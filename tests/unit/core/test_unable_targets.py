"""Targets that cannot do what is asked are left out and named, and nobody is blamed."""

from functools import partial

from hotswap.core.abilities import Abilities
from hotswap.core.capability import obstacle
from hotswap.core.plan import Able, Ask, Plan, Skip, plan
from hotswap.core.run import GiveUp, Run, Start
from hotswap.core.settings import RateLimitRule, Retry
from hotswap.core.standings import Standings
from hotswap.core.terms import (
    Cause,
    Chain,
    Credential,
    Failure,
    Needs,
    Target,
    Triggers,
)
from hotswap.testing.standing import standings_of

KEY = Credential("main", "sk-1")
SPARE = Credential("spare", "sk-2")
BLIND = Abilities(images=False)
A = Target("one/a", "one", "a", 1)
B = Target("two/b", "two", "b", 2)
C = Target("three/c", "three", "c", 3)
BLIND_A = Target("one/a", "one", "a", 1, abilities=BLIND)
BLIND_B = Target("two/b", "two", "b", 2, abilities=BLIND)
SMALL_A = Target("one/a", "one", "a", 1, abilities=Abilities(context=8192))
SMALL_B = Target("two/b", "two", "b", 2, abilities=Abilities(context=8192))
LARGE_C = Target("three/c", "three", "c", 3, abilities=Abilities(context=32768))

LOOK = partial(obstacle, Needs(images=True))
HARD = Failure(Cause.HARD, "server_error", 500)
TOO_LONG = Failure(Cause.CONTEXT, "context_length_exceeded", 400)


def half() -> float:
    return 0.5


def standings(*targets: Target, keys: tuple[Credential, ...] = (KEY,)) -> Standings:
    return standings_of(Chain("c", targets), half, keys=keys)


def planned(*targets: Target, able: Able) -> Plan:
    return plan(Chain("c", targets), standings(*targets), 0.0, half, ask=Ask(able))


def run(
    *targets: Target,
    able: Able,
    keys: tuple[Credential, ...] = (KEY,),
    retry: Retry | None = None,
) -> Run:
    chain = Chain(
        "c", targets, triggers=Triggers(rate_limit=RateLimitRule()), retry=retry or Retry()
    )
    made = standings(*targets, keys=keys)
    plan_ = plan(chain, made, 0.0, half, ask=Ask(able))
    return Run(chain, plan_, made, deadline=600.0, jitter=half, ask=Ask(able))


def test_a_blind_target_is_left_out_of_a_request_with_an_image() -> None:
    made = planned(BLIND_A, B, able=LOOK)

    assert made.targets == [B]
    assert made.skips == (Skip("one/a", "no images", unable=True),)


def test_a_request_without_images_goes_to_the_blind_target_as_well() -> None:
    made = planned(BLIND_A, B, able=partial(obstacle, Needs()))

    assert made.targets == (BLIND_A,)
    assert made.skips == ()


def test_what_cannot_serve_is_not_least_bad_either() -> None:
    made_standings = standings(BLIND_A, B)
    health = made_standings.target("two/b")
    for _ in range(5):
        health.on_failure(health.begin(0.0, streamed=False), 0.0, HARD)

    made = plan(Chain("c", (BLIND_A, B)), made_standings, 0.0, half, ask=Ask(LOOK))

    assert made.panic
    assert made.targets == [B]
    assert made.skips == (
        Skip("one/a", "no images", unable=True),
        Skip("two/b", "open", rule="breaker.failures", measured=5, threshold=5),
    )


def test_a_chain_that_cannot_do_it_gives_up_with_nothing_but_unable_skips() -> None:
    made = run(BLIND_A, BLIND_B, able=LOOK)

    assert made.begin(0.0) == GiveUp(None)
    assert made.skips == (
        Skip("one/a", "no images", unable=True),
        Skip("two/b", "no images", unable=True),
    )


def test_a_blind_target_further_down_is_left_out_when_its_turn_comes() -> None:
    made = run(A, BLIND_B, C, able=LOOK)

    assert made.begin(0.0) == Start(A, KEY)
    assert made.on_failure(HARD, 0.0) == Start(C, KEY)
    assert made.skips == (Skip("two/b", "no images", unable=True),)


def test_a_target_found_unable_is_followed_by_the_next_target_not_the_next_key() -> None:
    made = run(A, B, able=LOOK, keys=(KEY, SPARE))
    made.begin(0.0)

    assert made.on_unable("no prefill", 0.0) == Start(B, KEY)
    assert made.skips == (Skip("one/a", "no prefill", unable=True),)


def test_a_target_found_unable_counts_for_no_attempt() -> None:
    made = run(A, B, able=LOOK, retry=Retry(max_attempts=2))
    made.begin(0.0)
    made.on_unable("no prefill", 0.0)

    assert made.on_failure(HARD, 0.0) != GiveUp(HARD)
    assert made.on_wake(1.0) == Start(B, KEY)
    assert made.on_failure(HARD, 1.0) == GiveUp(HARD)


def test_when_the_last_target_is_found_unable_the_failure_before_it_stands() -> None:
    made = run(A, B, able=LOOK)
    made.begin(0.0)
    made.on_failure(HARD, 0.0)

    assert made.on_unable("no prefill", 0.0) == GiveUp(HARD)


def test_a_prompt_that_was_too_long_goes_to_a_larger_window_only() -> None:
    made = run(SMALL_A, SMALL_B, LARGE_C, able=LOOK)
    made.begin(0.0)

    assert made.on_failure(TOO_LONG, 0.0) == Start(LARGE_C, KEY)
    assert made.skips == (Skip("two/b", "context", unable=True),)


def test_a_prompt_that_was_too_long_may_fit_into_a_window_that_nobody_knows() -> None:
    made = run(SMALL_A, B, able=LOOK)
    made.begin(0.0)

    assert made.on_failure(TOO_LONG, 0.0) == Start(B, KEY)


def test_a_prompt_that_fits_nowhere_ends_with_the_providers_own_words() -> None:
    made = run(SMALL_A, SMALL_B, able=LOOK)
    made.begin(0.0)

    assert made.on_failure(TOO_LONG, 0.0) == GiveUp(TOO_LONG)

from hotswap.core.plan import Ask, Plan, Skip, look, plan
from hotswap.core.settings import ErrorRateRule, RateLimitRule
from hotswap.core.standings import Standings
from hotswap.core.terms import (
    Cause,
    Chain,
    Failure,
    Target,
    Triggers,
)
from hotswap.testing.standing import standings_of

A = Target("one/a", "one", "a", 1)
B = Target("two/b", "two", "b", 2)
C = Target("three/c", "three", "c", 3)
HARD = Failure(Cause.HARD, "server_error", 500)


def half() -> float:
    return 0.5


def standings(chain: Chain) -> Standings:
    return standings_of(chain, half)


def fail(made: Standings, target: Target, times: int, now: float = 0.0) -> None:
    health = made.target(target.id)
    for _ in range(times):
        health.on_failure(health.begin(now, streamed=False), now, HARD)


def throttle(made: Standings, target: Target, after_s: float | None) -> None:
    failure = Failure(Cause.THROTTLE, "rate_limit", 429, retry_after_s=after_s)
    made.keyring(target.provider).on_failure("main", target.model, "r1", failure, 0.0)


def ids(planned: Plan) -> list[str]:
    return [target.id for target in (*planned.targets, *planned.rest)]


def test_priority_is_the_order() -> None:
    chain = Chain("c", (A, B, C))

    made = plan(chain, standings(chain), 0.0, half)

    assert ids(made) == ["one/a", "two/b", "three/c"]
    assert made.skips == ()
    assert not made.panic


def test_an_open_target_is_skipped_and_named() -> None:
    chain = Chain("c", (A, B))
    made = standings(chain)
    fail(made, A, 5)

    planned = plan(chain, made, 0.0, half)

    assert ids(planned) == ["two/b"]
    assert planned.skips == (
        Skip("one/a", "open", rule="breaker.failures", measured=5, threshold=5),
    )


def test_a_throttled_target_is_skipped_and_named() -> None:
    chain = Chain("c", (A, B))
    made = standings(chain)
    throttle(made, A, 5.0)

    planned = plan(chain, made, 1.0, half)

    assert ids(planned) == ["two/b"]
    assert planned.skips == (Skip("one/a", "throttled"),)


def test_without_the_error_trigger_an_open_target_is_asked_all_the_same() -> None:
    chain = Chain("c", (A, B), triggers=Triggers(rate_limit=RateLimitRule(), error=None))
    made = standings(chain)
    fail(made, A, 5)

    assert ids(plan(chain, made, 0.0, half)) == ["one/a", "two/b"]


def test_a_target_over_its_error_rate_goes_behind_the_others() -> None:
    rule = ErrorRateRule(threshold=0.05, min_requests=20)
    chain = Chain("c", (A, B), triggers=Triggers(error_rate=rule))
    made = standings(chain)
    assert ids(plan(chain, made, 0.0, half)) == ["one/a", "two/b"]
    health = made.target("one/a")
    for n in range(30):
        token = health.begin(0.0, streamed=False)
        if n % 10 == 0:
            health.on_failure(token, 0.0, HARD)
        else:
            health.on_success(token, 0.0)

    planned = plan(chain, made, 1.0, half)

    assert ids(planned) == ["two/b", "one/a"]
    assert planned.skips == ()


def test_equal_priorities_share_by_weight() -> None:
    heavy, light = Target("one/a", "one", "a", 1, 3.0), Target("two/b", "two", "b", 1, 1.0)
    chain = Chain("c", (heavy, light))
    made = standings(chain)
    seed = 7

    def draw() -> float:
        nonlocal seed
        seed = (seed * 48271) % 2147483647
        return seed / 2147483647

    first = [plan(chain, made, 0.0, draw).targets[0].id for _ in range(4000)]

    assert 2900 < first.count("one/a") < 3100


def test_embeddings_stay_with_the_first_model() -> None:
    same = Target("two/a", "two", "a", 2)
    chain = Chain("c", (A, same, C))

    planned = plan(chain, standings(chain), 0.0, half, ask=Ask(one_model=True))

    assert ids(planned) == ["one/a", "two/a"]
    assert planned.skips == (Skip("three/c", "other_model"),)


def test_with_nothing_eligible_the_guessed_throttle_comes_before_the_open_target() -> None:
    chain = Chain("c", (A, B))
    made = standings(chain)
    fail(made, A, 5)
    throttle(made, B, None)

    planned = plan(chain, made, 0.0, half)

    assert planned.panic
    assert ids(planned) == ["two/b", "one/a"]


def test_a_reset_that_the_provider_named_is_never_anticipated() -> None:
    chain = Chain("c", (A,))
    made = standings(chain)
    throttle(made, A, 30.0)

    planned = plan(chain, made, 1.0, half)

    assert planned.panic
    assert ids(planned) == []


def test_disabled_credentials_never_serve() -> None:
    chain = Chain("c", (A,))
    made = standings(chain)
    exhausted = Failure(Cause.EXHAUSTED, "quota_exhausted", 402)
    made.keyring("one").on_failure("main", "a", "r1", exhausted, 0.0)

    planned = plan(chain, made, 1.0, half)

    assert planned.skips == (Skip("one/a", "exhausted"),)
    assert ids(planned) == []


def test_the_rest_is_sorted_when_it_is_needed() -> None:
    chain = Chain("c", (A, B, C))
    made = standings(chain)
    planned = plan(chain, made, 0.0, half)
    fail(made, B, 5)

    sorted_out = look(planned.rest, chain, made, 0.0, half)

    assert ids(planned) == ["one/a", "two/b", "three/c"]
    assert ids(sorted_out) == ["three/c"]
    assert sorted_out.skips == (
        Skip("two/b", "open", rule="breaker.failures", measured=5, threshold=5),
    )

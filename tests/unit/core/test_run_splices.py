"""What a run decides for answers that broke off, for hedges, and for keys in hand."""

from hotswap.core.plan import plan
from hotswap.core.run import Action, GiveUp, Run, Sleep, Start
from hotswap.core.settings import Health, RateLimitRule, Retry
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

A = Target("one/a", "one", "a", 1)
B = Target("two/b", "two", "b", 2)
C = Target("three/c", "three", "c", 3)
HARD = Failure(Cause.HARD, "reset", 200)
EXHAUSTED = Failure(Cause.EXHAUSTED, "quota_exhausted", 429)


def half() -> float:
    return 0.5


def key_of(name: str, number: int = 1) -> Credential:
    return Credential(f"key{number}", f"sk-{name}-{number}")


class Case:
    """One request over real standings; every provider has keys of its own."""

    def __init__(self, *targets: Target, keys: int = 1, retry: Retry | None = None) -> None:
        self.chain = Chain(
            "c", targets, Triggers(rate_limit=RateLimitRule()), retry=retry or Retry()
        )
        self.standings = Standings(Health(), half)
        providers = {
            target.provider: Provider(
                target.provider,
                "openai",
                Endpoint(f"{target.provider}.test", 443, tls=True),
                "/v1",
                tuple(key_of(target.provider, number + 1) for number in range(keys)),
            )
            for target in targets
        }
        self.standings.adopt(providers, [self.chain], Health())

    def run(self) -> Run:
        candidates = plan(self.chain, self.standings, 0.0, half)
        return Run(self.chain, candidates, self.standings, deadline=600.0, jitter=half)

    def open(self, target: Target) -> None:
        health = self.standings.target(target.id)
        for _ in range(5):
            health.on_failure(health.begin(0.0, streamed=True), 0.0, HARD)


def nobody(_: Target) -> bool:
    return False


def only_c(target: Target) -> bool:
    return target is C


def started(action: Action | None) -> Target | None:
    return action.target if isinstance(action, Start) else None


def test_a_broken_answer_goes_on_at_the_next_target():
    run = Case(A, B, C).run()
    run.begin(0.0)

    assert run.on_broken(HARD, 1.0, nobody) == Start(B, key_of("two"))


def test_who_continues_the_words_goes_first():
    run = Case(A, B, C).run()
    run.begin(0.0)

    assert started(run.on_broken(HARD, 1.0, only_c)) is C
    assert started(run.on_broken(HARD, 2.0, only_c)) is B


def test_the_last_target_left_is_asked_again():
    run = Case(A).run()
    run.begin(0.0)

    assert isinstance(run.on_broken(HARD, 1.0, nobody), Sleep)
    assert started(run.on_wake(2.0)) is A


def test_what_the_caller_did_ends_a_broken_answer():
    run = Case(A, B).run()
    run.begin(0.0)
    left = Failure(Cause.CANCEL, "client_closed")

    assert run.on_broken(left, 1.0, nobody) == GiveUp(left)


def test_nothing_goes_on_after_the_deadline():
    run = Case(A, B).run()
    run.begin(0.0)

    assert run.on_broken(HARD, 600.0, nobody) == GiveUp(HARD)


def test_a_refused_way_is_tried_in_another_way_with_the_same_key():
    run = Case(A, B).run()
    run.begin(0.0)
    second = run.on_broken(HARD, 1.0, nobody)

    assert run.on_other_way() == second


def test_a_target_beside_the_first_is_not_asked_again():
    run = Case(A, B, C).run()
    run.begin(0.0)

    assert started(run.beside(1.0, lambda target: target is B)) is B
    assert started(run.on_failure(HARD, 2.0)) is C


def test_nobody_who_does_not_fit_or_is_open_runs_beside():
    case = Case(A, B, C)
    run = case.run()
    run.begin(0.0)
    case.open(B)

    assert run.beside(1.0, nobody) is None
    assert started(run.beside(1.0, lambda _: True)) is C


def test_the_next_key_is_of_the_target_that_failed():
    run = Case(A, B, keys=2).run()
    run.begin(0.0)
    second = run.beside(1.0, lambda _: True)

    action = run.on_failure(EXHAUSTED, 2.0, second)

    assert action == Start(B, key_of("two", 2))


def test_a_key_is_never_paired_with_another_providers_target():
    case = Case(A, B, retry=Retry(max_attempts=3))
    run = case.run()
    run.begin(0.0)
    case.standings.keyring("two").on_failure("key1", "b", "r1", EXHAUSTED, 0.0)

    action = run.on_failure(HARD, 1.0)

    assert isinstance(action, Sleep)
    assert run.on_wake(2.0) == Start(A, key_of("one"))


def test_a_target_that_opened_during_the_pause_is_not_asked_again():
    case = Case(A, retry=Retry(max_attempts=3))
    run = case.run()
    run.begin(0.0)
    run.on_failure(HARD, 1.0)
    case.open(A)

    assert run.on_wake(2.0) == GiveUp(HARD)


def test_a_target_that_has_opened_is_not_retried():
    case = Case(A, retry=Retry(max_attempts=3))
    run = case.run()
    run.begin(0.0)
    case.open(A)

    assert run.on_failure(HARD, 1.0) == GiveUp(HARD)

import pytest

from hotswap.core.backoff import Jitter
from hotswap.core.breaker import Breaker
from hotswap.core.change import Change
from hotswap.core.keyring import Keyring, Obstacle
from hotswap.core.settings import BreakerSettings
from hotswap.core.terms import Cause, Credential, Endpoint, Failure, Provider

MAIN, SPARE = Credential("main", "sk-1"), Credential("spare", "sk-2")
SETTINGS = BreakerSettings()
AUTH = Failure(Cause.AUTH, "invalid_key", 401)
FORBIDDEN = Failure(Cause.AUTH, "forbidden", 403)
EXHAUSTED = Failure(Cause.EXHAUSTED, "no_balance", 402)
GONE = Failure(Cause.GONE, "model_not_found", 404)


def none() -> float:
    return 0.0


def throttle(after_s: float | None) -> Failure:
    return Failure(Cause.THROTTLE, "rate_limit", 429, retry_after_s=after_s)


def provider(*credentials: Credential) -> Provider:
    return Provider("one", "openai", Endpoint("one.test", 443, tls=True), "/v1", credentials)


class Ring:
    """A keyring and what it shares with the others."""

    def __init__(self, *credentials: Credential, jitter: Jitter = none) -> None:
        self.register: dict[str, Breaker] = {}
        self.changes: list[Change] = []
        self.keys = Keyring(
            provider(*credentials), SETTINGS, jitter, register=self.register, changes=self.changes
        )

    def fail(
        self, credential: Credential, failure: Failure, now: float, request: str = "r1"
    ) -> None:
        self.keys.on_failure(credential.id, "a", request, failure, now)

    def picked(self, now: float, tried: tuple[str, ...] = (), model: str = "a") -> str | None:
        key = self.keys.pick(model, now, tried)
        return key.id if key is not None else None

    def probed(self, key: str, now: float, *, ok: bool) -> None:
        assert self.register[key].lease(now, 10.0)
        self.register[key].on_probe(now, ok=ok)


def test_keys_are_picked_in_the_listed_order() -> None:
    ring = Ring(MAIN, SPARE)

    assert ring.picked(0.0) == "main"
    assert ring.picked(0.0, ("main",)) == "spare"
    assert ring.picked(0.0, ("main", "spare")) is None
    assert ring.keys.obstacle_at("a", 0.0) is None


def test_a_throttled_key_rests_until_its_reset_and_the_next_one_serves() -> None:
    ring = Ring(MAIN, SPARE)
    ring.fail(MAIN, throttle(5.0), 100.0)

    assert ring.picked(100.0) == "spare"
    assert ring.picked(104.9, ("spare",)) is None
    assert ring.keys.obstacle_at("a", 104.9) is None


def test_a_throttle_concerns_one_model() -> None:
    ring = Ring(MAIN)
    ring.fail(MAIN, throttle(5.0), 100.0)

    assert ring.picked(100.0) is None
    assert ring.picked(100.0, model="b") == "main"
    assert ring.keys.obstacle_at("a", 101.0) == Obstacle("throttled", 105.0, hinted=True)
    assert ring.keys.obstacle_at("b", 101.0) is None


def test_after_a_rate_limit_of_five_seconds_the_return_is_one_probe_and_a_ramp() -> None:
    draws = iter([0.0, 0.0, 0.3, 0.3, 0.3])
    ring = Ring(MAIN, jitter=lambda: next(draws))
    ring.fail(MAIN, throttle(5.0), 100.0)

    sent = [ring.picked(100.0 + n / 100) for n in range(500)]
    assert sent == [None] * 500
    assert [ring.picked(105.0) for _ in range(1000)] == [None] * 1000
    due = ring.keys.due_probes(105.0)
    assert [d.key for d in due] == ["access one/a main"]
    assert (due[0].credential, due[0].model) == (MAIN, "a")
    ring.probed("access one/a main", 105.0, ok=True)

    assert ring.keys.due_probes(105.0) == []
    assert [ring.keys.admits_at("a", at) for at in (105.0, 113.9, 114.1)] == [False, False, True]
    assert ring.keys.admits_at("a", 135.0)
    assert ring.keys.admits_at("b", 105.0)


def test_a_throttle_that_names_no_time_rests_for_a_growing_pause() -> None:
    ring = Ring(MAIN, jitter=lambda: 0.5)
    ring.fail(MAIN, throttle(None), 100.0)

    assert ring.keys.obstacle_at("a", 100.0) == Obstacle("throttled", 100.5, hinted=False)
    for at, until in ((102.0, 103.0), (106.0, 108.0)):
        assert ring.picked(at) == "main"
        ring.fail(MAIN, throttle(None), at)
        assert ring.keys.obstacle_at("a", at) == Obstacle("throttled", until, hinted=False)


def test_an_answer_to_what_began_before_a_throttle_shows_nothing() -> None:
    ring = Ring(MAIN, jitter=lambda: 0.5)
    ring.fail(MAIN, throttle(None), 100.0)
    ring.keys.on_success("main", "a", 99.0)
    ring.fail(MAIN, throttle(None), 102.0)

    assert ring.keys.obstacle_at("a", 102.0) == Obstacle("throttled", 103.0, hinted=False)


def test_after_an_answer_the_pause_of_a_throttle_is_short_again() -> None:
    ring = Ring(MAIN, jitter=lambda: 0.5)
    ring.fail(MAIN, throttle(None), 100.0)
    assert ring.picked(102.0) == "main"
    ring.keys.on_success("main", "a", 103.0)
    ring.fail(MAIN, throttle(None), 104.0)

    assert ring.keys.obstacle_at("a", 104.0) == Obstacle("throttled", 104.5, hinted=False)


def test_a_second_throttle_keeps_the_later_reset() -> None:
    ring = Ring(MAIN)
    ring.fail(MAIN, throttle(60.0), 100.0)
    ring.fail(MAIN, throttle(5.0), 101.0)

    assert ring.keys.obstacle_at("a", 102.0) == Obstacle("throttled", 160.0, hinted=True)


def test_a_key_in_a_ramp_leaves_the_rest_to_the_next_key() -> None:
    draws = iter([0.0, 0.0, 0.05, 0.5])
    ring = Ring(MAIN, SPARE, jitter=lambda: next(draws))
    ring.fail(MAIN, throttle(5.0), 100.0)
    ring.probed("access one/a main", 105.0, ok=True)

    assert ring.picked(105.0) == "main"
    assert ring.picked(105.0) == "spare"


def test_a_ramp_is_still_better_than_no_key() -> None:
    ring = Ring(MAIN, jitter=lambda: 0.9)
    ring.fail(MAIN, throttle(5.0), 100.0)
    ring.probed("access one/a main", 110.0, ok=True)

    assert not ring.keys.admits_at("a", 110.0)
    assert ring.picked(110.0) == "main"


def test_a_healed_key_is_forgotten() -> None:
    ring = Ring(MAIN)
    ring.fail(MAIN, throttle(5.0), 100.0)
    ring.fail(MAIN, EXHAUSTED, 100.0)
    ring.probed("credential one main", 400.0, ok=True)
    ring.probed("access one/a main", 400.0, ok=True)

    assert ring.picked(500.0) == "main"
    assert ring.register == {}


@pytest.mark.parametrize("refusal", [AUTH, FORBIDDEN])
def test_two_refusals_of_different_requests_disable_a_key_for_every_model(refusal: Failure) -> None:
    ring = Ring(MAIN, SPARE)
    ring.fail(MAIN, refusal, 0.0, "r1")
    assert ring.picked(0.0) == "main"

    ring.fail(MAIN, refusal, 1.0, "r2")

    assert ring.picked(1.0) == "spare"
    assert ring.picked(1.0, model="b") == "spare"
    change = ring.changes[0]
    assert (change.target, change.credential, change.reason) == ("one", "main", "auth")
    assert change.until == 61.0


def test_refusals_of_one_request_count_once() -> None:
    ring = Ring(MAIN)
    for _ in range(5):
        ring.fail(MAIN, AUTH, 0.0, "r1")

    assert ring.picked(0.0) == "main"


def test_a_success_ends_the_row_of_refusals() -> None:
    ring = Ring(MAIN)
    ring.fail(MAIN, AUTH, 0.0, "r1")
    ring.keys.on_success("main", "a", 0.5)
    ring.fail(MAIN, AUTH, 1.0, "r2")

    assert ring.picked(1.0) == "main"


def test_the_number_of_refusals_is_the_callers_to_set() -> None:
    ring = Ring(MAIN)
    ring.keys.on_failure("main", "a", "r1", AUTH, 0.0, auth_failures=1)

    assert ring.picked(0.0) is None


def test_a_success_does_not_end_a_throttle() -> None:
    """It may belong to a stream that began long before."""
    ring = Ring(MAIN)
    ring.fail(MAIN, throttle(5.0), 0.0)
    ring.keys.on_success("main", "a", 1.0)

    assert ring.picked(1.0) is None


def test_an_exhausted_key_is_off_for_every_model_and_probed_each_five_minutes() -> None:
    ring = Ring(MAIN)
    ring.fail(MAIN, EXHAUSTED, 0.0)

    assert ring.keys.obstacle_at("b", 0.0) == Obstacle("exhausted", 300.0, hinted=False)
    assert ring.keys.due_probes(299.0) == []
    due = ring.keys.due_probes(300.0)
    assert [(d.key, d.model) for d in due] == [("credential one main", "b")]


def test_a_model_that_is_gone_is_off_for_this_key_only() -> None:
    ring = Ring(MAIN, SPARE)
    ring.fail(MAIN, GONE, 0.0)

    assert ring.picked(0.0) == "spare"
    assert ring.picked(0.0, model="b") == "main"


def test_an_obstacle_that_passes_by_itself_is_named_before_one_that_needs_a_person() -> None:
    ring = Ring(MAIN, SPARE)
    ring.keys.on_failure("main", "a", "r1", AUTH, 0.0, auth_failures=1)
    ring.fail(SPARE, throttle(500.0), 0.0)

    assert ring.keys.obstacle_at("a", 0.0) == Obstacle("throttled", 500.0, hinted=True)


def test_the_soonest_reset_is_named() -> None:
    ring = Ring(MAIN, SPARE)
    ring.fail(MAIN, throttle(50.0), 0.0)
    ring.fail(SPARE, throttle(60.0), 0.0)

    assert ring.keys.obstacle_at("a", 0.0) == Obstacle("throttled", 50.0, hinted=True)


@pytest.mark.parametrize("cause", [Cause.HARD, Cause.HANG, Cause.CALLER, Cause.CANCEL])
def test_what_does_not_speak_of_a_key_is_ignored(cause: Cause) -> None:
    ring = Ring(MAIN)
    for n in range(10):
        ring.fail(MAIN, Failure(cause), 0.0, f"r{n}")

    assert ring.picked(0.0) == "main"


def test_a_key_that_is_not_listed_is_ignored() -> None:
    ring = Ring(MAIN)
    ring.fail(SPARE, EXHAUSTED, 0.0)

    assert ring.register == {}


def test_panic_takes_the_guessed_throttle_that_ends_soonest() -> None:
    later = Credential("later", "sk-3")
    ring = Ring(MAIN, SPARE, later, jitter=lambda: 0.5)
    ring.fail(MAIN, throttle(5.0), 0.0)
    ring.fail(SPARE, throttle(None), 0.1)
    ring.fail(later, throttle(None), 0.0)

    assert ring.keys.panic_pick("a", 0.2) == later


def test_panic_never_takes_a_disabled_key_nor_breaks_the_providers_word() -> None:
    ring = Ring(MAIN, SPARE)
    ring.fail(MAIN, EXHAUSTED, 0.0)
    ring.fail(SPARE, throttle(5.0), 0.0)

    assert ring.keys.panic_pick("a", 1.0) is None


def test_panic_takes_a_usable_key_first() -> None:
    ring = Ring(MAIN, SPARE, jitter=lambda: 0.5)
    ring.fail(MAIN, throttle(None), 0.0)

    assert ring.keys.panic_pick("a", 0.0) == SPARE


def test_a_new_secret_is_a_new_key() -> None:
    ring = Ring(MAIN, SPARE)
    ring.keys.on_failure("main", "a", "r1", AUTH, 0.0, auth_failures=1)
    ring.fail(SPARE, AUTH, 0.0, "r1")
    ring.fail(SPARE, throttle(50.0), 0.0)
    renewed = Credential("main", "sk-9")

    ring.keys.adopt(provider(renewed, SPARE), SETTINGS, frozenset({"a"}))

    assert ring.keys.pick("a", 1.0, ()) == renewed
    assert list(ring.register) == ["access one/a spare"]
    ring.fail(SPARE, AUTH, 1.0, "r2")
    assert list(ring.register) == ["access one/a spare", "credential one spare"]


def test_troubles_of_models_that_nobody_offers_any_more_are_dropped() -> None:
    ring = Ring(MAIN, SPARE)
    ring.fail(MAIN, GONE, 0.0)
    ring.fail(SPARE, GONE, 0.0)
    ring.fail(MAIN, EXHAUSTED, 0.0)

    ring.keys.adopt(provider(MAIN, SPARE), SETTINGS, frozenset({"b"}))

    assert list(ring.register) == ["credential one main"]
    assert ring.keys.due_probes(301.0) == []
    assert ring.keys.obstacle_at("b", 301.0) is None
    assert ring.picked(301.0, model="b") == "spare"
    assert [d.model for d in ring.keys.due_probes(301.0)] == ["b"]

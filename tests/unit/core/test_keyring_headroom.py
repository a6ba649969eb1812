"""Keys with room below their limits come before keys without."""

from hotswap.core.breaker import Breaker
from hotswap.core.change import Change
from hotswap.core.keyring import Keyring
from hotswap.core.plan import Ask, plan
from hotswap.core.run import Run, Start
from hotswap.core.settings import BreakerSettings, Health, RateLimitRule, RateLimits
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

MAIN, SPARE = Credential("main", "sk-1"), Credential("spare", "sk-2")
LIMITED = RateLimits(rpm=10)


def provider(
    *credentials: Credential, name: str = "one", limits: RateLimits | None = LIMITED
) -> Provider:
    endpoint = Endpoint(f"{name}.test", 443, tls=True)
    return Provider(name, "openai", endpoint, "/v1", credentials, limits=limits)


def half() -> float:
    return 0.5


def ring(*credentials: Credential) -> Keyring:
    register: dict[str, Breaker] = {}
    changes: list[Change] = []
    settings = BreakerSettings()
    of = provider(*credentials)
    keys = Keyring(of, settings, half, register=register, changes=changes)
    keys.adopt(of, settings, frozenset({"a"}))
    return keys


def use_up(keys: Keyring, credential: Credential, now: float, times: int = 10) -> None:
    for _ in range(times):
        keys.rooms.begin(credential.id, "a", now, 0, 0)


def picked(keys: Keyring, now: float, headroom: float | None = 0.9) -> str | None:
    key = keys.pick("a", now, (), headroom=headroom)
    return key.id if key is not None else None


def test_a_key_above_the_headroom_leaves_new_work_to_the_next_one() -> None:
    keys = ring(MAIN, SPARE)
    use_up(keys, MAIN, 1.0)

    assert picked(keys, 1.0) == "spare"
    assert keys.pressed_at("a", 1.0, 0, 0, 0.9) is None


def test_without_the_trigger_limits_do_not_count() -> None:
    keys = ring(MAIN, SPARE)
    use_up(keys, MAIN, 1.0)

    assert picked(keys, 1.0, headroom=None) == "main"


def test_where_no_key_has_room_the_least_used_serves() -> None:
    keys = ring(MAIN, SPARE)
    use_up(keys, MAIN, 1.0, times=14)
    use_up(keys, SPARE, 1.0, times=11)

    assert picked(keys, 1.0) == "spare"
    assert keys.pressed_at("a", 1.0, 0, 0, 0.9) == Reading(
        "headroom", "rate_limit.headroom", 1.2, 0.9
    )


def test_a_throttled_key_has_no_room_to_offer() -> None:
    keys = ring(MAIN, SPARE)
    keys.on_failure("main", "a", "r1", Failure(Cause.THROTTLE, retry_after_s=30.0), 1.0)
    use_up(keys, SPARE, 1.0)

    assert picked(keys, 1.0) == "spare"
    pressed = keys.pressed_at("a", 1.0, 0, 0, 0.9)
    assert pressed is not None
    assert pressed.measured == 1.1


def test_a_changed_key_begins_anew_and_an_unchanged_one_does_not() -> None:
    keys = ring(MAIN, SPARE)
    use_up(keys, MAIN, 1.0)
    use_up(keys, SPARE, 1.0)

    changed = provider(MAIN, Credential("spare", "sk-3"))
    keys.adopt(changed, BreakerSettings(), frozenset({"a"}))

    assert picked(keys, 1.0) == "spare"
    assert keys.pressed_at("a", 1.0, 0, 0, 0.9) is None


def chain_of(*names: str, rate_limit: RateLimitRule | None = None) -> Chain:
    targets = tuple(Target(f"{name}/a", name, "a", priority=at) for at, name in enumerate(names))
    return Chain("chain", targets, Triggers(rate_limit=rate_limit))


def standings_of(chain: Chain, *providers: Provider) -> Standings:
    standings = Standings(Health(), half)
    standings.adopt({one.name: one for one in providers}, (chain,), Health())
    return standings


def test_a_target_above_its_headroom_is_asked_after_the_others() -> None:
    chain = chain_of("one", "two", rate_limit=RateLimitRule())
    standings = standings_of(chain, provider(MAIN), provider(MAIN, name="two", limits=None))
    use_up(standings.keyring("one"), MAIN, 1.0)

    chosen = plan(chain, standings, 1.0, half)

    assert [target.id for target in chosen.targets] == ["two/a"]
    assert [target.id for target in chosen.rest] == ["one/a"]
    (behind,) = chosen.behind
    assert (behind.reason, behind.rule) == ("headroom", "rate_limit.headroom")
    assert (behind.measured, behind.threshold) == (1.1, 0.9)


def test_a_target_above_its_headroom_still_answers_when_there_is_no_other() -> None:
    chain = chain_of("one", rate_limit=RateLimitRule())
    standings = standings_of(chain, provider(MAIN))
    use_up(standings.keyring("one"), MAIN, 1.0)

    chosen = plan(chain, standings, 1.0, half)
    run = Run(chain, chosen, standings, deadline=9.0, jitter=half)

    assert run.begin(1.0) == Start(chain.targets[0], MAIN)


def test_a_run_asks_with_the_key_that_has_room() -> None:
    chain = chain_of("one", rate_limit=RateLimitRule())
    standings = standings_of(chain, provider(MAIN, SPARE))
    use_up(standings.keyring("one"), MAIN, 1.0)

    ask = Ask(prompt_tokens=10)
    chosen = plan(chain, standings, 1.0, half, ask=ask)
    run = Run(chain, chosen, standings, deadline=9.0, jitter=half, ask=ask)

    assert run.begin(1.0) == Start(chain.targets[0], SPARE)

"""The pieces of a replay: what befalls calls, how requests hear of it, and how minutes count."""

from collections.abc import Callable
from math import inf
from random import Random

import pytest

from hotswap.core.run import Start
from hotswap.core.settings import Health, RateLimits
from hotswap.core.terms import Cause, Credential, Failure
from hotswap.testing.outages.chains import BREAKER, EVERYTHING, STORIES, VARIANTS, without
from hotswap.testing.outages.drill import Orders, drill
from hotswap.testing.outages.fate import SILENT, Fate, refusal
from hotswap.testing.outages.prove import Part, Proof
from hotswap.testing.outages.tally import Minutes, Tally, Worst
from hotswap.testing.outages.trouble import Kind, Trouble
from hotswap.testing.outages.weather import Weather
from hotswap.testing.outages.world import Load, Out, World

STREAMED, WHOLE, REGIONS = STORIES[0], STORIES[1], STORIES[4]
KEY = Credential("main", "secret")
WELL = Fate(0.5, 2.0)
BROKEN = Failure(Cause.HARD, "server_error", 500)


def seeded(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - the same each time


class Scripted:
    """Implements `Sky`: what becomes of a call is said by its target and moment."""

    def __init__(self, becomes: Callable[[str, float], Fate]) -> None:
        self._becomes = becomes
        self.asked: list[tuple[float, str]] = []
        self.probed: list[tuple[float, str]] = []

    def ask(self, start: Start, now: float, *, streamed: bool) -> Fate:
        self.asked.append((now, start.target.id))
        return self._becomes(start.target.id, now)

    def probe(self, start: Start, now: float) -> Fate:
        self.probed.append((now, start.target.id))
        return self._becomes(start.target.id, now)


def world(sky: Scripted, seconds: float, *, out: Out | None = None) -> World:
    load = Load(0.4, seconds, streamed=True)
    chain, providers = STREAMED.chain, STREAMED.providers.values()
    return World(chain, providers, Health(), sky=sky, load=load, rng=seeded(5), out=out)


def test_one_request_comes_in_each_slot() -> None:
    sky = Scripted(lambda _, __: WELL)

    tally = world(sky, 60.0).play()

    assert [int(at // 2.5) for at, _ in sky.asked] == list(range(24))
    assert (tally.requests, tally.answered, tally.attempts, tally.probes) == (24, 24, 24, 0)


def test_a_dead_target_is_left_after_five_failures_and_probed() -> None:
    sky = Scripted(lambda id_, _: refusal(BROKEN, 0.1) if id_ == "openai/large" else WELL)

    tally = world(sky, 600.0).play()

    assert tally.answered == tally.requests == 240
    assert sum(id_ == "openai/large" for _, id_ in sky.asked) == 5
    assert tally.moved == 5
    assert 5 <= tally.probes == len(sky.probed) <= 20
    assert tally.most_probes == 1


def test_a_target_that_is_back_serves_again_and_its_opening_is_measured() -> None:
    sky = Scripted(
        lambda id_, now: refusal(BROKEN, 0.1) if id_ == "openai/large" and now < 60.0 else WELL
    )

    tally = world(sky, 900.0).play()

    assert tally.opened.count == 1
    assert 40.0 <= tally.longest_open_s <= 150.0
    assert [id_ for _, id_ in sky.asked[-100:]] == ["openai/large"] * 100


def test_a_silent_stream_is_left_at_its_limit() -> None:
    sky = Scripted(lambda id_, _: SILENT if id_ == "openai/large" else WELL)

    tally = world(sky, 10.0).play()

    first, second = sky.asked[0], next(ask for ask in sky.asked if ask[1] != "openai/large")
    assert second[0] - first[0] == pytest.approx(4.0)
    assert tally.delayed >= 1
    assert tally.answered == 4


def test_a_stream_that_breaks_goes_on_elsewhere() -> None:
    broken = Fate(0.5, 1.0, Failure(Cause.HARD, "closed", 200))
    stalled = Fate(0.5, 1.0, Failure(Cause.HARD, "closed", 200), stalls=True)
    becomes = {"openai/large": broken, "anthropic/large": stalled, "mistral/large": WELL}
    sky = Scripted(lambda id_, _: becomes[id_])

    tally = world(sky, 2.5).play()

    (began, _), (went_on, _), (again, last) = sky.asked
    assert went_on - began == pytest.approx(1.0)
    assert again - went_on == pytest.approx(1.0 + 30.0)
    assert last == "mistral/large"
    assert (tally.answered, tally.moved, tally.spliced) == (1, 1, 1)


def test_what_is_lost_is_told_with_why_and_for_how_long() -> None:
    sky = Scripted(lambda _, __: refusal(Failure(Cause.CALLER, "bad_request", 400), 0.1))

    tally = world(sky, 25.0).play()

    assert tally.answered == 0
    assert dict(tally.lost) == {"caller/bad_request": 10}
    assert tally.streak_s == 25.0


def test_a_minute_counts_if_a_vendor_is_out_and_not_all_are() -> None:
    """Out of 72 slots, one vendor is out in the 25th, and all are in the 60th."""
    masks = bytearray(72)
    masks[24], masks[59] = 1, 7
    out = Out(bytes(masks), 7)

    tally = world(Scripted(lambda _, __: WELL), 180.0, out=out).play()

    assert (tally.single.count, tally.several.count, tally.partial.count) == (24, 0, 24)
    assert tally.calm.count == 1 + 11
    assert tally.partial.calls == tally.partial.requests == 24 * 24
    assert tally.partial.worst.calls == 1.0


def test_a_minute_in_which_nobody_takes_anything_counts_apart() -> None:
    """One vendor is out in the 25th of 72 slots, and at the end of the 30th nobody takes a call."""
    masks = bytearray(72)
    masks[24] = 1
    out = Out(bytes(masks), 7, lambda now: now == 30 * 2.5)

    tally = world(Scripted(lambda _, __: WELL), 180.0, out=out).play()

    assert (tally.single.count, tally.dark.count, tally.calm.count) == (5, 24, 1 + 19)


def test_minutes_with_two_vendors_out_are_told_apart() -> None:
    masks = bytearray(72)
    masks[24], masks[30] = 1, 3
    out = Out(bytes(masks), 7)

    tally = world(Scripted(lambda _, __: WELL), 180.0, out=out).play()

    assert (tally.single.count, tally.several.count, tally.partial.count) == (6, 24, 30)


def test_who_is_wholly_out_or_named_a_time_takes_nothing() -> None:
    targets = {target.id: target for target in REGIONS.chain.targets}
    dead = [
        Trouble(10.0, 1e6, target.vendor, "", Kind.ERRORS, 1.0, 1.0, outage=True)
        for target in targets.values()
        if target.vendor != "mistral"
    ]
    slow = Trouble(10.0, 1e6, "mistral", "", Kind.SLOW, 1.0, 8.0, outage=True)
    sky = Weather(seeded(3), targets.values(), [*dead, slow])
    start = Start(next(one for one in targets.values() if one.vendor == "mistral"), KEY)

    now, named = 20.0, 0.0
    while not named:
        assert not sky.takes_nothing(now)
        now += 1.0
        failure = sky.ask(start, now, streamed=True).failure
        named = (failure and failure.retry_after_s) or 0.0

    assert sky.takes_nothing(now + named - 0.01)
    assert not sky.takes_nothing(now + named)


def test_troubles_befall_only_whom_and_when_they_should() -> None:
    trouble = Trouble(10.0, 20.0, "openai", "eu", Kind.HANG, 1.0, 1.0, outage=True)
    targets = {target.id: target for target in REGIONS.chain.targets}
    sky = Weather(seeded(3), targets.values(), [trouble])

    def silent(id_: str, now: float) -> int:
        start = Start(targets[id_], KEY)
        return sum(sky.ask(start, now, streamed=True) == SILENT for _ in range(100))

    assert silent("openai-eu/large", 5.0) <= 2
    assert silent("openai-us/large", 15.0) <= 2
    assert silent("openai-eu/large", 15.0) == 100
    assert silent("openai-eu/large", 20.0) <= 2


def test_some_calls_fail_in_any_weather_mostly_for_rate_limits() -> None:
    (target, *_) = STREAMED.chain.targets
    sky = Weather(seeded(3), [target], [])

    fates = [sky.ask(Start(target, KEY), 100.0 * at, streamed=False) for at in range(20_000)]

    failures = [fate.failure for fate in fates if fate.failure is not None or fate.end_s == inf]
    limited = [f for f in failures if f is not None and f.cause is Cause.THROTTLE]
    assert len(failures) / 20_000 == pytest.approx(0.02, abs=0.003)
    assert len(limited) / len(failures) == pytest.approx(0.6, abs=0.06)
    hinted = [f for f in limited if f.retry_after_s is not None]
    assert len(hinted) / len(limited) == pytest.approx(0.5, abs=0.1)


def test_a_rate_limit_that_named_its_time_holds_until_then() -> None:
    (target, *_) = STREAMED.chain.targets
    sky = Weather(seeded(3), [target], [])
    start = Start(target, KEY)
    now = 0.0
    hint = None
    while hint is None:
        now += 100.0
        failure = sky.ask(start, now, streamed=False).failure
        hint = failure.retry_after_s if failure is not None else None

    again = sky.ask(start, now + hint / 2, streamed=False).failure

    assert again is not None
    assert again.cause is Cause.THROTTLE
    assert again.retry_after_s == pytest.approx(hint / 2)


@pytest.mark.parametrize("off", VARIANTS[1:-1])
def test_each_trigger_can_be_off_alone(off: str) -> None:
    chain, health = without(STREAMED, off)

    on = {name for name in VARIANTS[1:-1] if getattr(chain.triggers, name) is not None}
    assert on == set(VARIANTS[1:-1]) - {off}
    assert health == Health()


def test_without_its_breaker_a_dead_target_is_asked_every_time() -> None:
    sky = Scripted(lambda id_, _: refusal(BROKEN, 0.1) if id_ == "openai/large" else WELL)
    chain, health = without(STREAMED, BREAKER)
    chain_off, _ = without(STREAMED, EVERYTHING)
    load = Load(0.4, 20.0, streamed=True)

    providers = STREAMED.providers.values()
    tally = World(chain, providers, health, sky=sky, load=load, rng=seeded(5)).play()

    assert chain == chain_off
    assert sum(id_ == "openai/large" for _, id_ in sky.asked) == 8
    assert (tally.answered, tally.probes) == (8, 0)


def test_calls_per_request_are_promised_where_each_vendor_has_one_target() -> None:
    tally = Tally(single=Minutes(count=40, over=3, worst=Worst(1.75, 90.0, 4)))
    proof = Proof(30.0, range(5), {}, [], {}, 0.0)

    proof.hold(Part(4, 30.0), tally)
    assert proof.failures == []

    proof.hold(Part(3, 30.0), tally)
    assert len(proof.failures) == 1


def test_a_drill_counts_only_what_comes_after_a_minute_in_health() -> None:
    (target, *others) = STREAMED.chain.targets
    kill = frozenset({target.id})

    drilled = drill(
        STREAMED.chain, STREAMED.providers, Health(), Orders(kill=kill), rate=1.0, minutes=1.0
    )

    assert (drilled.requests, drilled.answered, drilled.lost) == (60, 60, 0)
    assert drilled.shares[target.id] == 0.0
    assert sum(drilled.shares[other.id] for other in others) == pytest.approx(1.0)


def test_a_drill_holds_each_key_to_its_tokens_per_minute() -> None:
    """1,200 tokens a request: 12,000 a minute are ten of them."""
    (target, *_) = STREAMED.chain.targets
    provider = STREAMED.providers[target.provider]
    limited = type(provider)(
        provider.name,
        provider.kind,
        provider.endpoint,
        provider.base_path,
        provider.credentials,
        limits=RateLimits(tpm=12_000),
    )
    lone = type(STREAMED.chain)("lone", (target,), STREAMED.chain.triggers)

    drilled = drill(lone, {provider.name: limited}, Health(), Orders(), rate=1.0, minutes=3.0)

    assert 25 <= drilled.answered <= 30
    assert drilled.lost == 180 - drilled.answered

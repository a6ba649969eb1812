"""Whole outages in virtual time: one target with a healthy fallback, seeded."""

import random
from collections.abc import Callable, Sequence

import pytest
from msgspec import Struct

from hotswap.core.change import Change
from hotswap.core.settings import Health
from hotswap.core.standings import Standings
from hotswap.core.terms import Cause, Chain, Credential, Endpoint, Failure, Provider, Target

A = Target("one/a", "one", "a")
HARD = Failure(Cause.HARD, "server_error", 500)
PROBE_EACH_S = 0.25

Fails = Callable[[float, random.Random], bool]


class Story(Struct):
    """What happened to one target."""

    requests: int = 0
    sent: int = 0
    failed: int = 0
    probes: int = 0
    changes: Sequence[Change] = ()

    def openings(self) -> list[Change]:
        return [c for c in self.changes if c.after == "open"]


def play(fails: Fails, *, rps: float, seconds: float, seed: int) -> Story:
    """Offer `rps` requests per second; whom the standings refuse goes to the fallback."""
    rng = random.Random(seed)  # noqa: S311 - a seeded simulation
    standings = Standings(Health(), rng.random)
    endpoint = Endpoint("one.test", 443, tls=True)
    provider = Provider("one", "openai", endpoint, "/v1", (Credential("main", "sk-1"),))
    standings.adopt({"one": provider}, [Chain("c", (A,))], Health())
    health, story, probe_at = standings.target("one/a"), Story(), 0.0
    for n in range(int(rps * seconds)):
        now = n / rps
        story.requests += 1
        if health.obstacle_at(now) is None and health.admits_at(now):
            story.sent += 1
            token = health.begin(now, streamed=False)
            if fails(now, rng):
                story.failed += 1
                health.on_failure(token, now, HARD)
            else:
                health.on_success(token, now)
        if now >= probe_at:
            probe_at = now + PROBE_EACH_S
            for due in standings.due_probes(now):
                assert standings.lease(due.key, now, 10.0)
                story.probes += 1
                standings.on_probe(due.key, now, failure=HARD if fails(now, rng) else None)
    story.changes = standings.take_changes()
    return story


def at_random(share: float) -> Fails:
    return lambda _, rng: rng.random() < share


@pytest.mark.parametrize("rps", [1, 10])
def test_a_target_that_flaps_each_ten_seconds_gets_little_traffic(rps: float) -> None:
    story = play(lambda now, _: now % 20 >= 10, rps=rps, seconds=1200, seed=1)

    assert story.sent < 0.15 * story.requests
    assert story.failed < 0.05 * story.requests


def test_sixty_percent_of_errors_open_within_ten_seconds() -> None:
    first = [
        play(at_random(0.6), rps=10, seconds=10, seed=seed).openings()[:1] for seed in range(40)
    ]

    assert sum(bool(opening) for opening in first) >= 38


def test_thirty_percent_of_errors_bring_short_openings() -> None:
    openings = [
        change
        for seed in range(10)
        for change in play(at_random(0.3), rps=10, seconds=120, seed=seed).openings()
    ]
    long = [c for c in openings if c.until is not None and c.until - c.at > 10.0]

    assert len(openings) > 20
    assert long == []


def test_a_dead_target_costs_few_attempts_and_few_probes_in_an_hour() -> None:
    story = play(lambda _now, _rng: True, rps=4, seconds=3600, seed=1)

    assert story.sent == 5
    assert story.probes < 30


def test_after_an_outage_all_traffic_is_back_within_a_probe_and_a_ramp() -> None:
    story = play(lambda now, _: 100 <= now < 160, rps=20, seconds=300, seed=3)

    assert story.changes[-1].after == "closed"
    assert story.changes[-1].at < 160 + 80 + 30 + 1
    assert story.failed == 5


@pytest.mark.parametrize(("share", "most"), [(0.01, 0), (0.05, 1)])
def test_few_independent_errors_open_nothing(share: float, most: int) -> None:
    """At 5 % five in a row come once in 3.4 million, a bad window once in 16,000."""
    story = play(at_random(share), rps=10, seconds=2000, seed=5)

    assert len(story.openings()) <= most


def test_a_fifth_of_errors_opens_about_once_in_four_thousand_requests() -> None:
    """Only closed traffic counts: a ramp is stricter on purpose."""
    standings_changes = play(at_random(0.2), rps=10, seconds=3000, seed=2).openings()
    from_closed = [c for c in standings_changes if c.before == "closed"]

    assert 1 <= len(from_closed) <= 20

"""What a new configuration makes of larger things, and of requests that began by the former one."""

from collections.abc import Mapping, Sequence

import pytest

from hotswap.core.settings import Health, RegionRule
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

HARD = Failure(Cause.HARD, "server_error", 500)
OF_TWO = Triggers(region=RegionRule(2))
OF_THREE = Triggers(region=RegionRule(3))


def provider(name: str, host: str, region: str) -> Provider:
    endpoint = Endpoint(host, 443, tls=True)
    keys = (Credential("main", "sk-1"),)
    return Provider(name, "openai", endpoint, "/v1", keys, region=region, vendor="v")


class Site:
    """Standings of one vendor's targets `a/m`, `b/m`, ... each a provider of its own."""

    def __init__(self, hosts: Mapping[str, str], *, region: str = "") -> None:
        self.standings = Standings(Health(), lambda: 0.0)
        self.region = region
        self.adopt(hosts)

    def adopt(self, hosts: Mapping[str, str], *triggers: Triggers) -> None:
        """Go by a configuration of providers at these hosts."""
        providers = {name: provider(name, host, self.region) for name, host in hosts.items()}
        targets = tuple(Target(f"{name}/m{name}", name, f"m{name}") for name in hosts)
        chains = [Chain(f"c{n}", targets, one) for n, one in enumerate(triggers or (OF_TWO,))]
        self.standings.adopt(providers, chains, Health())

    def fail(self, targets: Sequence[str], now: float) -> None:
        for target in targets:
            health = self.standings.target(target)
            for _ in range(5):
                health.on_failure(health.begin(now, streamed=True), now, HARD)

    def bar(self, target: str, now: float, triggers: Triggers = OF_TWO) -> Reading | None:
        return self.standings.target(target).bar_at(now, triggers)

    def due(self, now: float) -> list[tuple[str, str]]:
        return [(due.key, due.target.id) for due in self.standings.due_probes(now)]


HOST = dict.fromkeys("abcd", "x.test")


def host_down() -> Site:
    """Return a host that is down as a whole, by three of its four targets."""
    site = Site(HOST)
    site.fail(["a/ma", "b/mb", "c/mc"], 1.0)
    return site


def test_a_target_that_a_reload_removed_is_not_probed_for_its_host() -> None:
    site = host_down()
    assert site.bar("d/md", 2.0) is not None

    site.adopt(dict.fromkeys("abc", "x.test"))

    assert site.due(100.0) == []
    assert site.bar("a/ma", 101.0) is not None
    assert site.due(101.0) == [("endpoint x.test:443", "a/ma")]


def test_a_request_of_the_former_configuration_wants_no_probe_through_what_was_removed() -> None:
    site = host_down()
    former = site.standings.target("d/md")

    site.adopt(dict.fromkeys("abc", "x.test"))

    assert former.bar_at(2.0, OF_TWO) is not None
    assert site.due(100.0) == []


def test_a_host_is_not_probed_through_a_target_that_moved_to_another() -> None:
    site = host_down()
    assert site.bar("d/md", 2.0) is not None

    site.adopt({**HOST, "d": "y.test"})

    assert site.bar("d/md", 100.0) is None
    assert site.due(100.0) == []


@pytest.mark.parametrize("answered", ["a/ma", "d/md"])
def test_an_answer_that_comes_after_its_host_was_removed_harms_nobody(answered: str) -> None:
    site = host_down()
    health = site.standings.target(answered)
    token = health.begin(2.0, streamed=True)

    site.adopt({"e": "z.test"})
    health.on_success(token, 3.0)

    assert site.due(100.0) == []
    assert site.bar("e/me", 100.0) is None


@pytest.mark.parametrize("former", [(OF_TWO,), (OF_TWO, OF_THREE)])
def test_a_region_goes_by_the_number_of_targets_that_a_reload_brings(
    former: tuple[Triggers, ...],
) -> None:
    hosts = {name: f"{name}.test" for name in "abcd"}
    site = Site(hosts, region="eu")
    site.adopt(hosts, *former)

    site.adopt(hosts, OF_THREE)
    site.fail(["a/ma", "b/mb"], 1.0)
    assert site.bar("d/md", 2.0, OF_THREE) is None
    site.fail(["c/mc"], 2.0)

    found = Reading("open", "region.min_targets", 3, 3, "region v eu")
    assert site.bar("d/md", 2.0, OF_THREE) == found

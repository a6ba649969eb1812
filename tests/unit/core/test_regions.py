"""The same model in another region of its vendor stands in first, until two of them are down."""

import pytest

from hotswap.core.plan import Plan, plan
from hotswap.core.regions import are_sisters
from hotswap.core.run import Run, Start
from hotswap.core.settings import Health, PlacesRule, RateLimitRule
from hotswap.core.terms import (
    Cause,
    Chain,
    Credential,
    Failure,
    Target,
    Triggers,
)
from hotswap.testing.standing import standings_of

KEY = Credential("main", "sk-1")
HARD = Failure(Cause.HARD, "server_error", 500)
HANG = Failure(Cause.HANG, "first_content")
THROTTLE = Failure(Cause.THROTTLE, "rate_limit", 429)


def at(name: str, priority: int, vendor: str, region: str, model: str = "m") -> Target:
    return Target(f"{name}/{model}", name, model, priority, vendor=vendor, region=region)


EU, OTHER, US, AP = (
    at("eu", 1, "openai", "eu-west"),
    at("other", 2, "anthropic", "us-east"),
    at("us", 3, "openai", "us-east"),
    at("ap", 4, "openai", "ap-south"),
)


class Case:
    """A chain over regions; the vendor as a whole is judged by the tests of larger places."""

    def __init__(self, *targets: Target, triggers: Triggers | None = None) -> None:
        self.chain = Chain("c", targets, triggers=triggers or Triggers(rate_limit=RateLimitRule()))
        health = Health(places=PlacesRule(model_targets=9, provider_regions=9))
        self.standings = standings_of(self.chain, half, keys=(KEY,), health=health)

    def open(self, *targets: Target) -> None:
        for target in targets:
            health = self.standings.target(target.id)
            for _ in range(5):
                health.on_failure(health.begin(0.0, streamed=False), 0.0, HARD)

    def plan(self) -> Plan:
        return plan(self.chain, self.standings, 0.0, half)

    def asked(self, *failures: Failure) -> list[str]:
        """Return the targets of one request whose attempts fail like this."""
        run = Run(self.chain, self.plan(), self.standings, deadline=60.0, jitter=half)
        action = run.begin(0.0)
        asked: list[str] = []
        for failure in failures:
            assert isinstance(action, Start)
            asked.append(action.target.provider)
            action = run.on_failure(failure, 0.0, action)
        return [*asked, action.target.provider] if isinstance(action, Start) else asked


def half() -> float:
    return 0.5


def order(made: Plan) -> list[str]:
    return [target.provider for target in (*made.targets, *made.rest)]


def test_a_sister_stands_in_for_an_open_target() -> None:
    case = Case(EU, OTHER, US)
    case.open(EU)

    assert order(case.plan()) == ["us", "other"]


def test_a_sister_that_is_open_too_does_not() -> None:
    case = Case(EU, OTHER, US)
    case.open(EU, US)

    assert order(case.plan()) == ["other"]


def test_after_two_regions_the_vendor_is_left() -> None:
    case = Case(EU, OTHER, US, AP)
    case.open(EU, US)

    assert order(case.plan()) == ["other", "ap"]


@pytest.mark.parametrize("failure", [HARD, HANG], ids=["hard", "hang"])
def test_a_sister_is_asked_next_when_the_request_in_hand_fails(failure: Failure) -> None:
    assert Case(EU, OTHER, US).asked(failure, failure) == ["eu", "us", "other"]


def test_after_two_regions_failed_the_request_leaves_the_vendor() -> None:
    case = Case(EU, OTHER, US, AP)

    assert case.asked(HARD, HARD, HARD) == ["eu", "us", "other", "ap"]


def test_an_open_region_and_a_failed_one_are_two() -> None:
    case = Case(EU, OTHER, US, AP)
    case.open(EU)

    assert case.asked(HARD, HARD) == ["us", "other", "ap"]


def test_a_rate_limit_is_no_matter_of_regions() -> None:
    assert Case(EU, OTHER, US).asked(THROTTLE) == ["eu", "other"]


def test_without_the_trigger_the_list_counts() -> None:
    triggers = Triggers(rate_limit=RateLimitRule(), region=None)
    open_, failing = Case(EU, OTHER, US, triggers=triggers), Case(EU, OTHER, US, triggers=triggers)
    open_.open(EU)

    assert order(open_.plan()) == ["other", "us"]
    assert failing.asked(HARD) == ["eu", "other"]


def test_a_sister_that_is_worse_than_usual_keeps_her_place_at_the_end() -> None:
    case = Case(EU, OTHER, US)
    breaker = case.standings.target(US.id).breaker
    breaker.trip(0.0, "failures")
    breaker.on_answer(0.0)

    assert case.asked(HARD, HARD) == ["eu", "other", "us"]


def test_an_answer_that_broke_off_goes_on_at_a_sister() -> None:
    case = Case(EU, OTHER, US)
    run = Run(case.chain, case.plan(), case.standings, deadline=60.0, jitter=half)
    run.begin(0.0)

    assert run.on_broken(HARD, 0.0, lambda _: False) == Start(US, KEY)


@pytest.mark.parametrize(
    "other",
    [
        at("x", 2, "openai", "eu-west"),
        at("x", 2, "openai", ""),
        at("x", 2, "azure", "us-east"),
        at("x", 2, "openai", "us-east", "n"),
    ],
    ids=["same region", "unknown region", "other vendor", "other model"],
)
def test_only_the_same_model_of_the_same_vendor_elsewhere_is_a_sister(other: Target) -> None:
    assert not are_sisters(EU, other)
    assert not are_sisters(other, EU)

"""From chains in the file to chains as they are served."""

from collections.abc import Mapping

import pytest
from msgspec import structs

from hotswap.core.settings import (
    AuthRule,
    ErrorRateRule,
    ErrorRule,
    Exhausted,
    LatencyRule,
    RateLimitRule,
    RegionRule,
    Retry,
    Sticky,
    Timeouts,
)
from hotswap.core.terms import Triggers

from .conftest import Load, Refuse

DESIGN = """\
fallback:
  chains:
    - name: "premium-reasoning"
      models:
        - {provider: "openai", model: "gpt-4-turbo", priority: 1}
        - {provider: "anthropic", model: "claude-3-opus", priority: 2}
        - {provider: "google", model: "gemini-pro", priority: 3}
      triggers:
        - {type: "rate_limit", enabled: true}
        - {type: "latency", threshold_ms: 5000}
        - {type: "error_rate", threshold: 0.05}
      retry: {max_attempts: 3, backoff: "exponential"}
    - name: "fast-chat"
      models:
        - {provider: "openai", model: "gpt-3.5-turbo"}
        - {provider: "anthropic", model: "claude-instant"}
      triggers:
        - {type: "all"}
"""


def chain_of(keys: str) -> str:
    return f"fallback:\n  chains:\n    - {{name: a, {keys}}}\n"


ONE = "models: [{provider: openai, model: m}]"


def test_the_form_that_users_already_have_loads_as_written(load_text: Load):
    snapshot = load_text(DESIGN)

    assert snapshot.listed == ("premium-reasoning", "fast-chat")
    premium = snapshot.chains["premium-reasoning"]
    assert [target.id for target in premium.targets] == ["openai/gpt-4-turbo"]
    assert premium.triggers == Triggers(
        rate_limit=RateLimitRule(headroom=0.9),
        latency=LatencyRule(threshold_ms=5000),
        error=ErrorRule(),
        error_rate=ErrorRateRule(threshold=0.05),
        auth=AuthRule(failures=2),
    )
    assert premium.retry == Retry(max_attempts=3)
    assert snapshot.warnings == (
        "chain premium-reasoning: has one link; it takes three for an answer when two fail",
        "chain fast-chat: triggers cost and quality are not active yet",
        "chain fast-chat: has one link; it takes three for an answer when two fail",
        (
            "provider anthropic: anthropic/claude-3-opus and anthropic/claude-instant left out: "
            "no key: the environment has no ANTHROPIC_API_KEY"
        ),
        (
            "provider google: google/gemini-pro left out: "
            "no key: the environment has no GEMINI_API_KEY or GOOGLE_API_KEY"
        ),
    )


@pytest.mark.parametrize(
    ("triggers", "expected"),
    [
        ("", Triggers(rate_limit=RateLimitRule())),
        (", triggers: []", Triggers()),
        (", triggers: [{type: rate_limit, headroom: 0.5}]", Triggers(RateLimitRule(0.5))),
        (
            ", triggers: [{type: error, enabled: false}]",
            Triggers(error=None),
        ),
        (", triggers: [{type: availability, enabled: false}]", Triggers(error=None)),
        (", triggers: [{type: auth, enabled: false}]", Triggers(auth=None)),
        (", triggers: [{type: auth, failures: 3}]", Triggers(auth=AuthRule(3))),
        (", triggers: [{type: rate_limit, enabled: false}]", Triggers()),
        (
            (
                ", triggers: [{type: error_rate, threshold: 0.2, window_s: 30, min_requests: 5, "
                "trial_share: 0.1}]"
            ),
            Triggers(error_rate=ErrorRateRule(0.2, 30, 5, 0.1)),
        ),
        (
            ", triggers: [{type: latency, threshold_ms: 800, percentile: p99, clear_s: 5}]",
            Triggers(latency=LatencyRule(800, percentile="p99", clear_s=5)),
        ),
        (
            ", triggers: [{type: all}]",
            Triggers(RateLimitRule(), LatencyRule(), error=ErrorRule(), error_rate=ErrorRateRule()),
        ),
        (
            (
                ", triggers: [{type: error, enabled: false}, {type: all}, {type: latency, "
                "threshold_ms: 9}]"
            ),
            Triggers(RateLimitRule(), LatencyRule(9), error=None, error_rate=ErrorRateRule()),
        ),
        (", triggers: [{type: all, enabled: false}]", Triggers(error=None, auth=None, region=None)),
        (", triggers: [{type: cost, budget: team, at: 0.9}]", Triggers()),
        (
            ", triggers: [{type: error, classes: [connect, gone]}, {type: region, min_targets: 3}]",
            Triggers(error=ErrorRule(("connect", "gone")), region=RegionRule(3)),
        ),
    ],
)
def test_a_trigger_acts_when_listed_and_error_and_auth_always(
    load_text: Load, triggers: str, expected: Triggers
):
    assert load_text(chain_of(ONE + triggers)).chains["a"].triggers == expected


@pytest.mark.parametrize(
    ("trigger", "warning"),
    [
        ("{type: cost, at: 0.8}", "chain a: trigger cost is not active yet"),
        ("{type: quality, checks: [empty]}", "chain a: trigger quality is not active yet"),
    ],
)
def test_a_trigger_that_does_nothing_yet_is_warned_about(
    load_text: Load, trigger: str, warning: str
):
    assert warning in load_text(chain_of(f"{ONE}, triggers: [{trigger}]")).warnings


def test_what_comes_later_is_refused_by_name(refuse_text: Refuse):
    (line,) = refuse_text(chain_of(f"{ONE}, quality: {{buffer: false}}"))

    assert line.split(" ", 1)[1] == "chains[0].quality: is not supported yet"


@pytest.mark.parametrize(
    "section",
    [
        "budgets: [{name: a}]",
        "audit: {strict: false}",
        "telemetry: {otlp: x}",
        "access: {allow: [10.0.0.0/8]}",
        "access: {deny: [10.0.0.0/8]}",
        "server: {trusted_proxies: [10.0.0.1]}",
    ],
)
def test_a_section_that_comes_later_is_refused_by_name(refuse_text: Refuse, section: str):
    (line,) = refuse_text(f"{section}\n{chain_of(ONE)}")

    assert line.endswith(": is not supported yet")


def test_empty_sections_mean_their_defaults(load_text: Load):
    empty = "server:\nproviders:\nbudgets: []\naudit: {}\ntelemetry:\naccess: {keys: [], allow: []}"

    snapshot = load_text(f"{empty}\n{chain_of(ONE + ', hedge: null, timeouts: , require: {}')}")

    plain = load_text(chain_of(ONE))
    assert structs.replace(snapshot, digest="", source="") == structs.replace(
        plain, digest="", source=""
    )
    assert snapshot.chains["a"].timeouts == Timeouts()


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("error", Exhausted()),
        ("least_bad", Exhausted(least_bad=True)),
        ("{wait_s: 2}", Exhausted(wait_s=2)),
    ],
)
def test_what_happens_without_a_target_is_a_word_or_a_wait(
    load_text: Load, word: str, meant: Exhausted
):
    snapshot = load_text(chain_of(f"{ONE}, on_exhausted: {word}"))

    assert snapshot.chains["a"].on_exhausted == meant


def test_an_unknown_word_is_told_with_those_that_there_are(refuse_text: Refuse):
    (line,) = refuse_text(chain_of(f"{ONE}, on_exhausted: panic"))

    assert line.endswith('on_exhausted: should be "error" or "least_bad" or a mapping')


@pytest.mark.parametrize(
    ("value", "meant"), [("true", Sticky()), ("false", None), ("{ttl_s: 60}", Sticky(ttl_s=60))]
)
def test_sticky_is_a_switch_or_its_settings(load_text: Load, value: str, meant: Sticky | None):
    assert load_text(chain_of(f"{ONE}, sticky: {value}")).chains["a"].sticky == meant


def models(*priorities: str) -> str:
    links = [
        f"{{provider: openai, model: m{at}{', priority: ' + one if one else ''}}}"
        for at, one in enumerate(priorities)
    ]
    return f"models: [{', '.join(links)}]"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["", "", ""], [("m0", 1), ("m1", 2), ("m2", 3)]),
        (["3", "1", "2"], [("m1", 1), ("m2", 2), ("m0", 3)]),
        (["1", "1", "2"], [("m0", 1), ("m1", 1), ("m2", 2)]),
        (["", "7", "", "2"], [("m3", 2), ("m1", 7), ("m0", 8), ("m2", 9)]),
        (["0", ""], [("m0", 0), ("m1", 1)]),
    ],
)
def test_targets_are_sorted_by_priority_and_those_without_come_last(
    load_text: Load, given: list[str], expected: list[tuple[str, int]]
):
    targets = load_text(chain_of(models(*given))).chains["a"].targets

    assert [(target.model, target.priority) for target in targets] == expected


def test_weighted_targets_share_one_priority(load_text: Load):
    snapshot = load_text(chain_of(f"balance: weighted, {models('1', '2', '')}"))

    assert [target.priority for target in snapshot.chains["a"].targets] == [1, 1, 1]
    assert "chain a: priorities count for nothing under balance: weighted" in snapshot.warnings


def test_a_chain_answers_to_its_aliases_and_its_targets_to_their_own_names(load_text: Load):
    snapshot = load_text(
        chain_of(
            "aliases: [gpt-4o], models: [{provider: openai, model: m, weight: 3, priority: 9, "
            "overrides: {temperature: 0.2, stop: [é]}}, {provider: mistral, model: org/n}]"
        )
    )

    assert sorted(snapshot.chains) == ["a", "gpt-4o", "mistral/org/n", "openai/m"]
    assert snapshot.chains["gpt-4o"] is snapshot.chains["a"]
    assert snapshot.listed == ("a", "gpt-4o")
    target = snapshot.chains["a"].targets[0]
    assert target.overrides == '{"temperature":0.2,"stop":["é"]}'.encode()
    single = snapshot.chains["openai/m"]
    assert single.targets[0].overrides == b""
    assert single.targets[0].weight == 1.0
    assert single.triggers == Triggers(rate_limit=RateLimitRule())


def test_a_chain_that_is_named_like_a_target_keeps_its_name(load_text: Load):
    snapshot = load_text(
        "fallback: {chains: [{name: openai/m, models: [{provider: mistral, model: n}, "
        "{provider: openai, model: m}]}]}"
    )

    assert snapshot.chains["openai/m"].targets[0].id == "mistral/n"


def test_a_chain_without_a_usable_target_is_left_out_with_a_warning(load_text: Load):
    snapshot = load_text(
        "fallback: {chains: [{name: a, models: [{provider: openai, model: m}]}, "
        "{name: b, models: [{provider: groq, model: m}]}]}"
    )

    assert snapshot.listed == ("a",)
    assert "b" not in snapshot.chains
    assert "chain b: left out, because no target is left" in snapshot.warnings
    assert (
        "provider groq: groq/m left out: no key: the environment has no GROQ_API_KEY"
        in snapshot.warnings
    )


@pytest.mark.parametrize(
    ("links", "environ", "warnings"),
    [
        (
            "{provider: openai, model: a}, {provider: openai, model: b}",
            {"OPENAI_API_KEY": "x"},
            [
                "chain a: has two links; it takes three for an answer when two fail",
                "chain a: all targets are at openai.com, whose outages will coincide",
            ],
        ),
        (
            (
                "{provider: openai, model: a}, {provider: mistral, model: b}, "
                "{provider: groq, model: c}"
            ),
            {"OPENAI_API_KEY": "x", "MISTRAL_API_KEY": "x", "GROQ_API_KEY": "x"},
            [],
        ),
    ],
)
def test_chains_that_fall_together_are_warned_about(
    load_text: Load, links: str, environ: Mapping[str, str], warnings: list[str]
):
    assert list(load_text(chain_of(f"models: [{links}]"), environ).warnings) == warnings


def test_timeouts_retries_and_health_take_every_number(load_text: Load):
    snapshot = load_text(
        "fallback:\n"
        "  health: {breaker: {failures: 2, open_s: 0.5}, panic: {k: 1.5}, silence: {waiting: 7}}\n"
        "  chains:\n"
        f"    - name: a\n      {ONE}\n"
        "      timeouts: {connect_s: 1, first_content_s: 10, silence_s: 8, total_s: 60}\n"
        "      retry: {max_attempts: 2, on: [hard, hang], base_s: 0.1}\n"
    )

    chain = snapshot.chains["a"]
    assert chain.timeouts == Timeouts(1, 10, 8, 60)
    assert chain.retry == Retry(max_attempts=2, base_s=0.1, on=("hard", "hang"))
    assert snapshot.health.breaker.failures == 2
    assert snapshot.health.breaker.open_s == 0.5
    assert snapshot.health.breaker.min_requests == 10
    assert snapshot.health.panic.k == 1.5
    assert snapshot.health.silence.waiting == 7

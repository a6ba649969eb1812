"""Warnings about what can be served, and yet hold less than they seem to."""

from collections.abc import Callable

import pytest

from .conftest import Load

PROVIDERS = """\
providers:
  openai-eu:
    kind: openai
    base_url: "https://eu.api.openai.com/v1"
    region: eu-west
    zone: eu
    keys: [{id: a, secret: x}]
  openai-us:
    kind: openai
    base_url: "https://us.api.openai.com/v1"
    region: us-east
    zone: us
    keys: [{id: a, secret: x}]
  claude: {kind: anthropic, region: us-east, zone: us, keys: [{id: a, secret: x}]}
  mistral: {kind: mistral, region: eu-west, zone: eu, keys: [{id: a, secret: x}]}
  ours: {kind: vllm}
"""
SOUND = "openai-us/gpt-4o claude/claude-opus-4-6 mistral/mistral-large-4"
"""Three links of three vendors in two regions."""

WarningsOf = Callable[..., list[str]]


@pytest.fixture
def warnings_of(load_text: Load) -> WarningsOf:
    """Load chain `a` of targets, and what is said of it; return the warnings about it."""

    def load_it(targets: str, *said: str, providers: str = PROVIDERS, more: str = "") -> list[str]:
        lines = "".join(f"      {line}\n" for line in (f"models: [{links(targets)}]", *said))
        text = f"{providers}fallback:\n  chains:\n    - name: a\n{lines}{more}"
        found = load_text(text).warnings
        return [one.removeprefix("chain a: ") for one in found if one.startswith("chain a: ")]

    return load_it


def links(targets: str) -> str:
    """Write links, each with what follows its name behind a comma."""
    written: list[str] = []
    for target in targets.split():
        name, comma, more = target.partition(",")
        provider, _, model = name.partition("/")
        written.append(f"{{provider: {provider}, model: {model}{comma}{more.replace('=', ': ')}}}")
    return ", ".join(written)


@pytest.mark.parametrize(
    "triggers", ["[{type: all, enabled: false}]", "[{type: error, enabled: false}, {type: auth}]"]
)
def test_a_chain_that_no_failure_moves_on_is_told(warnings_of: WarningsOf, triggers: str) -> None:
    assert warnings_of(SOUND, f"triggers: {triggers}") == [
        "its other links are not asked: rate_limit, latency and error are not enabled"
    ]


def test_a_chain_of_three_vendors_holds_what_it_seems_to(warnings_of: WarningsOf) -> None:
    assert warnings_of(SOUND) == []


def test_one_link_is_not_enough(warnings_of: WarningsOf) -> None:
    assert warnings_of("ours/llama") == ["has one link; it takes three for an answer when two fail"]


def test_one_vendor_falls_as_a_whole_whatever_its_regions(warnings_of: WarningsOf) -> None:
    assert warnings_of("openai-us/gpt-4o openai-eu/gpt-4o openai-us/gpt-6-luna") == [
        "all targets are at openai.com, whose outages will coincide"
    ]


def test_three_links_of_two_vendors_leave_one_alone(warnings_of: WarningsOf) -> None:
    assert warnings_of("openai-us/gpt-4o openai-eu/gpt-4o claude/claude-opus-4-6") == [
        (
            "its links are at anthropic.com and openai.com only: while one of them is down, "
            "nothing stands behind the other"
        )
    ]


def test_required_places_may_leave_one_vendor(warnings_of: WarningsOf) -> None:
    found = warnings_of(
        "openai-us/gpt-4o claude/claude-opus-4-6 mistral/mistral-large-4 mistral/mistral-medium-3",
        "require: {zones: [eu]}",
    )

    assert [one for one in found if "left out" not in one] == [
        "has two links; it takes three for an answer when two fail",
        (
            "the places that it requires leave mistral.ai without anthropic.com and openai.com; "
            "it takes another vendor there to stand in for its outages"
        ),
    ]


def test_what_a_chain_requires_of_models_is_not_taken_for_a_place(warnings_of: WarningsOf) -> None:
    blind = "models: {ours/llama: {cannot: [vision]}}\n"

    found = warnings_of("openai-us/gpt-4o ours/llama", "require: {can: [vision]}", more=blind)

    assert [one for one in found if "left out" not in one] == [
        "has one link; it takes three for an answer when two fail"
    ]


def test_one_region_falls_as_a_whole_where_others_are_at_hand(warnings_of: WarningsOf) -> None:
    near = "openai-us/gpt-4o claude/claude-opus-4-6"
    warning = (
        "all targets are in region us-east, whose outages will coincide; "
        "there are providers in eu-west"
    )

    assert warning in warnings_of(near)
    assert warning not in warnings_of(near, "require: {regions: [us-east]}")
    assert warning not in warnings_of(f"{near} ours/llama")
    assert warning not in warnings_of("claude/claude-opus-4-6")


def limited(**limits: str) -> str:
    """Write one provider for each limit."""
    lines = [
        f"  {name}: {{kind: vllm, vendor: {name}, keys: [{{id: a, secret: x}}, "
        f"{{id: b, secret: y}}], limits: {limit}}}\n"
        for name, limit in limits.items()
    ]
    return f"providers:\n  free: {{kind: vllm}}\n{''.join(lines)}"


@pytest.mark.parametrize(
    ("limits", "warnings"),
    [
        ({"x": "{rpm: 500}", "y": "{rpm: 225}", "z": "{rpm: 225}"}, []),
        (
            {"x": "{rpm: 1000}", "y": "{rpm: 449}", "z": "{rpm: 450}"},
            [
                (
                    "its other links take 1,798 requests a minute together, 89 % of the "
                    "2,000 of x/m; below 90 % an outage of it leaves requests unanswered, "
                    "so raise `limits` or add a link"
                )
            ],
        ),
        (
            {
                "x": "{rpm: 10, tpm: 40000}",
                "y": "{rpm: 10, tpm: 5000}",
                "z": "{rpm: 10, tpm: 5000}",
            },
            [
                (
                    "its other links take 20,000 tokens a minute together, 25 % of the "
                    "80,000 of x/m; below 90 % an outage of it leaves requests unanswered, "
                    "so raise `limits` or add a link"
                )
            ],
        ),
        ({"x": "{rpm: 500}", "y": "{rpm: 1}", "z": "{tpm: 1}"}, []),
        ({"x": "{tpm: 500}", "y": "{rpm: 1}", "z": "{rpm: 1}"}, []),
    ],
)
def test_links_behind_the_first_must_take_what_it_takes(
    warnings_of: WarningsOf, limits: dict[str, str], warnings: list[str]
) -> None:
    assert warnings_of("x/m y/m z/m", providers=limited(**limits)) == warnings


def test_among_equals_the_largest_must_be_replaced(warnings_of: WarningsOf) -> None:
    providers = limited(x="{rpm: 10}", y="{rpm: 50}", z="{rpm: 10}")
    lone = "its other links take 40 requests a minute together, 40 % of the 100 of y/m;"

    assert warnings_of("x/m y/m z/m", "balance: weighted", providers=providers)[0].startswith(lone)
    assert warnings_of("x/m y/m z/m", providers=providers) == []


def test_limits_of_which_one_is_unknown_are_learned(warnings_of: WarningsOf) -> None:
    providers = limited(x="{rpm: 500}", y="{rpm: 1}")

    assert warnings_of("x/m y/m free/m", providers=providers) == []


def test_limits_without_a_trigger_that_keeps_to_them_count_for_nothing(
    warnings_of: WarningsOf,
) -> None:
    providers = limited(x="{rpm: 5}", y="{rpm: 5}")

    triggers = "triggers: [{type: error}]"

    assert warnings_of("x/m y/m free/m", triggers, providers=providers) == [
        "the limits of x and y count for nothing without the trigger rate_limit"
    ]


@pytest.mark.parametrize(
    ("targets", "said", "warnings"),
    [
        (
            "openai-us/gpt-4o,priority=1 claude/claude-opus-4-6,priority=2 mistral/mistral-large-4",
            "balance: weighted",
            ["priorities count for nothing under balance: weighted"],
        ),
        (
            "openai-us/gpt-4o,weight=3 claude/claude-opus-4-6 mistral/mistral-large-4",
            "balance: priority",
            [
                (
                    "weights count for nothing, as every target has a priority of its own; "
                    "balance: weighted shares among all"
                )
            ],
        ),
        (
            "openai-us/gpt-4o,weight=3,priority=1 claude/claude-opus-4-6,priority=1 ours/llama",
            "balance: priority",
            [],
        ),
        (
            "openai-us/gpt-4o,weight=3 claude/claude-opus-4-6 mistral/mistral-large-4",
            "balance: least_busy",
            [],
        ),
        (
            "openai-us/gpt-4o,weight=3 claude/claude-opus-4-6 mistral/mistral-large-4",
            "balance: cheapest",
            ["weights count for nothing under balance: cheapest"],
        ),
        (
            (
                "openai-us/gpt-4o,priority=1 claude/claude-opus-4-6,priority=2 "
                "mistral/mistral-large-4,priority=3"
            ),
            "balance: least_latency",
            [
                (
                    "balance: least_latency chooses among targets of one priority, "
                    "and every target has its own"
                )
            ],
        ),
        ("openai-us/gpt-4o claude/none mistral/never", "balance: priority", []),
        (
            "openai-us/gpt-4o claude/none mistral/never ours/llama",
            "balance: cheapest",
            [
                (
                    "no price is known of claude/none and mistral/never, asked last under "
                    "balance: cheapest; `models` can name it"
                )
            ],
        ),
        (
            "ours/llama",
            "sticky: true",
            [
                "has one link; it takes three for an answer when two fail",
                "sticky does nothing where there is one link",
            ],
        ),
        (SOUND, "sticky: true", []),
    ],
)
def test_what_a_balance_does_not_use_is_told(
    warnings_of: WarningsOf, targets: str, said: str, warnings: list[str]
) -> None:
    assert sorted(warnings_of(targets, said)) == sorted(warnings)


@pytest.mark.parametrize(
    ("said", "warnings"),
    [
        (["timeouts: {first_content_s: 10, total_s: 60}"], []),
        (
            ["timeouts: {first_content_s: 60, total_s: 60}"],
            [
                (
                    "timeouts.first_content_s is not below total_s, 60: a target that hangs leaves "
                    "no time for another"
                )
            ],
        ),
        (
            ["timeouts: {silence_s: 8, total_s: 5.5}"],
            [
                (
                    "timeouts.silence_s is not below total_s, 5.5: a target that hangs leaves "
                    "no time for another"
                )
            ],
        ),
        (["hedge: {after: 2}", "timeouts: {first_content_s: 10}"], []),
        (
            ["on_exhausted: {wait_s: 900}", "timeouts: {total_s: 60}"],
            ["on_exhausted.wait_s, 900, ends with timeouts.total_s, 60"],
        ),
        (
            ["hedge: {after: 10}", "timeouts: {first_content_s: 10}"],
            [
                (
                    "hedge never begins: it waits 10 s or longer, and the first attempt ends after "
                    "timeouts.first_content_s, 10"
                )
            ],
        ),
        (
            ["hedge: {after_min_s: 5}", "timeouts: {first_content_s: 4}"],
            [
                (
                    "hedge never begins: it waits 5 s or longer, and the first attempt ends after "
                    "timeouts.first_content_s, 4"
                )
            ],
        ),
    ],
)
def test_a_limit_that_another_one_precedes_is_told(
    warnings_of: WarningsOf, said: list[str], warnings: list[str]
) -> None:
    assert warnings_of(SOUND, *said) == warnings


def test_a_hedge_needs_another_vendor(warnings_of: WarningsOf) -> None:
    assert (
        "hedge never begins: a second attempt is made at another vendor, and there is none"
        in warnings_of("openai-us/gpt-4o openai-eu/gpt-4o", "hedge: {after: 2}")
    )


@pytest.mark.parametrize(
    ("trigger", "said", "warning"),
    [
        ("{type: latency, threshold_ms: 5000}", "", ""),
        ("{type: latency, threshold_ms: 5000}", "timeouts: {first_content_s: 5}", ""),
        (
            "{type: latency, threshold_ms: 5001}",
            "timeouts: {first_content_s: 5}",
            "latency never fires: its threshold_ms, 5001, is above timeouts.first_content_s, 5",
        ),
        (
            "{type: latency, threshold_ms: 700000}",
            "",
            "latency never fires: its threshold_ms, 700000, is above timeouts.total_s, 600",
        ),
        (
            "{type: latency, threshold_ms: 30000, metric: total}",
            "timeouts: {first_content_s: 5}",
            "",
        ),
        (
            "{type: latency, threshold_ms: 30000, metric: total}",
            "timeouts: {total_s: 20}",
            "latency never fires: its threshold_ms, 30000, is above timeouts.total_s, 20",
        ),
        ("{type: latency, threshold_ms: 4000, metric: gap}", "timeouts: {silence_s: 4}", ""),
        (
            "{type: latency, threshold_ms: 4500, metric: gap}",
            "timeouts: {silence_s: 4}",
            "latency never fires: its threshold_ms, 4500, is above timeouts.silence_s, 4",
        ),
        ("{type: error_rate, threshold: 0.99}", "", ""),
        (
            "{type: error_rate, threshold: 1}",
            "",
            "error_rate never fires: no more than all can fail, so threshold is below 1",
        ),
        ("{type: all}", "", ""),
        ("{type: region, enabled: false}", "", ""),
        (
            "{type: region}",
            "",
            (
                "region never fires: min_targets, 2, must fail together in one region of a vendor, "
                "and none has more than 1"
            ),
        ),
    ],
)
def test_a_trigger_that_never_fires_is_told(
    warnings_of: WarningsOf, trigger: str, said: str, warning: str
) -> None:
    found = warnings_of(SOUND, f"triggers: [{trigger}]", said)

    told = [one for one in found if "not active yet" not in one]
    assert told == ([f"trigger {warning}"] if warning else [])


def test_targets_of_other_chains_fail_in_the_same_region(warnings_of: WarningsOf) -> None:
    listed = "triggers: [{type: region}]"
    other = f"    - {{name: b, models: [{links('openai-us/gpt-6-luna openai-us/gpt-4o')}]}}\n"

    assert warnings_of(SOUND, listed, more=other) == []


def test_without_regions_none_is_down(warnings_of: WarningsOf) -> None:
    found = warnings_of("ours/llama openai/gpt-4o", "triggers: [{type: region}]")

    assert "trigger region never fires: no provider of the chain has a `region`" in found


def test_a_region_near_by_that_nobody_has_is_told(load_text: Load) -> None:
    found = load_text(
        f"server: {{regions: [eu-wets, us-east, mars]}}\n{PROVIDERS}"
        f"fallback: {{chains: [{{name: a, models: [{links(SOUND)}]}}]}}\n"
    ).warnings

    assert [one for one in found if one.startswith("server: ")] == [
        'server: no provider is in region eu-wets (did you mean "eu-west"?)',
        "server: no provider is in region mars",
    ]


def test_a_key_whose_zones_leave_too_little_is_told(load_text: Load) -> None:
    digest = "0" * 63
    found = load_text(
        "access:\n  keys:\n"
        f"    - {{id: eu, sha256: '{digest}0', zones: [eu]}}\n"
        f"    - {{id: us, sha256: '{digest}1', zones: [us]}}\n"
        f"    - {{id: all, sha256: '{digest}2'}}\n"
        f"{PROVIDERS}"
        "fallback:\n  chains:\n"
        f"    - {{name: a, models: [{links(SOUND)}]}}\n"
        f"    - {{name: b, models: [{links('openai-us/gpt-4o claude/claude-opus-4-6 ours/m')}]}}\n"
    ).warnings

    assert [one for one in found if one.startswith("access key ")] == [
        "access key eu: nothing of b is in zone eu, so it gets no answer there",
        (
            "access key eu: zone eu leaves it only mistral.ai of a; it takes another vendor there "
            "to stand in for its outages"
        ),
    ]

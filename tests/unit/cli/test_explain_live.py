"""How `hotswap explain` joins what a gateway says with what the configuration says."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from msgspec.structs import replace

from hotswap.cli.explain import TargetPlan, explained, parts
from hotswap.cli.foreseen import Foreseen
from hotswap.cli.showing import plain
from hotswap.cli.unsent import Wishes, incoming, unsent
from hotswap.config.load import load
from hotswap.core.latency import Figures
from hotswap.core.plan import Skip
from hotswap.errors import RefusedError
from hotswap.gateway.foresight import Foresight
from hotswap.gateway.line import Line

CONFIG: Final = """
providers:
  a: {kind: openai, base_url: "https://a.example/v1", keys: [{id: k, secret: s}]}
  b: {kind: openai, base_url: "https://b.example/v1", keys: [{id: k, secret: s}]}
  c: {kind: openai, base_url: "https://c.example/v1", keys: [{id: k, secret: s}]}
fallback:
  chains:
    - name: assist
      models:
        - {provider: a, model: m}
        - {provider: b, model: m}
        - {provider: c, model: m}
access:
  keys:
    - {id: app, sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}
"""
BODY: Final = b'{"model":"assist","messages":[{"role":"user","content":"hi"}]}'
FIGURES: Final = Figures(
    streamed=None,
    whole=None,
    gap_p95_s=None,
    total_p95_s=None,
    peak_s=None,
    in_flight=2,
    attempts=9,
    failed_share=0.5,
    first_content_limit_s=10.0,
    whole_limit_s=300.0,
    silence_limit_s=30.0,
)
SLOW: Final = Skip("b/m", "suspect", rule="latency.threshold_ms", measured=700.0, threshold=500.0)
SLOW_WORDS: Final = "suspect, latency.threshold_ms 700 of 500"
Ask = Callable[..., Line]


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """Give the line of a request."""
    config = tmp_path / "hotswap.yaml"
    config.write_text(CONFIG)
    snapshot = load(config, os.environ)

    def line(*order: str, caller: str = "") -> Line:
        return unsent(snapshot, incoming(BODY, "openai_chat", ""), Wishes(",".join(order), caller))

    return line


def told(line: Line, foresight: Foresight, config: str = "") -> Foreseen:
    return Foreseen(config or line.plane.digest, foresight, {"b/m": FIGURES})


def turns(line: Line, found: Foreseen) -> list[tuple[int, str, str]]:
    targets = explained(line, found, "openai_chat").targets
    return [(one.turn, one.target, one.reason) for one in targets]


def written(line: Line, found: Foreseen) -> list[str]:
    text = plain(parts(explained(line, found, "openai_chat")), 1000)
    return [" ".join(row.split()) for row in text.splitlines()]


def test_the_order_is_the_gateways(ask: Ask) -> None:
    line = ask()
    found = told(
        line,
        Foresight(
            ("c/m", "b/m"),
            behind=(SLOW,),
            skips=(Skip("a/m", "open", scope="region a.example eu"),),
        ),
    )

    assert turns(line, found) == [(1, "c/m", ""), (2, "b/m", "suspect"), (0, "a/m", "open")]
    assert written(line, found)[2:] == [
        "1 c/m openai_chat /v1/chat/completions asked first",
        f"2 b/m openai_chat /v1/chat/completions asked last: {SLOW_WORDS}",
        "- a/m openai_chat left out: open, as all of region a.example eu",
        "",
        "target measured now",
        "b/m 2 in flight, 9 begun in the last minute, 50.0% of them failed",
    ]


def test_programs_get_rule_measured_value_threshold_and_figures(ask: Ask) -> None:
    line = ask()
    skip = Skip("b/m", "headroom", rule="rate_limit.headroom", measured=0.95, threshold=0.9)
    found = told(line, Foresight(("a/m", "b/m"), behind=(skip,)))

    _, second = explained(line, found, "openai_chat").targets

    assert second == TargetPlan(
        "b/m",
        2,
        "headroom",
        "openai_chat",
        "/v1/chat/completions",
        rule="rate_limit.headroom",
        measured=0.95,
        threshold=0.9,
        figures=FIGURES,
    )


def test_a_worse_target_may_still_be_the_first(ask: Ask) -> None:
    line = ask()
    found = told(line, Foresight(("a/m",), behind=(Skip("a/m", "ramp"),)))

    assert written(line, found)[2].endswith(" asked first, though ramp")


def test_panic_is_told(ask: Ask) -> None:
    line = ask()
    found = told(line, Foresight(("a/m",), skips=(Skip("a/m", "open"),), panic=True))
    explanation = explained(line, found, "openai_chat")

    assert explanation.panic
    assert [(one.turn, one.target, one.reason) for one in explanation.targets] == [
        (1, "a/m", "open")
    ]
    assert list(explanation.notes) == [
        "no target is eligible: the least bad are asked, if they are let through"
    ]


def test_a_gateway_with_another_configuration_is_told(ask: Ask) -> None:
    line = ask()
    found = told(line, Foresight(("gone/m", "a/m")), config="another")

    assert turns(line, found) == [(1, "a/m", "")]
    assert written(line, found)[3] == (
        "the gateway serves by another configuration than this file's"
    )


@pytest.mark.parametrize(
    ("order", "caller"), [(("z/m",), ""), ((), "nobody"), (("a/m",), "app"), (("a/m", ""), "")]
)
def test_wishes_that_cannot_be_are_refused(ask: Ask, order: tuple[str, ...], caller: str) -> None:
    with pytest.raises(RefusedError):
        ask(*order, caller=caller)


def test_without_a_gateway_the_callers_order_holds_as_well(ask: Ask) -> None:
    explanation = explained(ask("c/m", "a/m"), "", "openai_chat")

    assert [one.target for one in explanation.targets] == ["c/m", "a/m"]
    assert not explanation.live
    assert explanation.targets == tuple(replace(one, figures=None) for one in explanation.targets)

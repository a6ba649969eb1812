"""What is asked of reasoning reaches each generation of Claude in its own words."""

import msgspec
import pytest
from msgspec.structs import replace

from hotswap.core.abilities import Abilities, Prefill, Thinks
from hotswap.core.terms import Target
from hotswap.dialects.anthropic.messages import write_request
from hotswap.dialects.api import Outgoing, UnableError
from hotswap.dialects.neutral import (
    Call,
    Mode,
    Reasoning,
    Request,
    Result,
    Role,
    Text,
    Tool,
    ToolChoice,
    Turn,
)

HI = Turn(Role.USER, [Text("Hi")])
ADAPTIVE = Abilities(
    max_output=128000, thinks=Thinks.ADAPTIVE, efforts=("low", "medium", "high", "max")
)
ALWAYS = replace(ADAPTIVE, thinking_off=False)
BUDGET = Abilities(max_output=64000, thinks=Thinks.BUDGET, prefill=Prefill.NATIVE)
NO = Abilities(max_output=8192, thinks=Thinks.NO)


def out(request: Request, abilities: Abilities) -> Outgoing:
    return write_request(request, Target("a/c", "a", "claude", abilities=abilities), "anthropic")


def written(request: Request, abilities: Abilities) -> dict[str, object]:
    """Return the fields that speak of reasoning and its limit."""
    body = msgspec.json.decode(out(request, abilities).body, type=dict[str, object])
    names = ("max_tokens", "thinking", "output_config")
    return {name: body[name] for name in names if name in body}


@pytest.mark.parametrize(
    ("reasoning", "fields", "notices"),
    [
        (
            Reasoning("high"),
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}},
            [],
        ),
        (
            Reasoning("xhigh"),
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}},
            ["reasoning_effort"],
        ),
        (
            Reasoning("minimal"),
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}},
            ["reasoning_effort"],
        ),
        (
            Reasoning(budget_tokens=10000),
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}},
            [],
        ),
        (
            Reasoning(shown=True),
            {"thinking": {"type": "adaptive", "display": "summarized"}},
            [],
        ),
        (Reasoning("none"), {"thinking": {"type": "disabled"}}, []),
        (Reasoning(budget_tokens=0), {"thinking": {"type": "disabled"}}, []),
        (Reasoning(), {}, []),
    ],
)
def test_newer_models_are_told_an_effort(
    reasoning: Reasoning, fields: dict[str, object], notices: list[str]
):
    request = Request(turns=[HI], reasoning=reasoning, max_tokens=500)

    assert written(request, ADAPTIVE) == {"max_tokens": 500, **fields}
    assert list(out(request, ADAPTIVE).notices) == notices


def test_thinking_that_cannot_be_switched_off_stays_on():
    request = Request(turns=[HI], reasoning=Reasoning("none"))

    assert written(request, ALWAYS) == {"max_tokens": 8192}
    assert list(out(request, ALWAYS).notices) == ["reasoning_effort"]


def test_a_level_alone_is_enough_for_models_that_know_levels():
    request = Request(turns=[HI], reasoning=Reasoning("max"))

    assert written(request, Abilities()) == {
        "max_tokens": 8192,
        "output_config": {"effort": "max"},
    }


@pytest.mark.parametrize(
    ("reasoning", "asked", "limit", "budget"),
    [
        (Reasoning("minimal"), None, 9216, 1024),
        (Reasoning("high"), None, 24576, 16384),
        (Reasoning("xhigh"), None, 32768, 24576),
        (Reasoning("max"), None, 40960, 30720),
        (Reasoning("high"), 8000, 8000, 6000),
        (Reasoning("high"), 1200, 1200, 1024),
        (Reasoning("high"), 99999, 64000, 16384),
        (Reasoning(budget_tokens=2000), 2001, 2001, 2000),
        (Reasoning(budget_tokens=2000), 2000, 2000, 1999),
        (Reasoning(budget_tokens=5), 2000, 2000, 1024),
        (Reasoning(budget_tokens=90000), None, 64000, 63999),
    ],
)
def test_older_models_are_told_a_number_of_tokens(
    reasoning: Reasoning, asked: int | None, limit: int, budget: int
):
    request = Request(turns=[HI], reasoning=reasoning, max_tokens=asked)

    assert written(request, BUDGET) == {
        "max_tokens": limit,
        "thinking": {"type": "enabled", "budget_tokens": budget},
    }


def test_thinking_that_is_left_open_gets_a_usual_number():
    request = Request(turns=[HI], reasoning=Reasoning(shown=True))

    assert written(request, BUDGET) == {
        "max_tokens": 16384,
        "thinking": {"type": "enabled", "budget_tokens": 8192, "display": "summarized"},
    }


def test_a_limit_without_room_for_thinking_goes_before_it():
    request = Request(turns=[HI], reasoning=Reasoning("low"), max_tokens=1024)

    assert written(request, BUDGET) == {"max_tokens": 1024}
    assert list(out(request, BUDGET).notices) == ["reasoning_effort"]


@pytest.mark.parametrize(
    ("reasoning", "notices"),
    [(Reasoning("high"), ["reasoning_effort"]), (Reasoning("none"), []), (Reasoning(), [])],
)
def test_a_model_that_does_not_think_is_told_nothing(reasoning: Reasoning, notices: list[str]):
    request = Request(turns=[HI], reasoning=reasoning)

    assert written(request, NO) == {"max_tokens": 8192}
    assert list(out(request, NO).notices) == notices


@pytest.mark.parametrize("abilities", [ADAPTIVE, BUDGET])
def test_a_forced_tool_goes_before_thinking(abilities: Abilities):
    request = Request(
        turns=[HI],
        reasoning=Reasoning("high"),
        tools=[Tool("f")],
        tool_choice=ToolChoice(Mode.REQUIRED),
    )

    assert written(request, abilities) == {"max_tokens": 8192}
    assert list(out(request, abilities).notices) == ["reasoning_effort"]


BEGUN = Request(
    turns=[HI, Turn(Role.ASSISTANT, [Text("One")])], reasoning=Reasoning(budget_tokens=2000)
)


@pytest.mark.parametrize(
    ("request_", "overrides"),
    [
        (BEGUN, b""),
        (replace(BEGUN, reasoning=None), b'{"thinking":{"type":"enabled","budget_tokens":1024}}'),
        (replace(BEGUN, reasoning=None), b'{"thinking":5}'),
    ],
)
def test_a_begun_answer_is_not_continued_with_thinking_on(request_: Request, overrides: bytes):
    target = Target("a/c", "a", "claude", overrides=overrides, abilities=BUDGET)

    with pytest.raises(UnableError) as refused:
        write_request(request_, target, "anthropic")

    assert refused.value.need == "prefill"


@pytest.mark.parametrize(
    ("request_", "abilities", "overrides"),
    [
        (replace(BEGUN, reasoning=None), BUDGET, b""),
        (replace(BEGUN, reasoning=Reasoning("none")), BUDGET, b""),
        (replace(BEGUN, max_tokens=1000), BUDGET, b""),
        (BEGUN, replace(NO, prefill=Prefill.NATIVE), b""),
        (BEGUN, BUDGET, b'{"thinking":{"type":"disabled"}}'),
        (BEGUN, BUDGET, b'{"thinking":null}'),
    ],
)
def test_a_begun_answer_is_continued_where_nothing_is_thought(
    request_: Request, abilities: Abilities, overrides: bytes
):
    target = Target("a/c", "a", "claude", overrides=overrides, abilities=abilities)

    body = msgspec.json.decode(write_request(request_, target, "anthropic").body)

    assert body["messages"][-1] == {"role": "assistant", "content": "One"}
    assert body.get("thinking") in (None, {"type": "disabled"})


def test_who_is_asked_to_go_on_may_think():
    request = Request(
        turns=[*BEGUN.turns, Turn(Role.USER, [Text("Go on.")])], reasoning=Reasoning("low")
    )

    assert written(request, BUDGET)["thinking"] == {"type": "enabled", "budget_tokens": 2048}
    assert written(request, ADAPTIVE)["thinking"] == {"type": "adaptive"}


def test_between_a_call_and_its_result_only_adaptive_thinking_goes_on():
    request = Request(
        turns=[
            HI,
            Turn(Role.ASSISTANT, [Call("1", "f", "{}")]),
            Turn(Role.USER, [Result("1", [Text("x")])]),
        ],
        tools=[Tool("f")],
        reasoning=Reasoning("low"),
    )

    assert written(request, BUDGET) == {"max_tokens": 8192}
    assert list(out(request, BUDGET).notices) == ["reasoning_effort"]
    assert written(request, ADAPTIVE) == {
        "max_tokens": 8192,
        "thinking": {"type": "adaptive"},
        "output_config": {"effort": "low"},
    }


def test_sampling_is_left_out_where_the_model_thinks():
    request = Request(turns=[HI], reasoning=Reasoning("low"), temperature=0.2)

    assert list(out(request, BUDGET).notices) == ["temperature"]
    assert list(out(replace(request, reasoning=Reasoning("none")), BUDGET).notices) == []

"""How much to think, said to each kind of server."""

import msgspec
import pytest
from msgspec.structs import replace

from hotswap.core.abilities import UNKNOWN, Abilities, Thinks
from hotswap.core.terms import Target
from hotswap.dialects.api import Outgoing
from hotswap.dialects.neutral import (
    Reasoning,
    Request,
    Role,
    Text,
    Turn,
)
from hotswap.dialects.openai.write import write_request

HI = Turn(Role.USER, (Text("Hi"),))
PLAIN = Request(turns=(HI,))

Object = dict[str, object]


def write(
    request: Request,
    kind: str = "openai",
    abilities: Abilities = UNKNOWN,
    overrides: bytes = b"",
) -> Outgoing:
    target = Target("p/gpt-9", "p", "gpt-9", abilities=abilities, overrides=overrides)
    return write_request(request, target, kind)


def fields(request: Request, kind: str = "openai", abilities: Abilities = UNKNOWN) -> Object:
    return msgspec.json.decode(write(request, kind, abilities).body, type=dict[str, object])


def asked(kind: str = "openai", abilities: Abilities = UNKNOWN, **wanted: object) -> Outgoing:
    """Write the plain request with further fields."""
    return write(replace(PLAIN, **wanted), kind, abilities)


@pytest.mark.parametrize(
    ("kind", "reasoning", "wire"),
    [
        ("openai", Reasoning("low"), {"reasoning_effort": "low"}),
        ("openai", Reasoning(budget_tokens=8192), {"reasoning_effort": "medium"}),
        ("openai", Reasoning(budget_tokens=100), {"reasoning_effort": "minimal"}),
        ("openai", Reasoning(budget_tokens=0), {"reasoning_effort": "none"}),
        ("openai", Reasoning(budget_tokens=-1), {}),
        ("openai", Reasoning(shown=True), {}),
        (
            "deepseek",
            Reasoning("high"),
            {"thinking": {"type": "enabled"}, "reasoning_effort": "high"},
        ),
        ("deepseek", Reasoning("none"), {"thinking": {"type": "disabled"}}),
        ("openrouter", Reasoning("high"), {"reasoning": {"effort": "high"}}),
        ("openrouter", Reasoning(budget_tokens=3000), {"reasoning": {"max_tokens": 3000}}),
        ("openrouter", Reasoning("none"), {"reasoning": {"effort": "none"}}),
        (
            "vllm",
            Reasoning("high"),
            {"chat_template_kwargs": {"enable_thinking": True}, "reasoning_effort": "high"},
        ),
        ("llamacpp", Reasoning("none"), {"chat_template_kwargs": {"enable_thinking": False}}),
    ],
)
def test_reasoning_is_asked_for_in_the_way_of_each_kind(
    kind: str, reasoning: Reasoning, wire: Object
):
    said = fields(replace(PLAIN, reasoning=reasoning), kind)

    assert said == {
        "model": "gpt-9",
        "messages": [
            {"role": "user", "content": "Hi"},
        ],
        **wire,
    }


@pytest.mark.parametrize(
    ("kind", "on", "off"),
    [
        ("groq", {}, {"reasoning_effort": "none"}),
        ("deepseek", {"thinking": {"type": "enabled"}}, {"thinking": {"type": "disabled"}}),
        ("openrouter", {"reasoning": {"enabled": True}}, {"reasoning": {"enabled": False}}),
        (
            "vllm",
            {"chat_template_kwargs": {"enable_thinking": True}},
            {"chat_template_kwargs": {"enable_thinking": False}},
        ),
    ],
)
def test_a_model_that_only_switches_its_thoughts_is_told_on_or_off(
    kind: str, on: Object, off: Object
):
    switch = Abilities(thinks=Thinks.SWITCH)
    plain = fields(PLAIN, kind)

    assert fields(replace(PLAIN, reasoning=Reasoning("high")), kind, switch) == {**plain, **on}
    assert fields(replace(PLAIN, reasoning=Reasoning("none")), kind, switch) == {**plain, **off}


@pytest.mark.parametrize(
    ("asked_for", "efforts", "off", "level", "notices"),
    [
        ("medium", ("low", "high"), True, "low", ("reasoning_effort",)),
        ("max", ("low", "high"), True, "high", ("reasoning_effort",)),
        ("minimal", ("low", "high"), True, "low", ("reasoning_effort",)),
        ("high", ("low", "high"), True, "high", ()),
        ("none", ("none", "low"), True, "none", ()),
        ("none", ("none", "low"), False, "low", ("reasoning_effort",)),
        ("none", ("low", "high"), True, "low", ("reasoning_effort",)),
    ],
)
def test_an_effort_that_a_model_lacks_becomes_the_next_lower_one(
    asked_for: str,
    efforts: tuple[str, ...],
    off: bool,  # noqa: FBT001 - a column
    level: str,
    notices: tuple[str, ...],
):
    abilities = Abilities(efforts=efforts, thinking_off=off)

    said = asked(abilities=abilities, reasoning=Reasoning(asked_for))

    assert msgspec.json.decode(said.body)["reasoning_effort"] == level
    assert said.notices == notices


def test_reasoning_is_dropped_by_name_where_there_is_none():
    no = Abilities(thinks=Thinks.NO)

    assert asked(abilities=no, reasoning=Reasoning("high")).notices == ("reasoning_effort",)
    assert asked(abilities=no, reasoning=Reasoning("none")).notices == ()
    assert b"reasoning" not in asked(abilities=no, reasoning=Reasoning("high")).body


def test_a_short_answer_leaves_little_room_for_thoughts():
    thinker = Abilities(efforts=("low", "high"))

    assert b'"reasoning_effort":"low"' in asked(abilities=thinker, max_tokens=300).body
    assert b"reasoning" not in asked(abilities=thinker, max_tokens=3000).body
    assert b"reasoning" not in asked(max_tokens=300).body

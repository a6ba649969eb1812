"""Whether real models would take the request to go on, and would go on with the right words."""

from collections.abc import Mapping
from itertools import product
from typing import Final

import pytest
from msgspec import Struct
from msgspec.json import decode, encode
from msgspec.structs import replace

from hotswap.config.known import known_abilities
from hotswap.core.seam import Seam
from hotswap.core.terms import Target
from hotswap.dialects.api import Outgoing
from hotswap.dialects.continuing import go_on, native_for
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
from hotswap.dialects.registry import TRANSLATORS
from hotswap.testing.echo import Begun, Echo, Manner, Prefilled, read_begun
from hotswap.testing.step import Seen
from hotswap.testing.strictness.check import strict

TEXT: Final = "The three largest lakes are Superior, Victoria and Huron."
PARTIAL: Final = "The three largest lakes are Superior, Vic"
LIMIT: Final = 4000


class Model(Struct, frozen=True):
    """A model, and by whose rules its requests are checked."""

    dialect: str
    kind: str
    name: str
    rules: str
    native: bool
    """It continues an answer that was begun."""
    own: frozenset[str] = frozenset()
    """Fields that its servers know beyond those rules."""


VLLM: Final = frozenset({"add_generation_prompt", "continue_final_message", "chat_template_kwargs"})
DEEPSEEK: Final = frozenset({"thinking"})
LLAMACPP: Final = frozenset({"chat_template_kwargs"})
MODELS: Final = (
    Model("openai_chat", "openai", "gpt-4o", "openai", native=False),
    Model("openai_chat", "openai", "gpt-5", "openai_reasoning", native=False),
    Model("openai_chat", "openai", "o3", "openai_reasoning", native=False),
    Model("openai_chat", "azure", "gpt-4o", "openai", native=False),
    Model("openai_chat", "mistral", "mistral-large-latest", "mistral", native=True),
    Model("openai_chat", "groq", "llama-3.3-70b-versatile", "groq", native=True),
    Model("openai_chat", "groq", "openai/gpt-oss-120b", "groq", native=False),
    Model("openai_chat", "deepseek", "deepseek-chat", "openai", native=False),
    Model("openai_chat", "deepseek", "deepseek-reasoner", "openai", native=False, own=DEEPSEEK),
    Model("openai_chat", "vllm", "meta-llama/Llama-3.1-8B", "openai", native=True, own=VLLM),
    Model("openai_chat", "vllm", "Qwen/Qwen3-8B", "openai", native=True, own=VLLM),
    Model("openai_chat", "llamacpp", "qwen2.5", "openai", native=True, own=LLAMACPP),
    Model("openai_chat", "ollama", "llama3.2", "openai", native=True),
    Model("openai_responses", "openai", "gpt-4o", "responses", native=False),
    Model("openai_responses", "openai", "gpt-5.1", "responses", native=False),
    Model("anthropic", "anthropic", "claude-3-5-haiku", "anthropic", native=True),
    Model("anthropic", "anthropic", "claude-sonnet-4-5", "anthropic", native=True),
    Model("anthropic", "anthropic", "claude-opus-4-6", "anthropic", native=False),
    Model("anthropic", "anthropic", "claude-sonnet-5", "anthropic", native=False),
    Model("anthropic", "anthropic", "claude-fable-5", "anthropic", native=False),
    Model("gemini", "google", "gemini-2.0-flash", "gemini", native=True),
    Model("gemini", "google", "gemini-2.5-flash", "gemini", native=True),
    Model("gemini", "google", "gemini-2.5-pro", "gemini", native=False),
    Model("gemini", "google", "gemini-3.8-pro", "gemini", native=False),
)
NAMES: Final = [f"{model.kind} {model.dialect} {model.name}" for model in MODELS]
SYSTEM: Final = Turn(Role.SYSTEM, (Text("You are a pirate."),))
QUESTION: Final = Turn(Role.USER, (Text("Name the largest lakes."),))
PLAIN: Final = Request(turns=(QUESTION,), stream=True, max_tokens=LIMIT)
TOLD: Final = replace(PLAIN, turns=(SYSTEM, QUESTION))
TOOLS: Final = (Tool("weather"),)
CALLED: Final = (
    Turn(Role.ASSISTANT, (Text("Let me see."), Call("call_1", "weather", "{}"))),
    Turn(Role.USER, (Result("call_1", (Text("rain"),)),)),
)
FORCED: Final = ToolChoice(Mode.REQUIRED, ("weather",))
REQUESTS: Final[Mapping[str, Request]] = {
    "plain": PLAIN,
    "with a system prompt": TOLD,
    "after another answer": replace(
        TOLD, turns=(SYSTEM, QUESTION, Turn(Role.ASSISTANT, (Text("Which?"),)), QUESTION)
    ),
    "after results": replace(TOLD, tools=TOOLS, turns=(SYSTEM, QUESTION, *CALLED)),
    "after results and a question": replace(
        TOLD, tools=TOOLS, turns=(SYSTEM, QUESTION, *CALLED, QUESTION)
    ),
    "with a forced call": replace(TOLD, tools=TOOLS, tool_choice=FORCED),
    "with an effort": replace(TOLD, reasoning=Reasoning(effort="low", shown=True)),
    "with a budget": replace(TOLD, reasoning=Reasoning(budget_tokens=2048)),
    "with stops": replace(TOLD, stop=("END",), temperature=0.3, top_p=0.9),
    "without a limit": replace(TOLD, max_tokens=None),
    "with a late system prompt": replace(PLAIN, turns=(QUESTION, SYSTEM)),
}


def target_of(model: Model) -> Target:
    abilities = known_abilities(model.kind, model.dialect, model.name)
    return Target("p/m", "p", model.name, abilities=abilities)


def seen(model: Model, outgoing: Outgoing) -> Seen:
    """Return what the model's server gets to see."""
    path = outgoing.path if outgoing.path.startswith("/v1") else f"/v1{outgoing.path}"
    lines = [line.decode().split(": ", 1) for line in outgoing.headers.split(b"\r\n") if line]
    headers = {name.lower(): value for name, value in lines}
    return Seen(1, 1, "POST", path, headers, outgoing.body, 0.0)


def by_the_rules(model: Model, request: Seen) -> Seen:
    """Leave out the fields that are the server's own."""
    fields = decode(request.body, type=dict[str, object])
    kept = {name: value for name, value in fields.items() if name not in model.own}
    return replace(request, body=encode(kept))


def written(model: Model, asked: Request, *, native: bool, left_tokens: int | None) -> Seen:
    request = go_on(asked, PARTIAL, native=native, left_tokens=left_tokens)
    return seen(
        model, TRANSLATORS[model.dialect].write_request(request, target_of(model), model.kind)
    )


@pytest.mark.parametrize("model", MODELS, ids=NAMES)
def test_who_continues_natively_is_known(model: Model):
    assert native_for(target_of(model).abilities) is model.native


@pytest.mark.parametrize("asked", REQUESTS.values(), ids=REQUESTS)
@pytest.mark.parametrize("model", MODELS, ids=NAMES)
def test_every_model_takes_the_request_in_each_way_that_it_knows(model: Model, asked: Request):
    check = strict(model.rules, prefill=model.native)
    for native, left in product({False, model.native}, (1, 60, 3900)):
        left_tokens = left if asked.max_tokens is not None else None

        request = written(model, asked, native=native, left_tokens=left_tokens)

        assert check(by_the_rules(model, request)) == ""
        assert read_begun(request.body) == Begun(PARTIAL, prefilled=native)


@pytest.mark.parametrize("manner", [Manner.EXACT, Manner.TAIL, Manner.WORD, Manner.RESTART])
@pytest.mark.parametrize("model", MODELS, ids=NAMES)
def test_what_it_goes_on_with_completes_the_answer(model: Model, manner: Manner):
    """A target that continues natively has no reason to speak of it or to repeat a word."""
    for native in {False, model.native}:
        if native and manner is Manner.WORD:
            continue
        preamble = "" if native else "Sure, here is the rest:\n\n"
        echo = Echo(TEXT, manner=manner, preamble=preamble)
        seam = Seam(PARTIAL, native=native)

        step = echo(written(model, TOLD, native=native, left_tokens=60))

        assert step.status == 200
        assert isinstance(step.text, tuple)
        assert PARTIAL + "".join(map(seam.feed, step.text)) + seam.end() == TEXT


@pytest.mark.parametrize("model", MODELS, ids=NAMES)
def test_space_at_the_end_is_left_for_the_target_to_say(model: Model):
    said = "The three largest lakes are "
    request = go_on(TOLD, said, native=model.native, left_tokens=60)
    outgoing = TRANSLATORS[model.dialect].write_request(request, target_of(model), model.kind)
    seam = Seam(said, native=model.native)

    words = Echo(TEXT).answer(seen(model, outgoing))

    assert words == " Superior, Victoria and Huron."
    assert said + seam.feed(words) + seam.end() == TEXT


@pytest.mark.parametrize("model", MODELS, ids=NAMES)
def test_who_refuses_or_mistakes_a_prefill_goes_on_when_asked(model: Model):
    for prefilled in (Prefilled.REFUSES, Prefilled.ANEW):
        request = written(model, TOLD, native=False, left_tokens=60)

        assert Echo(TEXT, prefilled=prefilled).answer(request) == "toria and Huron."
        assert Echo(TEXT, prefilled=prefilled).refusal(request) == ""


def test_the_checks_refuse_a_prefill_where_the_model_does():
    model = Model("anthropic", "anthropic", "claude-sonnet-4-5", "anthropic", native=True)
    request = written(model, PLAIN, native=True, left_tokens=60)

    assert "prefill" in str(strict("anthropic")(request))

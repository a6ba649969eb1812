"""The table of known models, row by row where a wrong row would cost an avoidable refusal."""

import pytest

from hotswap.config.families import CLAUDE, DEEPSEEK, GEMINI, GROQ, MISTRAL, OPEN, OPENAI, Family
from hotswap.config.known import family_of, known_abilities, way_to_continue
from hotswap.core.abilities import Abilities, Prefill, Thinks


def chat(kind: str, model: str) -> Abilities:
    return known_abilities(kind, "openai_chat", model)


def claude(model: str) -> Abilities:
    return known_abilities("anthropic", "anthropic", model)


def gemini(model: str) -> Abilities:
    return known_abilities("google", "gemini", model)


@pytest.mark.parametrize(
    ("model", "context", "max_output"),
    [
        ("gpt-3.5-turbo-0125", 16_385, 4096),
        ("gpt-4", 8192, 4096),
        ("gpt-4-0613", 8192, 4096),
        ("gpt-4-turbo", 128_000, 4096),
        ("gpt-4o-mini-2024-07-18", 128_000, 16_384),
        ("gpt-4.1-nano", 1_047_576, 32_768),
        ("gpt-5-2025-08-07", 400_000, 128_000),
        ("gpt-5.2-pro", 400_000, 128_000),
        ("gpt-6.2-sol", 0, 0),
        ("o3-mini", 200_000, 100_000),
        ("ft:gpt-4o-2024-08-06:us::abc", 128_000, 16_384),
        ("something-of-yours", 0, 0),
    ],
)
def test_windows_of_openais_models(model: str, context: int, max_output: int) -> None:
    known = chat("openai", model)

    assert (known.context, known.max_output) == (context, max_output)


@pytest.mark.parametrize(
    ("model", "row"),
    [
        ("claude-sonnet-5-5", ("no", False, False, "adaptive", False, 1_000_000, 128_000)),
        ("claude-opus-5-5", ("no", False, False, "adaptive", False, 1_000_000, 128_000)),
        ("claude-haiku-5-5", ("no", False, True, "adaptive", True, 1_000_000, 128_000)),
        ("claude-fable-5-1", ("no", False, False, "adaptive", False, 1_000_000, 128_000)),
        ("claude-fable-5-2", ("no", False, False, "adaptive", False, 1_000_000, 128_000)),
        ("claude-mythos-5-1", ("no", False, False, "adaptive", False, 1_000_000, 128_000)),
        ("claude-fable-5-20260901", ("no", False, False, "adaptive", True, 1_000_000, 128_000)),
        ("claude-mythos-5", ("no", False, False, "adaptive", True, 1_000_000, 128_000)),
        ("claude-opus-5", ("no", False, True, "adaptive", True, 1_000_000, 128_000)),
        ("claude-opus-4-8", ("no", False, True, "adaptive", True, 1_000_000, 128_000)),
        ("claude-sonnet-4-6", ("no", True, True, "adaptive", True, 1_000_000, 128_000)),
        ("claude-haiku-4-5-20251001", ("native", True, True, "budget", True, 200_000, 64_000)),
        ("claude-sonnet-4-20250514", ("native", True, True, "budget", True, 200_000, 64_000)),
        ("claude-opus-4-1-20250805", ("native", True, True, "budget", True, 200_000, 32_000)),
        ("claude-3-opus", ("native", True, True, "no", True, 200_000, 4096)),
        ("claude-9-novel", ("no", False, True, "adaptive", True, 0, 0)),
    ],
)
def test_the_claude_table(model: str, row: tuple[object, ...]) -> None:
    known = claude(model)

    assert row == (
        known.prefill,
        known.sampling,
        known.thinking_off,
        known.thinks,
        known.forced_tool,
        known.context,
        known.max_output,
    )


def test_claude_takes_pictures_and_documents_and_nothing_that_anthropic_has_no_word_for() -> None:
    known = claude("claude-opus-4-5")

    assert known.images
    assert known.files
    assert known.json_schema
    assert not known.audio
    assert not known.video
    assert not known.json_object
    assert not known.several
    assert not known.logprobs


def test_claude_takes_schemas_from_4_5_on() -> None:
    assert not claude("claude-opus-4-1").json_schema
    assert not claude("claude-3-7-sonnet-20250219").json_schema
    assert claude("claude-haiku-4-5").json_schema


@pytest.mark.parametrize(
    ("model", "row"),
    [
        ("gemini-2.0-flash", (Prefill.NATIVE, Thinks.NO, True)),
        ("gemini-2.5-pro", (Prefill.NATIVE, Thinks.BUDGET, True)),
        ("gemini-2.5-flash-lite", (Prefill.NATIVE, Thinks.BUDGET, True)),
        ("gemini-3-flash", (Prefill.NATIVE, Thinks.EFFORT, True)),
        ("gemini-3.1-pro-preview", (Prefill.NATIVE, Thinks.EFFORT, True)),
        ("gemini-3.5-flash", (Prefill.NATIVE, Thinks.EFFORT, True)),
        ("gemini-3.5-flash-lite", (Prefill.NO, Thinks.EFFORT, True)),
        ("gemini-3.6-flash", (Prefill.NO, Thinks.EFFORT, False)),
        ("gemini-3.8-flash", (Prefill.NO, Thinks.EFFORT, False)),
        ("gemini-3.9-flash", (Prefill.NO, Thinks.EFFORT, False)),
    ],
)
def test_gemini_models(model: str, row: tuple[object, ...]) -> None:
    known = gemini(model)

    assert row == (known.prefill, known.thinks, known.sampling)
    assert known.video


def test_a_reasoning_model_of_openai_takes_no_sampling() -> None:
    known = chat("openai", "gpt-5-mini")

    assert not known.sampling
    assert not known.stop
    assert not known.logprobs
    assert known.efforts == ("minimal", "low", "medium", "high")
    assert not known.thinking_off


def test_from_gpt_5_6_on_tools_with_reasoning_go_by_the_responses_api() -> None:
    assert chat("openai", "gpt-5.6-luna").responses_tools
    assert chat("azure", "gpt-6.2-sol").responses_tools
    assert not chat("openai", "gpt-5.5").responses_tools


def test_the_responses_api_has_no_further_choices_and_no_stop_sequences() -> None:
    known = known_abilities("openai", "openai_responses", "gpt-4o")

    assert not known.several
    assert not known.stop
    assert known.sampling


def test_groq_takes_pictures_on_named_models_only() -> None:
    assert not chat("groq", "llama-3.3-70b-versatile").images
    assert chat("groq", "meta-llama/llama-4-scout-17b-16e-instruct").images
    assert not chat("groq", "something-new").images
    assert not chat("groq", "something-new").several
    assert not chat("groq", "something-new").logprobs


def test_deepseek_has_no_schema_mode_and_continues_nothing_at_its_plain_address() -> None:
    known = chat("deepseek", "deepseek-v4-pro")

    assert not known.json_schema
    assert not known.several
    assert known.json_object
    assert known.prefill is Prefill.NO


@pytest.mark.parametrize(
    ("kind", "prefill"),
    [
        ("mistral", Prefill.PREFIX_FLAG),
        ("vllm", Prefill.TEMPLATE_FLAG),
        ("llamacpp", Prefill.NATIVE),
        ("ollama", Prefill.NATIVE),
        ("openai", Prefill.NO),
        ("azure", Prefill.NO),
    ],
)
def test_a_model_continues_an_answer_in_the_way_of_its_host(kind: str, prefill: Prefill) -> None:
    assert chat(kind, "a-model-of-mine").prefill is prefill


def test_what_a_model_refuses_it_refuses_through_every_host() -> None:
    assert chat("openrouter", "anthropic/claude-sonnet-5.5").prefill is Prefill.NO
    assert not chat("openrouter", "anthropic/claude-sonnet-5.5").forced_tool
    assert chat("openrouter", "anthropic/claude-haiku-4.5").prefill is Prefill.NATIVE
    assert chat("a-kind-of-mine", "gpt-4o").prefill is Prefill.NO


def test_an_unknown_model_of_a_server_of_ones_own_is_taken_to_be_able() -> None:
    known = chat("vllm", "my/finetune")

    assert known.images
    assert known.tools
    assert known.json_schema
    assert known.context == 0


def test_a_models_own_way_to_continue_is_that_of_its_host() -> None:
    assert way_to_continue("mistral") is Prefill.PREFIX_FLAG
    assert way_to_continue("openai") is Prefill.NATIVE


@pytest.mark.parametrize(
    ("model", "found"),
    [
        ("gpt-5.2-2026-01-01", ("none", "low", "medium", "high", "xhigh")),
        ("gpt-5-2025-08-07", ("minimal", "low", "medium", "high")),
        ("GPT_5.1", ("none", "low", "medium", "high")),
    ],
)
def test_a_name_is_told_apart_from_a_date(model: str, found: tuple[str, ...]) -> None:
    known = family_of(OPENAI, model)

    assert known is not None
    assert known.efforts == found


@pytest.mark.parametrize("table", [OPENAI, CLAUDE, GEMINI, MISTRAL, DEEPSEEK, OPEN, GROQ])
def test_no_row_is_hidden_by_one_before_it(table: tuple[Family, ...]) -> None:
    for row in table:
        for name in row.names:
            assert family_of(table, name) == row.abilities, name

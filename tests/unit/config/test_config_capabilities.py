"""What the configuration says of models: `models`, `catalog_file`, and what chains require."""

from pathlib import Path

import pytest

from hotswap.core.abilities import Abilities, Prefill, Thinks

from .conftest import Load, Refuse

CHAIN = "fallback: {chains: [{name: a, models: [{provider: openai, model: gpt-4o}]}]}\n"


def first(load_text: Load, text: str) -> Abilities:
    return load_text(text).chains["a"].targets[0].abilities


def local(said: str) -> str:
    return (
        "providers: {local: {kind: vllm}}\n"
        f"models: {{local/m: {{{said}}}}}\n"
        "fallback: {chains: [{name: a, models: [{provider: local, model: m}]}]}\n"
    )


def chain_of(require: str) -> str:
    return (
        "providers:\n"
        "  eu: {kind: openai, base_url: 'https://eu.api.openai.com/v1', zone: eu, "
        "keys: [{id: a, secret: x}]}\n"
        "fallback:\n"
        "  chains:\n"
        "    - name: a\n"
        "      models: [{provider: openai, model: gpt-4o}, {provider: openai, model: gpt-4}, "
        "{provider: eu, model: gpt-5}, {provider: eu, model: mine}]\n"
        f"      require: {require}\n"
    )


def test_a_known_model_needs_no_word(load_text: Load) -> None:
    known = first(load_text, CHAIN)

    assert known.context == 128_000
    assert known.images
    assert not known.audio


def test_what_is_said_of_a_model_counts_more_than_the_table(load_text: Load) -> None:
    said = "context: 32768, max_output: 1000, can: [files, prefill], cannot: [images, reasoning]"

    known = first(load_text, local(said))

    assert known.context == 32_768
    assert known.max_output == 1000
    assert known.files
    assert known.prefill is Prefill.TEMPLATE_FLAG
    assert not known.images
    assert known.thinks is Thinks.NO


def test_vision_is_another_word_for_images(load_text: Load) -> None:
    assert not first(load_text, local("cannot: [vision]")).images


def test_a_model_without_tools_can_be_forced_to_none(load_text: Load) -> None:
    known = first(load_text, local("cannot: [tools]"))

    assert not known.tools
    assert not known.forced_tool


def test_a_model_can_be_said_to_think_and_to_take_a_forced_tool(load_text: Load) -> None:
    text = CHAIN + "models: {openai/gpt-4o: {can: [reasoning, forced_tool], cannot: [prefill]}}\n"

    known = first(load_text, text)

    assert known.thinks is Thinks.EFFORT
    assert known.forced_tool
    assert known.prefill is Prefill.NO


@pytest.mark.parametrize(
    ("models", "line"),
    [
        (
            "models: {openai/gpt-4o: {can: [imges]}}",
            '2:32 models.openai/gpt-4o.can[0]: "imges" is not known (did you mean "images"?)',
        ),
        (
            "models: {openai/gpt-4o: {can: [tools], cannot: [images, tools]}}",
            '2:57 models.openai/gpt-4o.cannot[1]: "tools" is under `can` as well',
        ),
        (
            "models: {openai/gpt-4o: {contxt: 5}}",
            '2:26 models.openai/gpt-4o.contxt: unknown key (did you mean "context"?)',
        ),
        (
            "catalog_file: gone.json",
            (
                "2:15 catalog_file: cannot be read: No such file or directory (it should be JSON "
                'such as {"gpt-4o": {"max_input_tokens": 128000}})'
            ),
        ),
    ],
)
def test_mistakes_about_models_name_their_place(
    refuse_text: Refuse, models: str, line: str
) -> None:
    assert refuse_text(f"{CHAIN}{models}\n") == [f"hotswap.yaml:{line}"]


def test_a_model_that_no_chain_asks_is_warned_about(load_text: Load) -> None:
    warnings = load_text(f"{CHAIN}models: {{openai/gpt4o: {{context: 5}}}}\n").warnings

    expected = 'models openai/gpt4o: no chain has this target (did you mean "openai/gpt-4o"?)'
    assert expected in warnings


def test_a_file_of_models_counts_more_than_the_table(load_text: Load, tmp_path: Path) -> None:
    (tmp_path / "models.json").write_text(
        '{"sample_spec": {"max_tokens": "a text", "supports_vision": true},'
        ' "gpt-4o": {"litellm_provider": "openai", "max_input_tokens": 64000,'
        ' "max_output_tokens": 2000.0, "supports_vision": false, "supports_audio_input": true,'
        ' "supports_function_calling": false, "supports_response_schema": false,'
        ' "supports_reasoning": true, "supports_assistant_prefill": true}}'
    )

    known = first(load_text, f"{CHAIN}catalog_file: models.json\n")

    assert (known.context, known.max_output) == (64_000, 2000)
    assert not known.images
    assert known.audio
    assert not known.tools
    assert not known.forced_tool
    assert not known.json_schema
    assert known.files
    assert known.thinks is Thinks.EFFORT
    assert known.prefill is Prefill.NATIVE


def test_models_of_other_providers_stand_in_the_file_with_their_prefix(
    load_text: Load, tmp_path: Path
) -> None:
    (tmp_path / "models.json").write_text(
        '{"gemini/gemini-9": {"max_input_tokens": 5000}, "gemini-9": {"max_input_tokens": 1}}'
    )
    text = "fallback: {chains: [{name: a, models: [{provider: google, model: gemini-9}]}]}\n"

    snapshot = load_text(f"{text}catalog_file: models.json\n", {"GEMINI_API_KEY": "k"})

    assert snapshot.chains["a"].targets[0].abilities.context == 5000


def test_models_count_more_than_the_file(load_text: Load, tmp_path: Path) -> None:
    (tmp_path / "models.json").write_text('{"gpt-4o": {"max_input_tokens": 64000}}')
    models = "models: {openai/gpt-4o: {context: 5000}}\n"

    assert first(load_text, f"{CHAIN}catalog_file: models.json\n{models}").context == 5000


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("[]", "catalog_file: cannot be read: Expected `object`, got `array`"),
        ("{", "catalog_file: cannot be read: Input data was truncated"),
        (
            '{"gpt-4o": {"supports_vision": "yes"}}',
            (
                "catalog_file: says of gpt-4o what cannot be understood: "
                "Expected `bool | null`, got `str` - at `$.supports_vision`"
            ),
        ),
    ],
)
def test_a_file_of_another_form_is_a_mistake(
    refuse_text: Refuse, tmp_path: Path, content: str, problem: str
) -> None:
    (tmp_path / "models.json").write_text(content)

    (line,) = refuse_text(f"{CHAIN}catalog_file: models.json\n")

    assert line.partition(" ")[2].startswith(problem)


@pytest.mark.parametrize(
    ("require", "left", "lacking"),
    [
        (
            "{can: [vision]}",
            ["openai/gpt-4o", "eu/gpt-5", "eu/mine"],
            "openai/gpt-4",
        ),
        ("{can: [json_schema, tools]}", ["openai/gpt-4o", "eu/gpt-5", "eu/mine"], "openai/gpt-4"),
        ("{can: [reasoning]}", ["eu/gpt-5", "eu/mine"], "openai/gpt-4o"),
        ("{context: 200000}", ["eu/gpt-5", "eu/mine"], "openai/gpt-4o"),
        ("{zones: [eu]}", ["eu/gpt-5", "eu/mine"], "openai/gpt-4"),
    ],
)
def test_targets_that_lack_what_the_chain_requires_are_left_out(
    load_text: Load, require: str, left: list[str], lacking: str
) -> None:
    snapshot = load_text(chain_of(require))

    assert [target.id for target in snapshot.chains["a"].targets] == left
    assert any(line.startswith(f"chain a: {lacking} left out: ") for line in snapshot.warnings)


def test_the_warning_says_what_is_lacking(load_text: Load) -> None:
    warnings = load_text(chain_of("{can: [vision], context: 100000}")).warnings

    assert "chain a: openai/gpt-4 left out: no vision, and the chain requires otherwise" in warnings


def test_a_requirement_that_no_target_meets_is_a_mistake(refuse_text: Refuse) -> None:
    assert refuse_text(chain_of("{can: [video]}")) == [
        (
            "hotswap.yaml:7:16 chains[0].require: no target has all of this "
            "(openai/gpt-4o: no video; openai/gpt-4: no video; eu/gpt-5: no video; "
            "eu/mine: no video)"
        )
    ]


@pytest.mark.parametrize(
    ("require", "line"),
    [
        (
            "{can: [imagees]}",
            '7:23 chains[0].require.can[0]: "imagees" is not known (did you mean "images"?)',
        ),
        ("{region: [eu]}", '7:17 chains[0].require.region: unknown key (did you mean "regions"?)'),
        ("[images]", "7:16 chains[0].require: should be a mapping"),
    ],
)
def test_mistakes_about_requirements_name_their_place(
    refuse_text: Refuse, require: str, line: str
) -> None:
    assert refuse_text(chain_of(require)) == [f"hotswap.yaml:{line}"]


def test_the_digest_follows_what_is_known_of_models(load_text: Load, tmp_path: Path) -> None:
    path = tmp_path / "models.json"
    path.write_text('{"gpt-4o": {"max_input_tokens": 64000}}')
    before = load_text(f"{CHAIN}catalog_file: models.json\n").digest

    path.write_text('{"gpt-4o": {"max_input_tokens": 65000}}')

    assert load_text(f"{CHAIN}catalog_file: models.json\n").digest != before


@pytest.mark.parametrize(
    ("provider", "dialect"),
    [
        ("{kind: openai}", "openai_chat"),
        ("{kind: openai, api: responses}", "openai_responses"),
        ("{kind: vllm}", "openai_chat"),
        ("{kind: anthropic, keys: [{id: a, secret: x}]}", "anthropic"),
        ("{kind: google, keys: [{id: a, secret: x}]}", "gemini"),
    ],
)
def test_the_kind_says_what_a_provider_speaks(load_text: Load, provider: str, dialect: str) -> None:
    snapshot = load_text(
        f"providers: {{one: {provider}}}\n"
        "fallback: {chains: [{name: a, models: [{provider: one, model: m}]}]}\n"
    )

    assert snapshot.providers["one"].dialect == dialect

"""No secret is in any message, warning, `repr` or digest, whatever the file says."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hotswap.config.load import load
from hotswap.config.outcome import ConfigMistakes, Loaded, Refused, decode, encode

from .conftest import Load

SECRET = "s3cr3t-Value-42"  # noqa: S105 - the text that must not show
ENVIRON = {"OPENAI_API_KEY": SECRET, "KEY": SECRET}
CHAIN = "fallback: {chains: [{name: a, models: [{provider: openai, model: m}]}]}\n"


@pytest.mark.parametrize(
    "text",
    [
        "providers: {openai: {keys: [{id: a, secret: [${KEY}]}]}}",
        "providers: {openai: {keys: ['${KEY}']}}",
        "providers: {openai: {keys: '${KEY}'}}",
        "providers: {openai: '${KEY}'}",
        "providers: {openai: {base_url: 'https://u:${KEY}@x.example/v1'}}",
        f"providers: {{openai: {{base_url: 'https://u:{SECRET}@x.example/v1'}}}}",
        "providers: {openai: {proxy: 'https://u:${KEY}@x.example'}}",
        f"providers: {{openai: {{keys: [{{id: a, secret: *{SECRET}}}]}}}}",
        f"providers: {{openai: {{keys: [{{id: a, secret: !{SECRET} x}}]}}}}",
        f"providers: {{openai: {{keys: [{{id: a, secret: !{SECRET}!x y}}]}}}}",
        f'providers: {{openai: {{keys: [{{id: a, secret: "{SECRET}\\n\\u0001"}}]}}}}',
        f"providers: {{openai: {{keys: [{{id: a, secret: {SECRET} {{]}}}}",
        f"a: {{secret: '{SECRET}\nb: 1",
        "access: {keys: [{id: a, sha256: '${KEY}'}]}",
        "store: '${KEY}'",
        "server: {listen: '${KEY}', workers: '${KEY}', max_body: '${KEY}'}",
        "share: '${KEY}'",
        "audit: {mirror: '${KEY}'}",
        "fallback: {chains: [{name: '${KEY}', aliases: ['${KEY}'], models: []}]}",
        "fallback: {chains: [{name: a, models: [{provider: '${KEY}', model: m}]}]}",
        "fallback: {chains: [{name: a, balance: '${KEY}', models: []}]}",
        "fallback: {chains: [{name: a, triggers: [{type: '${KEY}'}], models: []}]}",
    ],
)
def test_no_mistake_shows_a_secret(tmp_path: Path, text: str):
    path = tmp_path / "hotswap.yaml"
    path.write_text(text if "fallback" in text else f"{text}\n{CHAIN}")

    with pytest.raises(ConfigMistakes) as refused:
        load(path, ENVIRON)

    shown = str(refused.value) + repr(refused.value) + repr(refused.value.mistakes)
    assert SECRET not in shown


def test_a_snapshot_holds_secrets_and_never_shows_them(load_text: Load):
    snapshot = load_text(
        "providers: {europe: {base_url: 'http://eu.example/v1', keys: [{id: a, secret: '${KEY}'}]}}"
        "\nfallback: {chains: [{name: a, models: [{provider: europe, model: m}, "
        "{provider: openai, model: m}]}]}",
        ENVIRON,
    )

    assert snapshot.providers["europe"].credentials[0].secret == SECRET
    assert snapshot.providers["openai"].credentials[0].secret == SECRET
    assert SECRET not in repr(snapshot)


def digest_of(load_text: Load, text: str, environ: Mapping[str, str]) -> str:
    return load_text(text, environ).digest


def test_the_digest_knows_the_content_and_no_secret(load_text: Load):
    text = "providers: {openai: {keys: [{id: a, secret: '${KEY}'}]}}\n" + CHAIN

    digest = digest_of(load_text, text, {"KEY": "one"})

    assert len(digest) == 16
    assert digest_of(load_text, text, {"KEY": "two"}) == digest
    assert digest_of(load_text, f"# remark\n{text}", {"KEY": "one"}) == digest
    assert digest_of(load_text, text.replace("model: m", "model: n"), {"KEY": "one"}) != digest
    assert digest_of(load_text, f"server: {{workers: 2}}\n{text}", {"KEY": "one"}) != digest


def test_the_digest_knows_which_targets_are_left_out(load_text: Load):
    text = CHAIN.replace("]}]}", ", {provider: mistral, model: m}]}]}")

    with_both = digest_of(load_text, text, {"OPENAI_API_KEY": "a", "MISTRAL_API_KEY": "b"})

    assert digest_of(load_text, text, {"OPENAI_API_KEY": "a"}) != with_both


NAMES = """
server listen admin workers max_body tls cert key store records share memory providers openai
mistral local kind vllm base_url http://127.0.0.1:1/v1 https://x.example keys id secret region
zone proxy ca_file limits rpm models model provider priority weight overrides fallback chains
name aliases balance weighted triggers type all latency rate_limit error cost threshold_ms
enabled timeouts connect_s retry on hard stream hedge access sha256 health breaker failures
budgets audit telemetry ${KEY} ${NONE} ${NONE:-x} a b
"""
WORDS = st.sampled_from(NAMES.split())
SCALARS = (
    WORDS
    | st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.just("32MiB")
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=6),
    max_leaves=25,
)
LINK = st.fixed_dictionaries(
    {"provider": st.sampled_from(["openai", "local", "mistral"]), "model": WORDS},
    optional={
        "priority": SCALARS,
        "weight": SCALARS,
        "overrides": VALUES,
    },
)
CHAINS = st.fixed_dictionaries(
    {"name": WORDS, "models": st.lists(LINK, max_size=3)},
    optional={
        "triggers": st.lists(st.dictionaries(WORDS, SCALARS, max_size=3), max_size=2) | VALUES,
        "aliases": st.lists(SCALARS, max_size=2),
        "timeouts": VALUES,
        "retry": VALUES,
        "balance": SCALARS,
    },
)
FILES = VALUES | st.fixed_dictionaries(
    {"fallback": st.fixed_dictionaries({"chains": st.lists(CHAINS, max_size=3)})},
    optional={
        "providers": st.dictionaries(WORDS, st.dictionaries(WORDS, VALUES, max_size=3)),
        "server": st.dictionaries(WORDS, SCALARS, max_size=3),
        "access": VALUES,
        "records": VALUES,
        "models": VALUES,
    },
)


def outcome_of(path: Path) -> Loaded | Refused:
    try:
        return Loaded(load(path, ENVIRON))
    except ConfigMistakes as refused:
        return Refused(refused.mistakes)


def check(path: Path, values: object) -> None:
    path.write_text(yaml.safe_dump(values, allow_unicode=True), encoding="utf-8")

    outcome = outcome_of(path)

    assert decode(encode(outcome)) == outcome
    assert SECRET not in repr(outcome)
    match outcome:
        case Loaded(snapshot):
            assert snapshot.listed
        case Refused(mistakes):
            assert mistakes


QUIET = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@settings(QUIET, max_examples=10)
@given(FILES)
def test_any_values_are_loaded_or_refused_and_the_outcome_can_be_sent(
    tmp_path: Path, values: object
):
    check(tmp_path / "hotswap.yaml", values)


@pytest.mark.slow
@settings(QUIET, max_examples=400)
@given(FILES)
def test_many_values_are_loaded_or_refused_and_the_outcome_can_be_sent(
    tmp_path: Path, values: object
):
    check(tmp_path / "hotswap.yaml", values)

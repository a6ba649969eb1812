"""References to the environment and to files, expanded after parsing, never shown."""

import os
from pathlib import Path

import pytest

from hotswap.config.expand import MAX_FILE_BYTES, expand, mask
from hotswap.errors import ConfigError

from .conftest import Load, Refuse

CHAIN = "fallback: {chains: [{name: a, models: [{provider: openai, model: m}]}]}\n"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${A}", "one"),
        ("x${A}y${A}", "xoneyone"),
        ("${A:-two}", "one"),
        ("${B:-two}", "two"),
        ("${EMPTY:-two}", "two"),
        ("${EMPTY}", ""),
        ("${B:-}", ""),
        ("${B:-a:-b}", "a:-b"),
        ("$${A}", "${A}"),
        ("$A $ {A}", "$A $ {A}"),
        ("${HOSTILE}", "${A}"),
        ("${file:secret}", "of the file"),
        ("<${file:secret}>", "<of the file>"),
    ],
)
def test_references_are_replaced(tmp_path: Path, text: str, value: str):
    (tmp_path / "secret").write_text("of the file\n")
    environ = {"A": "one", "EMPTY": "", "HOSTILE": "${A}"}

    assert expand(text, environ, tmp_path) == value


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("${A}", "the environment has no variable A"),
        ("${}", "a ${...} that names no variable"),
        ("${1A}", "a ${...} that names no variable"),
        ("${A B}", "a ${...} that names no variable"),
        ("${A", "a ${ without its }"),
        ("${file:gone}", "there is no file {folder}/gone"),
        ("${file:}", "there is no file {folder}"),
        ("${file:pipe}", "there is no file {folder}/pipe"),
        ("${file:long}", f"the file {{folder}}/long is longer than {MAX_FILE_BYTES} bytes"),
        ("${file:binary}", "the file {folder}/binary is not UTF-8 text"),
    ],
)
def test_what_cannot_be_replaced_is_named(tmp_path: Path, text: str, problem: str):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "long").write_bytes(b"x" * (MAX_FILE_BYTES + 1))
    (tmp_path / "binary").write_bytes(b"\xff\xfe")

    with pytest.raises(ConfigError) as refused:
        expand(text, {}, tmp_path)

    assert refused.value.problem == problem.replace("{folder}", str(tmp_path))


def test_a_mask_shows_the_reference_without_its_default():
    assert mask("https://${HOST:-internal.example}/v1") == "https://${HOST}/v1"


def test_no_value_can_change_the_structure_of_the_file(load_text: Load):
    hostile = 'x"}]}, evil: {base_url: "http://evil.example'

    snapshot = load_text(
        "providers: {far: {base_url: 'https://far.example/v1', region: '${HOSTILE}'}}\n"
        "fallback: {chains: [{name: a, models: [{provider: far, model: m}]}]}\n",
        {"HOSTILE": hostile},
    )

    assert snapshot.providers["far"].region == hostile
    assert list(snapshot.providers) == ["far"]


def test_numbers_and_truths_may_come_from_the_environment(load_text: Load):
    snapshot = load_text(
        "server: {workers: '${WORKERS}', drain_s: '${DRAIN}', max_body: '${BODY}'}\n"
        "fallback: {chains: [{name: a, models: [{provider: openai, model: m}],\n"
        "  triggers: [{type: error, enabled: '${ERROR}'}]}]}\n",
        {
            "WORKERS": "4",
            "DRAIN": "1.5",
            "BODY": "1KiB",
            "ERROR": "false",
            "OPENAI_API_KEY": "k",
        },
    )

    assert snapshot.server.workers == 4
    assert snapshot.server.drain_s == 1.5
    assert snapshot.server.max_body_bytes == 1024
    assert not snapshot.chains["a"].triggers.error


def test_digits_stay_a_text_where_a_text_is_wanted(load_text: Load):
    snapshot = load_text(
        "providers: {openai: {keys: [{id: a, secret: '${KEY}'}]}}\n" + CHAIN, {"KEY": "123456"}
    )

    assert snapshot.providers["openai"].credentials[0].secret == "123456"  # noqa: S105 - no secret


def test_every_missing_variable_is_named_at_its_place(refuse_text: Refuse):
    text = "store: '${ONE}'\nserver: {listen: '${TWO}', state_dir: \"${THREE:-x}\"}\n" + CHAIN

    assert refuse_text(text) == [
        (
            "hotswap.yaml:1:8 store: the environment has no variable ONE "
            "(set it, or write ${ONE:-default})"
        ),
        (
            "hotswap.yaml:2:18 server.listen: the environment has no variable TWO "
            "(set it, or write ${TWO:-default})"
        ),
    ]


def test_a_value_from_outside_is_shown_as_it_was_written(refuse_text: Refuse):
    text = "fallback: {chains: [{name: a, models: [{provider: '${WHERE:-there}', model: m}]}]}"

    (line,) = refuse_text(text, {"WHERE": "hidden-value"})

    assert line.endswith('no provider is named "${WHERE}" (define it under providers)')

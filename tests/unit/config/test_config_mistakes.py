"""All mistakes at once, each with its exact place, its path and what to do."""

from pathlib import Path

import pytest

from hotswap.config.load import load
from hotswap.config.outcome import ConfigMistakes

from .conftest import Load, Refuse

TEN_MISTAKES = """\
server:
  listen: "0.0.0.0:8100"
  wrokers: 2
providers:
  europe:
    kind: openai
    base_url: "ftp://eu.api.openai.com/v1"
    keys:
      - {id: main, secret: "${EUROPE_KEY}"}
fallback:
  chains:
    - name: assist
      models:
        - {provider: europe, model: gpt-6.2-sol}
        - {provider: mistrall, model: mistral-large-4}
        - {provider: openai, model: gpt-6-luna, weight: 0}
      balance: cheepest
      triggers:
        - {type: latency, threshold_ms: fast}
        - type: ratelimit
    - name: assist
      models: [{provider: openai, model: gpt-6-luna}]
"""


def test_ten_mistakes_give_ten_messages_with_line_and_column(refuse_text: Refuse):
    assert refuse_text(TEN_MISTAKES) == [
        (
            "hotswap.yaml:2:11 server.listen: is open to other machines, and no access key is "
            "configured (anyone could spend on your provider keys: add access.keys, or listen on "
            "127.0.0.1)"
        ),
        'hotswap.yaml:3:3 server.wrokers: unknown key (did you mean "workers"?)',
        "hotswap.yaml:7:15 providers.europe.base_url: should begin with https:// or http://",
        (
            "hotswap.yaml:9:28 providers.europe.keys[0].secret: the environment has no variable "
            "EUROPE_KEY (set it, or write ${EUROPE_KEY:-default})"
        ),
        (
            'hotswap.yaml:15:22 chains[0].models[1].provider: no provider is named "mistrall" '
            '(did you mean "mistral"?)'
        ),
        "hotswap.yaml:16:57 chains[0].models[2].weight: should be greater than 0",
        (
            'hotswap.yaml:17:16 chains[0].balance: "cheepest" is not known '
            '(did you mean "cheapest"?)'
        ),
        "hotswap.yaml:19:41 chains[0].triggers[0].threshold_ms: should be a number",
        (
            'hotswap.yaml:20:11 chains[0].triggers[1]: no trigger is named "ratelimit" '
            '(did you mean "rate_limit"?)'
        ),
        'hotswap.yaml:21:13 chains[1].name: "assist" already names chain chains[0]',
    ]


def test_the_paths_after_a_broken_entry_still_count_as_written(refuse_text: Refuse):
    assert refuse_text("""\
fallback:
  chains:
    - name: 5
      models: []
    - name: b
      models:
        - {model: x}
        - {provider: oepnai, model: y}
""") == [
        "hotswap.yaml:3:13 chains[0].name: should be a text (put it into quotes)",
        "hotswap.yaml:4:15 chains[0].models: should not be empty",
        "hotswap.yaml:7:11 chains[1].models[0].provider: is missing",
        (
            'hotswap.yaml:8:22 chains[1].models[1].provider: no provider is named "oepnai" '
            '(did you mean "openai"?)'
        ),
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("server: 5", "1:9 server: should be a mapping"),
        ("server: {workers: 0}", "1:19 server.workers: should be greater than or equal to 1"),
        ("server: {workers: true}", "1:19 server.workers: should be a whole number"),
        ("server: {workers: 1.5}", "1:19 server.workers: should be a whole number"),
        ("server: {max_body: 3 cows}", '1:20 server.max_body: should be a size such as "32MiB"'),
        ("server: {drain_s: .inf}", "1:19 server.drain_s: should be a finite number"),
        (
            "server: {listen: here}",
            (
                "1:18 server.listen: should be an address and a port "
                '(such as "127.0.0.1:8100" or "[::1]:8100")'
            ),
        ),
        (
            'server: {listen: "127.0.0.1:9", admin: "127.0.0.1:9"}',
            "1:40 server.admin: is the address that callers use already (choose another port)",
        ),
        (
            "server: {tls: {cert: a.pem}}",
            "1:15 server.tls.key: is missing",
        ),
        (
            "server: {tls: {cert: a.pem, key: b.pem}}",
            "1:22 server.tls.cert: there is no such file",
        ),
        ("store: mysql://x", "1:8 store: should be sqlite: and the path of a file"),
        (
            "store: postgresql://x",
            "1:8 store: postgresql: is not supported yet (for now: sqlite:PATH)",
        ),
        ("share: redis://x", '1:8 share: "redis" is not supported yet (for now: "memory")'),
        ("providers: {x/y: {}}", "1:13 providers.x/y: a provider's name holds no slash"),
        (
            "providers: {far: {kind: azure}}",
            "1:18 providers.far: needs a base_url: providers of kind azure have no usual one",
        ),
        (
            "providers: {far: {kind: antropic}}",
            (
                "1:18 providers.far: needs a base_url: "
                "providers of kind antropic have no usual one "
                '(did you mean "anthropic"?)'
            ),
        ),
        (
            'providers: {far: {base_url: "http://10.0.0.1/v1"}}',
            "1:29 providers.far.base_url: is a private address (allow_private: true allows it)",
        ),
        (
            'providers: {far: {base_url: "https://a:b@x.com/v1"}}',
            "1:29 providers.far.base_url: should hold no credentials; they belong to `keys`",
        ),
        (
            'providers: {far: {base_url: "https://x.com/v1#a"}}',
            "1:29 providers.far.base_url: should end with its path or its query, without #",
        ),
        ('providers: {far: {base_url: "https://"}}', "1:29 providers.far.base_url: names no host"),
        (
            'providers: {openai: {proxy: "socks5://x"}}',
            "1:29 providers.openai.proxy: should begin with http://",
        ),
        (
            "providers: {openai: {ca_file: gone.pem}}",
            "1:31 providers.openai.ca_file: there is no such file",
        ),
        (
            "providers: {openai: {api: response}}",
            '1:27 providers.openai.api: "response" is not known (did you mean "responses"?)',
        ),
        (
            "providers: {anthropic: {api: responses}}",
            "1:30 providers.anthropic.api: is for providers of the OpenAI family only",
        ),
        (
            'providers: {openai: {keys: [{id: a, secret: ""}]}}',
            "1:45 providers.openai.keys[0].secret: is empty",
        ),
        (
            'providers: {openai: {keys: [{id: a, secret: "x\\ny"}]}}',
            "1:45 providers.openai.keys[0].secret: holds characters that no key has",
        ),
        (
            "providers: {openai: {keys: [{id: a, secret: x}, {id: a, secret: y}]}}",
            '1:54 providers.openai.keys[1].id: another key is called "a" already',
        ),
        (
            "access: {keys: [{id: a, sha256: abc}]}",
            "1:33 access.keys[0].sha256: should be the 64 hex digits of a SHA-256 digest",
        ),
        ("acces: {}", '1:1 acces: unknown key (did you mean "access"?)'),
    ],
)
def test_a_section_says_what_is_wrong_with_it(refuse_text: Refuse, line: str, message: str):
    chain = "fallback: {chains: [{name: a, models: [{provider: openai, model: m}]}]}"

    lines = refuse_text(f"{line}\n{chain}\n")

    assert lines[0] == f"hotswap.yaml:{message}"


@pytest.mark.parametrize(
    ("chain", "message"),
    [
        (
            "name: a, models: [{provider: openai, model: m}, {provider: openai, model: m}]",
            "chains[0].models[1]: openai/m is in this chain twice (keep one of them)",
        ),
        (
            "name: a, aliases: [a], models: [{provider: openai, model: m}]",
            'chains[0].aliases[0]: "a" already names chain chains[0]',
        ),
        (
            "name: a b, models: [{provider: openai, model: m}]",
            "chains[0].name: should be visible ASCII characters without spaces",
        ),
        (
            "name: a, models: [{provider: openai, model: m, overrides: {model: x}}]",
            "chains[0].models[0].overrides.model: model cannot be overridden",
        ),
        (
            "name: a, models: [{provider: openai, model: m, overrides: {top_p: .nan}}]",
            "chains[0].models[0].overrides: holds a number that JSON cannot say",
        ),
        (
            (
                "name: a, models: [{provider: openai, model: m}], triggers: [{type: error}, "
                "{type: availability}]"
            ),
            "chains[0].triggers[1]: error is listed twice (keep one of them)",
        ),
        (
            "name: a, models: [{provider: openai, model: m}], triggers: [{enabled: true}]",
            'chains[0].triggers[0]: needs a "type"',
        ),
        (
            (
                "name: a, models: [{provider: openai, model: m}], triggers: "
                "[{type: error, enabled: no}]"
            ),
            "chains[0].triggers[0].enabled: should be true or false",
        ),
        (
            "name: a, models: [{provider: openai, model: m}], timeouts: {connect: 1}",
            'chains[0].timeouts.connect: unknown key (did you mean "connect_s"?)',
        ),
        (
            (
                "name: a, models: [{provider: openai, model: m}], "
                "triggers: [{type: error_rate, threshold: 5}]"
            ),
            "chains[0].triggers[0].threshold: should be less than or equal to 1",
        ),
        (
            (
                "name: a, models: [{provider: openai, model: m}], "
                "triggers: [{type: rate_limit, headroom: 7}]"
            ),
            "chains[0].triggers[0].headroom: should be less than or equal to 1",
        ),
        (
            "name: a, models: [{provider: openai, model: m}], timeouts: {total_s: 1000000001}",
            "chains[0].timeouts.total_s: should be less than or equal to 1000000000",
        ),
        (
            "name: a, models: [{provider: local, model: m}]",
            (
                'chains[0].models[0].provider: no provider is named "local" '
                "(define it under providers)"
            ),
        ),
    ],
)
def test_a_chain_says_what_is_wrong_with_it(refuse_text: Refuse, chain: str, message: str):
    lines = refuse_text(f"fallback: {{chains: [{{{chain}}}]}}")

    assert next(line.partition(" ")[2] for line in lines) == message


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "",
            (
                "hotswap.yaml: the file is empty (it needs `fallback:` with at least one chain; "
                "docs/quick-start.md shows one)"
            ),
        ),
        ("- a", "hotswap.yaml:1:1 should be a mapping"),
        ("{}", "hotswap.yaml:1:1 fallback: is missing"),
        ("a: [1", "hotswap.yaml:2:1 expected ',' or ']', but got '<stream end>'"),
        (
            "a:\n\tb: 1",
            (
                "hotswap.yaml:2:1 found character '\\t' that cannot start any token "
                "(YAML is indented with spaces, not with tabs)"
            ),
        ),
        ("a: 1\n--- \nb: 2", "hotswap.yaml:2:1 but found another document"),
        ("a: *nowhere", "hotswap.yaml:1:4 found undefined alias '...'"),
        ("a: \x07", "hotswap.yaml:1:4 a character that YAML does not allow"),
    ],
)
def test_what_is_no_configuration_is_one_mistake(refuse_text: Refuse, text: str, line: str):
    assert refuse_text(text + "\n" if text else "") == [line]


def test_text_that_is_not_utf8_is_one_mistake_with_its_place(tmp_path: Path):
    path = tmp_path / "hotswap.yaml"
    path.write_bytes(b"a: 1\nbc\xff: 2\n")

    with pytest.raises(ConfigMistakes) as refused:
        load(path, {})

    assert str(refused.value) == f"{path}:2:3 is not UTF-8 text"


def test_a_missing_file_is_one_mistake(tmp_path: Path):
    with pytest.raises(ConfigMistakes) as refused:
        load(tmp_path / "gone.yaml", {})

    assert str(refused.value) == f"{tmp_path}/gone.yaml: cannot be read: No such file or directory"


def test_no_chain_with_a_usable_target_is_a_mistake_that_names_what_is_missing(
    refuse_text: Refuse,
):
    text = """\
fallback:
  chains:
    - name: a
      models: [{provider: openai, model: m}, {provider: google, model: g}]
"""

    assert refuse_text(text, {}) == [
        (
            "hotswap.yaml:2:3 chains: no chain has a target that can be used "
            "(google: no key: the environment has no GEMINI_API_KEY or GOOGLE_API_KEY; "
            "openai: no key: the environment has no OPENAI_API_KEY)"
        )
    ]


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path, load_text: Load):
    snapshot = load_text(
        "\ufefffallback: {chains: [{name: a, models: [{provider: openai, model: m}]}]}"
    )

    assert snapshot.listed == ("a",)

"""Addresses and keys of providers: configured, implied, or missing."""

from pathlib import Path

import pytest

from hotswap.config.catalog import KINDS
from hotswap.config.endpoints import Listener, is_loopback, is_private, read_listener
from hotswap.core.settings import RateLimits
from hotswap.core.terms import Credential, Endpoint, Provider

from .conftest import Load, Refuse


def used(name: str, entry: str = "") -> str:
    providers = f"providers: {{{name}: {entry}}}\n" if entry else ""
    chain = f"fallback: {{chains: [{{name: a, models: [{{provider: {name}, model: m}}]}}]}}\n"
    return providers + chain


@pytest.mark.parametrize(
    ("name", "place", "base_path", "variable"),
    [
        ("openai", ("api.openai.com:443", "openai.com"), "/v1", "OPENAI_API_KEY"),
        ("mistral", ("api.mistral.ai:443", "mistral.ai"), "/v1", "MISTRAL_API_KEY"),
        ("openrouter", ("openrouter.ai:443", "openrouter.ai"), "/api/v1", "OPENROUTER_API_KEY"),
        ("groq", ("api.groq.com:443", "groq.com"), "/openai/v1", "GROQ_API_KEY"),
        ("deepseek", ("api.deepseek.com:443", "deepseek.com"), "/v1", "DEEPSEEK_API_KEY"),
        ("vllm", ("127.0.0.1:8000", "127.0.0.1:8000"), "/v1", ""),
        ("ollama", ("127.0.0.1:11434", "127.0.0.1:11434"), "/v1", ""),
        ("llamacpp", ("127.0.0.1:8080", "127.0.0.1:8080"), "/v1", ""),
    ],
)
def test_a_well_known_provider_needs_no_entry(
    load_text: Load, name: str, place: tuple[str, str], base_path: str, variable: str
):
    address, vendor = place
    host, _, port = address.partition(":")

    snapshot = load_text(used(name), {variable: "k"})

    credential = Credential(variable, "k") if variable else Credential("none", "")
    private = not variable
    assert snapshot.providers[name] == Provider(
        name=name,
        kind=name,
        endpoint=Endpoint(host=host, port=int(port), tls=not private, allow_private=private),
        base_path=base_path,
        credentials=(credential,),
        vendor=vendor,
    )


def test_anthropic_and_google_have_addresses_without_a_version():
    assert KINDS["anthropic"].base_url == "https://api.anthropic.com"
    assert KINDS["google"].base_url == "https://generativelanguage.googleapis.com"
    assert KINDS["google"].key_variables == ("GEMINI_API_KEY", "GOOGLE_API_KEY")


def test_an_entry_says_everything_itself(load_text: Load, tmp_path: Path):
    (tmp_path / "ca.pem").write_text("-")

    snapshot = load_text(
        used(
            "europe",
            "{kind: openai, base_url: 'https://EU.example:8443/some/v1/', region: eu-west, "
            "zone: eu, vendor: acme, limits: {rpm: 60}, "
            "proxy: 'http://u:p@proxy.example:3128', ca_file: ca.pem, "
            "keys: [{id: main, secret: one}, {id: spare, secret: two}]}",
        )
    )

    assert snapshot.providers["europe"] == Provider(
        name="europe",
        kind="openai",
        endpoint=Endpoint(
            host="eu.example",
            port=8443,
            tls=True,
            proxy="http://u:p@proxy.example:3128",
            ca_file=str(tmp_path / "ca.pem"),
        ),
        base_path="/some/v1",
        credentials=(Credential("main", "one"), Credential("spare", "two")),
        region="eu-west",
        zone="eu",
        vendor="acme",
        limits=RateLimits(rpm=60),
    )


def test_the_usual_key_is_never_sent_to_another_address(load_text: Load):
    snapshot = load_text(used("far", "{kind: openai, base_url: 'https://far.example/v1'}"))

    assert snapshot.providers["far"].credentials == (Credential("none", ""),)


def test_a_renamed_provider_takes_the_usual_key_of_its_kind(load_text: Load):
    snapshot = load_text(used("mine", "{kind: mistral}"))

    assert snapshot.providers["mine"].credentials == (
        Credential("MISTRAL_API_KEY", "test-mistral"),
    )


def test_azure_takes_its_usual_key_to_the_configured_address(load_text: Load):
    text = used("azure", "{base_url: 'https://r.openai.azure.com/openai/v1/'}")

    snapshot = load_text(text, {"AZURE_OPENAI_API_KEY": "k"})

    assert snapshot.providers["azure"].credentials == (Credential("AZURE_OPENAI_API_KEY", "k"),)
    assert snapshot.providers["azure"].base_path == "/openai/v1"


def test_a_key_loses_the_line_end_that_files_and_shells_add(load_text: Load):
    snapshot = load_text(used("openai"), {"OPENAI_API_KEY": "k\n"})

    assert snapshot.providers["openai"].credentials[0].secret == "k"  # noqa: S105 - no secret


def test_a_usual_key_that_no_header_may_carry_is_a_mistake(refuse_text: Refuse):
    assert refuse_text(used("openai"), {"OPENAI_API_KEY": "a\nb"}) == [
        (
            "hotswap.yaml:1:51 chains[0].models[0].provider: "
            "OPENAI_API_KEY holds characters that no key has"
        )
    ]


@pytest.mark.parametrize(
    ("entry", "allowed"),
    [
        ("{kind: vllm, base_url: 'http://10.1.2.3:8000/v1'}", True),
        ("{kind: ollama, base_url: 'http://localhost:11434/v1'}", True),
        ("{kind: llamacpp, base_url: 'http://[::1]:8080/v1'}", True),
        ("{kind: vllm, base_url: 'https://llm.example/v1'}", False),
        ("{kind: vllm, base_url: 'https://llm.example/v1', allow_private: true}", True),
        ("{kind: openai, base_url: 'http://127.0.0.1:1/v1', allow_private: true}", True),
    ],
)
def test_private_addresses_are_implied_only_for_literal_self_hosted_ones(
    load_text: Load, entry: str, *, allowed: bool
):
    snapshot = load_text(used("local", entry))

    assert snapshot.providers["local"].endpoint.allow_private is allowed


def test_a_key_in_clear_and_an_unused_provider_are_warned_about(load_text: Load):
    snapshot = load_text(
        "providers:\n"
        "  far: {kind: opnai, base_url: 'http://far.example/v1', keys: [{id: a, secret: x}]}\n"
        "  spare: {base_url: 'https://spare.example/v1', limits: {rpm: 5}}\n"
        "models: {far/m: {context: 1000, price: {input: 1, output: 2}}}\n" + used("far")
    )

    assert list(snapshot.providers) == ["far"]
    assert snapshot.warnings == (
        "provider far: its key travels in clear, because base_url is http://",
        'provider far: its kind is unknown and treated as openai (did you mean "openai"?)',
        "provider spare: no chain uses it",
        "chain a: has one link; it takes three for an answer when two fail",
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:8100", Listener("127.0.0.1", 8100)),
        ("[::1]:0", Listener("::1", 0)),
        ("localhost:65535", Listener("localhost", 65535)),
        ("::1:80", None),
        (":80", None),
        ("127.0.0.1", None),
        ("127.0.0.1:65536", None),
        ("127.0.0.1:+1", None),
        ("127.0.0.1:٣", None),
        ("a b:1", None),
        ("http://x:1", None),
    ],
)
def test_a_listener_is_an_address_and_a_port(text: str, expected: Listener | None):
    assert read_listener(text) == expected


def test_loopback_and_private_addresses_are_known():
    assert all(map(is_loopback, ("127.0.0.1", "127.9.9.9", "::1", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "10.0.0.1", "example.com")))  # noqa: S104 - compared, not bound
    assert all(map(is_private, ("127.0.0.1", "10.0.0.1", "192.168.1.1", "169.254.1.1", "fd00::1")))
    assert not any(map(is_private, ("8.8.8.8", "example.com", "2606:4700::1111")))

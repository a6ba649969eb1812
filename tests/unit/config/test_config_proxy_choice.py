from pathlib import Path

import pytest

from hotswap.config.load import load
from hotswap.config.proxy_choice import proxy_from_environment

PROXY = "http://proxy:3128"
HOST = "api.acme.test"


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
def test_the_environment_names_the_proxy(name: str) -> None:
    assert proxy_from_environment(HOST, {name: PROXY}) == PROXY


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_without_tls_the_other_variable_counts(name: str) -> None:
    assert proxy_from_environment(HOST, {name: PROXY}, tls=False) == PROXY


def test_the_scheme_decides_which_variable_counts() -> None:
    environ = {"HTTP_PROXY": PROXY}

    assert proxy_from_environment(HOST, environ) is None
    assert proxy_from_environment(HOST, {"HTTPS_PROXY": PROXY}, tls=False) is None


def test_the_more_special_variable_and_lower_case_win() -> None:
    environ = {"ALL_PROXY": "http://a", "HTTPS_PROXY": "http://b", "https_proxy": "http://c"}

    assert proxy_from_environment(HOST, environ) == "http://c"


@pytest.mark.parametrize("environ", [{}, {"HTTPS_PROXY": ""}, {"NO_PROXY": "*"}])
def test_without_a_proxy_there_is_none(environ: dict[str, str]) -> None:
    assert proxy_from_environment(HOST, environ) is None


@pytest.mark.parametrize(
    ("host", "excluded"),
    [
        (HOST, "*"),
        (HOST, "api.acme.test"),
        (HOST, "acme.test"),
        (HOST, ".acme.test"),
        (HOST, "*.acme.test"),
        (HOST, "other.test, API.ACME.TEST"),
        (HOST, "acme.test:443"),
        ("API.acme.test.", "acme.test"),
        ("10.1.2.3", "10.0.0.0/8"),
        ("10.1.2.3", "10.1.2.3"),
        ("fd00::5", "fd00::/8"),
        ("fd00::5", "[fd00::5]"),
    ],
)
def test_no_proxy_names_hosts_to_connect_to_directly(host: str, excluded: str) -> None:
    assert proxy_from_environment(host, {"HTTPS_PROXY": PROXY, "no_proxy": excluded}) is None
    assert proxy_from_environment(host, {"HTTPS_PROXY": PROXY, "NO_PROXY": excluded}) is None


@pytest.mark.parametrize(
    ("host", "excluded"),
    [
        (HOST, ""),
        (HOST, ","),
        (HOST, "test.acme"),
        (HOST, "cme.test"),
        (HOST, "www.api.acme.test"),
        (HOST, "acme.test:8443"),
        ("11.1.2.3", "10.0.0.0/8"),
        ("10.1.2.3", "fd00::/8"),
        (HOST, "10.0.0.0/8"),
    ],
)
def test_no_proxy_leaves_other_hosts_alone(host: str, excluded: str) -> None:
    assert proxy_from_environment(host, {"HTTPS_PROXY": PROXY, "NO_PROXY": excluded}) == PROXY


@pytest.mark.parametrize("host", ["localhost", "x.localhost", "127.0.0.1", "::1"])
def test_this_machine_is_never_asked_for_through_a_proxy(host: str) -> None:
    assert proxy_from_environment(host, {"HTTPS_PROXY": PROXY}) is None


def test_a_provider_without_a_proxy_takes_the_environments(tmp_path: Path) -> None:
    file = tmp_path / "hotswap.yaml"
    file.write_text(
        "providers:\n"
        "  one: {base_url: https://one.test/v1, keys: [{id: main, secret: k}]}\n"
        "  two: {base_url: https://two.test/v1, proxy: direct, keys: [{id: main, secret: k}]}\n"
        "fallback:\n"
        "  chains:\n"
        "    - name: c\n"
        "      models: [{provider: one, model: m}, {provider: two, model: m}]\n"
    )

    providers = load(file, {"HTTPS_PROXY": PROXY}).providers

    assert providers["one"].endpoint.proxy == PROXY
    assert providers["two"].endpoint.proxy is None

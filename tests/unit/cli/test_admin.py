from pathlib import Path

import pytest

from hotswap.cli.admin import Admin, find_admin
from hotswap.cli.failing import CommandError
from hotswap.processes.exits import Exit

CONFIG = """
server: {admin: "0.0.0.0:8109", state_dir: state}
providers: {here: {kind: vllm, base_url: "http://127.0.0.1:9000/v1"}}
fallback: {chains: [{name: assist, models: [{provider: here, model: m}]}]}
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("HOTSWAP_ADMIN", raising=False)
    monkeypatch.delenv("HOTSWAP_ADMIN_KEY", raising=False)
    path = tmp_path / "hotswap.yaml"
    path.write_text(CONFIG)
    return path


def test_the_configuration_leads_to_address_and_key(config: Path) -> None:
    (config.parent / "state").mkdir()
    (config.parent / "state/admin.key").write_text("hs-admin-1\n")

    assert find_admin(config) == Admin("127.0.0.1", 8109, "hs-admin-1")


def test_the_environment_comes_first_and_needs_no_configuration(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.unlink()
    monkeypatch.setenv("HOTSWAP_ADMIN", "https://gate.example")
    monkeypatch.setenv("HOTSWAP_ADMIN_KEY", "hs-admin-2")

    assert find_admin(config) == Admin("gate.example", 443, "hs-admin-2", tls=True)


def test_an_address_alone_is_completed_by_the_configurations_key(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (config.parent / "state").mkdir()
    (config.parent / "state/admin.key").write_text("hs-admin-1\n")
    monkeypatch.setenv("HOTSWAP_ADMIN", "http://[::1]:9")

    assert find_admin(config) == Admin("::1", 9, "hs-admin-1")


def test_a_missing_key_means_that_no_gateway_ever_ran(config: Path) -> None:
    with pytest.raises(CommandError, match=r"admin\.key: has the gateway ever run") as failed:
        find_admin(config)

    assert failed.value.code == Exit.UNREACHABLE


def test_an_unreadable_configuration_is_told(config: Path) -> None:
    config.write_text("fallback: [")

    with pytest.raises(CommandError) as failed:
        find_admin(config)

    assert failed.value.code == Exit.UNREADABLE


@pytest.mark.parametrize(
    "address", ["127.0.0.1:8101", "http://127.0.0.1:99999", "http://localhost:abc", "http://["]
)
def test_an_address_that_is_none_is_a_usage_error(
    config: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("HOTSWAP_ADMIN", address)
    monkeypatch.setenv("HOTSWAP_ADMIN_KEY", "k")

    with pytest.raises(CommandError) as failed:
        find_admin(config)

    assert failed.value.code == Exit.USAGE


def test_an_address_where_nobody_listens_is_unreachable() -> None:
    with pytest.raises(
        CommandError, match=r"no gateway answers at http://127\.0\.0\.1:1: "
    ) as failed:
        Admin("127.0.0.1", 1, "k").get("/stream")

    assert failed.value.code == Exit.UNREACHABLE


def test_secrets_of_providers_are_not_needed_to_find_the_gateway(config: Path) -> None:
    config.write_text(CONFIG.replace("kind: vllm", "keys: [{id: a, secret: '${NOT_SET}'}]"))
    (config.parent / "state").mkdir()
    (config.parent / "state/admin.key").write_text("hs-admin-1\n")

    assert find_admin(config).port == 8109


@pytest.mark.parametrize("key", ["schlüssel", "two\nlines"])
def test_a_key_that_no_header_can_hold_is_forbidden(
    config: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("HOTSWAP_ADMIN_KEY", key)

    with pytest.raises(CommandError, match="no text of visible ASCII") as failed:
        find_admin(config)

    assert failed.value.code == Exit.FORBIDDEN


def test_an_ipv6_address_is_shown_in_brackets() -> None:
    assert Admin("::1", 9, "k").url == "http://[::1]:9"

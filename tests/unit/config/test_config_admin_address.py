from pathlib import Path

import pytest

from hotswap.config.admin_address import AdminAddress, read_admin_address
from hotswap.config.endpoints import Listener
from hotswap.config.outcome import ConfigMistakes


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "hotswap.yaml"


@pytest.mark.parametrize("text", ["fallback: {}", "server:", "server: {admin: null}", "server: []"])
def test_without_settings_the_defaults_count(path: Path, text: str) -> None:
    path.write_text(text)

    found = read_admin_address(path, {})

    assert found == AdminAddress(Listener("127.0.0.1", 8101), path.parent / ".hotswap")


def test_references_are_resolved(path: Path) -> None:
    path.write_text('server: {admin: "[::1]:${PORT}", state_dir: "${STATE:-/var/lib/hotswap}"}')

    found = read_admin_address(path, {"PORT": "9"})

    assert found == AdminAddress(Listener("::1", 9), Path("/var/lib/hotswap"))


def test_mistakes_elsewhere_and_missing_secrets_do_not_matter(path: Path) -> None:
    path.write_text(
        'server: {admin: "127.0.0.1:9", wrokers: 2}\n'
        "providers: {a: {keys: [{id: main, secret: '${NOT_SET}'}]}}\n"
    )

    assert read_admin_address(path, {}).listener == Listener("127.0.0.1", 9)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("server: {admin: 8101}", "1:17 server.admin: should be a text"),
        ("server: {admin: here}", "1:17 server.admin: should be an address and a port"),
        (
            "server:\n  state_dir: ${NOT_SET}",
            (
                "2:14 server.state_dir: the environment has no variable NOT_SET"
                " (set it, or write ${NOT_SET:-default})"
            ),
        ),
        ("server: [", "1:10 expected the node content, but found '<stream end>'"),
    ],
)
def test_what_makes_no_sense_is_told_with_its_place(path: Path, text: str, told: str) -> None:
    path.write_text(text)

    with pytest.raises(ConfigMistakes) as refused:
        read_admin_address(path, {})

    assert str(refused.value) == f"{path}:{told}"


def test_a_file_that_is_not_there_is_told(path: Path) -> None:
    with pytest.raises(ConfigMistakes, match="cannot be read: No such file"):
        read_admin_address(path, {})

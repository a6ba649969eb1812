import stat
from pathlib import Path

import pytest

from hotswap.errors import ConfigError
from hotswap.keeper.admin_key import load_admin_key


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_first_start_makes_a_key_that_only_its_owner_may_read(tmp_path: Path) -> None:
    key = load_admin_key(tmp_path / "state")

    assert key.new
    assert key.secret.startswith("hs-admin-")
    assert len(key.secret) == 52
    assert mode(tmp_path / "state" / "admin.key") == 0o600
    assert mode(tmp_path / "state") == 0o700


def test_later_starts_use_the_same_key_and_leave_nothing_else_behind(tmp_path: Path) -> None:
    first = load_admin_key(tmp_path)
    second = load_admin_key(tmp_path)

    assert not second.new
    assert second.secret == first.secret
    assert [path.name for path in tmp_path.iterdir()] == ["admin.key"]


def test_no_two_keys_are_alike(tmp_path: Path) -> None:
    assert load_admin_key(tmp_path / "a").secret != load_admin_key(tmp_path / "b").secret


def test_a_key_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    (tmp_path / "admin.key").write_text("hs-admin-by-hand\n")
    (tmp_path / "admin.key").chmod(0o644)
    key = load_admin_key(tmp_path)

    assert not key.new
    assert key.secret.endswith("-by-hand")
    assert mode(tmp_path / "admin.key") == 0o600


@pytest.mark.parametrize("content", ["", "secret", "\n"])
def test_a_file_that_holds_no_admin_key_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "admin.key").write_text(content)

    with pytest.raises(ConfigError, match=r"admin\.key: this is not an admin key"):
        load_admin_key(tmp_path)


def test_a_folder_that_can_not_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")

    with pytest.raises(ConfigError, match=r"state/admin\.key: the admin key can not be kept"):
        load_admin_key(tmp_path / "state")


def test_the_key_does_not_show(tmp_path: Path) -> None:
    assert "hs-admin" not in repr(load_admin_key(tmp_path))

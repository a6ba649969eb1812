"""The admin key: made at first start, kept in a file that only its owner may read."""

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Final

from msgspec import Struct
from typing_extensions import override

from ..errors import ConfigError

PREFIX: Final = "hs-admin-"
MODE: Final = 0o600


class AdminKey(Struct, frozen=True):
    """The key, and whether it was made just now and is therefore to be shown once."""

    secret: str
    new: bool

    @override
    def __repr__(self) -> str:
        return f"AdminKey(new={self.new!r})"


def load_admin_key(state_dir: Path) -> AdminKey:
    """Return the key of `state_dir`, which is made if it is missing, with its folder.

    Raises:
        ConfigError: The file can not be read or written, or holds something else.
    """
    path = state_dir / "admin.key"
    try:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = not path.exists() and _make(path)
        path.chmod(MODE)
        secret = path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), f"the admin key can not be kept: {error}") from error
    if not secret.startswith(PREFIX):
        raise ConfigError(
            str(path), "this is not an admin key", "remove the file, a new one is made"
        )
    return AdminKey(secret, new)


def _make(path: Path) -> bool:
    """Write a new key; False: another process was first."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, MODE)
    try:
        os.write(descriptor, f"{PREFIX}{secrets.token_urlsafe(32)}\n".encode())
        os.fsync(descriptor)
        with suppress(FileExistsError):
            os.link(draft, path)
            return True
        return False
    finally:
        os.close(descriptor)
        draft.unlink()

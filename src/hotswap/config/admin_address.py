"""Where a configuration puts the admin listener and its key.

Light on purpose, and lenient: a command that speaks to a running gateway needs neither the
providers' secrets in its environment nor a file without mistakes elsewhere.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import cast

from msgspec import Struct

from ..core.settings import ServerSettings
from ..errors import ConfigError
from .endpoints import Listener, read_listener
from .expand import expand
from .nodes import Document, Place
from .outcome import ConfigMistakes, Mistake
from .source import parse, read_bytes, shown


class AdminAddress(Struct, frozen=True):
    """What it takes to reach the admin listener."""

    listener: Listener
    state_dir: Path
    """Holds the key."""


def read_admin_address(path: Path, environ: Mapping[str, str]) -> AdminAddress:
    """Read nothing but `server.admin` and `server.state_dir` of a configuration.

    Args:
        path: The YAML file.
        environ: Where `${NAME}` is looked up.

    Raises:
        ConfigMistakes: The file can not be read, or these settings make no sense.
    """
    document = parse(path, read_bytes(path), str)
    folder = path.absolute().parent
    default = ServerSettings()
    admin = _setting(document, "admin", path, environ)
    state_dir = _setting(document, "state_dir", path, environ) or default.state_dir
    listener = read_listener(admin or f"{default.admin_host}:{default.admin_port}")
    if listener is None:
        raise _mistake(document, "admin", path, "should be an address and a port")
    return AdminAddress(listener, folder / state_dir)


def _setting(document: Document, name: str, path: Path, environ: Mapping[str, str]) -> str | None:
    """Return a text below `server`; None: there is none, and the default counts."""
    value = document.value
    for key in ("server", name):
        value = cast("dict[str, object]", value).get(key) if isinstance(value, dict) else None
    if value is None:
        return None
    if not isinstance(value, str):
        raise _mistake(document, name, path, "should be a text")
    try:
        return expand(value, environ, path.absolute().parent)
    except ConfigError as error:
        raise _mistake(document, name, path, error.problem, error.hint) from None


def _mistake(
    document: Document, name: str, path: Path, problem: str, hint: str = ""
) -> ConfigMistakes:
    place = document.values.get(("server", name), Place(1, 1))
    mistake = Mistake(shown(path), place.line, place.column, f"server.{name}", problem, hint)
    return ConfigMistakes((mistake,))

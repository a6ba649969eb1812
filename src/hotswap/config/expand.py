"""Replaces `${NAME}`, `${NAME:-default}` and `${file:PATH}` in strings that are already parsed.

Because it happens after parsing, no value can change the structure of the file. `$${` stands for
a literal `${`. A default counts when the variable is missing or empty.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ..errors import ConfigError

MAX_FILE_BYTES: Final = 64 * 1024
"""A longer file is not a secret but a slip."""

_REFERENCE: Final = re.compile(r"\$(\$\{)|\$\{([^{}]*)\}|(\$\{)")
_NAME: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?", re.DOTALL)
_FORMS: Final = "write ${NAME}, ${NAME:-default} or ${file:/path}; $${ is a literal ${"


def expand(text: str, environ: Mapping[str, str], folder: Path) -> str:
    """Return `text` with every reference replaced.

    Args:
        text: A string of the configuration.
        environ: The environment.
        folder: What relative paths of `${file:...}` are relative to.

    Raises:
        ConfigError: A variable is missing, a file is unreadable, or a reference is malformed.
            The message names the variable or file, never a value.
    """

    def replace(match: re.Match[str]) -> str:
        if match[1]:
            return match[1]
        if match[3]:
            raise ConfigError("", "a ${ without its }", _FORMS)
        inner = match[2]
        if inner.startswith("file:"):
            return _read(folder / inner.removeprefix("file:"))
        return _look_up(inner, environ)

    return _REFERENCE.sub(replace, text)


def mask(text: str) -> str:
    """Return the text of a reference as it may be shown: without its default."""
    return re.sub(r":-[^{}]*\}", "}", text)


def _look_up(inner: str, environ: Mapping[str, str]) -> str:
    match = _NAME.fullmatch(inner)
    if match is None:
        raise ConfigError("", "a ${...} that names no variable", _FORMS)
    name, default = match[1], match[2]
    if default is not None:
        return environ.get(name) or default
    if name not in environ:
        raise ConfigError(
            "", f"the environment has no variable {name}", f"set it, or write ${{{name}:-default}}"
        )
    return environ[name]


def _read(path: Path) -> str:
    try:
        # A pipe or a device could block the start for ever.
        if not path.is_file():
            raise ConfigError("", f"there is no file {path}")
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a path"
        raise ConfigError("", f"cannot read the file {path}: {reason}") from error
    if len(content) > MAX_FILE_BYTES:
        raise ConfigError("", f"the file {path} is longer than {MAX_FILE_BYTES} bytes")
    try:
        return content.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise ConfigError("", f"the file {path} is not UTF-8 text") from None

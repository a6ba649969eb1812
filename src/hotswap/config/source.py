"""From the path of a file to its YAML nodes, before anybody asks what they mean."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from .nodes import Document, SyntaxMistake, read
from .outcome import ConfigMistakes, Mistake

MAX_BYTES: Final = 4 * 1024 * 1024


def shown(path: Path) -> str:
    """Return a path as messages name it."""
    return str(path).encode(errors="replace").decode()


def read_bytes(path: Path) -> bytes:
    """Return the content of a configuration file; raises `ConfigMistakes`."""
    file = shown(path)
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a path"
        raise ConfigMistakes((Mistake(file, 0, 0, "", f"cannot be read: {reason}"),)) from None
    if len(content) > MAX_BYTES:
        raise ConfigMistakes((Mistake(file, 0, 0, "", f"is longer than {MAX_BYTES} bytes"),))
    return content


def parse(path: Path, content: bytes, expand: Callable[[str], str]) -> Document:
    """Read the content of `path` as YAML.

    Args:
        path: For messages.
        content: What `read_bytes` returned.
        expand: As in `nodes.read`.

    Raises:
        ConfigMistakes: It is no UTF-8 text, or no YAML.
    """
    file = shown(path)
    text = _text(content, file)
    try:
        return read(text, expand)
    except SyntaxMistake as mistake:
        place = mistake.place
        raise ConfigMistakes(
            (Mistake(file, place.line, place.column, "", mistake.problem, mistake.hint),)
        ) from None


def _text(content: bytes, file: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line = before.count(b"\n") + 1
        column = len(before.rpartition(b"\n")[2].decode(errors="replace")) + 1
        raise ConfigMistakes((Mistake(file, line, column, "", "is not UTF-8 text"),)) from None

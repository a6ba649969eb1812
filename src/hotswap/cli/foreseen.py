"""What a running gateway would do with a request now."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.json import Decoder, encode

from ..core.latency import Figures
from ..gateway.foresight import Foresight
from ..ledger.question import Question
from ..processes.exits import Exit
from .admin import find_admin
from .failing import CommandError


class Foreseen(Struct, frozen=True):
    """The admin listener's answer."""

    config: str
    """Digest of the configuration in force."""
    explanation: Foresight
    measured: Mapping[str, Figures]
    """By target; those that nobody has asked are left out."""


_read: Final = Decoder(Foreseen).decode


def foresee(config: Path, question: Question) -> Foreseen | str:
    """Ask the gateway of a configuration; return why there is none where none runs.

    Raises:
        CommandError: It does not accept the key, or can not answer.
    """
    try:
        answer = find_admin(config).post("explain", body=encode(question))
    except CommandError as error:
        if error.code is not Exit.UNREACHABLE:
            raise
        return str(error).removeprefix("hotswap: ")
    found = _read(answer)
    if found.explanation.problem:
        raise CommandError(Exit.FAILED, f"hotswap: {found.explanation.problem}")
    return found

"""What loading a configuration ends in: a snapshot, or every mistake at once.

Light on purpose: the processes that receive an outcome import this, not YAML and pydantic.
"""

from msgspec import Struct
from msgspec.msgpack import Decoder, Encoder
from typing_extensions import override

from .snapshot import Snapshot


class Mistake(Struct, frozen=True, gc=False):
    """One thing to mend, with its place. Holds no secret."""

    file: str
    line: int
    """From 1; 0: the mistake has no line, such as a file that cannot be read."""
    column: int
    """From 1, in characters."""
    path: str
    """Such as `chains[0].models[1].provider`; empty: the file as a whole."""
    problem: str
    hint: str = ""
    """What to do about it; empty: the problem says it."""

    @override
    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else f"{self.file}:"
        subject = f" {self.path}:" if self.path else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{place}{subject} {self.problem}{hint}"


class ConfigMistakes(Exception):  # noqa: N818 - named for what it holds, one or many
    """The file cannot be used; `mistakes` holds all of them in the order of the file."""

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        super().__init__("\n".join(map(str, mistakes)))
        self.mistakes = mistakes


class Loaded(Struct, frozen=True, tag="loaded"):
    """The file is fine."""

    snapshot: Snapshot


class Refused(Struct, frozen=True, tag="refused"):
    """The file cannot be used."""

    mistakes: tuple[Mistake, ...]


Outcome = Loaded | Refused

_encoder = Encoder()
_decoder: "Decoder[Outcome]" = Decoder(Outcome)


def encode(outcome: Outcome) -> bytes:
    """Write an outcome as msgpack, secrets included."""
    return _encoder.encode(outcome)


def decode(data: bytes) -> Outcome:
    """Read what `encode` wrote; raises `msgspec.MsgspecError` for anything else."""
    return _decoder.decode(data)

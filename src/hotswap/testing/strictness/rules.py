"""What the rules of all APIs share."""

from collections.abc import Callable, Iterable
from typing import Final, TypeVar

from msgspec import Raw
from msgspec.json import Decoder

Body = TypeVar("Body")

_decode_fields: Final = Decoder(dict[str, Raw]).decode


def first_wrong(body: Body, rules: Iterable[Callable[[Body], str]]) -> str:
    """Return what the first broken rule says; empty: all are kept."""
    for rule in rules:
        if wrong := rule(body):
            return wrong
    return ""


def unknown_field(body: bytes, known: frozenset[str]) -> str:
    """Return the first name of an object that is not known; empty: there is none."""
    return next((name for name in _decode_fields(body) if name not in known), "")


def is_blank(text: str) -> bool:
    """Whether a text has nothing but white space."""
    return not text.strip()

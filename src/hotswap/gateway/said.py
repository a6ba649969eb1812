"""A whole answer in the caller's words."""

from msgspec import Struct

from ..core.terms import Usage


class Said(Struct, frozen=True, gc=False):
    """A whole answer, ready for the caller."""

    body: bytes
    usage: Usage | None

"""What went wrong below HTTP, before it is told to a listener."""

from msgspec import Struct

from .api import Fault


class Flaw(Struct, frozen=True, gc=False):
    """A fault with its explanation for operators, free of secrets."""

    fault: Fault
    message: str

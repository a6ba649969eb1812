"""What of a request bears on where it goes, and what else a plan goes by."""

from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct

from .standings import Standings
from .terms import Chain, Target

Able = Callable[[Target], str]
"""Says what a target lacks for the request in hand; empty: nothing. `TIGHT`: it comes last."""


def able_for_all(_: Target) -> str:
    """Say that no target lacks anything."""
    return ""


class Ask(Struct, frozen=True, gc=False):
    """What of a request bears on where it goes."""

    able: Able = able_for_all
    """A target for which it has words is left out, also when nothing else is left."""
    one_model: bool = False
    """Only the first target's model may answer: vectors of another model are not comparable, so
    embeddings never move to one."""
    prompt_tokens: int = 0
    """Estimate."""
    output_tokens: int = 0
    """What the caller allows the answer; 0: it does not say."""
    conversation: bytes = b""
    """Names the conversation, where the chain keeps it at one target; empty: it does not."""
    order: Sequence[str] = ()
    """The caller's own: only these targets, in this order; empty: the chain's."""
    warm: str = ""
    """Target that answered the conversation last: preferred as long as it is well."""
    zones: Sequence[str] = ()
    """Only targets of these zones, whatever else is down; empty: all."""


ANYTHING: Final = Ask()


class Scene(Struct, frozen=True, gc=False):
    """What all questions about one request's targets go by."""

    chain: Chain
    standings: Standings
    now: float
    """Monotonic seconds."""
    jitter: Callable[[], float]
    """Gives a random number in [0, 1)."""
    ask: Ask
